"""pydantic's complaints in the words of someone who edits the file: one place for all of them.

No message shows a value: it may be a secret, or come from the environment.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, cast, get_args

from pydantic import BaseModel, ValidationError

from connector.settings.models import DeadLetter, Decode, Kafka, Route
from connector.settings.problems import did_you_mean
from connector.settings.types import InterpolatedStr, kind

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from connector.settings.problems import Code, Path, Problems

_KEYS_NOT_YET = frozenset(
    {
        (Kafka, "schema_registry"),
        (Decode, "envelope"),
        (Route, "for_each"),
        (Route, "extract"),
        (Route, "transform"),
        (DeadLetter, "refused_in_a_row"),
        (DeadLetter, "refused_alone_for"),
    }
)
_VALUES_NOT_YET = frozenset({"avro", "json_schema", "gb18030"})
_OWN_CODES = frozenset({"wrong_type", "bad_value", "bad_reference"})
"""What `scalars` raises."""
_BOUNDS = {
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be more than zero",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
}


def report(error: ValidationError, model: type[BaseModel], at: Path, problems: Problems) -> None:
    """Note everything that pydantic found wrong with the part of the file at `at`, which should be a `model`."""
    details = error.errors(include_url=False)
    misspelt = [_misspelt(detail, model) for detail in details if detail["type"] == "extra_forbidden"]
    for detail in details:
        path = (*at, *detail["loc"])
        if detail["type"] == "extra_forbidden":
            _unknown_key(detail, model, path, problems)
        elif detail["type"] == "missing":
            if detail["loc"] not in misspelt:  # the misspelt key is reported already
                problems.add(path, "missing, required", "missing_key")
        else:
            message, code = _words(detail)
            problems.add(path, message, code)


def table_expected(value: object) -> str:
    """What to say of a value that should be a table."""
    return "is empty, but must be a table of key: value" if value is None else f"must be a table, not {kind(value)}"


def list_expected(value: object) -> str:
    """What to say of a value that should be a list."""
    return "is empty, but must be a list" if value is None else f"must be a list, not {kind(value)}"


def _unknown_key(detail: ErrorDetails, model: type[BaseModel], path: Path, problems: Problems) -> None:
    table = _model_at(model, detail["loc"][:-1])
    if (table, path[-1]) in _KEYS_NOT_YET:
        problems.add(path, f"'{path[-1]}' is not supported yet", "unknown_key", at_key=True)
    else:
        problems.unknown_key(path, table.model_fields)


def _misspelt(detail: ErrorDetails, model: type[BaseModel]) -> tuple[int | str, ...]:
    """The place of the key that an unknown one was probably meant to be."""
    *around, word = detail["loc"]
    allowed = list(_model_at(model, tuple(around)).model_fields)
    return (*around, *difflib.get_close_matches(str(word), allowed, n=1, cutoff=0.6))


def _model_at(model: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel]:
    """The model of the table at `path` inside a section; tables inside sections are models all the way."""
    for key in path:
        annotation = model.model_fields[str(key)].annotation
        candidates = [annotation, *get_args(annotation)]
        model = next(item for item in candidates if isinstance(item, type) and issubclass(item, BaseModel))
    return model


def _words(detail: ErrorDetails) -> tuple[str, Code]:
    context: dict[str, Any] = detail.get("ctx", {})
    name = detail["type"]
    if name in _OWN_CODES:
        return context["message"], cast("Code", name)
    if name == "literal_error":
        return _choice(detail["input"], context["expected"])
    if name in {"model_type", "dict_type"}:
        return table_expected(detail["input"]), "wrong_type"
    if name == "list_type":
        return list_expected(detail["input"]), "wrong_type"
    template = _BOUNDS.get(name, detail["msg"][:1].lower() + detail["msg"][1:])
    return template.format(**context), "bad_value"


def _choice(value: object, expected: str) -> tuple[str, Code]:
    allowed = expected.replace("'", "").replace(" or ", ", ").split(", ")
    if not isinstance(value, str):
        return f"must be {expected}, not {kind(value)}", "wrong_type"
    if isinstance(value, InterpolatedStr):
        return f"must be {expected}", "bad_value"
    if value in _VALUES_NOT_YET:
        return f"'{value}' is not supported yet; must be {expected}", "bad_value"
    return f"must be {expected}{did_you_mean(value, allowed)}", "bad_value"
