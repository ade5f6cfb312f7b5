"""Figure: `start_from: latest` with a new group whose first member dies at once."""

from __future__ import annotations

import itertools
import threading
import time
from typing import TYPE_CHECKING, Any

from tests.chaos.producing import RecordProducer
from tests.chaos.records import ORDERS, Kind, Produced
from tests.figures.scene import repeats, scene
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.figures.interruptions import Figure
    from tests.figures.scene import Config

OLD = 2_000
SECOND_S = 1.0


def latest() -> Figure:
    """Two members of a new group that starts at the latest; the first that is ready is killed within a second.

    Records flow all the time. What was produced before the first member was started is old; what was produced after
    one was first seen ready must be delivered.
    """
    with scene(_latest, partitions=4) as one:
        one.produce(OLD)
        producer = RecordProducer(one.stage, _from(OLD), 400)
        members = [one.stage.add_member(), one.stage.add_member()]
        producer.start()
        until(lambda: any(member.connector.is_ready() for member in members), "the first member to be ready")
        ready_at = len(producer.produced)
        first = next(member for member in members if member.connector.is_ready())
        threading.Timer(SECOND_S / 2, first.kill).start()
        time.sleep(20)
        producer.finish()
        one.produced += producer.produced
        one.wait_committed()
        history, _ = one.finish()
    after = [record.number for record in one.produced if record.number >= OLD + ready_at]
    result: dict[str, Any] = {
        "records_after_the_first_ready": len(after),
        "lost_of_them": sum(number not in history.stored for number in after),
        "old_ones_sent": sum(number < OLD for number in history.stored),
        "sent_twice": repeats(history),
    }
    return not result["lost_of_them"] and not result["old_ones_sent"], result


def _latest(config: Config) -> None:
    config["kafka"] |= {"start_from": "latest"}


def _from(first: int) -> Iterator[Produced]:
    return (Produced(number, ORDERS, Kind.GOOD, number % 400) for number in itertools.count(first))
