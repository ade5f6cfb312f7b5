"""Certificates of servers over HTTPS, as findings."""

from __future__ import annotations

import http.client
import ssl
import time
import urllib.request
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from connector.core.findings import Finding
from connector.core.wording import system_says
from connector.language.message import message
from connector.runtime.certificates import fetch_chain
from connector.tuzhan.client import proxy_for

if TYPE_CHECKING:
    from connector.core.findings import Report
    from connector.runtime.certificates import Certificate

TIMEOUT_S: Final = 6.0
WARN_DAYS: Final = 21


def check_certificates(url: str, trust: ssl.SSLContext, authority: str, report: Report) -> None:
    """Report for how long the certificates of an https URL hold; nothing for another. `authority`: where a CA is named.

    Blocks for two timeouts at most.
    """
    parsed = urlsplit(url)
    if parsed.scheme != "https":
        return
    place = parsed.netloc.rpartition("@")[2]
    proxy = proxy_for(url, urllib.request.getproxies())
    try:
        through = "" if proxy is None else _with_login(str(proxy.url), proxy.raw_auth)
        chain = fetch_chain(url, trust, through, TIMEOUT_S)
    except ssl.SSLCertVerificationError as error:
        detail = message("the certificate is not trusted: {why}", why=error.verify_message)
        remedy = message("if an authority of your own signed it, name its file in {authority}", authority=authority)
        report(Finding("TLS", place, "failed", detail, remedy))
    except ssl.SSLError as error:
        detail = message("it does not speak TLS as expected ({why})", why=error.reason or "TLS")
        report(Finding("TLS", place, "failed", detail, message("check the port, and https or http")))
    except (OSError, http.client.HTTPException, ValueError) as error:
        is_late = isinstance(error, TimeoutError)
        words = system_says(getattr(error, "strerror", None) or type(error).__name__)
        detail = message("it can't be reached ({why})", why=message("no answer in time") if is_late else words)
        report(Finding("TLS", place, "unknown", detail, message("check the address, and the way to it")))
    else:
        report(finding_of(place, chain, time.time()))


def finding_of(place: str, chain: list[Certificate], now: float) -> Finding:
    """Return for how long a chain holds: as long as the certificate of it that expires first."""
    if not chain:
        return Finding("TLS", place, "unknown", message("trusted; until when, this Python does not tell"))
    first = min(chain, key=lambda one: one.expires_at)
    days = first.days_left(now)
    detail = message("trusted; {name} expires in {days} days", name=first.name, days=days)
    if days < WARN_DAYS:
        remedy = message("have it renewed before: from then on nothing is sent there")
        return Finding("TLS", place, "warning", detail, remedy)
    return Finding("TLS", place, "ok", detail)


def _with_login(url: str, login: tuple[bytes, bytes] | None) -> str:
    if login is None:
        return url
    scheme, _, rest = url.partition("://")
    user, password = (quote(part.decode("utf-8", "replace"), safe="") for part in login)
    return f"{scheme}://{user}:{password}@{rest}"
