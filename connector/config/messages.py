"""pydantic's errors in the words of someone who edits the file.

No message shows a value: it may be a secret, or come from the environment. `located` adds what the file says.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated, Any, Final, cast, get_args, get_origin

from connector.language.message import message, verbatim
from connector.settings.models import Model
from connector.settings.problems import did_you_mean
from connector.settings.types import A_LIST, A_TABLE, InterpolatedStr, expected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from connector.language.message import Message
    from connector.settings.problems import Code, Path, Problems

_OWN_CODES: Final = frozenset({"wrong_type", "bad_value", "bad_reference"})
"""What the validators of `settings.types` raise."""


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
                problems.add(path, message("missing, required"), "missing_key")
        else:
            problems.add(path, *_words(detail, kind))


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


def _words(detail: ErrorDetails, kind: object) -> tuple[Message, Code]:
    context: dict[str, Any] = detail.get("ctx", {})
    name = detail["type"]
    if name in _OWN_CODES:
        return context["message"], cast("Code", name)
    if name == "literal_error":
        return _choice(detail["input"], context["expected"], _model_at(kind, detail["loc"][:-1]))
    if name in {"model_type", "dict_type"}:
        return expected(A_TABLE, detail["input"]), "wrong_type"
    if name == "list_type":
        return expected(A_LIST, detail["input"]), "wrong_type"
    return _bound(name, context, detail["msg"]), "bad_value"


def _bound(name: str, context: Mapping[str, Any], said: str) -> Message:
    """Return which bound of its type a value is beyond; `said` is what pydantic says, for those that are not ours."""
    if name == "greater_than_equal":
        return message("must be at least {ge}", ge=context["ge"])
    if name == "less_than_equal":
        return message("must be at most {le}", le=context["le"])
    if name == "greater_than":
        return message("must be more than zero")
    if name in {"too_short", "string_too_short"}:
        return message("must not be empty")
    return message("{refusal}", refusal=said[:1].lower() + said[1:])


def _choice(value: object, choices: str, model: type[Model]) -> tuple[Message, Code]:
    """Return what is said of a value that is none of the choices, which pydantic writes as ``'a', 'b' or 'c'``."""
    names, _, last = choices.rpartition(" or ")
    one_of = message("{names} or {last}", names=names, last=last) if names else verbatim(choices)
    if not isinstance(value, str):
        return expected(one_of, value), "wrong_type"
    if isinstance(value, InterpolatedStr):
        return message("expected {what}", what=one_of), "bad_value"
    if value.lower() in model.REMEDIES:
        remedy = model.REMEDIES[value.lower()]
        return message("expected {what}: {remedy}", what=one_of, remedy=remedy), "bad_value"
    hint = did_you_mean(value, choices.replace("'", "").replace(" or ", ", ").split(", "))
    return message("expected {what}{hint}", what=one_of, hint=hint), "bad_value"
