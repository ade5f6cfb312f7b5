"""`transform`: a Python function of the user's that makes the values of a route, for what the language can't say.

It gets a copy of the decoded value, so it can't change what other routes read, and must return JSON values.
"""

from __future__ import annotations

import importlib
import inspect
import math
import re
import traceback
from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING

from connector.language.message import NOTHING, Message, message
from connector.mapping.elements import at_element
from connector.mapping.errors import MappingError, SkipItem
from connector.mapping.json_values import Json
from connector.settings.problems import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.record import Record
    from connector.mapping.location import Location
    from connector.mapping.operators import Condition
    from connector.mapping.splitting import Split

Transform = Callable[[Json], object]

_NAME = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*):([^\W\d]\w*)")
_SCALARS = frozenset({str, int, bool, type(None)})


def load_transform(text: str, location: Location) -> Transform | None:
    """Import the function `package.module:function`, or report why that is not possible."""
    match = _NAME.fullmatch(text)
    if match is None:
        location.add(message("expected package.module:function"), "bad_value")
        return None
    module_name, name = match.groups()
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the module does while it is imported
        missing = isinstance(error, ModuleNotFoundError) and f"{module_name}.".startswith(f"{error.name}.")
        remedy = message("no such module: put its directory on PYTHONPATH")
        raised = message("the import raised {kind}{place}", kind=type(error).__name__, place=_place(error))
        location.add(remedy if missing else raised, "unknown_name")
        return None
    function = getattr(module, name, None)
    if not callable(function):
        hint = did_you_mean(name, [each for each in vars(module) if not each.startswith("_")])
        location.add(message("the module has no such function{hint}", hint=hint), "unknown_name")
        return None
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        told = message("expected a plain function: it must not be async, and must return instead of yield")
        location.add(told, "bad_value")
        return None
    loaded: Transform = function
    return loaded


def transform_split(wanted: Condition | None, function: Transform) -> Split:
    """Return what a record becomes by the function; `wanted` is checked before, on the decoded record."""

    def split(value: Json, record: Record) -> Sequence[tuple[Json, Record]]:
        if wanted is not None and not wanted(value, record):
            return ()
        made = _called(function, value)
        if made is None:
            raise SkipItem
        if made.__class__ is not list:
            return [(made, record)]
        return [(each, at_element(record, each, index)) for index, each in enumerate(made) if each is not None]

    return split


def _called(function: Transform, value: Json) -> Json:
    try:
        made = function(_copied(value))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the function raises is about this record
        detail = f"the function raised {type(error).__name__}{_place(error)}"
        raise MappingError("transform_failed", "transform", detail) from None
    try:
        wrong = _not_json(made)
    except RecursionError:
        wrong = "a value that is nested too deeply"
    if wrong:
        raise MappingError("transform_failed", "transform", f"the function returned {wrong}: expected JSON values")
    return made


def _copied(value: Json) -> Json:
    if value.__class__ is dict:
        return {name: _copied(each) for name, each in value.items()}
    return [_copied(each) for each in value] if value.__class__ is list else value


def _not_json(value: object) -> str:
    """Return what in a value is not JSON, by its type; empty if it is JSON."""
    kind = value.__class__
    if kind in _SCALARS:
        return ""
    if isinstance(value, float) and kind is float:
        return "" if math.isfinite(value) else "a number that is not finite"
    if isinstance(value, list) and kind is list:
        return next((wrong for each in value if (wrong := _not_json(each))), "")
    if isinstance(value, dict) and kind is dict:
        if any(name.__class__ is not str for name in value):
            return "an object with a name that is not text"
        return next((wrong for each in value.values() if (wrong := _not_json(each))), "")
    return f"a {kind.__name__}"


def _place(error: BaseException) -> Message:
    """Return where an exception was raised: the last file and line of its traceback; no content of either."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    if not frames:
        return NOTHING
    return message(" ({file}, line {line})", file=PurePath(frames[-1].filename).name, line=frames[-1].lineno)
