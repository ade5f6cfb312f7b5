"""What one figure uses: a broker, the sandbox with its journal, members, and at the end the history of it all.

It is the stage of a chaos round without its schedule: the figure itself says what happens.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.chaos.gathering import gather
from tests.chaos.producing import RecordProducer, produce_now
from tests.chaos.records import ORDERS, VISITS, Kind, Produced
from tests.chaos.stage import Stage
from tests.chaos.verdict import Verdict, judge
from tests.kafka.access import AUTHORIZER
from tests.kafka.broker import Broker
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.chaos.history import History
    from tests.chaos.processes import Member

PATIENCE_S = 300.0

Config = dict[str, Any]


class Scene:
    """One topic of orders, of which every record is good unless the figure says otherwise."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.produced: list[Produced] = []
        self._numbers = count()

    @property
    def platform(self) -> Any:  # noqa: ANN401 - see Stage
        """The platform."""
        return self.stage.platform

    def produce(
        self, amount: int, kind_of: Callable[[int], Kind] = lambda _: Kind.GOOD, identities: int = 5_000
    ) -> None:
        """Produce records at once; `identities` share them evenly."""
        records = [Produced(n, ORDERS, kind_of(n), n % identities) for n in islice(self._numbers, amount)]
        produce_now(self.stage, records)
        self.produced += records

    @contextlib.contextmanager
    def flow(self, per_second: float) -> Iterator[None]:
        """Good records flow evenly while the block runs."""
        records = (Produced(number, ORDERS, Kind.GOOD, number % 5_000) for number in self._numbers)
        producer = RecordProducer(self.stage, records, per_second)
        producer.start()
        try:
            yield
        finally:
            producer.finish()
            self.produced += producer.produced

    def stored(self) -> int:
        """Return how many items the platform has stored since its start."""
        return int(self.platform.stats()["stored"])

    def wait_stored(self, amount: int) -> None:
        """Wait until the platform has stored this many items since its start."""
        until(lambda: self.stored() >= amount, f"{amount} items at the platform", timeout_s=PATIENCE_S)

    def wait_ready(self, *members: Member) -> None:
        """Wait until these members are ready."""
        for member in members:
            until(member.connector.is_ready, f"{member.name} to be ready")

    def wait_committed(self) -> None:
        """Wait until the group has committed everything."""
        topic = self.stage.topics[ORDERS]
        until(
            lambda: self.stage.kafka.caught_up(self.stage.group, topic),
            "everything to be committed",
            timeout_s=PATIENCE_S,
            every_s=0.2,
        )

    @contextlib.contextmanager
    def fault(self, track: str, kind: str) -> Iterator[None]:
        """Record what the block does as a fault, which explains repeats."""
        began = time.time()
        try:
            yield
        finally:
            self.stage.note(track, kind, began)

    def finish(self) -> tuple[History, Verdict]:
        """Stop everything; return the history and the verdict over it."""
        quiet_at = time.time()
        self.stage.finish()
        history = gather(self.stage, quiet_at, self.produced, finished=True)
        return history, judge(history)


@contextlib.contextmanager
def scene(
    adapt: Callable[[Config], None] = lambda _: None,
    *,
    protocol: str = "classic",
    partitions: int = 6,
    broker_properties: dict[str, str] | None = None,
) -> Iterator[Scene]:
    """Yield a scene on a broker of its own; `adapt` changes the config of its members."""

    def with_orders_alone(config: Config) -> None:
        config["routes"] = [route for route in config["routes"] if route["name"] == ORDERS]
        del config["targets"][VISITS]
        adapt(config)

    with (
        tempfile.TemporaryDirectory(prefix="figure-") as folder,
        Broker({**AUTHORIZER, **(broker_properties or {})}) as broker,
    ):
        stage = Stage(broker, protocol, Path(folder), adapt=with_orders_alone, partitions=partitions)
        try:
            stage.start()
            yield Scene(stage)
        except BaseException:
            for member in stage.members:
                member.connector.show()
            raise
        finally:
            stage.close()


def in_flight(requests: int, batch: int = 50, **target: object) -> Callable[[Config], None]:
    """Return what adapts a config to this many requests in flight of at most `batch` records."""

    def adapt(config: Config) -> None:
        config["targets"][ORDERS] |= {
            "ordering": "none",
            "batch": {"max_records": batch, "max_wait": "100ms"},
            "max_in_flight": requests,
            "queue": {"max_records": 4 * requests * batch},
            **target,
        }

    return adapt


def repeats(history: History) -> int:
    """Return how many items were stored more than once, each as often as that."""
    return sum(len(storings) - 1 for storings in history.stored.values())


def summary(history: History, verdict: Verdict, *, is_ordered: bool = False) -> dict[str, Any]:
    """Return what every figure about faults says."""
    lost = [breach for breach in verdict.breaches if breach.rule == "lost"]
    # Most figures ask for no order.
    broken = [breach for breach in verdict.breaches if is_ordered or breach.rule != "order"]
    return {
        "records": len(history.placed),
        "lost": len(lost),
        "dead_lettered": len(history.letters),
        "sent_twice": repeats(history),
        "causes": dict(verdict.repeats.causes),
        "breaches": sorted({f"{breach.rule}: {breach.text}" for breach in broken})[:5],
    }


def is_sound(summaries: Iterable[dict[str, Any]]) -> bool:
    """Return whether nothing was lost and no rule was broken."""
    return all(not one["lost"] and not one["breaches"] for one in summaries)
