"""What a round produces: records of known content, each with what must become of it."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ORDERS, VISITS = "orders", "visits"
TOPICS = (ORDERS, VISITS)
"""Orders keep the order of each identity; visits don't."""
NUMBER_HEADER = "number"
IDENTITIES = 400


class Kind(Enum):
    """The content of a record; the value is what must become of it: "", "skipped" or a dead letter's reason."""

    GOOD = ("good", "")
    SKIPPED = ("skipped", "skipped")
    NOT_JSON = ("not json", "decode_failed")
    NO_IDENTITY = ("no identity", "identity_missing")
    REFUSED = ("refused", "refused")
    LARGE = ("large", "too_large")
    CRASHING = ("crashing", "server_error")

    @property
    def reason(self) -> str:
        """The reason of its dead letter; empty if it has none."""
        return "" if self in {Kind.GOOD, Kind.SKIPPED} else self.value[1]


# One in a thousand each of what costs the platform many requests.
_WEIGHTS = {
    Kind.GOOD: 940,
    Kind.SKIPPED: 40,
    Kind.NOT_JSON: 7,
    Kind.NO_IDENTITY: 10,
    Kind.REFUSED: 1,
    Kind.LARGE: 1,
    Kind.CRASHING: 1,
}
STANDING_FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "status", "status": 413, "match": {"eventargs.c_poison": Kind.LARGE.value[0]}},
    {"kind": "status", "status": 500, "match": {"eventargs.c_poison": Kind.CRASHING.value[0]}},
    {"kind": "refuse", "match": {"eventargs.c_poison": Kind.REFUSED.value[0]}},
)
"""What the platform does to the poisonous records, all the time."""


@dataclass(frozen=True, slots=True)
class Produced:
    """One record; `number` is unique in its round and rises in the order of production."""

    number: int
    topic: str
    kind: Kind
    identity: int

    def key(self) -> bytes:
        """Return the Kafka key: one identity stays in one partition."""
        return b"%d" % self.identity

    def value(self) -> bytes:
        """Return the Kafka value."""
        if self.kind is Kind.NOT_JSON:
            return b'{"seq": %d, broken' % self.number
        buyer = {} if self.kind is Kind.NO_IDENTITY else {"mobile": f"138{self.identity:08d}"}
        order: dict[str, Any] = {
            "seq": self.number,
            "status": "NEW" if self.kind is Kind.SKIPPED else "PAID",
            "buyer": buyer,
        }
        if self.kind in {Kind.REFUSED, Kind.LARGE, Kind.CRASHING}:
            order["poison"] = self.kind.value[0]
        return json.dumps(order).encode()


def records(seed: int) -> Iterator[Produced]:
    """Yield the records of a round without end; the same seed yields the same ones."""
    chance = random.Random(f"{seed} records")  # noqa: S311 - repeatable draws, not a secret
    kinds, weights = list(_WEIGHTS), list(_WEIGHTS.values())
    number = 0
    while True:
        [kind] = chance.choices(kinds, weights)
        # A third of the records belongs to few identities, so that order is at stake.
        identity = chance.randrange(8) if chance.random() < 1 / 3 else chance.randrange(8, IDENTITIES)
        yield Produced(number, chance.choice(TOPICS), kind, identity)
        number += 1


def good_records(first: int) -> Iterator[Produced]:
    """Yield good records without end, numbered from `first`: what flows while the platform is well again."""
    while True:
        yield Produced(first, TOPICS[first % 2], Kind.GOOD, first % IDENTITIES)
        first += 1


def config(kafka: str, platform: str, names: dict[str, str], group: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Return the config of a member; `names` are the real names of the topics."""
    return {
        "kafka": {
            "bootstrap_servers": kafka,
            "group_id": group,
            "commit_interval": "200ms",
            "properties": {"topic.metadata.refresh.interval.ms": 1000, **properties},
        },
        "platform": {"base_url": f"{platform}/api/open", "request_timeout": "3s"},
        "targets": {
            ORDERS: {
                "endpoint": "event/v2/batchAdd",
                "ordering": "identity",
                "batch": {"max_records": 50, "max_wait": "100ms"},
                "max_in_flight": 4,
                "queue": {"max_records": 1000},
            },
            VISITS: {
                "endpoint": "event/batchAdd",
                "batch": {"max_records": 50, "max_wait": "100ms"},
                "max_in_flight": 4,
                "queue": {"max_records": 1000},
            },
        },
        "routes": [_route(name, names[name]) for name in TOPICS],
        "log": {"format": "json", "level": "debug"},
    }


def _route(name: str, topic: str) -> dict[str, Any]:
    return {
        "name": name,
        "topics": [topic],
        "where": {"$.status": "PAID"},
        "to": name,
        "event_key": "c_buy",
        "identity": [{"type": "phone", "value": {"from": "$.buyer.mobile", "as": "phone"}}],
        "fields": {"eventargs": {"seq": "$.seq", "c_poison": "$.poison"}},
    }
