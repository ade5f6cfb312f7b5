"""The tracking plan in the config and in files of its own: what is wrong with it, and where."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.config.event_table import TableError, read_table
from connector.config.loading import check
from tests.unit.config.files import ENVIRON, SOUND, Broken, changed, checked, lines

if TYPE_CHECKING:
    from pathlib import Path

    from connector.settings.models import Config

TABLE = [
    Broken(
        "an event key that is not defined",
        "routes:\n",
        "events:\n  c_buyy:\nroutes:\n",
        (
            "15:16: routes[0].event_key: 'c_buy': no event of `events` has this key, did you mean 'c_buyy'? "
            "[undefined_event]"
        ),
    ),
    Broken(
        "a misspelt type, key and number",
        "routes:\n",
        (
            "events:\n  c_buy: {args: {a: strng, b: {type: numbr, requird: true}, c: {type: string, max_length: 0}}}\n"
            "routes:\n"
        ),
        (
            "10:21: events.c_buy.args.a: 'strng': expected one of string, number, integer, boolean, date, array, "
            "object, did you mean 'string'? [bad_value]"
        ),
        (
            "10:38: events.c_buy.args.b.type: 'numbr': expected 'string', 'number', 'integer', 'boolean', 'date', "
            "'array' or 'object', did you mean 'number'? [bad_value]"
        ),
        "10:45: events.c_buy.args.b.requird: unknown key, did you mean 'required'? [unknown_key]",
        "10:91: events.c_buy.args.c.max_length: '0': must be at least 1 [bad_value]",
    ),
    Broken(
        "types as others call them",
        "routes:\n",
        "events:\n  c_buy: {args: {a: text, b: {type: int}}}\nroutes:\n",
        (
            "10:21: events.c_buy.args.a: 'text': expected one of string, number, integer, boolean, date, array, "
            "object: did you mean 'string'? [bad_value]"
        ),
        (
            "10:37: events.c_buy.args.b.type: 'int': expected 'string', 'number', 'integer', 'boolean', 'date', "
            "'array' or 'object': did you mean 'integer'? [bad_value]"
        ),
    ),
    Broken(
        "arguments that are no types",
        "routes:\n",
        "events:\n  c_buy: {args: {a: 5, b: , c: [string]}}\nroutes:\n",
        "10:21: events.c_buy.args.a: '5': expected a type, such as string, or a table, got a number [wrong_type]",
        "10:24: events.c_buy.args.b.type: missing, required [missing_key]",
        "10:32: events.c_buy.args.c: expected a type, such as string, or a table, got a list [wrong_type]",
    ),
    Broken(
        "a length of something else than text",
        "routes:\n",
        "events:\n  c_buy: {args: {a: {type: array, max_length: 5}}}\nroutes:\n",
        ("10:35: events.c_buy.args.a.max_length: only a string has a max_length; this is of type array [bad_value]"),
    ),
    Broken(
        "no events at all",
        "routes:\n",
        "events: {}\nroutes:\n",
        "9:9: events: must not be empty: without `events`, nothing is checked [bad_value]",
    ),
    Broken(
        "events as a list",
        "routes:\n",
        "events: [c_buy]\nroutes:\n",
        "9:9: events: expected a table, got a list [wrong_type]",
    ),
    Broken(
        "a file and events beside it",
        "routes:\n",
        "events: {file: nowhere.yaml, c_buy: {}}\nroutes:\n",
        "9:30: events.c_buy: `file` has all events: move this there, or drop `file` [bad_value]",
        "9:16: events.file: can't read nowhere.yaml: no such file or directory [unreadable_file]",
    ),
    Broken(
        "a workbook",
        "routes:\n",
        "events: {file: plan.xlsx}\nroutes:\n",
        (
            "9:16: events.file: 'plan.xlsx': a workbook can't be read: save it as CSV (CSV UTF-8) and name that file "
            "[bad_value]"
        ),
    ),
    Broken(
        "a file of another kind",
        "routes:\n",
        "events: {file: plan.doc}\nroutes:\n",
        "9:16: events.file: 'plan.doc': expected a file that ends in .yaml or .csv [bad_value]",
    ),
    Broken(
        "no name of a file",
        "routes:\n",
        "events: {file: 5}\nroutes:\n",
        "9:16: events.file: '5': expected the path of a file, got a number [wrong_type]",
    ),
]


@pytest.mark.parametrize("broken", TABLE, ids=lambda broken: broken.name)
def test_what_is_wrong_is_told_at_its_place(broken: Broken, tmp_path: Path) -> None:
    found = [line.replace(f"{tmp_path}/", "") for line in broken.found(tmp_path)]
    assert sorted(found) == sorted(broken.expected)


@pytest.mark.parametrize("events", ["events:\n", "events:\n  # c_buy: {}\n"])
def test_events_of_which_every_line_is_commented_out_are_no_plan(events: str, tmp_path: Path) -> None:
    assert lines(tmp_path, SOUND + events) == []


def test_an_event_may_be_called_file(tmp_path: Path) -> None:
    assert lines(tmp_path, changed("event_key: c_buy", "event_key: file") + "events: {file: {name: 打开文件}}\n") == []


def test_a_broken_route_hides_what_it_may_make(tmp_path: Path) -> None:
    text = changed("    to: purchases\n", "    too: purchases\n") + "events: {c_buy: {}}\n"
    assert not [line for line in lines(tmp_path, text) if "events" in line]


def planned(folder: Path, name: str, content: str | bytes) -> tuple[Config | None, list[str]]:
    """Return the config with this plan in a file beside it, and its problems."""
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    found = checked(folder, f"{SOUND}      eventargs: {{c_price: $.price}}\nevents: {{file: {name}}}\n")
    return found.config, [problem.line("c.yaml").replace(f"{folder}/", "") for problem in found.problems]


PLAN = "c_buy:\n  name: 下单\n  args: {c_price: {type: number, required: true}, c_goods: string}\n"


@pytest.mark.parametrize(
    "content", [PLAN, f"events:\n  {PLAN}".replace("\n  n", "\n    n").replace("\n  a", "\n    a")]
)
def test_a_plan_may_be_a_yaml_file_beside_the_config(content: str, tmp_path: Path) -> None:
    config, problems = planned(tmp_path, "plan.yaml", content)
    assert problems == []
    assert config is not None
    assert config.events["c_buy"].args["c_price"].required


def test_problems_of_a_yaml_file_have_its_name_and_places(tmp_path: Path) -> None:
    _, problems = planned(tmp_path, "plan.yaml", f"{PLAN}c_unused: {{}}\nc_buy: {{}}\n")
    assert problems == [
        "plan.yaml:4:1: c_unused: no route makes this event [suspicious]",
        "plan.yaml:5:1: c_buy: given twice, first in line 1 [duplicate_name]",
    ]
    _, problems = planned(tmp_path, "plan.yaml", "c_buy: {args: {c_price: numbr}}\n")
    assert problems == [
        (
            "plan.yaml:1:25: c_buy.args.c_price: 'numbr': expected one of string, number, integer, boolean, date, "
            "array, object, did you mean 'number'? [bad_value]"
        )
    ]
    _, problems = planned(tmp_path, "plan.yaml", "c_buy: [\n")
    assert len(problems) == 1
    assert problems[0].startswith("plan.yaml:")
    assert problems[0].endswith("[yaml_syntax]")


def test_variables_are_replaced_in_a_yaml_file(tmp_path: Path) -> None:
    config, problems = planned(tmp_path, "plan.yaml", "c_buy: {args: {c_price: '${TYPE:-number}'}}\n")
    assert problems == []
    assert config is not None
    assert config.events["c_buy"].args["c_price"].type == "number"
    _, problems = planned(tmp_path, "plan.yaml", "c_buy: {args: {c_price: '${TYPE}'}}\n")
    assert problems[0].startswith("plan.yaml:1:25: c_buy.args.c_price: the environment variable TYPE is not set")


def test_excerpts_are_of_the_file_of_the_plan(tmp_path: Path) -> None:
    planned(tmp_path, "plan.yaml", "c_buy: {args: {c_price: numbr}}\n")
    [error] = check(tmp_path / "c.yaml", ENVIRON).errors(excerpts=True)
    assert error.endswith("\n    1 | c_buy: {args: {c_price: numbr}}\n      |                         ^")


# Tables

ENGLISH = "event key,name,argument,type,required\nc_buy,下单,c_price,number,yes\n,,c_goods,string,\n"
CHINESE = "事件标识,事件名称,参数,类型,是否必填\nc_buy,下单,c_price,数值,是\nc_buy,,c_goods,文本,否\n"


@pytest.mark.parametrize("text", [ENGLISH, CHINESE])
@pytest.mark.parametrize("separator", [",", ";", "\t", "，"])
@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "gbk"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_a_table_is_read_as_spreadsheets_save_it(
    text: str, separator: str, charset: str, line_break: str, tmp_path: Path
) -> None:
    content = text.replace(",", separator).replace("\n", line_break).encode(charset)
    config, problems = planned(tmp_path, "plan.csv", content)
    assert problems == []
    assert config is not None
    event = config.events["c_buy"]
    assert (event.name, list(event.args)) == ("下单", ["c_price", "c_goods"])
    assert [(each.type, each.required) for each in event.args.values()] == [("number", True), ("string", False)]


def test_a_mark_before_a_quoted_head_is_no_part_of_it() -> None:
    content = b'\xef\xbb\xbf"event key","argument","type"\n"c_buy","c_x","string"\n'
    assert list(read_table(content).data) == ["c_buy"]


def test_what_people_add_around_a_table_is_passed_over(tmp_path: Path) -> None:
    text = (
        "埋点方案 v3,,,,,\n\n负责人, 事件标识 ,参数,参数类型,备注,必填*,最大长度\n"
        '张三,c_buy,c_price,数值,"两行\n备注",是\n,,c_goods, 文本 ,,,200\n,,,,,\n李四,c_open,,,\n'
    )
    config, problems = planned(tmp_path, "plan.csv", text)
    assert problems == ["plan.csv:7:2: B7 (事件标识): 'c_open': no route makes this event [suspicious]"]
    assert config is not None
    assert config.events["c_buy"].args["c_goods"].max_length == 200
    assert config.events["c_open"].args == {}


def test_what_is_wrong_with_a_table_is_told_by_row_and_column(tmp_path: Path) -> None:
    text = (
        "event key,name,argument,type,required,max length\n,,c_x,string,,\nc_buy,下单,c_price,numbr,maybe,x\n"
        "c_buy,购买,c_price,number,,\n,,,string,,\n,,c_note,,,\n,,c_list,list,,5\n"
    )
    _, problems = planned(tmp_path, "plan.csv", text)
    assert problems == [
        "plan.csv:2:1: A2 (event key): missing: no row above has an event key either [missing_key]",
        (
            "plan.csv:3:4: D3 (type): 'numbr': expected 'string', 'number', 'integer', 'boolean', 'date', 'array' or "
            "'object', did you mean 'number'? [bad_value]"
        ),
        "plan.csv:3:5: E3 (required): 'maybe': expected yes or no (是 or 否) [bad_value]",
        "plan.csv:3:6: F3 (max length): 'x': expected an integer [bad_value]",
        "plan.csv:4:2: B4 (name): '购买': row 3 has another name of this event [suspicious]",
        "plan.csv:4:3: C4 (argument): 'c_price': c_buy has this argument already, in row 3 [duplicate_name]",
        "plan.csv:5:3: C5 (argument): missing: this row has a type [missing_key]",
        "plan.csv:6:4: D6 (type): missing, required [missing_key]",
    ]
    _, problems = planned(tmp_path, "plan.csv", "event,argument,type,length\nc_buy,c_price,list,5\n")
    assert problems == [
        "plan.csv:2:4: D2 (length): '5': only a string has a max_length; this is of type array [bad_value]"
    ]


@pytest.mark.parametrize(
    ("content", "row", "message"),
    [
        (b"", 1, "no column 'event key' (or '事件标识')"),
        (b"a,b\n1,2\n", 1, "no column 'event key' (or '事件标识')"),
        (b"event,argment,type\n", 1, "no column 'argument' (or '参数标识'): did you mean 'argment' to be it?"),
        (b'event,argument,type\nc_buy,"c_x,string\n', 2, "not a CSV file: unexpected end of data"),
        (b"PK\x03\x04", 1, "this is a workbook, not a CSV file"),
        (b"\xff\xff\xff", 1, "this is not text in UTF-8, UTF-16 or GBK"),
        (b"event\0", 1, "this is not text in UTF-8, UTF-16 or GBK"),
        (b"event,argument,type\n" + b"x" * 200_000, 2, "not a CSV file: field larger than field limit"),
    ],
)
def test_what_is_no_table_says_so(content: bytes, row: int, message: str) -> None:
    with pytest.raises(TableError) as raised:
        read_table(content)
    assert raised.value.row == row
    assert raised.value.message.startswith(message)


def test_a_table_without_rows_and_one_that_is_too_large_are_errors(tmp_path: Path) -> None:
    _, problems = planned(tmp_path, "plan.csv", "event,argument,type\n")
    assert problems == ["plan.csv:1:1: A1 (event): must not be empty: without `events`, nothing is checked [bad_value]"]
    _, problems = planned(tmp_path, "plan.csv", "event,argument,type\n" + "c,d,string\n" * 100_000)
    assert problems == ["plan.csv:1:1: larger than 1 MiB: this is not a tracking plan [unreadable_file]"]


@settings(deadline=None)
@given(st.data())
def test_whatever_is_done_to_a_table_it_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(ENGLISH.encode())
    pieces = st.sampled_from(
        [b",", b";", b'"', b"\n", b"\r", b"\t", b"\0", b"\xff\xfe", b"\xe4", b"sep=;\n", "，".encode()]
    )
    for at, length, piece in data.draw(
        st.lists(st.tuples(st.integers(0, len(content)), st.integers(0, 20), pieces), max_size=6)
    ):
        content[at : at + length] = piece
    try:
        read_table(bytes(content)).located([])
    except TableError as error:
        assert error.row >= 1  # noqa: PT017 - most of them are still tables


def test_every_head_and_type_is_known_once() -> None:
    from connector.config.table_words import HEADS, NO, TYPES, YES, plain  # noqa: PLC0415 - only here
    from connector.settings.models import ARGUMENT_TYPES  # noqa: PLC0415 - only here

    heads = [head for each in HEADS.values() for head in each]
    assert len(heads) == len(set(heads))
    assert all(plain(word) == word for word in (*heads, *TYPES, *YES, *NO))
    assert {*TYPES.values()} == {*ARGUMENT_TYPES}
    assert not YES & NO


def test_check_as_json_names_the_file_of_a_problem_that_is_not_in_the_config(tmp_path: Path) -> None:
    from connector.cli import _as_json  # noqa: PLC0415 - the document of `check --json`

    planned(tmp_path, "plan.csv", "event,argument,type\nc_buy,c_price,strng\n")
    document = json.loads(_as_json(check(tmp_path / "c.yaml", ENVIRON)))
    assert [(each["file"], each["line"], each["column"]) for each in document["problems"]] == [
        (str(tmp_path / "plan.csv"), 2, 3)
    ]
