"""What no log line may hold, taken out of any text that others wrote.

The connector's own texts hold no secret and no value of a record by construction. This is the second fence, for
what libraries and servers say: the platform's secret travels in a query string, and an exception's text is whatever
somebody put there. Taken out are queries of URLs and paths, mainland mobile numbers, and control characters, which
would forge lines or speak to the terminal.
"""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from connector.core.errors import BackgroundTaskError, ConnectorError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_TEXT = 1000
"""Characters of one text in a log line."""
MAX_FRAMES = 12
"""Places of a traceback in a log line, the innermost."""

_URL_QUERY = re.compile(r"(https?://[^\s?\"<>]*)\?[^\s\"<>]*", re.IGNORECASE)
_QUERY = re.compile(r"\?[^\s?=\"<>]*=[^\s\"<>]*")
_SETTING = re.compile(r"([\w.-]*(?:secre|passw|token)[\w.-]*)(=|\"\s*:\s*)\"?[^\s\",&}]+", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(?<=//)[^\s/@\"'<>]+@")
_MOBILE = re.compile(r"(?<![0-9])1[3-9][0-9]{9}(?![0-9])")
_NOT_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def scrub(text: str) -> str:
    """Give `text` on one line, at most MAX_TEXT long, without URL queries, passwords and mobile numbers."""
    text = _NOT_TEXT.sub(" ", text)
    text = _URL_QUERY.sub(r"\1?…", _CREDENTIALS.sub("…@", text))
    text = _SETTING.sub(r"\1\2…", _QUERY.sub("?…", text))
    return _MOBILE.sub("1…", text)[:MAX_TEXT]


def describe(error: BaseException) -> str:
    """Say what was raised and where, cause by cause, without what foreign exceptions say of the values at hand.

    The text of the connector's own errors and of the operating system's is kept: it names a thing and a remedy.
    """
    return " from ".join(_one(one) for one in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _one(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(error, BackgroundTaskError):
        # Its text repeats what its cause says.
        name += f" ('{error.task}')"
    elif isinstance(error, ConnectorError):
        name += f" ({scrub(str(error))})"
    elif isinstance(error, OSError) and error.strerror:
        name += f" ({scrub(error.strerror)})"
    frames = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), lookup_lines=False)
    places = frames[-MAX_FRAMES:]
    where = " > ".join(f"{Path(place.filename).name}:{place.lineno} {place.name}" for place in places)
    return f"{name} at {where}" if where else name
