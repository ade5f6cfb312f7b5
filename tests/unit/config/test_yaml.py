from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.config.loading import CONFIG_KEYS
from connector.config.source_text import Position, SourceText
from connector.config.yaml_scalars import YamlError
from connector.config.yaml_source import read_yaml
from tests.unit.config.files import SOUND, read

if TYPE_CHECKING:
    from connector.settings.problems import Path


def place(text: str, path: Path, *, at_key: bool = False) -> Position:
    source = SourceText(text)
    return source.position(read_yaml(source).span(path, at_key=at_key).start)


def first_error(text: str) -> tuple[Position, str]:
    source = SourceText(text)
    with pytest.raises(YamlError) as raised:
        read_yaml(source, CONFIG_KEYS)
    return source.position(raised.value.index), raised.value.message


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
    found = read(f"a: {written}\n").data["a"]
    assert found == meant
    assert type(found) is type(meant)


def test_keys_are_text_as_written_so_that_a_table_of_codes_finds_them() -> None:
    tree = read("{1: a, 010: b, true: c, NO: d, 1.0: e}")
    assert tree.data == {"1": "a", "010": "b", "true": "c", "NO": "d", "1.0": "e"}


def test_a_merge_lays_a_tables_own_keys_over_what_it_merges() -> None:
    tree = read("a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc:\n  z: 5\n  <<: [*a, *b]\n")
    assert tree.data["c"] == {"x": 1, "y": 2, "z": 5}


def test_merges_go_through_several_levels() -> None:
    tree = read("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b, z: 3}\n")
    assert tree.data["c"] == {"x": 1, "y": 2, "z": 3}


def test_a_quoted_merge_key_is_a_key_like_any_other() -> None:
    assert read('"<<": 1').data == {"<<": 1}


def test_what_comes_from_an_anchor_stands_where_its_text_stands() -> None:
    text = "a: &a\n  x: 1\nb: *a\nc: {<<: *a}\n"
    assert place(text, ("b", "x")) == Position(2, 6)
    assert place(text, ("c", "x"), at_key=True) == Position(2, 3)
    assert place(text, ("b",), at_key=True) == Position(3, 1)


def test_what_is_not_in_the_file_is_placed_at_the_table_around_it() -> None:
    text = "a:\n  b:\n    - x: 1\n"
    assert place(text, ("a", "b", 0, "missing", "deeper")) == Position(3, 7)
    assert place(text, ("a", "missing")) == Position(1, 1)
    assert place(text, ("missing",)) == Position(1, 1)


def test_positions_count_characters_and_not_bytes() -> None:
    assert place("订单: {键: 值}", ("订单", "键")) == Position(1, 9)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_lines_are_counted_as_editors_count_them(line_break: str) -> None:
    assert place(line_break.join(["a: \u2028x", "b: \x85y", "c: {d: 1}"]), ("c", "d")) == Position(3, 8)


def test_a_key_given_twice_keeps_its_first_value_and_both_places() -> None:
    text = "a: 1\nb: {c: 1, c: 2}\na: 2\n"
    source, found = SourceText(text), read(text)
    assert found.data == {"a": 1, "b": {"c": 1}}
    assert {
        path: (source.position(again.start), source.position(first.start))
        for again, (path, first) in found.repeated.items()
    } == {("a",): ((3, 1), (1, 1)), ("b", "c"): ((2, 11), (2, 5))}


def test_an_alias_bomb_is_refused() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(YamlError, match="more than 100,000 values, aliases expanded"):
        read("\n".join(lines))


def test_a_merge_bomb_is_refused() -> None:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 12)]
    with pytest.raises(YamlError, match="more than 100,000 values, aliases expanded"):
        read("\n".join(lines))


@pytest.mark.parametrize(
    "text",
    ["a: &a [*a]", "a: &a {b: *a}", "a: &a {<<: *a}", "a: &a {b: {<<: *a}}", "a: {<<: &b {<<: *b}}", "&a {x: [*a]}"],
)
def test_an_anchor_that_holds_itself_is_refused(text: str) -> None:
    assert first_error(text)[1] in {"the anchor &a holds an alias of itself", "the anchor &b holds an alias of itself"}


def test_an_anchor_that_is_set_again_is_no_error() -> None:
    assert read("a: &x 1\nb: &x 2\nc: *x\n").data["c"] == 2


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "\n".join(" " * n + "a:" for n in range(80))])
def test_deep_nesting_is_refused_and_not_a_recursion_error(text: str) -> None:
    assert first_error(text)[1] == "nested deeper than 60 levels"


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "---\n...\n", "~", "null"])
def test_an_empty_file_says_what_is_required(text: str) -> None:
    expected = "the file is empty: kafka, platform, targets and routes are required"
    assert first_error(text) == (Position(1, 1), expected)


@pytest.mark.parametrize("text", ["- a\n- b\n", "just text\n", "42", '"text"', "&a [x]", "!!str x"])
def test_a_root_that_is_no_table_is_refused(text: str) -> None:
    assert first_error(text)[1] == "expected a table with the keys kafka, platform, targets and routes"


@pytest.mark.parametrize(
    "text",
    ["!!python/object:os.system {a: 1}", "a: !!python/object/apply:os.system [ls]", "a: !x {}", "!!python/name:x y: 1"],
)
def test_tags_are_refused(text: str) -> None:
    assert first_error(text)[1].startswith("tags are not allowed: remove '!")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("!!int 5", "tags are not allowed: remove '!!int', or quote the text"),
        ("!!python/name:os.system x", "tags are not allowed: remove '!!python/name:os.system', or quote the text"),
        ("18446744073709551616", "an integer beyond 64 bits: quote it if it is text"),
        (".inf", "not a number in JSON: quote it if it is text"),
        ("1e999", "not a number in JSON: quote it if it is text"),
        ('"\\ud800"', "half a character (\\ud800 to \\udfff): write the character itself"),
    ],
)
def test_a_scalar_that_means_nothing_is_reported_at_its_path(value: str, message: str) -> None:
    assert [(each.path, each.message) for each in read(f"a: {{b: {value}}}").problems] == [(("a", "b"), message)]


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
    _, message = first_error(line)
    assert message.endswith(f" in quotes: {mended}")
    assert read(mended).data


def test_the_first_slip_of_a_file_is_reported_at_its_own_place() -> None:
    place, _ = first_error("a: {c: 1, b: ${X}}\nd:\n  - {e: ${Y}, f: ${Z}, g: 1}\n")
    assert place == Position(1, 14)


@pytest.mark.parametrize("line", ["a: {b: 1}}", "a: {b: c} d", "a: {b: [1}", "a: [1, 2", "a: }", "a: 'it's'"])
def test_what_may_be_meant_in_more_than_one_way_has_no_hint(line: str) -> None:
    assert "in quotes: " not in first_error(line)[1]


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
    assert "hunter2" not in first_error(line)[1]


@pytest.mark.parametrize("text", ["a: b\x00", "\x07", "a: \x1b[31m", "a: \x7f"])
def test_control_characters_are_named(text: str) -> None:
    assert f"control character (U+{ord(min(text, key=str.isprintable)):04X})" in first_error(text)[1]


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ('a: 1\nb: "\\UFFFFFFFF"', Position(2, 5)),
        ('a: "\\U00110000"', Position(1, 5)),
        ("%YAML 1.99999999999999999999\n---\na: 1", Position(1, 1)),
    ],
)
def test_what_ruamel_stumbles_over_without_a_place_is_reported_like_the_rest(text: str, position: Position) -> None:
    expected = "not YAML: an escape like \\U that stands for no character, or a wrong %YAML"
    assert first_error(text) == (position, expected)


# -- properties -----------------------------------------------------------------------------------------------------

WORDS = st.text(alphabet="abc订单", min_size=1, max_size=4)


@st.composite
def marked_files(draw: st.DrawFn) -> str:
    """A table of tables in which every key and every value occurs once, in block and in flow style."""
    names = draw(st.lists(WORDS, min_size=2, max_size=12, unique=True))
    rows = []
    for number, name in enumerate(names):
        blanks = " " * draw(st.integers(1, 3))
        filler = draw(st.sampled_from(["", "# 注释，\n", "\n", "\r\n", f"x{number}: '{{'\n"]))
        value = draw(st.sampled_from(["v{}", "'v{}'", '"v{}"', "{{k: v{}}}", "[v{}, 1]", "\n  k: v{}", "\n- v{}"]))
        rows.append(f"{filler}K{number}{name}:{blanks}{value.format(f'{number}.')}")
    return draw(st.sampled_from(["\n", "\r\n"])).join(rows)


@settings(max_examples=100)
@given(text=marked_files())
def test_every_position_is_that_of_a_search_in_the_text(text: str) -> None:
    source, found = SourceText(text), read(text)
    lines = text.replace("\r\n", "\n").split("\n")
    for path, span in found.keys.items():
        word = str(path[-1])
        if word.startswith("K"):
            line = next(number for number, each in enumerate(lines, 1) if each.startswith(f"{word}:"))
            assert source.position(span.start) == (line, 1)
            assert text[span.start : span.end] == word
    for path, span in found.values.items():
        value = read_at(found.data, path)
        if isinstance(value, str) and value.startswith("v"):
            assert text[span.start : span.end].strip("'\"") == value
            line = next(number for number, each in enumerate(lines, 1) if value in each)
            assert source.position(span.start) == (line, lines[line - 1].index(text[span.start : span.end]) + 1)


def read_at(data: object, path: Path) -> object:
    for step in path:
        data = data[step]  # type: ignore[index]
    return data


HOSTILE = st.text(
    alphabet=st.sampled_from("a1:-?,[]{}#&*!|>'\"%@`\\ \t\n\r\x85\u2028\u3000\ufeff\0：，“”订<${}~"), max_size=60
)


@settings(max_examples=300)
@given(text=HOSTILE | st.text(max_size=60))
def test_any_text_makes_data_or_one_error_inside_it(text: str) -> None:
    assert all(0 <= index <= len(text) for index in indices(text))


@settings(max_examples=150)
@given(where=st.integers(0, len(SOUND)), length=st.integers(0, 3), damage=HOSTILE)
def test_damage_to_a_file_makes_data_or_one_error_inside_it(where: int, length: int, damage: str) -> None:
    text = SOUND[:where] + damage + SOUND[where + length :]
    assert all(0 <= index <= len(text) for index in indices(text))


def indices(text: str) -> list[int]:
    """Every index that is reported about a text."""
    try:
        found = read(text)
    except YamlError as error:
        return [error.index]
    return [index for span in [*found.keys.values(), *found.values.values()] for index in span]


# -- large and hostile ----------------------------------------------------------------------------------------------


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("&" * 10_000, "the file is empty: kafka, platform, targets and routes are required"),
        ("&", "text that begins with * or & needs quotes"),
        ("*" * 10_000, f"no anchor &{'*' * 40} stands above; text that begins with * needs quotes"),
        ("%" * 1000, "a line that begins with % is a directive of YAML: quote the text"),
        ("? " * 5000, "nested deeper than 60 levels"),
        ("- " * 5000, "nested deeper than 60 levels"),
        ("\n" * 200_000, "the file is empty: kafka, platform, targets and routes are required"),
        (SOUND + "“" * 100_000, "a ':' is missing after this key, or the line before it is not complete"),
        (SOUND + "a：b，" * 50_000, "a ':' is missing after this key, or the line before it is not complete"),
        ("{" + "a[], " * 20_000, 'write "a[]" in quotes: {"a[]"' + ", a[]" * 38 + ", a[…"),
        ("? [a]\n: b", "a key must be text: quote it if it begins with { or ["),
        ("!!set {a, b}", "tags are not allowed: remove '!!set', or quote the text"),
        ("*a", "no anchor &a stands above; text that begins with * needs quotes"),
        (f"{SOUND}...\nfoo: 1\n", "a file is one document: remove the '---'"),
    ],
)
def test_hostile_text_is_refused_in_time_and_in_words(text: str, message: str) -> None:
    assert first_error(text)[1] == message
