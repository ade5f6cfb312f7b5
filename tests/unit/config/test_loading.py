"""What holds for every file: all problems at once, sorted, in one line each, without a secret."""

from __future__ import annotations

import re
import string
import tempfile
import traceback
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.config.loading import UNUSED_BY_MAPPING, check, load
from connector.config.located import path_text
from connector.core.errors import ConfigError
from tests.unit.config.files import ENVIRON, SOUND, changed, checked, lines, read

LINE = re.compile(r"c\.yaml:\d+:\d+: .+ \[[a-z_]+\]")


def test_everything_is_reported_at_once_sorted_by_position(tmp_path: Path) -> None:
    text = """\
kafka: {bootstrap_server: x, properties: {group.id: g}}
platform:
  auth: {app_id: a}
  request_timeout: soon
targets:
  good: {endpoint: event/v2/batchAdd}
  bad: {endpoint: event/v3/batchAdd, batch: {max_wait: 1}}
routes:
  - {name: a, topics: [t], to: god, identity: [{type: openid, value: $.m}], event_key: k}
  - {name: b, topics: [t], to: good, identity: [{type: openid, value: $.m, valeu: 1}], event_key: k}
  - {name: c, topics: [t], to: good, identity: [], filds: {}}
log: {level: "${LEVEL}"}
extra: 1
"""
    assert lines(tmp_path, text) == [
        "c.yaml:1:1: kafka.group_id: missing, required [missing_key]",
        "c.yaml:1:9: kafka.bootstrap_server: unknown key, did you mean 'bootstrap_servers'? [unknown_key]",
        (
            "c.yaml:1:43: kafka.properties.group.id: the connector sets this property itself;"
            " use kafka.group_id [owned_property]"
        ),
        "c.yaml:3:3: platform.auth.app_secret: missing, required together with app_id [missing_key]",
        "c.yaml:4:20: platform.request_timeout: 'soon': expected a duration, such as 250ms, 10s, 5m or 1h [bad_value]",
        (
            "c.yaml:7:19: targets.bad.endpoint: 'event/v3/batchAdd': no such endpoint; the endpoints are"
            " event/batchAdd, event/v2/batchAdd, audience/info/batchAdd, audience/info/v2/batchAdd,"
            " audience/tag/batchAdd, audience/tag/v2/batchAdd, audience/group/rel/batchAdd,"
            " audience/group/rel/v2/batchAdd,"
            " did you mean 'event/v2/batchAdd'? [unknown_name]"
        ),
        "c.yaml:7:56: targets.bad.batch.max_wait: '1': expected a duration, such as 250ms, 10s, 5m or 1h [wrong_type]",
        "c.yaml:9:32: routes[0].to: 'god': no such target, did you mean 'good'? [unknown_name]",
        "c.yaml:10:76: routes[1].identity[0].valeu: unknown key, did you mean 'value'? [unknown_key]",
        "c.yaml:11:48: routes[2].identity: must not be empty [bad_value]",
        "c.yaml:11:52: routes[2].filds: unknown key, did you mean 'fields'? [unknown_key]",
        (
            "c.yaml:12:14: log.level: the environment variable LEVEL is not set:"
            " export LEVEL=…, or give a default: ${LEVEL:-…} [missing_variable]"
        ),
        "c.yaml:13:1: extra: unknown key [unknown_key]",
    ]


def test_what_is_not_yaml_is_the_only_problem_until_it_is_corrected(tmp_path: Path) -> None:
    text = changed('"${SECRET}"', "${SECRET}").replace("to: purchases", "to: purchase")
    assert [line.split(" ")[0] for line in lines(tmp_path, text)] == ["c.yaml:5:35:"]


def test_a_scalar_that_means_nothing_does_not_hide_what_else_is_wrong(tmp_path: Path) -> None:
    text = changed("  group_id: shop\n", "  group_id: !!int 7\n").replace("to: purchases", "to: purchase")
    assert lines(tmp_path, text) == [
        "c.yaml:3:13: kafka.group_id: '!!int 7': tags are not allowed: remove '!!int', or quote the text [yaml_syntax]",
        "c.yaml:12:9: routes[0].to: 'purchase': no such target, did you mean 'purchases'? [unknown_name]",
    ]


def test_a_missing_variable_is_the_only_problem_of_its_place(tmp_path: Path) -> None:
    found = lines(tmp_path, changed("to: purchases", "to: ${TARGET}"))
    assert [line.rsplit(" ", 1)[1] for line in found] == ["[missing_variable]"]


def test_what_a_target_lacks_is_not_reported_while_a_route_that_may_feed_it_is_broken(tmp_path: Path) -> None:
    text = changed("event/v2/batchAdd", "audience/tag/batchAdd")
    text = text.replace("    event_key: c_buy\n", "    public_params: {optType: add}\n    wher: {}\n")
    text = text.replace("time: $.paid_at", "tags: $.tags")
    assert lines(tmp_path, text) == ["c.yaml:14:5: routes[0].wher: unknown key, did you mean 'where'? [unknown_key]"]


def test_load_raises_all_lines_and_no_warning(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(changed("  group_id: shop\n", "").replace("time: $.paid_at", "tiem: $.paid_at"))
    with pytest.raises(ConfigError) as raised:
        load(path, ENVIRON)
    assert raised.value.lines == (
        f"{path}:1:1: kafka.group_id: missing, required [missing_key]",
        f"{path}:15:7: routes[0].fields.tiem: unknown key, did you mean 'time'? [unknown_key]",
    )


def test_paths_are_written_as_people_would() -> None:
    assert path_text(("routes", 0, "fields", "time")) == "routes[0].fields.time"
    assert path_text(()) == ""


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("\ufeff".encode("utf-16"), "c.yaml:1:1: this is UTF-16: save the file as UTF-8 [unreadable_file]"),
        (
            "kafka:\n  组: 商店\n".encode("gbk"),
            "c.yaml:2:3: not UTF-8 (byte 0xd7, as in GBK): save the file as UTF-8 [unreadable_file]",
        ),
        (b"\x7fELF\x00\xff\xfe", "c.yaml:1:6: this is not a text file [unreadable_file]"),
        (b"a: \x00\n", "c.yaml:1:4: a control character (U+0000): this is not a text file [yaml_syntax]"),
        (
            b"",
            "c.yaml:1:1: the file is empty: kafka, platform, targets and routes are required [yaml_syntax]",
        ),
        (b"[]", "c.yaml:1:1: expected a table with the keys kafka, platform, targets and routes [yaml_syntax]"),
    ],
    ids=["UTF-16", "GBK", "a program", "a zero byte", "empty", "a list"],
)
def test_files_that_are_not_a_config_are_reported_as_what_they_are(tmp_path: Path, content: bytes, line: str) -> None:
    assert lines(tmp_path, content) == [line]


def test_a_file_that_cannot_be_opened_is_reported_with_the_reason(tmp_path: Path) -> None:
    assert check(tmp_path / "none.yaml", {}).errors() == (
        f"{tmp_path}/none.yaml:1:1: can't read the file: no such file or directory [unreadable_file]",
    )
    assert check(tmp_path, {}).errors() == (f"{tmp_path}:1:1: can't read the file: is a directory [unreadable_file]",)
    assert check("nul\0", {}).errors() == ("nul\\x00:1:1: can't read the file: not a path [unreadable_file]",)
    (tmp_path / "c.yaml").symlink_to("c.yaml")
    assert "too many levels of symbolic links" in check(tmp_path / "c.yaml", {}).errors()[0]


def test_a_line_stays_one_line_whatever_a_key_holds(tmp_path: Path) -> None:
    found = lines(tmp_path, SOUND + '"a\\nb\\e[31m": 1\n')
    assert found == ["c.yaml:17:1: a\\nb\\x1b[31m: unknown key [unknown_key]"]


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("more", "count"),
    [("kafka: {}\n" * 5000, 5000), ("".join(f"k{number}: v\n" for number in range(5000)), 5000), ("#" * (1 << 20), 1)],
    ids=["keys given twice", "unknown keys", "larger than a config"],
)
def test_a_large_file_is_checked_in_time(more: str, count: int, tmp_path: Path) -> None:
    found = checked(tmp_path, SOUND + more)
    assert len(found.errors(excerpts=True)) == count


SECRETS = st.text(alphabet=string.ascii_letters + string.digits + "$.{}[]:#,-^*'\" ", min_size=6, max_size=12).map(
    lambda text: f"Zq{text}qZ"
)
PLACES = [
    ("kafka", "bootstrap_servers"),
    ("kafka", "group_id"),
    ("kafka", "start_from"),
    ("kafka", "commit_interval"),
    ("platform", "base_url"),
    ("platform", "request_timeout"),
    ("platform", "allow_http"),
    ("platform", "rate_limit"),
    ("admin", "listen"),
    ("log", "level"),
    ("dead_letter", "topic"),
]


@settings(max_examples=30)
@given(secret=SECRETS, place=st.sampled_from(PLACES))
def test_a_value_from_the_environment_is_shown_in_no_message_and_no_repr(secret: str, place: tuple[str, str]) -> None:
    data = read(SOUND).data
    section = data.setdefault(place[0], {})
    assert isinstance(section, dict)
    section[place[1]] = "${SECRET}"
    assert_hidden(secret, _as_yaml(data))


@settings(max_examples=30)
@given(
    secret=SECRETS,
    piece=st.sampled_from(
        [
            ("event/v2/batchAdd", '"${SECRET}"'),
            ("[shop.orders]", '["${SECRET}", "${SECRET}"]'),
            ("to: purchases", "to: ${SECRET}"),
            ("event_key: c_buy", "event_key: {from: '${SECRET}'}"),
            ("event_key: c_buy", "event_key: {from: $.a, as: '${SECRET}'}"),
            ("event_key: c_buy", "event_key: {from: $.a, multiply: '${SECRET}', round: '${SECRET}'}"),
            ("event_key: c_buy", "event_key: {template: '${SECRET}'}"),
            ("event_key: c_buy", "event_key: {from: $.a, as: timestamp, zone: '${SECRET}', unit: '${SECRET}'}"),
            ("[{type: openid, value: $.mobile}]", "[{type: '${SECRET}', value: '${SECRET}'}]"),
            ("to: purchases", "to: purchases\n    where: {$.a: {matches: '${SECRET}', gt: '${SECRET}'}}"),
            ("to: purchases", "to: purchases\n    public_params: {matchingType: '${SECRET}'}"),
            ("to: purchases", "to: purchases\n    identity_missing: '${SECRET}'"),
            ("name: orders", "name: ${SECRET}"),
        ]
    ),
)
def test_a_value_from_the_environment_is_not_shown_for_targets_and_routes(secret: str, piece: tuple[str, str]) -> None:
    assert_hidden(secret, changed(*piece))
    assert_hidden(secret, changed(*piece).replace("localhost:9092", "''"))


@settings(max_examples=30)
@given(
    secret=st.text(alphabet=string.ascii_letters + string.digits, min_size=6).map(lambda text: f"Zq{text}"),
    auth=st.sampled_from(
        [
            "{app_id: a, app_secret: SECRET}",
            "{app_id: a, app_secret: SECRET, token: SECRET}",
            "{app_id: '${NOPE}', app_secret: SECRET}",
            "{app_id: ${NOPE}, app_secret: SECRET}",
            "{token: {SECRET: 1}x, app_secret: SECRET}",
            "{token: [SECRET]}",
            "{token: SECRET, tokn: SECRET}",
            "{token: 'SECRET}",
            "{token: SECRET: SECRET}",
            "{token: $SECRET}",
            "{token: '${SECRET-x}'}",
            "{token: '${X-SECRET}'}",
        ]
    ),
)
def test_a_secret_in_the_file_itself_is_shown_in_no_message(secret: str, auth: str) -> None:
    assert_hidden(secret, changed('{app_id: app, app_secret: "${SECRET}"}', auth.replace("SECRET", secret)))


def assert_hidden(secret: str, text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.yaml"
        path.write_text(text)
        shown: list[str] = [*check(path, {"SECRET": secret}).errors()]
        try:
            loaded = load(path, {"SECRET": secret})
        except ConfigError as error:
            shown += [repr(error), *traceback.format_exception(error)]
        else:
            shown += [repr(loaded), str(loaded.config), *loaded.warnings]
    assert not any(secret in line for line in shown)


def _as_yaml(data: dict[str, object]) -> str:
    return orjson.dumps(data).decode()  # JSON is YAML


BRACKETS = ["{", "}", "[", "]", ": ", ",", "\n", "  ", "- ", "? ", "'", '"', "|", ">", "#", "\t", "\0", "@", "\ud7ff"]
WORDS = [
    "${X}",
    "$.a",
    "*a",
    "&a ",
    "<<: ",
    "!",
    "null",
    "1",
    "true",
    "topics",
    "a: &a {b: *a}",
    "---\n",
    "%YAML 1.2\n",
]
PIECES = st.sampled_from(BRACKETS) | st.sampled_from(WORDS)


@settings(max_examples=80)
@given(where=st.integers(0, len(SOUND)), length=st.integers(0, 40), pieces=st.lists(PIECES, max_size=4))
def test_no_damage_to_a_file_makes_a_traceback_or_a_line_of_another_form(
    where: int, length: int, pieces: list[str]
) -> None:
    damaged = SOUND[:where] + "".join(pieces) + SOUND[where + length :]
    with tempfile.TemporaryDirectory() as folder:
        found = checked(Path(folder), damaged)
    assert all(LINE.fullmatch(problem.line("c.yaml")) for problem in found.problems)
    assert [problem.position for problem in found.problems] == sorted(problem.position for problem in found.problems)
    assert (found.config is not None) == (found.errors() == ())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 600) | st.sampled_from(["", "$.a", "${SECRET}", "^a(", "phone", "10s"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["from", "as", "type", "x"]), inner),
    max_leaves=6,
)


@settings(max_examples=80)
@given(value=VALUES, path=st.sampled_from(sorted(read(SOUND).values, key=str)))
def test_no_value_in_any_place_makes_a_traceback(value: object, path: tuple[str | int, ...]) -> None:
    text = _as_yaml(_with(path, value))
    with tempfile.TemporaryDirectory() as folder:
        found = checked(Path(folder), text)
    assert all(LINE.fullmatch(problem.line("c.yaml")) for problem in found.problems)


def _with(path: tuple[str | int, ...], value: object) -> dict[str, object]:
    """The sound file as data, with another value at `path`."""
    root = read(SOUND).data
    here: object = root
    for step in path[:-1]:
        here = here[step]  # type: ignore[index]
    if path:
        here[path[-1]] = value  # type: ignore[index]
    return root


def test_variables_of_sections_that_are_not_used_need_not_exist(tmp_path: Path) -> None:
    text = (
        changed("localhost:9092", "${BROKERS}").replace("{app_id: app,", "{app_id: '${file:/nowhere}',")
        + "log: {level: '${LEVEL}'}\nshutdown_timeout: ${STOP}\n"
    )
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    assert len(check(path, {}).errors()) == 5
    used = check(path, {}, unused=UNUSED_BY_MAPPING)
    assert (used.errors(), used.config is not None, used.mapping is not None) == ((), True, True)


def test_variables_that_the_mapping_uses_must_exist_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        changed("event_key: c_buy", "event_key: ${EVENT}").replace("group_id: shop", "groupid: shop"), "utf-8"
    )
    codes = [problem.code for problem in check(path, {}, unused=UNUSED_BY_MAPPING).problems]
    assert codes == ["unknown_key", "missing_variable"]
