from __future__ import annotations

import pytest

from connector.config.yaml_scalars import Position, YamlError
from connector.config.yaml_text import read_text
from connector.config.yaml_tree import read_tree


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("2024-01-31", "2024-01-31"),
        ("1_000", "1_000"),
        ("010", 10),
        ("-7", -7),
        ("0x1F", 31),
        ("0o17", 15),
        ("0b1", "0b1"),
        ("0.01", 0.01),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("", None),
        ("~", None),
        ("null", None),
        ("'010'", "010"),
        ('"true"', "true"),
        ("!!str 010", "010"),
        ("下单", "下单"),
        ("=", "="),
    ],
)
def test_scalars_are_what_they_look_like(written: str, meant: object) -> None:
    found = read_tree(f"a: {written}\n").data["a"]
    assert found == meant
    assert type(found) is type(meant)


def test_keys_are_text_as_written_so_that_a_table_of_codes_finds_them() -> None:
    tree = read_tree("{1: a, 010: b, true: c, NO: d, 1.0: e}")
    assert tree.data == {"1": "a", "010": "b", "true": "c", "NO": "d", "1.0": "e"}


def test_a_merge_lays_a_tables_own_keys_over_what_it_merges() -> None:
    tree = read_tree("a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc:\n  z: 5\n  <<: [*a, *b]\n")
    assert tree.data["c"] == {"x": 1, "y": 2, "z": 5}


def test_merges_go_through_several_levels() -> None:
    tree = read_tree("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b, z: 3}\n")
    assert tree.data["c"] == {"x": 1, "y": 2, "z": 3}


def test_a_quoted_merge_key_is_a_key_like_any_other() -> None:
    assert read_tree('"<<": 1').data == {"<<": 1}


def test_what_comes_from_an_anchor_stands_where_its_text_stands() -> None:
    tree = read_tree("a: &a\n  x: 1\nb: *a\nc: {<<: *a}\n")
    assert tree.position(("b", "x")) == Position(2, 6)
    assert tree.position(("c", "x"), at_key=True) == Position(2, 3)
    assert tree.position(("b",), at_key=True) == Position(3, 1)


def test_what_is_not_in_the_file_is_placed_at_the_table_around_it() -> None:
    tree = read_tree("a:\n  b:\n    - x: 1\n")
    assert tree.position(("a", "b", 0, "missing", "deeper")) == Position(3, 7)
    assert tree.position(("a", "missing")) == Position(1, 1)
    assert tree.position(("missing",)) == Position(1, 1)


def test_positions_count_characters_and_not_bytes() -> None:
    assert read_tree("订单: {键: 值}").position(("订单", "键")) == Position(1, 9)


def test_a_key_given_twice_keeps_its_first_value_and_both_places() -> None:
    tree = read_tree("a: 1\nb: {c: 1, c: 2}\na: 2\n")
    assert tree.data == {"a": 1, "b": {"c": 1}}
    assert [(item.path, item.position, item.first.line) for item in tree.repeated] == [
        (("a",), (3, 1), 1),
        (("b", "c"), (2, 11), 2),
    ]


def test_a_bomb_of_aliases_does_not_go_off() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(YamlError, match="expand to more than"):
        read_tree("\n".join(lines))


def test_a_bomb_of_merges_does_not_go_off() -> None:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 12)]
    with pytest.raises(YamlError, match="expand to more than"):
        read_tree("\n".join(lines))


def test_an_anchor_that_holds_itself_is_refused() -> None:
    with pytest.raises(YamlError, match="no anchor &a stands above"):
        read_tree("a: &a [*a]")


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "\n".join(" " * n + "a:" for n in range(80))])
def test_deep_nesting_is_refused_and_not_a_recursion_error(text: str) -> None:
    tree, flaws = read_text(text)
    assert tree is None
    assert "nested deeper" in flaws[-1].message


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "---\n...\n"])
def test_an_empty_file_says_what_is_required(text: str) -> None:
    _, flaws = read_text(text)
    assert [flaw.message for flaw in flaws] == ["the file is empty: kafka, platform, targets and routes are required"]


@pytest.mark.parametrize("text", ["- a\n- b\n", "just text\n", "42", '"text"'])
def test_a_root_that_is_no_table_is_refused(text: str) -> None:
    _, flaws = read_text(text)
    assert flaws[0].message.startswith("the file must be a table: kafka:")


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        ("a: {b: ${X}}", 'a: {b: "${X}"}'),
        ("a: [${X}, b]", 'a: ["${X}", b]'),
        ("a: {b: ${X}${Y}:9092 }", 'a: {b: "${X}${Y}:9092" }'),
        ("a: {b: $.items[0].sku, c: 1}", 'a: {b: "$.items[0].sku", c: 1}'),
        ("a: {b: [a-z]+, c: 1}", 'a: {b: "[a-z]+", c: 1}'),
        (r"a: {b: ^\d{1,3}$}", r"a: {b: '^\d{1,3}$'}"),
        ("a: {b: order {$.id} of {$.shop}}", 'a: {b: "order {$.id} of {$.shop}"}'),
        ("a: {b: it's {$.id}}", 'a: {b: "it\'s {$.id}"}'),
        ("a: [A-Z]+", 'a: "[A-Z]+"'),
        ("a: @x", 'a: "@x"'),
        ("a: `x` # why", 'a: "`x`" # why'),
    ],
)
def test_the_commonest_slip_is_shown_as_it_should_be_and_that_is_yaml(line: str, mended: str) -> None:
    tree, flaws = read_text(line)
    assert len(flaws) == 1
    assert flaws[0].message.endswith(f" in quotes: {mended}")
    assert tree is not None
    assert tree.data == read_tree(mended).data


def test_every_slip_of_a_file_is_told_and_the_rest_is_read_at_its_own_place() -> None:
    tree, flaws = read_text("a: {b: ${X}, c: 1}\nd:\n  - {e: ${Y}, f: ${Z}, g: 1}\n")
    assert [flaw.position for flaw in flaws] == [(1, 8), (3, 9), (3, 18)]
    assert tree is not None
    assert tree.position(("a", "c")) == Position(1, 17)
    assert tree.position(("d", 0, "g")) == Position(3, 27)
    assert tree.position(("d", 0, "g"), at_key=True) == Position(3, 24)


@pytest.mark.parametrize("line", ["a: {b: 1}}", "a: {b: c} d", "a: {b: [1}", "a: [1, 2", "a: }", "a: 'it's'"])
def test_what_may_be_meant_in_more_than_one_way_is_not_mended(line: str) -> None:
    tree, flaws = read_text(line)
    assert tree is None
    assert "in quotes: " not in flaws[0].message


@pytest.mark.parametrize(
    "line",
    [
        "a: {app_secret: hunter2, b: ${X}}",
        "a: {app_secret: 'hunter2, and more', b: ${X}}",
        'a: {"sasl.password": "hunter2", b: ${X}}',
        "a: {token: ${X}hunter2}",
        "a: {token: ${X:-hunter2}, b: {$.y}z}",
        "a: {b: ${X}, ssl.key.password: hunter2}",
        "a: {app_secret: hunter2{1}}",
    ],
)
def test_a_line_that_is_shown_hides_the_secrets_in_it(line: str) -> None:
    _, flaws = read_text(line)
    assert flaws
    assert not any("hunter2" in flaw.message for flaw in flaws)


@pytest.mark.parametrize("text", ["a: b\x00", "\x07", "a: \x1b[31m", "a: \x7f"])
def test_control_characters_are_named(text: str) -> None:
    _, flaws = read_text(text)
    assert f"control character (U+{ord(min(text, key=str.isprintable)):04X})" in flaws[0].message


@pytest.mark.parametrize("text", ['a: "\\UFFFFFFFF"', 'a: "\\U00110000"', "%YAML 1.99999999999999999999\n---\na: 1"])
def test_what_ruamel_itself_stumbles_over_is_a_flaw_like_others(text: str) -> None:
    tree, flaws = read_text(text)
    assert tree is None
    assert "not YAML from here on" in flaws[0].message
