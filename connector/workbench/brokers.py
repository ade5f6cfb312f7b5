"""The brokers of a command that has no config: from its options and from the environment."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter, ValidationError

from connector.config.interpolation import interpolate
from connector.core.errors import UsageError
from connector.kafka.properties import validate_properties
from connector.language.message import joined, message
from connector.settings.models import Kafka
from connector.settings.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BROKERS: Final = "KAFKA_BOOTSTRAP_SERVERS"
NOT_IN_A_TOPIC: Final = re.compile(r"[^A-Za-z0-9._-]+", re.ASCII)
LONGEST_TOPIC: Final = 249
_DEFAULT_BROKERS: Final = "localhost:9092"
_PLAIN_BROKERS: Final = re.compile(r"[\w.:, \[\]/-]+", re.ASCII)
_EXPECTED: Final = message("expected host:port, host:port")


def check_topic(topic: str) -> None:
    """Raise UsageError for what can't be the name of a topic."""
    if not topic or len(topic) > LONGEST_TOPIC or NOT_IN_A_TOPIC.search(topic):
        if topic.startswith("^"):
            raise UsageError(
                "--topic", message("the name of one topic: letters, digits, dots, dashes, and _; no pattern")
            )
        raise UsageError("--topic", message("the name of one topic: letters, digits, dots, dashes, and _"))


def brokers_of(given: str | None) -> str:
    """Return the brokers: what is given, else what the environment says, else the local ones. Raises UsageError."""
    brokers = given or os.environ.get(BROKERS) or _DEFAULT_BROKERS
    if _PLAIN_BROKERS.fullmatch(brokers) is None:
        raise UsageError("--bootstrap-servers", _EXPECTED)
    return brokers


def parse_properties(given: Sequence[str]) -> dict[str, str]:
    """Return properties of the Kafka client that are given as NAME=VALUE. Raises UsageError."""
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not name.strip() or not equals:
            raise UsageError("--property", message("expected NAME=VALUE, such as security.protocol=SASL_SSL"))
        found[name.strip()] = value.strip()
    return found


def settings_of(topic: str, brokers: str, properties: Mapping[str, str]) -> Kafka:
    """Return the section `kafka` of a config; variables in properties are replaced. Raises UsageError."""
    problems = Problems()
    raw = {"bootstrap_servers": brokers, "group_id": f"tuzhan-{topic}", "properties": dict(properties)}
    data: Any = interpolate(raw, os.environ, problems)
    try:
        kafka = TypeAdapter(Kafka).validate_python(data)
    except ValidationError as error:
        raise UsageError("--bootstrap-servers", _EXPECTED) from error
    if not problems.found:
        validate_properties(kafka, problems)
    if problems.found:
        found = [message("{name}: {told}", name=each.path[-1], told=each.message) for each in problems.found]
        raise UsageError("--property", joined("; ", found))
    return kafka
