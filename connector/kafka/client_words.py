"""librdkafka's own texts in plain words: which broker, what is wrong, and where that is known, what to look at.

librdkafka writes for people who read its source:

    sasl_ssl://10.0.0.1:9092/bootstrap: Connect to ipv4#10.0.0.1:9092 failed: Connection refused (after 0ms in state
    CONNECT)

becomes

    10.0.0.1:9092: nothing listens there (connection refused)

A text that is not known keeps its words.
"""

from __future__ import annotations

import logging
import re
from typing import Final

from connector.language.message import Message, message, verbatim

_BROKER: Final = re.compile(r"^(?:GroupCoordinator: )?(?:\w+://)?(?P<address>[^\s/]+:\d+)(?:/(?:bootstrap|-?\d+))?: ")
_STEP: Final = re.compile(r"^(?:Connect to \S+|Send|Receive) failed: ")
"""What comes before the system's own words."""
_STATE: Final = re.compile(r" \(after \d+ms in state \w+(?:, \d+ identical error\(s\) suppressed)?\)")
_LOG_LINE: Final = re.compile(r"^\w+ \[[^\]]*\]:?\s*(?:\[thrd:\S*\]: )?(?P<text>.*)", re.DOTALL)
"""A line of librdkafka's log: the kind of event, the client, its thread, the text."""

_WORDS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), words)
    for pattern, words in (
        (r"failed: Connection refused", message("nothing listens there (connection refused)")),
        (r"Failed to resolve", message("the name can't be resolved")),
        (r"Connection setup timed out", message("no connection in time: a firewall?")),
        (
            r"while requesting ApiVersion|ApiVersionRequest failed",
            message("not a plaintext Kafka listener: security.protocol?"),
        ),
        (
            r"broker might require SASL",
            message("it closed the connection: does it want a password? security.protocol, sasl.*"),
        ),
        (
            r"wrong version number|packet length too long|PLAINTEXT broker listener",
            message("it speaks no TLS: security.protocol?"),
        ),
        (
            r"certificate verify failed",
            message("its certificate is signed by a CA that is not known here: ssl.ca.location"),
        ),
        (r"not valid in current SASL state", message("it takes no password: security.protocol?")),
        (r"Unsupported SASL mechanism", message("it does not offer this sasl.mechanism")),
        (
            r"SASL authentication error|Authentication failed",
            message("it refuses the login: sasl.username and sasl.password?"),
        ),
        (r"^Timed out \d+ in-flight", message("it does not answer in time")),
        (r"Invalid response size", message("it does not answer as a Kafka broker does")),
        (
            r"brokers are down$|^Failed to get metadata: Local: Broker transport",
            message("no broker can be reached"),
        ),
        (r"^Disconnected(: (SSL )?connection closed by peer.*)?$", message("it closed the connection")),
    )
)


def plainly(text: str) -> Message:
    """Return a text of librdkafka in plain words."""
    broker = _BROKER.match(text)
    said = _STATE.sub("", text[broker.end() :] if broker else text).strip()
    told = next((words for pattern, words in _WORDS if pattern.search(said)), verbatim(_STEP.sub("", said)))
    return message("{broker}: {told}", broker=broker["address"], told=told) if broker else told


def broker_in(text: str) -> str:
    """Return the host:port of the broker that a text of librdkafka is about; empty if it is about none."""
    broker = _BROKER.match(text)
    return broker["address"] if broker else ""


class PlainWords(logging.Filter):
    """Rewrites librdkafka's log lines, and makes its errors warnings: what it can't do, it tries again."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change a line in its place, and keep it."""
        found = _LOG_LINE.match(record.getMessage())
        if found is not None:
            record.msg, record.args = f"Kafka: {plainly(found['text'])}", None
        if record.levelno > logging.WARNING:
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True
