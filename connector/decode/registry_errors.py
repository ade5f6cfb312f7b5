"""What the errors of the schema registry's client mean, and what to do, without the texts of libraries.

Those may hold an address with a password in it.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from confluent_kafka.schema_registry import SchemaRegistryError
from confluent_kafka.schema_registry.error import OAuthTokenError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CHECK: Final = "check kafka.schema_registry"
_BY_STATUS: Final = {
    401: f"refuses the credentials (HTTP 401): {_CHECK}.properties, basic.auth.user.info or bearer.auth.…",
    403: "forbids reading schemas (HTTP 403): give this user the right to read all subjects",
    404: (
        f"has no such API (HTTP 404): {_CHECK}.url, which must lead to Confluent's API:"
        " with Apicurio it ends in /apis/ccompat/v7"
    ),
}


def place_of(url: str) -> str:
    """Return hosts and ports of one address, or of several with commas in between."""
    return ", ".join(urlsplit(each.strip()).netloc.rpartition("@")[2] for each in url.split(","))


def remedy_for(error: Exception, timeout_s: float) -> str:
    """Return what happened and what to do: the rest of a sentence about the registry."""
    if isinstance(error, SchemaRegistryError):
        status = error.http_status_code
        return _BY_STATUS.get(status) or f"answers HTTP {status}: records wait until it answers otherwise"
    causes = list(_causes(error))
    if any(isinstance(cause, OAuthTokenError) for cause in causes):
        return f"needs a token that can't be fetched: {_CHECK}.properties, bearer.auth.…, and its token endpoint"
    if any("Timeout" in type(cause).__name__ for cause in causes):
        return f"does not answer within {timeout_s:g} s: is it up, and is the way to it open?"
    return _of_tls(causes) or _of_network(causes)


def _of_tls(causes: Sequence[BaseException]) -> str:
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            trust = f"{_CHECK}.properties, ssl.ca.location"
            return f"has a certificate that is not trusted ({cause.verify_message}): {trust}"
        if isinstance(cause, ssl.SSLError):
            return f"does not speak TLS as expected ({cause.reason or 'TLS'}): {_CHECK}, https or http, ssl.…"
    return ""


def _of_network(causes: Sequence[BaseException]) -> str:
    for cause in reversed(causes):
        if isinstance(cause, OSError) and (cause.strerror or "").strip():
            return f"can't be reached ({cause.strerror}): {_CHECK}.url, and that it is up"
    if any(isinstance(cause, ValueError) for cause in causes):
        return f"answers with something that is not JSON: {_CHECK}.url; is a proxy or a login page in between?"
    return f"can't be asked ({type(causes[-1]).__name__}): {_CHECK}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
