"""librdkafka's own texts in plain words."""

from __future__ import annotations

import logging

import pytest

from connector.kafka.client_words import PlainWords, broker_in, plainly

# As librdkafka 2.16 writes them.
TEXTS = {
    "127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)": (
        "127.0.0.1:1: nothing listens there (connection refused)"
    ),
    "kafka.invalid:9092/bootstrap: Failed to resolve 'kafka.invalid:9092': Name or service not known (after 3ms in "
    "state CONNECT)": "kafka.invalid:9092: the name can't be resolved",
    "10.0.0.1:443/bootstrap: Disconnected while requesting ApiVersion: might be caused by incorrect security.protocol "
    "configuration (connecting to a SSL listener?) or broker version is < 0.10 (see api.version.request) (after 0ms in "
    "state APIVERSION_QUERY, 4 identical error(s) suppressed)": (
        "10.0.0.1:443: not a plaintext Kafka listener: security.protocol?"
    ),
    "10.0.0.1:80/bootstrap: ApiVersionRequest failed: Local: Timed out: probably due to broker version < 0.10 (see "
    "api.version.request configuration) (after 10007ms in state APIVERSION_QUERY)": (
        "10.0.0.1:80: not a plaintext Kafka listener: security.protocol?"
    ),
    "ssl://10.0.0.1:9092/1: SSL handshake failed: error:0A00010B:SSL routines::wrong version number (after 1ms in "
    "state SSL_HANDSHAKE)": "10.0.0.1:9092: it speaks no TLS: security.protocol?",
    "ssl://10.0.0.1:9093/1: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker "
    "certificate could not be verified, verify that ssl.ca.location is correctly configured or root CA certificates "
    "are installed (install ca-certificates package) (after 5ms in state SSL_HANDSHAKE)": (
        "10.0.0.1:9093: its certificate is signed by a CA that is not known here: ssl.ca.location"
    ),
    "sasl_plaintext://10.0.0.1:9094/bootstrap: SASL authentication error: Authentication failed: Invalid username or "
    "password (after 9ms in state AUTH_REQ)": ("10.0.0.1:9094: it refuses the login: sasl.username and sasl.password?"),
    "10.0.0.1:9092/bootstrap: Disconnected: verify that security.protocol is correctly configured, broker might "
    "require SASL authentication (after 301ms in state UP)": (
        "10.0.0.1:9092: it closed the connection: does it want a password? security.protocol, sasl.*"
    ),
    "10.0.0.1:9092/1: Disconnected (after 12ms in state UP)": "10.0.0.1:9092: it closed the connection",
    "ssl://10.0.0.1:9092/1: SSL handshake failed: Disconnected: SSL connection closed by peer: connecting to a "
    "PLAINTEXT broker listener? (after 9ms in state X)": "10.0.0.1:9092: it speaks no TLS: security.protocol?",
    "sasl_plaintext://10.0.0.1:9092/1: SASL PLAIN mechanism handshake failed: Broker: Request not valid in current "
    "SASL state: broker's supported mechanisms:  (after 9ms in state AUTH_HANDSHAKE)": (
        "10.0.0.1:9092: it takes no password: security.protocol?"
    ),
    "[::1]:9092/bootstrap: Connect to ipv6#[::1]:9092 failed: Connection refused (after 0ms in state CONNECT)": (
        "[::1]:9092: nothing listens there (connection refused)"
    ),
    "10.0.0.1:9092/1: Connect to ipv4#10.0.0.1:9092 failed: No route to host (after 9ms in state CONNECT)": (
        "10.0.0.1:9092: No route to host"
    ),
    "10.0.0.1:9092/bootstrap: Send failed: Broken pipe (after 9ms in state UP)": "10.0.0.1:9092: Broken pipe",
    "10.0.0.1:80/bootstrap: Receive failed: Invalid response size 1213486160 (0..100000000): increase "
    "receive.message.max.bytes (after 0ms in state APIVERSION_QUERY)": (
        "10.0.0.1:80: it does not answer as a Kafka broker does"
    ),
    "Failed to get metadata: Local: Broker transport failure": "no broker can be reached",
    "3/3 brokers are down": "no broker can be reached",
    "GroupCoordinator: 10.0.0.1:9092: Disconnected: connection closed by peer: receive 0 after POLLIN (after 12ms in "
    "state UP)": "10.0.0.1:9092: it closed the connection",
    "10.0.0.1:9092/1: something new (after 12ms in state UP)": "10.0.0.1:9092: something new",
    "Broker: Unknown topic or partition": "Broker: Unknown topic or partition",
}


@pytest.mark.parametrize(("text", "plain"), TEXTS.items(), ids=range(len(TEXTS)))
def test_a_text_of_librdkafka_says_which_broker_and_what_is_wrong(text: str, plain: str) -> None:
    assert plainly(text) == plain
    address = broker_in(text)
    assert plain.startswith(f"{address}: " if address else "")
    assert bool(address) is (":" in plain.partition(" ")[0][:-1])


@pytest.mark.parametrize(("address", "resolved"), [("127.0.0.1:1", "ipv4#127.0.0.1:1"), ("[::1]:1", "ipv6#[::1]:1")])
@pytest.mark.parametrize("client", ["consumer-3", "producer-2"])
def test_a_log_line_is_a_warning_in_plain_words_whichever_client_writes_it(
    client: str, address: str, resolved: str
) -> None:
    """So that the same trouble of two clients is one line a minute."""
    text = (
        f"FAIL [tuzhan-connector#{client}] [thrd:{address}/bootstrap]: {address}/bootstrap: Connect to {resolved} "
        "failed: Connection refused (after 0ms in state CONNECT)"
    )
    record = logging.LogRecord("connector.kafka", logging.ERROR, "", 0, "%s", (text,), None)
    assert PlainWords().filter(record)
    assert record.getMessage() == f"Kafka: {address}: nothing listens there (connection refused)"
    assert (record.levelno, record.levelname) == (logging.WARNING, "WARNING")


def test_a_line_of_another_form_keeps_its_words() -> None:
    record = logging.LogRecord("connector.kafka", logging.INFO, "", 0, "100 %", None, None)
    assert PlainWords().filter(record)
    assert (record.getMessage(), record.levelno) == ("100 %", logging.INFO)
