"""A broker that is none: `/readyz` and the log say so in words that a user of Kafka understands, and in few lines."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any

from tests.kafka.commands import ConnectorProcess, orders_config
from tests.kafka.waiting import until
from tests.support.authority import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_LINES = 12
"""Of a process that waits for a while. It once wrote 99 to 215 in 8 seconds."""
JARGON = ("thrd:", "rdkafka", "#producer", "#consumer", "in state", "ipv4#", "ApiVersion")


class Quiet(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Write nothing."""


@contextlib.contextmanager
def http_server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@contextlib.contextmanager
def tls_server(folder: Path) -> Iterator[str]:
    certificate, key = Authority(folder).sign("broker")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=answer, args=(listening.accept()[0],), daemon=True).start()

        def answer(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as wrapped:
                wrapped.recv(1)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


def test_a_broker_that_is_none_is_told_in_plain_words_and_few_lines(tmp_path: Path) -> None:
    with http_server() as http_address, tls_server(tmp_path) as tls_address, contextlib.ExitStack() as stack:
        expected = {
            "127.0.0.1:1": "nothing listens there; check the port in kafka.bootstrap_servers",
            http_address: "an HTTP server listens there, not a Kafka broker",
            tls_address: "it speaks TLS, and security.protocol is PLAINTEXT; set security.protocol to SSL",
        }
        connectors = {address: stack.enter_context(started(address, tmp_path)) for address in expected}
        for address, words in expected.items():
            connector = connectors[address]

            def told(connector: ConnectorProcess = connector, text: str = f"{address}: {words}") -> bool:
                return text in connector.remedies().get(("kafka_unreachable", ""), "")

            until(told, f"readiness to report: {words}")
            assert connector.is_alive()
            assert connector.metric("kafka_up") == 0
        for connector in connectors.values():
            connector.terminate()
        for address, connector in connectors.items():
            assert connector.exit_code() == 0
            assert_few_plain_lines(connector.stderr, address)


@contextlib.contextmanager
def started(address: str, folder: Path) -> Iterator[ConnectorProcess]:
    config: dict[str, Any] = orders_config(address, "http://127.0.0.1:9", ["orders"], "group")
    config["platform"]["auth"] = {"token": "${NO_SUCH_VARIABLE:-a-token}"}
    config["log"]["format"] = "json"
    connector = ConnectorProcess(config, folder, address.replace(":", "-"))
    connector.start()
    yield connector
    connector.close()
    connector.show()


def assert_few_plain_lines(log: str, address: str) -> None:
    lines = [json.loads(line) for line in log.splitlines()]
    assert len(lines) <= MOST_LINES
    assert {line["level"] for line in lines} == {"info", "warning"}
    not_ready = [line for line in lines if line.get("code") == "kafka_unreachable"]
    assert {line["level"] for line in not_ready} == {"warning"}, "the remedy is seen at level warning"
    assert any(address in line["remedy"] for line in not_ready)
    assert not [word for word in JARGON if word in log]
