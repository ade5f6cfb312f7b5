"""What a reply of the platform means. Pure: bytes in, a verdict out; no function here raises, whatever the bytes.

The verdict table below decides. Its principle: an undocumented status or code never loses data. Unless a reply is about
the items, it holds the target or is retried. The codes are those of page 986158; no page says which HTTP status comes
with them, so both are looked at.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple

import orjson

from connector.core.retry import MAX_RETRY_AFTER_S
from connector.core.sink import MAX_REPLY_BYTES, Subject, Verdict, VerdictKind
from connector.language.message import NOTHING, Message, message

if TYPE_CHECKING:
    from collections.abc import Callable

SUCCESS = "200"
TOKEN_ERROR = "100200"  # noqa: S105 - an error code, not a password
APP_SECRET_ERROR = "100100"  # noqa: S105 - the same
AUTH_CODE_ERROR = "100300"
BUSY = "操作频繁"
"""The platform's message for too many requests (page 985201)."""


class _Facts(NamedTuple):
    """What the verdict table looks at."""

    status: int
    code: str
    busy: bool

    @property
    def ok(self) -> bool:
        """Whether the HTTP status is 2xx."""
        return 200 <= self.status < 300

    @property
    def number(self) -> int:
        """The HTTP status; for 2xx a three-digit code in the body, which then means the same. 0: neither."""
        if not self.ok:
            return self.status
        return int(self.code) if len(self.code) == 3 and self.code.isascii() and self.code.isdigit() else 0


# The verdict table: the first row that matches decides what to do, and what the reply speaks of.
_VERDICTS: tuple[tuple[Callable[[_Facts], bool], VerdictKind, Subject], ...] = (
    (lambda it: it.code == TOKEN_ERROR, VerdictKind.TOKEN, Subject.TRANSPORT),  # at any status
    (lambda it: it.code in {APP_SECRET_ERROR, AUTH_CODE_ERROR}, VerdictKind.HELD, Subject.TARGET),  # at any status
    (lambda it: it.ok and it.code == SUCCESS, VerdictKind.DELIVERED, Subject.ITEMS),  # the only success
    (lambda it: it.busy, VerdictKind.AGAIN, Subject.TARGET),
    # A proxy's page, a truncated body, a login portal:
    (lambda it: it.ok and not it.code, VerdictKind.AGAIN, Subject.TRANSPORT),
    (lambda it: it.number in {400, 409, 422}, VerdictKind.REFUSED, Subject.ITEMS),
    (lambda it: it.number == 401, VerdictKind.TOKEN, Subject.TRANSPORT),
    (lambda it: it.number in {403, 404, 405}, VerdictKind.HELD, Subject.TARGET),
    (lambda it: it.number in {425, 429}, VerdictKind.AGAIN, Subject.TARGET),
    (lambda it: it.number == 408, VerdictKind.AGAIN, Subject.TRANSPORT),
    (lambda it: it.number == 413, VerdictKind.SPLIT, Subject.ITEMS),
    (lambda it: 500 <= it.number < 600, VerdictKind.AGAIN, Subject.TRANSPORT),
    (lambda it: it.ok, VerdictKind.REFUSED, Subject.ITEMS),  # any other code
    # Redirects, and 4xx that are not about the items:
    (lambda it: 300 <= it.status < 500, VerdictKind.HELD, Subject.TARGET),
    (lambda _: True, VerdictKind.AGAIN, Subject.TRANSPORT),
)
CREDENTIALS_REMEDY = message(
    "check app_id and app_secret; if they are right, the app may have expired: submit it for review again"
)
_ADDRESS = message("check base_url: it must end in /api/open or /api/integrate, as the app's own settings show it")
NO_PERMISSION_REMEDY = message("grant the app this endpoint's permission in the platform's app settings")
_REMEDIES = {
    APP_SECRET_ERROR: CREDENTIALS_REMEDY,
    AUTH_CODE_ERROR: message(
        "the authorization of the app is not valid: authorize it again in the platform's app settings"
    ),
    "404": _ADDRESS,
    "405": _ADDRESS,
    "407": message("the proxy in front of the platform requires credentials: add them to HTTPS_PROXY or HTTP_PROXY"),
}
_ERROR_CODE = re.compile(r"[A-Za-z_]{1,40}")
_UNSAFE = re.compile(r"[^\w.-]")
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete HTTP response."""

    http_status: int
    body: bytes = field(repr=False)
    """That of the token endpoint holds the token."""
    retry_after: str | None = None
    """The header Retry-After, unparsed."""
    date: str | None = None
    """The header Date, unparsed."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The fields of a reply's body: `code`, `errorCode`, `msg` and sometimes `data` (documents 000 to 004)."""

    code: str = ""
    """As text, whether it is a string or a number in the body; empty if there is none."""
    error_code: str = ""
    """Empty if it does not look like a constant's name: other text might repeat a value of a record."""
    message: str = ""
    data: object = None
    is_object: bool = False


def classify(reply: Reply, now: datetime, remedy_for_403: Message = NO_PERMISSION_REMEDY) -> Verdict:
    """Return what `reply` means for the items of its request.

    `now` (aware) is for a `Retry-After` with a date; `remedy_for_403`: which right is missing, the caller knows.
    """
    envelope = parse_envelope(reply.body)
    kind, subject = _kind_and_subject(reply.http_status, envelope)
    return Verdict(
        kind=kind,
        subject=subject,
        detail=_describe(reply.http_status, envelope),
        http_status=reply.http_status,
        code=envelope.code,
        reply=_cut(reply.body),
        retry_after_s=retry_after_s(reply.retry_after, now) if kind is VerdictKind.AGAIN else None,
        import_batch=_import_batch(reply.body, envelope.data) if kind is VerdictKind.DELIVERED else "",
        remedy=_remedy(reply.http_status, envelope, remedy_for_403) if kind is VerdictKind.HELD else NOTHING,
    )


def parse_envelope(body: bytes) -> Envelope:
    """Parse a body; fields that are missing or not as documented are left empty."""
    value = _parse(body.removeprefix(b"\xef\xbb\xbf"))
    if not isinstance(value, dict):
        return Envelope()
    error_code, message = value.get("errorCode"), value.get("msg")
    return Envelope(
        code=_code(value.get("code")),
        error_code=error_code if isinstance(error_code, str) and _ERROR_CODE.fullmatch(error_code) else "",
        message=message if isinstance(message, str) else "",
        data=value.get("data"),
        is_object=True,
    )


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """Return the seconds of a `Retry-After` header, 0 to MAX_RETRY_AFTER_S; None if it is missing or invalid."""
    text = (header or "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), MAX_RETRY_AFTER_S)
    try:
        when = parsedate_to_datetime(text)
        if when.tzinfo is None:
            when = when.replace(tzinfo=UTC)
        wait_s = (when - now).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(wait_s, 0.0), MAX_RETRY_AFTER_S)


def _parse(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    # A success must not be sent again and again because its `msg` has another charset or a lone surrogate.
    return _parse_leniently(body)


def _parse_leniently(body: bytes) -> object:
    try:
        return json.loads(body.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return None


def _kind_and_subject(status: int, envelope: Envelope) -> tuple[VerdictKind, Subject]:
    facts = _Facts(status, envelope.code, BUSY in envelope.message)
    return next((kind, subject) for matches, kind, subject in _VERDICTS if matches(facts))


def _code(value: object) -> str:
    if isinstance(value, bool):
        return ""
    if isinstance(value, float) and math.isfinite(value):
        text = str(int(value) if value.is_integer() else value)
    elif isinstance(value, str | int):
        text = str(value)
    else:
        return ""
    return _UNSAFE.sub("?", text[:32]) if text.strip() else ""


def _describe(status: int, envelope: Envelope) -> str:
    if envelope.code:
        return f"HTTP {status}, code {envelope.code}" + (f" {envelope.error_code}" if envelope.error_code else "")
    if not 200 <= status < 300:
        return f"HTTP {status}"
    if envelope.is_object:
        return message("HTTP {status}, a body without a code", status=status)
    return message("HTTP {status}, a body that is not a JSON object", status=status)


def _remedy(status: int, envelope: Envelope, remedy_for_403: Message) -> Message:
    remedies = {**_REMEDIES, "403": remedy_for_403}
    if envelope.code in remedies and (200 <= status < 300 or envelope.code in {APP_SECRET_ERROR, AUTH_CODE_ERROR}):
        return remedies[envelope.code]
    if 300 <= status < 400:
        return message("the platform answers with a redirect, which is not followed: {remedy}", remedy=_ADDRESS)
    return remedies.get(str(status), _ADDRESS)


def _cut(body: bytes) -> str:
    # Decode a few bytes more than the limit, so that a character cut in two lies beyond it.
    text = body[: MAX_REPLY_BYTES + 4].decode("utf-8", "replace")
    return text.encode()[:MAX_REPLY_BYTES].decode("utf-8", "ignore")


def _import_batch(body: bytes, data: object) -> str:
    if isinstance(data, float):
        # orjson parses an integer beyond 64 bits as a float; an id must be exact.
        value = _parse_leniently(body.removeprefix(b"\xef\xbb\xbf"))
        data = value.get("data") if isinstance(value, dict) else None
    if isinstance(data, int) and not isinstance(data, bool):
        return str(data)[:64] if data.bit_length() < 256 else ""
    return _UNSAFE.sub("?", data[:64]) if isinstance(data, str) else ""
