"""Reads `/tap` of a connector. Every way in which that fails is an error that says what to do."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

import httpx

from connector.core.addresses import is_loopback
from connector.core.errors import CommandError, UsageError
from connector.language.message import message

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

CONNECT_S: Final = 5.0
SILENCE_S: Final = 30.0
"""A connector says something every few seconds, if only that nothing has happened."""
_MEDIA_TYPE: Final = "application/x-ndjson"
_UNCLEAR: Final = 80
_LAST_PORT: Final = 65535
_BAD_REQUEST: Final = 400

Data = dict[str, Any]


def parse_url(text: str) -> httpx.URL:
    """Return the address of an admin port; `http://` may be left out. Raises UsageError."""
    try:
        url = httpx.URL(text if "://" in text else f"http://{text}")
        is_usable = url.scheme in {"http", "https"} and bool(url.host) and not url.query and not re.search(r"\s", text)
        is_usable = is_usable and (url.port or 0) <= _LAST_PORT
    except (httpx.InvalidURL, ValueError, UnicodeError):
        is_usable = False
    if not is_usable:
        told = message("expected the admin port's address, such as http://127.0.0.1:8080, got '{given}'", given=text)
        raise UsageError("--url", told)
    return url.copy_with(path=f"{url.path.rstrip('/')}/tap", fragment=None)


def read(url: httpx.URL, query: Sequence[tuple[str, str]]) -> Generator[Data]:
    """Yield the documents that the connector sends, the one of type `end` last.

    Raises:
        UsageError: the connector does not know what the query names.
        CommandError: it can't be reached, refuses, or is something else; or the connection ended.

    """
    place = str(url.copy_with(path="/", username=None, password=None)).rstrip("/")
    timeout = httpx.Timeout(SILENCE_S, connect=CONNECT_S)
    try:
        with (
            httpx.Client(timeout=timeout, trust_env=not is_loopback(url.host)) as client,
            client.stream("GET", url, params=list(query)) as answer,
        ):
            _check(answer, place)
            yield from _documents(answer, place)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        told = message(
            "can't reach {place} ({reason}): does the connector run, and is that its admin.listen (--url)?",
            place=place,
            reason=_reason(error),
        )
        raise CommandError(told) from error
    except httpx.ReadTimeout as error:
        told = message(
            "{place} has said nothing for {seconds:.0f} s: is that a connector's admin port?",
            place=place,
            seconds=SILENCE_S,
        )
        raise CommandError(told) from error
    except httpx.HTTPError as error:
        told = message(
            "the connection to {place} ended ({reason}): has the connector ended?", place=place, reason=_reason(error)
        )
        raise CommandError(told) from error


def _check(answer: httpx.Response, place: str) -> None:
    is_tap = answer.headers.get("content-type", "").partition(";")[0] == _MEDIA_TYPE
    if answer.is_success and is_tap:
        return
    if told := _own_message(answer):
        if answer.status_code == _BAD_REQUEST:
            raise UsageError("tap", told)
        raise CommandError(f"{place}: {told}")
    raise CommandError(
        message(
            "{place} is not the admin port of a connector with a tap (it answered HTTP {status}): "
            "look at admin.listen, and at the connector's version",
            place=place,
            status=answer.status_code,
        )
    )


def _own_message(answer: httpx.Response) -> str:
    """Return the error of a connector; empty if the answer is something else's, or of a connector without a tap."""
    document = None
    if answer.headers.get("content-type") == "application/json" and answer.status_code != httpx.codes.NOT_FOUND:
        with contextlib.suppress(ValueError, httpx.HTTPError):
            document = json.loads(answer.read())
    error = document.get("error") if isinstance(document, dict) else None
    return error if isinstance(error, str) else ""


def _documents(answer: httpx.Response, place: str) -> Iterator[Data]:
    for line in answer.iter_lines():
        try:
            document = json.loads(line)
        except ValueError:
            document = None
        if not isinstance(document, dict) or "type" not in document:
            raise CommandError(f"{place} sent what is not of a tap: {line[:_UNCLEAR]!r}")
        yield document
        if document["type"] == "end":
            return
    raise CommandError(message("the connection to {place} ended: has the connector ended?", place=place))


def _reason(error: httpx.HTTPError) -> str:
    return str(error).strip() or type(error).__name__
