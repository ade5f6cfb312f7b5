"""What listens at a broker's address: recognized on real sockets, and held against the config."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from connector.kafka.listener_findings import finding_of, look_at
from connector.kafka.listener_probe import Listener, parse_server, probe_listener
from connector.settings.models import Kafka

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def server(answer: Callable[[bytes], bytes | None], *, closing: bool = True) -> Iterator[int]:
    """Serve on the port that is yielded: each connection's first bytes are answered; None: never, b"": by closing."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=50)
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            held.append(connection)
            reply = answer(connection.recv(4096))
            if reply is not None:
                connection.sendall(reply)
                if closing:
                    connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
        for connection in held:
            connection.close()


def handshake_answer(request: bytes, error: int, *mechanisms: str) -> bytes:
    """Return a broker's answer to a SaslHandshake request."""
    names = b"".join(struct.pack(">h", len(name)) + name.encode() for name in mechanisms)
    body = request[8:12] + struct.pack(">hi", error, len(mechanisms)) + names
    return struct.pack(">i", len(body)) + body


def is_kafka(request: bytes) -> bool:
    return request[4:8] == struct.pack(">hh", 17, 1)


def probe(port: int, *, tls_first: bool = False) -> Listener:
    return probe_listener("127.0.0.1", port, mechanism="PLAIN", tls_first=tls_first, timeout_s=2)


@pytest.mark.parametrize("tls_first", [False, True])
def test_a_broker_names_its_mechanisms_or_says_that_it_wants_none(*, tls_first: bool) -> None:
    with server(
        lambda request: handshake_answer(request, 33, "SCRAM-SHA-512", "PLAIN") if is_kafka(request) else b""
    ) as port:
        assert probe(port, tls_first=tls_first) == Listener("kafka", mechanisms=("PLAIN", "SCRAM-SHA-512"))
    with server(lambda request: handshake_answer(request, 34, "PLAIN") if is_kafka(request) else b"") as port:
        assert probe(port, tls_first=tls_first) == Listener("kafka")


def test_an_http_server_is_recognized_whether_it_answers_garbage_or_waits_for_a_request() -> None:
    page = b"HTTP/1.1 400 Bad Request\r\n\r\n"
    with server(lambda _: page) as port:
        assert probe(port).kind == "http"
    with server(lambda request: page if request.startswith(b"GET ") else b"") as port:
        assert probe(port).kind == "http"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"\x00\x00\x00\x0a" + b"x" * 10,
        b"\x7f\xff\xff\xff" + b"x" * 10,
        b"\xff\xff\xff\xff" + b"x" * 10,
        b"\x00\x00\x00\x02ab",
        b"\x00",
        struct.pack(">iiihi", 4, 10, 0x7475_7A68, 33, 99),
        struct.pack(">iihi", 10, 0x7475_7A68, 33, 1_000_000),
        struct.pack(">iihi", 10, 0x7475_7A68, 33, -1),
        struct.pack(">iihih", 14, 0x7475_7A68, 33, 1, 2) + b"\xff\xfe",
    ],
)
def test_whatever_else_answers_is_no_broker_and_no_traceback(answer: bytes) -> None:
    with server(lambda _: answer) as port:
        assert probe(port).kind == "other"


def test_an_answer_that_announces_more_than_a_broker_would_send_is_not_waited_for() -> None:
    with server(lambda _: b"\x7f\xff\xff\xff" + b"x" * 10, closing=False) as port:
        assert probe(port).kind == "other"


def test_a_server_that_never_answers_is_silent() -> None:
    with server(lambda _: None) as port:
        assert probe(port).kind == "silent"


def test_an_address_where_nothing_listens_is_told_apart_from_a_name_that_does_not_exist() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert probe(port).kind == "refused"
    assert probe_listener("no.such.invalid", 9092, mechanism="", tls_first=False, timeout_s=2).kind == "unresolved"
    assert probe_listener("a" * 70, 9092, mechanism="", tls_first=False, timeout_s=2).kind in {
        "unreachable",
        "unresolved",
    }


@pytest.mark.parametrize(
    ("server_text", "expected"),
    [
        ("kafka.example:9093", ("kafka.example", 9093)),
        (" kafka.example ", ("kafka.example", 9092)),
        ("SASL_SSL://kafka.example:9094", ("kafka.example", 9094)),
        ("[::1]:9092", ("::1", 9092)),
        ("[::1]", ("::1", 9092)),
    ],
)
def test_an_address_is_read_as_librdkafka_reads_it(server_text: str, expected: tuple[str, int]) -> None:
    assert parse_server(server_text) == expected


def test_an_address_with_a_port_that_is_no_number_is_an_error_of_the_config() -> None:
    found = look_at("kafka.example:port", Kafka(bootstrap_servers="kafka.example:port", group_id="g"))
    assert (found.verdict, found.detail) == ("failed", "it is no host:port")


BOTH = ("PLAIN", "SCRAM-SHA-512")


@pytest.mark.parametrize(
    ("found", "protocol", "mechanism", "verdict", "told"),
    [
        (Listener("kafka"), "PLAINTEXT", "GSSAPI", "ok", "a Kafka broker, PLAINTEXT"),
        (Listener("kafka", tls=True, mechanisms=BOTH), "SASL_SSL", "PLAIN", "ok", "a Kafka broker, SASL_SSL, PLAIN"),
        (
            Listener("kafka", tls=True, mechanisms=BOTH),
            "SASL_SSL",
            "GSSAPI",
            "failed",
            "set sasl.mechanism to PLAIN or SCRAM-SHA-512",
        ),
        (Listener("kafka", tls=True), "PLAINTEXT", "GSSAPI", "failed", "set security.protocol to SSL,"),
        (Listener("kafka", tls=True, mechanisms=BOTH), "SSL", "GSSAPI", "failed", "set security.protocol to SASL_SSL"),
        (Listener("kafka", mechanisms=BOTH), "SASL_SSL", "PLAIN", "failed", "set security.protocol to SASL_PLAINTEXT"),
        (Listener("kafka"), "SASL_PLAINTEXT", "PLAIN", "failed", "set security.protocol to PLAINTEXT"),
        (Listener("tls", tls=True), "PLAINTEXT", "GSSAPI", "failed", "set security.protocol to SSL or SASL_SSL"),
        (Listener("tls", tls=True), "SSL", "GSSAPI", "unknown", "ssl.certificate.location"),
        (
            Listener("http", tls=True),
            "SSL",
            "GSSAPI",
            "failed",
            "an HTTP server listens there, not a Kafka broker (HTTPS)",
        ),
        (Listener("silent"), "SSL", "GSSAPI", "failed", "says nothing"),
        (Listener("other"), "SSL", "GSSAPI", "failed", "not a Kafka broker"),
        (Listener("refused", detail="x"), "SSL", "GSSAPI", "failed", "check the port"),
        (Listener("unresolved"), "SSL", "GSSAPI", "failed", "check the name"),
        (Listener("unreachable", detail="No route to host"), "SSL", "GSSAPI", "failed", "(No route to host)"),
    ],
)
def test_each_listener_has_its_verdict_and_its_remedy(
    found: Listener, protocol: str, mechanism: str, verdict: str, told: str
) -> None:
    finding = finding_of("kafka.example:9092", found, protocol, mechanism)
    assert finding.verdict == verdict
    assert told in f"{finding.detail} {finding.remedy}"
    assert bool(finding.remedy) is (verdict != "ok")
