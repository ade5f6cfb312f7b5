"""The certificates that a server shows, and for how long they hold: one TLS handshake, no request."""

from __future__ import annotations

import base64
import http.client
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate of a chain."""

    name: str
    """Whose it is: its common name, or its organization."""
    expires_at: float
    """Seconds since the epoch."""

    def days_left(self, now: float) -> int:
        """Return for how many whole days it still holds; negative if it has expired."""
        return int((self.expires_at - now) // DAY_S)


def fetch_chain(url: str, trust: ssl.SSLContext, proxy: str, timeout_s: float) -> list[Certificate]:
    """Return the server's certificate and those above it, as far as this Python tells them.

    `proxy` is the URL of an HTTP proxy, or empty. Blocks. Raises OSError (also ssl.SSLError), HTTPException and
    ValueError.
    """
    parsed = urlsplit(url)
    host, port = parsed.hostname or "", parsed.port or 443
    if proxy:
        through = urlsplit(proxy)
        connection = http.client.HTTPSConnection(
            through.hostname or "", through.port or 80, timeout=timeout_s, context=trust
        )
        connection.set_tunnel(host, port, _proxy_headers(through.username, through.password))
    else:
        connection = http.client.HTTPSConnection(host, port, timeout=timeout_s, context=trust)
    try:
        connection.connect()
        return list(_chain(connection.sock))
    finally:
        connection.close()


def _proxy_headers(user: str | None, password: str | None) -> dict[str, str]:
    if user is None:
        return {}
    login = f"{unquote(user)}:{unquote(password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {base64.b64encode(login).decode('ascii')}"}


def _chain(connection: Any) -> Iterable[Certificate]:  # noqa: ANN401 - an SSLSocket, whose insides have no types
    """Yield the chain that was verified, the server's own certificate first."""
    # Public since Python 3.13 only, and there it gives bytes that nothing in the standard library reads.
    inner = getattr(connection, "_sslobj", None)
    verified = getattr(inner, "get_verified_chain", None)
    infos = [one.get_info() for one in verified()] if verified is not None else [connection.getpeercert()]
    for info in infos:
        if info and "notAfter" in info:
            yield Certificate(_name(info), ssl.cert_time_to_seconds(info["notAfter"]))


def _name(info: Mapping[str, Any]) -> str:
    subject = {key: value for part in info.get("subject", ()) for key, value in part}
    return str(subject.get("commonName") or subject.get("organizationName") or "a certificate without a name")
