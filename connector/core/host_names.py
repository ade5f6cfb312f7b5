"""Which requests a server answers that must not be reached through a foreign web page: their host name, their page.

DNS rebinding: a page that somebody opens in a browser lets its own name resolve to an address of the inner network, and
then reads what answers there, since for the browser that is the page's own server. The request's Host header still has
the foreign name. So a name must be one that nobody outside can have: an address, a name without a dot, one below a
domain that is reserved for private use, the machine's own, or one that the config names.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

PRIVATE_DOMAINS: Final = (".localhost", ".internal", ".svc", ".cluster.local")
"""`internal` and `localhost` are reserved; `svc` and `cluster.local` are Kubernetes' own."""
_NAME: Final = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?")
_PORT: Final = re.compile(r":\d{0,5}")


def is_host_pattern(text: str) -> bool:
    """Return whether `text` may stand in a list of host names: a name, `*.` and a domain, or `*` for any."""
    return text == "*" or _NAME.fullmatch(text.lower()) is not None


def may_be_asked_for(host: str, own_names: Collection[str]) -> bool:
    """Return whether a request with this Host header may be answered.

    `own_names` are the names and patterns that are allowed besides those that nobody outside can have.
    """
    name = _without_port(host).lower().removesuffix(".")
    if _is_address(name) or "." not in name or name.endswith(PRIVATE_DOMAINS):
        return True
    return any(_matches(name, each.lower().removesuffix(".")) for each in own_names)


def is_from_a_foreign_page(headers: Mapping[str, str], *, reads: bool) -> bool:
    """Return whether a browser says that another server's page makes this request.

    Not so if somebody follows a link, which changes nothing if the request only reads.
    """
    if headers.get("sec-fetch-site", "none") in {"none", "same-origin"}:
        return False
    follows = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
    return not (reads and follows)


def _without_port(host: str) -> str:
    if host.startswith("["):
        address, _, rest = host[1:].partition("]")
        return address if not rest or _PORT.fullmatch(rest) else host
    name, colon, port = host.rpartition(":")
    return name if colon and _PORT.fullmatch(f":{port}") else host


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _matches(name: str, pattern: str) -> bool:
    if pattern.startswith("*."):
        return name.endswith(pattern[1:])
    return pattern in {"*", name}
