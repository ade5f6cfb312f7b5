"""What listens at a broker's address, found out with one request, before any password: for `check --connect`.

librdkafka says "disconnected" where an HTTP server, a TLS listener or one that wants a password is behind the address.
So this asks itself: a SaslHandshake (version 1, Kafka from 1.0 on) is answered by every listener of Kafka, which names
the SASL mechanisms that it offers, or says that it wants none. Nothing is authenticated, joined or written.

What answers something else is asked over TLS, or without it; what answers nothing is asked as an HTTP server.
"""

from __future__ import annotations

import socket
import ssl
import struct
import time
from dataclasses import dataclass
from typing import Final, Literal

from connector.core.wording import system_says
from connector.language.message import message

ListenerKind = Literal["kafka", "http", "tls", "other", "unresolved", "refused", "unreachable", "silent"]
"""`tls`: it speaks TLS, and ends the connection before it answers (it may ask for a client's certificate)."""

_API_KEY, _API_VERSION, _CORRELATION = 17, 1, 0x7475_7A68
_NO_SASL: Final = 34
"""ILLEGAL_SASL_STATE: this listener wants no password."""
_CLIENT_ID: Final = b"tuzhan-connector"
_LONGEST_ANSWER: Final = 1 << 16
_HTTP_REQUEST: Final = b"GET / HTTP/1.0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Listener:
    """What listens at an address."""

    kind: ListenerKind
    tls: bool = False
    """Whether it speaks TLS."""
    mechanisms: tuple[str, ...] = ()
    """The SASL mechanisms that a listener of Kafka offers; empty: it wants no password."""
    detail: str = ""
    """The system's own words, where it can't be reached."""

    @property
    def protocol(self) -> str:
        """The value of `security.protocol` that fits a listener of Kafka."""
        return ("SASL_" if self.mechanisms else "") + ("SSL" if self.tls else "PLAINTEXT")


class _UnansweredError(Exception):
    """What listens there has closed the connection, or has said nothing."""


def parse_server(server: str) -> tuple[str, int]:
    """Return host and port of an entry of `bootstrap.servers`, as librdkafka reads it. Raises ValueError."""
    address = server.strip().rpartition("://")[2]
    host, colon, port = address.rpartition(":")
    if not colon or address.endswith("]"):
        host, port = address, "9092"
    return host.strip("[]"), int(port)


def probe_listener(host: str, port: int, *, mechanism: str, tls_first: bool, timeout_s: float) -> Listener:
    """Return what listens there. `mechanism` is the SASL mechanism that is wanted.

    Blocks, for `timeout_s` at most but for the resolution of the name. `tls_first` only saves time.
    """
    deadline = time.monotonic() + timeout_s
    try:
        with _connect(host, port, timeout_s):
            pass
        return _Probe(host, port, mechanism.encode(), deadline).run(tls_first=tls_first)
    except socket.gaierror as error:
        return Listener("unresolved", detail=error.strerror or "")
    except ConnectionRefusedError as error:
        return Listener("refused", detail=error.strerror or "")
    except (OSError, UnicodeError) as error:  # UnicodeError: no name of a host
        text = system_says(getattr(error, "strerror", "") or "")
        return Listener(
            "unreachable", detail=message("no connection in time") if isinstance(error, TimeoutError) else text
        )


class _Probe:
    def __init__(self, host: str, port: int, mechanism: bytes, deadline: float) -> None:
        self._host, self._port, self._mechanism, self._deadline = host, port, mechanism, deadline
        self._was_silent = False

    def run(self, *, tls_first: bool) -> Listener:
        spoke_tls = False
        for tls in (tls_first, not tls_first):
            found = self._try(tls=tls)
            if found is not None and found.kind != "tls":
                return found
            spoke_tls = spoke_tls or found is not None
        for tls in (False, True) if spoke_tls else (False,):
            if self._is_http(tls=tls):
                return Listener("http", tls)
        if spoke_tls:
            return Listener("tls", tls=True)
        return Listener("silent" if self._was_silent else "other")

    def _try(self, *, tls: bool) -> Listener | None:
        """Return what was found this way; of kind `tls` if no more than that is known; None if nothing is."""
        try:
            with self._open(tls=tls) as connection:
                try:
                    answer = self._ask(connection, self._request())
                except (OSError, _UnansweredError) as error:
                    self._was_silent |= isinstance(error, TimeoutError)
                    return Listener("tls", tls=True) if tls else None
        except (OSError, ValueError) as error:
            self._was_silent |= isinstance(error, TimeoutError)
            return None
        if answer.startswith(b"HTTP/"):
            return Listener("http", tls)
        mechanisms = _mechanisms(answer)
        if mechanisms is None:
            return Listener("tls", tls=True) if tls else None
        return Listener("kafka", tls, mechanisms)

    def _is_http(self, *, tls: bool) -> bool:
        try:
            with self._open(tls=tls) as connection:
                return self._ask(connection, _HTTP_REQUEST).startswith(b"HTTP/")
        except (OSError, ValueError, _UnansweredError):
            return False

    def _open(self, *, tls: bool) -> socket.socket:
        connection = _connect(self._host, self._port, self._left_s())
        if not tls:
            return connection
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing secret is sent
        try:
            return context.wrap_socket(connection, server_hostname=self._host)
        except BaseException:
            connection.close()
            raise

    def _left_s(self) -> float:
        """Return how long one step may take: a third of what is left, so that the next ones have their turn."""
        return max(0.1, (self._deadline - time.monotonic()) / 3)

    def _request(self) -> bytes:
        head = struct.pack(">hhih", _API_KEY, _API_VERSION, _CORRELATION, len(_CLIENT_ID)) + _CLIENT_ID
        body = struct.pack(">h", len(self._mechanism)) + self._mechanism
        return struct.pack(">i", len(head) + len(body)) + head + body

    def _ask(self, connection: socket.socket, request: bytes) -> bytes:
        """Return what is answered: a whole frame of Kafka, or the beginning of something else."""
        connection.settimeout(self._left_s())
        connection.sendall(request)
        answer = b""
        while len(answer) < 5 or (not answer.startswith(b"HTTP/") and len(answer) < _frame_size(answer)):
            part = connection.recv(4096)
            if not part:
                break
            answer += part
        if not answer:
            raise _UnansweredError
        return answer


def _connect(host: str, port: int, timeout_s: float) -> socket.socket:
    return socket.create_connection((host, port), timeout_s)


def _frame_size(answer: bytes) -> int:
    size = 4 + int.from_bytes(answer[:4], "big")
    return size if size <= _LONGEST_ANSWER else 0


def _mechanisms(answer: bytes) -> tuple[str, ...] | None:
    """Return the mechanisms of an answer to SaslHandshake; None if it is not such an answer."""
    try:
        correlation, error, count = struct.unpack_from(">ihi", answer, 4)
        if correlation != _CORRELATION or not 0 <= count <= 100:
            return None
        found, at = [], 14
        for _ in range(count):
            (length,) = struct.unpack_from(">h", answer, at)
            found.append(answer[at + 2 : at + 2 + length].decode("ascii"))
            at += 2 + length
    except (struct.error, UnicodeError):
        return None
    return () if error == _NO_SASL else tuple(sorted(found))
