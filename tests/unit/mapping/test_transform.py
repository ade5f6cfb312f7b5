"""`transform`: loading the function, what it may return, and what becomes of its failures."""

from __future__ import annotations

import asyncio
import json
import sys
from decimal import Decimal
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.record import DEAD_LETTERS, Record
from tests.unit.mapping.helpers import body, failure, found, mapper, record, route

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PERSON = {"phone": "13800000000"}
AT = ("routes", 0, "transform")


@pytest.fixture(autouse=True)
def functions() -> Iterator[ModuleType]:
    """Yield a module `functions_of_a_test`, whose functions a route may name."""
    module = ModuleType("functions_of_a_test")
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


def transformed(functions: ModuleType, function: Callable[[Any], object], **changed: Any) -> Any:  # noqa: ANN401
    functions.f = function  # type: ignore[attr-defined]
    fields = {"eventargs": {"c_x": "$.x", "c_all": "$"}}
    return mapper(route(**{"transform": "functions_of_a_test:f", "fields": fields, **changed}))


def test_the_route_reads_what_the_function_returned(functions: ModuleType) -> None:
    mapped = transformed(functions, lambda value: {**value, "x": value["a"] + 1})
    assert body(mapped.items(record({**PERSON, "a": 1})))["eventargs"]["c_x"] == 2


def test_a_list_gives_one_item_each_with_uuids_of_their_own(functions: ModuleType) -> None:
    mapped = transformed(functions, lambda value: [{**value, "x": each} if each else None for each in value["a"]])
    items = mapped.items(record({**PERSON, "a": [5, 0, 7]}))
    made = [json.loads(item.body) for item in items]
    assert [each["eventargs"]["c_x"] for each in made] == [5, 7]
    assert len({each["uuid"] for each in made}) == 2
    assert {type(item.record) for item in items} == {Record}


def test_none_skips_the_record_and_is_counted(functions: ModuleType) -> None:
    mapped = transformed(functions, lambda _value: None)
    assert mapped.items(record(PERSON)) == []
    assert mapped.skipped == {("r", "t"): 1}
    assert transformed(functions, lambda _value: []).items(record(PERSON)) == []


def test_where_is_checked_before_on_the_record_as_it_was(functions: ModuleType) -> None:
    called: list[object] = []

    def note(value: object) -> object:
        called.append(value)
        return {**PERSON, "a": 2}

    mapped = transformed(functions, note, where={"$.a": 1})
    assert mapped.items(record({**PERSON, "a": 2})) == []
    assert not called
    assert body(mapped.items(record({**PERSON, "a": 1})))["eventargs"]["c_all"]["a"] == 2


def test_the_function_can_not_change_what_other_routes_read(functions: ModuleType) -> None:
    def spoil(value: Any) -> Any:  # noqa: ANN401
        value["inner"]["list"].append(1)
        value["phone"] = None
        return None

    functions.f = spoil  # type: ignore[attr-defined]
    other = route(name="other", fields={"eventargs": {"c": "$.inner.list.0"}})
    mapped = mapper(route(transform="functions_of_a_test:f"), other)
    assert "eventargs" not in body(mapped.items(record({**PERSON, "inner": {"list": []}})))


@pytest.mark.parametrize("kind", [KeyError, SystemExit])
def test_an_exception_is_a_dead_letter_with_type_and_line_and_without_its_message(
    functions: ModuleType, kind: type[BaseException]
) -> None:
    def broken(_value: object) -> None:
        raise kind("secret-4711")

    told = failure(transformed(functions, broken).items(record(PERSON)))
    assert (told.reason, told.target, told.field) == ("transform_failed", "t", "transform")
    assert told.detail.startswith(f"the function raised {kind.__name__} (test_transform.py, line ")
    assert "4711" not in told.detail


CYCLE: list[object] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    ("returned", "what"),
    [
        (Decimal("1.5"), "a Decimal"),
        ({"a": (1, 2)}, "a tuple"),
        ({1: 2}, "an object with a name that is not text"),
        ([{"a": float("nan")}], "a number that is not finite"),
        (float("inf"), "a number that is not finite"),
        (b"x", "a bytes"),
        (iter(()), "a tuple_iterator"),
        (CYCLE, "a value that is nested too deeply"),
    ],
)
def test_what_is_not_json_is_a_dead_letter(functions: ModuleType, returned: object, what: str) -> None:
    told = failure(transformed(functions, lambda _value: returned).items(record(PERSON)))
    assert (told.reason, told.field) == ("transform_failed", "transform")
    assert told.detail == f"the function returned {what}: expected JSON values"


def test_a_value_of_the_list_that_fails_leaves_the_others_alone(functions: ModuleType) -> None:
    mapped = transformed(functions, lambda _value: [PERSON, {}, PERSON])
    items = mapped.items(record({}))
    assert [item.target for item in items] == ["t", DEAD_LETTERS, "t"]
    assert items[1].failure.detail == "element 1 of the list: phone: absent"


async def later(value: object) -> object:
    await asyncio.sleep(0)
    return value


def generated(value: object) -> Iterator[object]:
    yield value


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("functions_of_a_test", "bad_value", "expected package.module:function"),
        ("functions_of_a_test:", "bad_value", "expected package.module:function"),
        ("a b:c", "bad_value", "expected package.module:function"),
        ("nowhere.at.all:f", "unknown_name", "no such module: put its directory on PYTHONPATH"),
        ("json.nowhere:f", "unknown_name", "no such module: put its directory on PYTHONPATH"),
        ("json:dump_s", "unknown_name", "the module has no such function, did you mean 'dumps'?"),
        ("json:decoder", "unknown_name", "the module has no such function"),
        (f"{__name__}:later", "bad_value", "expected a plain function"),
        (f"{__name__}:generated", "bad_value", "expected a plain function"),
    ],
)
def test_a_function_that_can_not_be_loaded_is_an_error_at_start(name: str, code: str, message: str) -> None:
    [(path, told, text)] = found(route(transform=name))
    assert (path, told) == (AT, code)
    assert message in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise ValueError('secret-4711')\n", "the import raised ValueError (broken_module_of_a_test.py, line 1)"),
        ("import nowhere_at_all\n", "the import raised ModuleNotFoundError (broken_module_of_a_test.py, line 1)"),
        ("import sys\nsys.exit(1)\n", "the import raised SystemExit (broken_module_of_a_test.py, line 2)"),
        ("def f(:\n", "the import raised SyntaxError"),
    ],
)
def test_a_module_that_fails_while_it_is_imported_is_an_error_at_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, message: str
) -> None:
    (tmp_path / "broken_module_of_a_test.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    [(path, code, told)] = found(route(transform="broken_module_of_a_test:f"))
    assert (path, code) == (AT, "unknown_name")
    assert told.startswith(message)
    assert "4711" not in told


def test_for_each_does_not_stand_beside_it() -> None:
    [(path, code, message)] = found(route(transform="json:dumps", for_each="$.a"))
    assert (path, code) == (AT, "bad_value")
    assert message == "`for_each` and `transform` exclude each other: return a list, for one item each"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("axp"), inner, max_size=3),
    max_leaves=8,
)


@given(returned=JSON)
def test_whatever_is_returned_becomes_items_or_dead_letters(returned: object) -> None:
    module = sys.modules["functions_of_a_test"]
    for item in transformed(module, lambda _value: returned).items(record(PERSON)):
        assert item.failure is None or item.failure.reason in {"transform_failed", "identity_missing", "item_invalid"}
        assert item.failure is None or "raised" not in item.failure.detail
