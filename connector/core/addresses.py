"""Network addresses as text: `host:port`, and which hosts are this machine.

The config, the command line, both servers and the platform's client all use these two functions.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

_HOST_PORT = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\s:\[\]/]+)):(?P<port>\d{1,5})", re.ASCII)
_MAX_PORT = 65535


class HostPort(NamedTuple):
    """A host (a name, or an IP address without brackets) and a port (0 to 65535)."""

    host: str
    port: int


def parse_host_port(text: str) -> HostPort | None:
    """Parse `host:port` or `[v6]:port`; None if it is neither.

    The host is required: `:8080` might mean every interface or this machine alone, and is neither.
    """
    match = _HOST_PORT.fullmatch(text)
    if match is None or int(match["port"]) > _MAX_PORT:
        return None
    return HostPort(match["v6"] or match["host"], int(match["port"]))


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine for certain: a loopback IP address (without brackets), or `localhost`.

    A name below `localhost` is not: it is resolved like any other name, and may leave the machine.
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
