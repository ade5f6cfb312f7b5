"""An explanation as a JSON document, for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.config.located import path_text
from connector.decode import decode_json
from connector.workbench.explaining.wording import OPEN, error_text, raw_at, shallow, summary

if TYPE_CHECKING:
    from connector.workbench.explaining.explanation import Explanation, PartExplanation, RouteExplanation
    from connector.workbench.explaining.trace import Step
    from connector.workbench.masking import Mask


def as_document(explanation: Explanation, mask: Mask) -> dict[str, Any]:
    """Return everything that an explanation says; values are masked."""
    record = explanation.record
    return {
        "record": {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "timestamp": record.timestamp_ms,
            "key": mask.bytes(record.key),
            "headers": [[name, mask.bytes(data)] for name, data in record.headers],
            "value": mask.value(shallow(explanation.value)),
        },
        "undecodable": explanation.undecodable or None,
        "tombstone": record.value is None,
        "routes": [_route(route, mask) for route in explanation.routes],
        "other_routes": [{"route": route.name, "topics": route.topics} for route in explanation.other_routes],
    }


def _route(explained: RouteExplanation, mask: Mask) -> dict[str, Any]:
    return {
        "route": explained.route.name,
        "target": explained.compiled.target,
        "endpoint": explained.compiled.endpoint.path,
        "summary": summary(explained),
        "before": [_step(step, explained, mask) for step in explained.before],
        "parts": [_part(part, explained, mask) for part in explained.parts],
    }


def _part(part: PartExplanation, explained: RouteExplanation, mask: Mask) -> dict[str, Any]:
    item = part.item
    failure = None if item is None else item.failure
    made = item is not None and failure is None
    return {
        "row": part.part.row,
        "element": part.part.element,
        "outcome": part.outcome,
        "item": mask.item(shallow(decode_json(item.body))) if made and item else None,
        "public_params": mask.value(decode_json(item.params)) if made and item else None,
        "failure": None
        if failure is None
        else {"reason": failure.reason, "field": failure.field, "detail": failure.detail},
        "steps": [_step(step, explained, mask) for step in part.steps],
    }


def _step(step: Step, explained: RouteExplanation, mask: Mask) -> dict[str, Any]:
    result = step.result if step.text in OPEN else mask.value(shallow(step.result))
    document: dict[str, Any] = {"part": step.part, "at": path_text(step.path)}
    if step.text:
        document["reference"] = step.text
    elif step.part in ("condition", "word"):
        document["operand"] = raw_at(explained.route, step.keys)
    document["result"] = result
    if step.error is not None:
        document["error"] = error_text(step.error)
    document["steps"] = [_step(inner, explained, mask) for inner in step.steps]
    return document
