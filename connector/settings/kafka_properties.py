"""The properties of librdkafka that the connector sets itself, in one table.

The check of `kafka.properties` refuses them by name; the consumer is built with their values.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from connector.language.message import Message, message

if TYPE_CHECKING:
    from collections.abc import Mapping


class OwnedProperty(NamedTuple):
    """One property that users can't set."""

    remedy: Message
    """What to do instead, as an imperative."""
    value: str | None = None
    """What the consumer is given; None where it comes from another setting, and for aliases."""


_COMMITS = message("remove it: the connector commits an offset only after the platform has accepted the record")
_SERVERS = message("use kafka.bootstrap_servers")

OWNED_PROPERTIES: Final[Mapping[str, OwnedProperty]] = MappingProxyType(
    {
        "bootstrap.servers": OwnedProperty(_SERVERS),
        "metadata.broker.list": OwnedProperty(_SERVERS),
        "group.id": OwnedProperty(message("use kafka.group_id")),
        "enable.auto.commit": OwnedProperty(_COMMITS, "false"),
        "auto.commit.enable": OwnedProperty(_COMMITS),
        "enable.auto.offset.store": OwnedProperty(_COMMITS, "false"),
        "auto.offset.reset": OwnedProperty(
            message(
                "use kafka.start_from: the connector resolves the start offsets itself and never skips records silently"
            ),
            "error",
        ),
        "enable.partition.eof": OwnedProperty(message("remove it: the connector does not use it"), "false"),
    }
)
FIXED_PROPERTIES: Final[Mapping[str, str]] = MappingProxyType(
    {name: owned.value for name, owned in OWNED_PROPERTIES.items() if owned.value is not None}
)
"""The owned properties whose value is the same for every config."""
CLASSIC_PROTOCOL_ONLY: Final = ("partition.assignment.strategy", "session.timeout.ms", "heartbeat.interval.ms")
"""With `group.protocol: consumer` (KIP-848) the broker decides these, and librdkafka refuses them."""
