"""What becomes of the records of the page under the config of the page: found by the code of `check` and `preview`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, get_args

from connector.config.loading import UNUSED_BY_MAPPING, check_sealed
from connector.config.located import path_text
from connector.language.choice import Language
from connector.language.message import Message, in_language
from connector.workbench.masking import Mask
from connector.workbench.playground.documents import read_documents
from connector.workbench.preview.outcomes import PreviewedMapping, objects_of
from connector.workbench.preview.views import condition_views, count_views, made_view, reference_views, table_views

if TYPE_CHECKING:
    from connector.config.loading import Checked
    from connector.config.located import LocatedProblem
    from connector.mapping import CompiledMapping
    from connector.workbench.playground.documents import BadRecord
    from connector.workbench.preview.outcomes import Outcome
    from connector.workbench.preview.skips import Skip

Data = dict[str, Any]

FILE: Final = "config"
"""The name of the config in messages: ``config:12:7``."""


def evaluate(config: str, records: str, topic: str) -> Data:
    """Return what is wrong with a config and, if nothing is, what becomes of the records.

    `topic` is that of values which do not say theirs; empty: the first that the config reads.
    """
    checked = check_sealed(config.encode(errors="replace"), FILE, unused=UNUSED_BY_MAPPING)
    data: Data = {"problems": [_problem(each) for each in checked.problems], "sound": checked.config is not None}
    if checked.mapping is None:
        return data
    return data | _results(checked, checked.mapping, records, topic)


def _results(checked: Checked, compiled: CompiledMapping, records: str, topic: str) -> Data:
    topics = [each for each in compiled.topics if not each.startswith("^")]
    named = topic or next(iter(topics), None)
    givens, wrong, more = read_documents(records, named)
    mapping = PreviewedMapping(checked, "playground")
    mask = Mask(mapping.config, unmask=True)  # whoever looks at the page has typed it
    outcomes = mapping.outcomes(givens)
    return {
        "topics": topics,
        "has_patterns": len(topics) < len(compiled.topics),
        "topic": named,
        "bad_records": [_bad_record(each) for each in wrong],
        "more": more,
        "records": [_outcome(each, mask) for each in outcomes],
        "counts": count_views(outcomes),
        "conditions": condition_views(mapping, mask),
        "maps": table_views(mapping, mask),
        "references": reference_views(mapping, mask),
    }


def _problem(problem: LocatedProblem) -> Data:
    return {
        "line": problem.position.line,
        "column": problem.position.column,
        "path": path_text(problem.path),
        **_told(problem.message),
        "code": problem.code,
        "severity": "warning" if problem.warning else "error",
    }


def _bad_record(bad: BadRecord) -> Data:
    return {"line": bad.position.line, "column": bad.position.column, **_told(bad.message)}


def _told(told: Message) -> Data:
    """Return a message as it is in English, and in each language: the page is in that of its reader."""
    return {"message": told, "messages": {language: in_language(told, language) for language in get_args(Language)}}


def _outcome(outcome: Outcome, mask: Mask) -> Data:
    """Return what becomes of a record; JSON as text, because a browser's numbers can't hold every one of JSON's."""
    views = [made_view(made, mask) for made in outcome.made]
    texts = {"item", "public_params"}
    return {
        "line": outcome.given.line,
        "topic": outcome.given.record.topic,
        "becomes": [{name: _pretty(each) if name in texts else each for name, each in view.items()} for view in views],
        "objects": list(objects_of(outcome)),
        "skips": [_skip(each) for each in outcome.skips],
    }


def _skip(skip: Skip) -> Data:
    places = [(each.path, *each.position) for each in skip.conditions]
    conditions = [{"path": path, "line": line, "column": column} for path, line, column in places]
    return {"kind": skip.kind, "topic": skip.topic, "route": skip.route, "conditions": conditions}


def _pretty(value: Any) -> str:  # noqa: ANN401 - JSON
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)
