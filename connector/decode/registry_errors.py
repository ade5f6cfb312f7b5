"""What the errors of the schema registry's client mean, and what to do, without the texts of libraries.

Those may hold an address with a password in it.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from confluent_kafka.schema_registry import SchemaRegistryError
from confluent_kafka.schema_registry.error import OAuthTokenError

from connector.core.wording import system_says
from connector.language.message import Message, message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_Told = tuple[Message, Message]
"""What the registry does: the end of a sentence about it; and what to do."""
_BY_STATUS: Final[dict[int, _Told]] = {
    401: (
        message("refuses the credentials (HTTP 401)"),
        message("check kafka.schema_registry.properties, basic.auth.user.info or bearer.auth.…"),
    ),
    403: (
        message("forbids reading schemas (HTTP 403)"),
        message("give this user the right to read all subjects"),
    ),
    404: (
        message("has no such API (HTTP 404)"),
        message(
            "check kafka.schema_registry.url, which must lead to Confluent's API:"
            " with Apicurio it ends in /apis/ccompat/v7"
        ),
    ),
}


def place_of(url: str) -> str:
    """Return hosts and ports of one address, or of several with commas in between."""
    return ", ".join(urlsplit(each.strip()).netloc.rpartition("@")[2] for each in url.split(","))


def about(place: str, does: Message, remedy: Message) -> Message:
    """Return a text about the registry at `place`, with what was found and what to do as its arguments."""
    found = message("the schema registry at {place} {does}", place=place, does=does)
    return message("{found}: {remedy}", found=found, remedy=remedy)


def told_of(error: Exception, place: str, timeout_s: float) -> Message:
    """Return what happened at the registry at `place`, and what to do."""
    return about(place, *_told(error, timeout_s))


def _told(error: Exception, timeout_s: float) -> _Told:
    if isinstance(error, SchemaRegistryError):
        status = error.http_status_code
        otherwise = message("answers HTTP {status}", status=status)
        return _BY_STATUS.get(status) or (otherwise, message("records wait until it answers otherwise"))
    causes = list(_causes(error))
    if any(isinstance(cause, OAuthTokenError) for cause in causes):
        return (
            message("needs a token that can't be fetched"),
            message("check kafka.schema_registry.properties, bearer.auth.…, and its token endpoint"),
        )
    if any("Timeout" in type(cause).__name__ for cause in causes):
        return (
            message("does not answer within {seconds:g} s", seconds=timeout_s),
            message("is it up, and is the way to it open?"),
        )
    return _of_tls(causes) or _of_network(causes)


def _of_tls(causes: Sequence[BaseException]) -> _Told | None:
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                message("has a certificate that is not trusted ({why})", why=cause.verify_message),
                message("check kafka.schema_registry.properties, ssl.ca.location"),
            )
        if isinstance(cause, ssl.SSLError):
            return (
                message("does not speak TLS as expected ({why})", why=cause.reason or "TLS"),
                message("check kafka.schema_registry, https or http, ssl.…"),
            )
    return None


def _of_network(causes: Sequence[BaseException]) -> _Told:
    for cause in reversed(causes):
        if isinstance(cause, OSError) and (cause.strerror or "").strip():
            return (
                message("can't be reached ({why})", why=system_says(cause.strerror or "")),
                message("check kafka.schema_registry.url, and that it is up"),
            )
    if any(isinstance(cause, ValueError) for cause in causes):
        return (
            message("answers with something that is not JSON"),
            message("check kafka.schema_registry.url; is a proxy or a login page in between?"),
        )
    return (
        message("can't be asked ({why})", why=type(causes[-1]).__name__),
        message("check kafka.schema_registry"),
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
