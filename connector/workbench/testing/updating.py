"""`--update`: what came out becomes what is expected, in the file, for the user to review.

Only the text of what differs is replaced: a value, a list, or a whole expectation (`editing.py`). A text that does not
read as intended, because of an anchor for example, is not written.
"""

from __future__ import annotations

import contextlib
import copy
from typing import TYPE_CHECKING, Any, Final

from connector.config.source_text import SourceText
from connector.config.yaml_scalars import YamlError
from connector.config.yaml_source import read_yaml
from connector.language.message import message
from connector.workbench.testing.comparing import ABSENT, as_data, equal
from connector.workbench.testing.editing import IN_THE_WAY, Edit, NotUpdatedError, TextEditor
from connector.workbench.testing.models import ItemExpected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from connector.mapping.json_values import Json
    from connector.settings.models import Route
    from connector.settings.problems import Path
    from connector.workbench.testing.cases import CaseFile
    from connector.workbench.testing.comparing import Made
    from connector.workbench.testing.running import Result

__all__ = ["NotUpdatedError", "edits_of", "not_updatable", "updated"]

_FILLED_IN: Final = frozenset({"time", "uuid"})
"""What the connector adds to an event that does not map it: of no interest to a test."""


def updated(file: CaseFile, results: Iterable[Result]) -> str:
    """Return the text of a file in which what came out of each result that failed is expected.

    Raises:
        NotUpdatedError: replacing parts of the old text does not lead to one that reads so.

    """
    edits = [edit for result in results if not result.passed for edit in edits_of(result)]
    wanted = copy.deepcopy(file.document.read.data)
    for edit in edits:
        _apply(wanted, edit)
    text = TextEditor(file.document).changed(edits)
    try:
        found = read_yaml(SourceText(text)).data
    except YamlError as error:
        raise NotUpdatedError(message("the new text would not be YAML: {why}", why=error.message)) from error
    if not equal(found, wanted):
        raise NotUpdatedError(IN_THE_WAY)
    return text


def not_updatable(file: CaseFile, results: Sequence[Result]) -> dict[int, str]:
    """Return the indices of the failed results that can't be updated even alone, and why; none if all can at once."""
    found: dict[int, str] = {}
    with contextlib.suppress(NotUpdatedError):
        updated(file, results)
        return found
    for result in results:
        try:
            updated(file, [result])
        except NotUpdatedError as error:
            found[result.case.index] = str(error)
    return found


def edits_of(result: Result) -> list[Edit]:
    """Return what must change so that a result which failed is expected."""
    at: Path = ("tests", result.case.index)
    is_letter = result.case.dead_letter is not None
    known = ("tests", 0, "expect_dead_letter") if is_letter else ("tests", 0, "expect", 0)
    if all(len(each.path) > len(known) + (each.made is ABSENT) for each in result.differences):
        return _in_place(result)
    letters = [each for each in result.made if each.failure is not None]
    old = "expect_dead_letter" if is_letter else "expect"
    if letters and (is_letter or len(result.made) == 1):
        return [Edit((*at, old), _letter(letters[0]), "expect_dead_letter")]
    return [Edit((*at, old), _items(result), "expect")]


def _in_place(result: Result) -> list[Edit]:
    """Return the smallest edits: of single values, and of the tables that name what is not there."""
    edits = {}
    for each in result.differences:
        if each.made is not ABSENT:
            edits[each.path] = Edit(each.path, each.made)
            continue
        *around, _ = each.path
        old: Any = result.file.document.read.data
        for key in around:
            old = old[key]
        made: Any = [one.as_data() for one in result.made]
        for key in around[len(("tests", 0, "expect")) :]:
            made = made[key]
        edits[tuple(around)] = Edit(tuple(around), _shaped(made, old))
    return [edit for path, edit in edits.items() if not any(path[:end] in edits for end in range(len(path)))]


def _items(result: Result) -> list[Json]:
    """Return all that was made as it is expected: of an item that is there already, what the test names."""
    expected = result.case.expected
    old: Sequence[Any] = expected if expected and len(expected) == len(result.made) else [None] * len(result.made)
    routes = {route.name: route for route in result.file.mapping.config.routes}
    return [
        {"dead_letter": _letter(made)}
        if made.failure is not None
        else _shaped(made.as_data(), as_data(each))
        if isinstance(each, ItemExpected)
        else _new_item(made, routes[made.route])
        for made, each in zip(result.made, old, strict=True)
    ]


def _new_item(made: Made, route: Route) -> Json:
    """Return an item as it is expected, without what the route does not map."""
    passed_over = _FILLED_IN - route.fields.keys()
    item = {name: each for name, each in made.item.items() if name not in passed_over}
    params = {name: each for name, each in made.public_params.items() if name in route.public_params}
    return {"target": made.target, "item": item, **({"public_params": params} if params else {})}


def _letter(made: Made) -> Json:
    return {name: each for name, each in made.letter().items() if name in {"route", "reason", "field"}}


def _shaped(made: Json, like: Json) -> Json:
    """Return of a table only what another one names."""
    if not isinstance(made, dict) or not isinstance(like, dict):
        return made
    return {name: _shaped(made[name], each) for name, each in like.items() if name in made}


def _apply(data: Any, edit: Edit) -> None:  # noqa: ANN401 - JSON
    *around, last = edit.path
    for key in around:
        data = data[key]
    if edit.key and edit.key != last:
        data.pop(last, None)
    data[edit.key or last] = edit.value
