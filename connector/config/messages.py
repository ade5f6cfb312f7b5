"""pydantic's errors in the words of someone who edits the file.

No message shows a value: it may be a secret, or come from the environment. `located` adds what the file says.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated, Any, Final, cast, get_args, get_origin

from connector.settings.models import Model
from connector.settings.problems import did_you_mean
from connector.settings.types import InterpolatedStr, expected

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from connector.settings.problems import Code, Path, Problems

_OWN_CODES: Final = frozenset({"wrong_type", "bad_value", "bad_reference"})
"""What the validators of `settings.types` raise."""
_BOUNDS: Final = {
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be more than zero",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
}


def report(error: ValidationError, kind: Any, at: Path, problems: Problems) -> None:  # noqa: ANN401 - any annotation
    """Add everything that pydantic found wrong with the part of the file at `at`, which should be a `kind`."""
    details = error.errors(include_url=False)
    misspelt = [_misspelt(detail, kind) for detail in details if detail["type"] == "extra_forbidden"]
    for detail in details:
        path = (*at, *detail["loc"])
        if detail["type"] == "extra_forbidden":
            problems.unknown_key(path, _model_at(kind, detail["loc"][:-1]).model_fields)
        elif detail["type"] == "missing":
            if detail["loc"] not in misspelt:  # the misspelt key is reported already
                problems.add(path, "missing, required", "missing_key")
        else:
            message, code = _words(detail, kind)
            problems.add(path, message, code)


def _misspelt(detail: ErrorDetails, kind: object) -> tuple[int | str, ...]:
    """Return the place of the key that an unknown one was probably meant to be."""
    *around, word = detail["loc"]
    allowed = list(_model_at(kind, tuple(around)).model_fields)
    return (*around, *difflib.get_close_matches(str(word), allowed, n=1, cutoff=0.6))


def _model_at(kind: object, path: tuple[int | str, ...]) -> type[Model]:
    """Return the model of the table at `path` inside a `kind`."""
    if get_origin(kind) is Annotated:
        return _model_at(get_args(kind)[0], path)
    if get_origin(kind) is dict:
        return _model_at(get_args(kind)[-1], path[1:])
    model = next(each for each in (kind, *get_args(kind)) if isinstance(each, type) and issubclass(each, Model))
    return _model_at(model.model_fields[str(path[0])].annotation, path[1:]) if path else model


def _words(detail: ErrorDetails, kind: object) -> tuple[str, Code]:
    context: dict[str, Any] = detail.get("ctx", {})
    name = detail["type"]
    if name in _OWN_CODES:
        return context["message"], cast("Code", name)
    if name == "literal_error":
        return _choice(detail["input"], context["expected"], _model_at(kind, detail["loc"][:-1]))
    if name in {"model_type", "dict_type"}:
        return expected("a table", detail["input"]), "wrong_type"
    if name == "list_type":
        return expected("a list", detail["input"]), "wrong_type"
    template = _BOUNDS.get(name, detail["msg"][:1].lower() + detail["msg"][1:])
    return template.format(**context), "bad_value"


def _choice(value: object, choices: str, model: type[Model]) -> tuple[str, Code]:
    if not isinstance(value, str):
        return expected(choices, value), "wrong_type"
    if isinstance(value, InterpolatedStr):
        return f"expected {choices}", "bad_value"
    if value.lower() in model.REMEDIES:
        return f"expected {choices}: {model.REMEDIES[value.lower()]}", "bad_value"
    allowed = choices.replace("'", "").replace(" or ", ", ").split(", ")
    return f"expected {choices}{did_you_mean(value, allowed)}", "bad_value"
