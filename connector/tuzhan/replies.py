"""What a reply of the platform means. Pure: bytes in, a verdict out; nothing here raises, whatever the bytes.

The rules, in order; the first that matches decides.

    code 100200, at any status                   token     TOKEN_ERROR
    code 100100 or 100300, at any status         held      APPID_SECRET_ERROR, AUTHCODE_ERROR
    2xx and code "200"                           delivered the only success there is
    "操作频繁" in msg                             again     the platform's words for "too many requests"
    a status that is not 2xx                     by _BY_NUMBER, else 3xx and 4xx held, all others again
    2xx, not JSON or without a code              again     a proxy's page, half a reply, a login portal
    2xx and any other code                       by _BY_NUMBER, else 5xx again, all others refused

A status or a code that nobody documents never costs data: what does not speak of the items holds the target, or is
tried again. The codes are those of the platform's page 986158; which HTTP status comes with them is stated
nowhere, so both are looked at.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import orjson

from connector.core.retry import MAX_RETRY_AFTER_S
from connector.core.sink import MAX_REPLY_BYTES, Verdict, VerdictKind

SUCCESS = "200"
TOKEN_ERROR = "100200"  # noqa: S105 - an error code, not a password
APP_SECRET_ERROR = "100100"  # noqa: S105 - the same
BUSY = "操作频繁"

_AT_ANY_STATUS: dict[str, VerdictKind] = {
    TOKEN_ERROR: VerdictKind.TOKEN,
    APP_SECRET_ERROR: VerdictKind.HELD,
    "100300": VerdictKind.HELD,
}
_BY_NUMBER: dict[int, VerdictKind] = {
    # As an HTTP status, or as the code inside 2xx.
    400: VerdictKind.REFUSED,
    401: VerdictKind.TOKEN,
    403: VerdictKind.HELD,
    404: VerdictKind.HELD,
    405: VerdictKind.HELD,
    408: VerdictKind.AGAIN,
    409: VerdictKind.REFUSED,
    413: VerdictKind.SPLIT,
    422: VerdictKind.REFUSED,
    425: VerdictKind.AGAIN,
    429: VerdictKind.AGAIN,
}
CREDENTIALS_REMEDY = (
    "check app_id and app_secret; if they are right, the app may have expired: submit it for review again"
)
_ADDRESS = "check base_url: it must end in /api/open or /api/integrate, as the app's own settings show it"
_REMEDIES = {
    APP_SECRET_ERROR: CREDENTIALS_REMEDY,
    "100300": "the authorization of the app is not valid: authorize it again in the platform's app settings",
    "403": "grant the app this endpoint's permission in the platform's app settings: "
    "event: 事件->事件, audience/info: 用户->用户资料, audience/tag: 用户->用户标签",
    "404": _ADDRESS,
    "405": _ADDRESS,
    "407": "the proxy between here and the platform asks for credentials: check the proxy's environment variables",
}
_ERROR_CODE = re.compile(r"[A-Za-z_]{1,40}")
_NOT_IN_A_CODE = re.compile(r"[^\w.-]")
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back over HTTP, complete."""

    http_status: int
    body: bytes
    retry_after: str | None = None
    """The header of that name, as it came."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The fields that every body of the platform has: ``code``, ``errorCode``, ``msg`` and sometimes ``data``."""

    code: str = ""
    """As text, whether it came as a string or a number; empty if there is none."""
    error_code: str = ""
    """Only if it looks like a constant's name: anything else might repeat a value of a record."""
    message: str = ""
    data: object = None
    is_object: bool = False


def judge(reply: Reply, now: datetime) -> Verdict:
    """Say what `reply` means for the items of its request.

    `now` (aware) is what a `Retry-After` that names a date is measured from.
    """
    envelope = read(reply.body)
    kind = _kind(reply.http_status, envelope)
    return Verdict(
        kind=kind,
        detail=_describe(reply.http_status, envelope),
        http_status=reply.http_status,
        code=envelope.code,
        reply=_cut(reply.body),
        retry_after_s=retry_after_s(reply.retry_after, now) if kind is VerdictKind.AGAIN else None,
        import_batch=_import_batch(reply.body, envelope.data) if kind is VerdictKind.DELIVERED else "",
        remedy=_remedy(reply.http_status, envelope) if kind is VerdictKind.HELD else "",
    )


def read(body: bytes) -> Envelope:
    """Read a body as the platform's envelope; what can't be read is simply not in it."""
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
    """Seconds to wait by a `Retry-After` header, 0 to MAX_RETRY_AFTER_S; None if it says nothing readable."""
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
    # A success must not be repeated for ever because its `msg` is in another charset or ends in half an emoji.
    return _parse_leniently(body)


def _parse_leniently(body: bytes) -> object:
    try:
        return json.loads(body.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return None


def _kind(status: int, envelope: Envelope) -> VerdictKind:
    success_status = 200 <= status < 300
    if envelope.code in _AT_ANY_STATUS:
        return _AT_ANY_STATUS[envelope.code]
    if success_status and envelope.code == SUCCESS:
        return VerdictKind.DELIVERED
    if BUSY in envelope.message:
        return VerdictKind.AGAIN
    if not success_status:
        return _BY_NUMBER.get(status, VerdictKind.HELD if 300 <= status < 500 else VerdictKind.AGAIN)
    if not envelope.code:
        return VerdictKind.AGAIN
    number = _three_digits(envelope.code)
    return _BY_NUMBER.get(number, VerdictKind.AGAIN if 500 <= number < 600 else VerdictKind.REFUSED)


def _code(value: object) -> str:
    if isinstance(value, bool):
        return ""
    if isinstance(value, float) and math.isfinite(value):
        text = str(int(value) if value.is_integer() else value)
    elif isinstance(value, str | int):
        text = str(value)
    else:
        return ""
    return _NOT_IN_A_CODE.sub("?", text[:32]) if text.strip() else ""


def _three_digits(code: str) -> int:
    return int(code) if len(code) == 3 and code.isascii() and code.isdigit() else 0


def _describe(status: int, envelope: Envelope) -> str:
    if envelope.code:
        return f"HTTP {status}, code {envelope.code}" + (f" {envelope.error_code}" if envelope.error_code else "")
    if not 200 <= status < 300:
        return f"HTTP {status}"
    return (
        f"HTTP {status}, a body without a code"
        if envelope.is_object
        else f"HTTP {status}, a body that is no JSON object"
    )


def _remedy(status: int, envelope: Envelope) -> str:
    if envelope.code in _REMEDIES and (200 <= status < 300 or envelope.code in _AT_ANY_STATUS):
        return _REMEDIES[envelope.code]
    if 300 <= status < 400:
        return f"the platform redirects, and redirects are not followed: {_ADDRESS}"
    return _REMEDIES.get(str(status), _ADDRESS)


def _cut(body: bytes) -> str:
    # A few bytes more than the limit, so that a character that is cut in two lies beyond it.
    text = body[: MAX_REPLY_BYTES + 4].decode("utf-8", "replace")
    return text.encode()[:MAX_REPLY_BYTES].decode("utf-8", "ignore")


def _import_batch(body: bytes, data: object) -> str:
    if isinstance(data, float):
        # orjson makes a float of what is beyond 64 bits; an id must be exact.
        value = _parse_leniently(body.removeprefix(b"\xef\xbb\xbf"))
        data = value.get("data") if isinstance(value, dict) else None
    if isinstance(data, int) and not isinstance(data, bool):
        return str(data)[:64] if data.bit_length() < 256 else ""
    return _NOT_IN_A_CODE.sub("?", data[:64]) if isinstance(data, str) else ""
