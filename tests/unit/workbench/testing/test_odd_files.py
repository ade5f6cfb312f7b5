"""Whatever a file of tests holds, it is refused with lines that have a place, or its tests are run and reported."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from connector.workbench.testing.editing import NotUpdatedError
from connector.workbench.testing.mappings import Mappings
from connector.workbench.testing.reading import BrokenFileError, read_cases
from connector.workbench.testing.report import print_report
from connector.workbench.testing.report_files import as_json, as_junit
from connector.workbench.testing.running import run
from connector.workbench.testing.updating import updated
from tests.unit.workbench.testing.project import CONFIG

if TYPE_CHECKING:
    import pytest

LINE = re.compile(r"t\.yaml:\d+:\d+: .+ \[[a-z_]+\]")
WORDS = st.sampled_from(
    [
        *(
            "orders",
            "lines",
            "tags",
            "purchases",
            "shop.orders",
            "crm.x",
            "PAID",
            "c_buy",
            "identity_missing",
            "bad_time",
        ),
        *("13800000000", "", " ", "$.a", "${X}", "../c.yaml", "1", "null", "{}", "2024-01-01", "\x1b[31m", "“"),
    ]
)
KEYS = st.sampled_from(
    [
        *(
            "config",
            "tests",
            "name",
            "record",
            "expect",
            "expect_dead_letter",
            "topic",
            "value",
            "value_text",
            "value_file",
        ),
        *(
            "key",
            "headers",
            "partition",
            "offset",
            "timestamp",
            "target",
            "route",
            "item",
            "public_params",
            "dead_letter",
        ),
        *(
            "reason",
            "field",
            "detail",
            "eventKey",
            "eventargs",
            "identities",
            "status",
            "mobile",
            "fen",
            "<<",
            "",
            "names",
        ),
    ]
)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | WORDS
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=10
)


def like(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return what belongs there, and sometimes anything."""
    return st.integers(0, 50).flatmap(lambda n: value if n else JSON)


VALUES = st.fixed_dictionaries(
    {"status": st.sampled_from(["PAID", "BACK"]), "mobile": like(st.just("13800000000")), "fen": like(st.just(5))},
    optional={"lines": like(st.lists(st.fixed_dictionaries({"sku": WORDS}), max_size=2)), "note": JSON},
)
SOURCES = st.fixed_dictionaries({"value": VALUES}) | st.fixed_dictionaries({"value_text": WORDS})
RECORDS = st.builds(
    lambda record, source: {**record, **source} if isinstance(record, dict) else record,
    like(
        st.fixed_dictionaries(
            {"topic": like(st.sampled_from(["shop.orders", "crm.x"]))},
            optional={"timestamp": like(st.integers(0, 2**62)), "key": like(WORDS), "offset": like(st.integers(0, 9))},
        )
    ),
    SOURCES,
)
LETTERS = like(st.fixed_dictionaries({"reason": st.sampled_from(["identity_missing", "decode_failed", "bad_time"])}))
ITEMS = st.fixed_dictionaries(
    {"target": st.just("purchases")},
    optional={"item": like(st.fixed_dictionaries({}, optional={"eventKey": JSON, "eventargs": JSON}))},
)
EXPECTED = st.one_of(
    st.just({}),
    st.fixed_dictionaries(
        {"expect": like(st.lists(like(ITEMS | st.fixed_dictionaries({"dead_letter": LETTERS})), max_size=2))}
    ),
    st.fixed_dictionaries({"expect_dead_letter": LETTERS}),
)
TESTS = st.builds(
    lambda number, record, expected: {"name": number, "record": record, **expected}, WORDS, RECORDS, EXPECTED
)
LISTS = st.lists(like(TESTS), max_size=3, min_size=1, unique_by=lambda test: json.dumps(test, default=str)[:20])
FILES = st.fixed_dictionaries({"config": like(st.just("c.yaml")), "tests": like(LISTS)})


@settings(max_examples=150, deadline=None)
@given(st.one_of(FILES, FILES, FILES, JSON))
def test_no_file_makes_the_command_fail(tmp_path_factory: pytest.TempPathFactory, content: object) -> None:
    folder = tmp_path_factory.getbasetemp() / "odd"
    folder.mkdir(exist_ok=True)
    (folder / "c.yaml").write_text(CONFIG, encoding="utf-8")
    (folder / "t.yaml").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    mappings = Mappings()
    try:
        file = read_cases(str(folder / "t.yaml"), mappings, may_be_open=True)
    except BrokenFileError as broken:
        lines = [problem.line("t.yaml") for problem in broken.problems]
        assert lines
        assert all(LINE.fullmatch(line) for line in lines), lines
        return
    results = run([file])
    told = io.StringIO()
    print_report(results, mappings.tested, Console(file=told))
    assert told.getvalue().count("\x1b") == 0
    assert len(json.loads(json.dumps(as_json(results, mappings.tested)))["tests"]) == len(file.cases)
    as_junit(results, mappings.tested).write(junit := io.BytesIO(), encoding="utf-8")
    assert ET.fromstring(junit.getvalue()) is not None  # noqa: S314 - our own
    failed = [result for result in results if not result.passed]
    try:
        text = updated(file, failed)
    except NotUpdatedError:
        return
    (folder / "t.yaml").write_text(text, encoding="utf-8")
    again = run([read_cases(str(folder / "t.yaml"), Mappings())])
    assert [result.differences for result in again] == [()] * len(again)
