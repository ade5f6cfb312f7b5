"""Helpers that compile small mappings and apply them to records."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from connector.core.record import Failure, Item, Record
from connector.language.message import in_language
from connector.mapping import CompiledMapping, Mapper, compile_mapping
from connector.settings.models import Decode, EventDefinition, Route, Target
from connector.settings.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOW_MS = 1_760_000_000_000
TOPIC = "orders"
EVENT = "event/v2/batchAdd"
EVENT_V1 = "event/batchAdd"
INFO = "audience/info/batchAdd"
TAG = "audience/tag/batchAdd"
PHONE = {"type": "phone", "value": "$.phone"}
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
_ENGLISH = re.compile(r"\b[a-z]{2,} [a-z]{2,}\b|\b(?:a|an|the|is|to|of) [a-z]+\b")
"""Two words in a row: code has commas or signs between them."""


def record(value: object = None, **changed: Any) -> Record:  # noqa: ANN401 - fields of a record
    """Return a record with this value as JSON; bytes are used unchanged."""
    data = value if isinstance(value, bytes) else json.dumps({} if value is None else value).encode()
    return Record(TOPIC, 0, 0, NOW_MS, None, data, ()).replace(**changed)


def route(**changed: Any) -> dict[str, Any]:  # noqa: ANN401 - keys of a route
    """Return the keys of a valid route; None removes a key."""
    keys = {"name": "r", "topics": [TOPIC], "to": "t", "event_key": "c_buy", "identity": [PHONE], **changed}
    return {key: value for key, value in keys.items() if value is not None}


def compiled(
    *routes: dict[str, Any],
    endpoint: str = EVENT,
    target: Mapping[str, Any] | None = None,
    decode: Mapping[str, Any] | None = None,
    events: Mapping[str, Any] | None = None,
) -> tuple[CompiledMapping | None, Problems]:
    """Compile routes to one target, `t`. Each problem must be Chinese in Chinese."""
    problems = Problems()
    targets = {"t": Target.model_validate({"endpoint": endpoint, **(target or {})})}
    mapping = compile_mapping(
        targets,
        [(index, Route.model_validate(each)) for index, each in enumerate(routes)],
        problems,
        decode={topic: Decode.model_validate(each) for topic, each in (decode or {}).items()},
        events=None if events is None else {key: EventDefinition.model_validate(each) for key, each in events.items()},
    )
    for problem in problems.found:
        chinese = in_language(problem.message, "zh")
        assert re.search("[\u4e00-\u9fff]", chinese), problem.message
        ours, _, _of_python = chinese.partition("不是正则表达式：")
        assert _ENGLISH.search(_QUOTED.sub("", ours)) is None, chinese
    return mapping, problems


def mapper(
    *routes: dict[str, Any],
    endpoint: str = EVENT,
    target: Mapping[str, Any] | None = None,
    decode: Mapping[str, Any] | None = None,
    events: Mapping[str, Any] | None = None,
) -> Mapper:
    """Return a mapper of valid routes to one target."""
    mapping, problems = compiled(*routes, endpoint=endpoint, target=target, decode=decode, events=events)
    again, _ = compiled(*routes, endpoint=endpoint, target=target, decode=decode, events=events)
    assert mapping is not None, problems.found
    assert again is not None
    return BothWays(mapping, again)


class BothWays(Mapper):
    """A mapper that maps each record the fast way and the general way, and insists that the items are the same."""

    def __init__(self, mapping: CompiledMapping, again: CompiledMapping) -> None:
        super().__init__(mapping, "cluster", mapping.decodings())
        self._general = again.mapper("cluster", projected=False)

    def items(self, record: Record) -> Sequence[Item]:
        made, expected = super().items(record), self._general.items(record)
        assert list(made) == list(expected)
        for counters in ("skipped", "identity_invalid", "omitted"):
            assert getattr(self, counters) == getattr(self._general, counters)
        return made


def found(
    *routes: dict[str, Any],
    endpoint: str = EVENT,
    target: Mapping[str, Any] | None = None,
    decode: Mapping[str, Any] | None = None,
    events: Mapping[str, Any] | None = None,
) -> list[tuple[tuple[str | int, ...], str, str]]:
    """Return the errors of routes: path, code, message."""
    mapping, problems = compiled(*routes, endpoint=endpoint, target=target, decode=decode, events=events)
    assert (mapping is None) == bool(problems.errors)
    return [(each.path, each.code, each.message) for each in problems.errors]


def warned(
    *routes: dict[str, Any],
    endpoint: str = EVENT,
    target: Mapping[str, Any] | None = None,
    decode: Mapping[str, Any] | None = None,
    events: Mapping[str, Any] | None = None,
) -> list[tuple[tuple[str | int, ...], str]]:
    """Return what is suspicious about sound routes: path, message."""
    mapping, problems = compiled(*routes, endpoint=endpoint, target=target, decode=decode, events=events)
    assert mapping is not None, problems.errors
    assert {each.code for each in problems.found} <= {"suspicious"}
    return [(each.path, each.message) for each in problems.found]


def body(items: object) -> Any:  # noqa: ANN401 - JSON
    """Return the body of the only item."""
    assert isinstance(items, (list, tuple))
    [item] = items
    assert isinstance(item, Item)
    assert item.failure is None, item.failure
    return json.loads(item.body)


def failure(items: object) -> Failure:
    """Return the failure of the only item."""
    assert isinstance(items, (list, tuple))
    [item] = items
    assert isinstance(item, Item)
    assert item.failure is not None
    return item.failure


def args_of(items: Sequence[Item]) -> list[Any]:
    """Return the event arguments of items, none of which has failed."""
    assert all(item.failure is None for item in items)
    return [json.loads(item.body)["eventargs"] for item in items]


def value_of(raw: object, value: object = None, **changed: Any) -> Any:  # noqa: ANN401 - JSON
    """Return what a value of the language yields as an argument of an event; None if it is left out."""
    made = body(mapper(route(fields={"eventargs": {"c_x": raw}})).items(_with_phone(value, **changed)))
    return made.get("eventargs", {}).get("c_x")


def failure_of(raw: object, value: object = None) -> Failure:
    """Return the failure of a record by a value of the language."""
    return failure(mapper(route(fields={"eventargs": {"c_x": raw}})).items(_with_phone(value)))


def _with_phone(value: object, **changed: Any) -> Record:  # noqa: ANN401 - fields of a record
    content = {"phone": "13800000000", **value} if isinstance(value, dict) else {"phone": "13800000000", "x": value}
    return record(content, **changed)
