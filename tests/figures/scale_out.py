"""Figure: 1, 2 and 4 members on the 12 partitions of three brokers; a member joins and leaves, a broker is killed.

The platform answers after LATENCY_S and needs hardly any CPU time, so that a member is limited by the platform's
latency, as in production, and not by this machine: IN_FLIGHT requests of BATCH records per LATENCY_S.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.bench import workload
from tests.bench.workload import SinkProcess
from tests.kafka.cluster import Cluster, fresh
from tests.kafka.commands import ConnectorProcess
from tests.kafka.quorum import Quorum
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.figures.interruptions import Figure

MEMBERS = (1, 2, 4)
PARTITIONS = 12
LATENCY_S, IN_FLIGHT, BATCH = 0.5, 4, 50
POSSIBLE = IN_FLIGHT * BATCH / LATENCY_S
"""Records per second that one member can send."""
BACKLOG = 30_000
WINDOW_S = 10.0
PER_SECOND = 400
"""Records that are produced per second while members come and go: half of what two members can send."""
GOAL = 0.8
"""Of four times (twice) the rate of one member."""


def scale_out(protocol: str) -> Figure:
    """Measure with one group protocol; rates are also given as ratios, as the machine may be busy."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="figure-")))
        quorum = stack.enter_context(Quorum())
        sink = SinkProcess()
        stack.callback(sink.close)
        cluster = Cluster(quorum.address)
        stack.callback(cluster.close)
        scene = _Scene(quorum, cluster, sink, folder, protocol)
        backlog = scene.backlog()
        rates = {members: scene.rate(backlog, members) for members in MEMBERS}
        changes = scene.changes()
    one = rates[MEMBERS[0]]["per_second"]
    for result in rates.values():
        result["times_one_member"] = round(result["per_second"] / one, 2)
    met = all(result["times_one_member"] >= GOAL * members for members, result in rates.items())
    is_sound = not changes["lost"] and changes["sent_twice"] <= 2 * IN_FLIGHT * BATCH
    result = {"protocol": protocol, "possible_per_member": POSSIBLE, "members": rates, **changes}
    return met and is_sound, result


class _Scene:
    """Three brokers, the platform, and groups of members one after the other."""

    def __init__(self, quorum: Quorum, cluster: Cluster, sink: SinkProcess, folder: Path, protocol: str) -> None:
        self._quorum = quorum
        self._cluster = cluster
        self._sink = sink
        self._folder = folder
        self._protocol = protocol
        self._names = count(1)
        self._numbers = count()

    def backlog(self) -> str:
        """Return a topic that has enough records for each of the rates."""
        topic = self._cluster.create_topic(partitions=PARTITIONS, replicas=3)
        self.produce(topic, BACKLOG)
        return topic

    def produce(self, topic: str, amount: int) -> None:
        """Produce so many records, evenly over the partitions."""
        now_ms = time.time_ns() // 1_000_000
        numbers = [next(self._numbers) for _ in range(amount)]
        orders = [{"value": workload.order(number, now_ms), "key": b"%d" % number} for number in numbers]
        self._cluster.produce_all(topic, orders)

    def rate(self, topic: str, members: int) -> dict[str, Any]:
        """Return the rate of a new group of so many members, and the least and the most of one member's records."""
        self._sink.behave(status=503)
        with _Group(self._start, topic) as group:
            group.add(members)
            self._sink.behave(delay_s=LATENCY_S)
            before = self._sink.stats()["items"]
            until(lambda: self._sink.stats()["items"] > before, "the first records to be delivered")
            begin, shares, at = self._sink.stats()["items"], group.delivered(), time.monotonic()
            time.sleep(WINDOW_S)
            items, took_s = self._sink.stats()["items"] - begin, time.monotonic() - at
            shares = [after - before for before, after in zip(shares, group.delivered(), strict=True)]
        return {
            "per_second": round(items / took_s),
            "of_what_is_possible": round(items / took_s / (members * POSSIBLE), 2),
            "least_of_a_member": round(min(shares) / statistics.mean(shares), 2),
            "most_of_a_member": round(max(shares) / statistics.mean(shares), 2),
        }

    def changes(self) -> dict[str, Any]:
        """Return how long partitions rest, and what is sent twice, while records flow and something changes."""
        topic = self._cluster.create_topic(partitions=PARTITIONS, replicas=3)
        before, results = self._sink.stats(), {}
        with _Group(self._start, topic) as group, _Flow(lambda: self.produce(topic, PER_SECOND // 10)) as flow:
            group.add(2)
            rests = _Rests(lambda: self._cluster.committed(group.name, topic))
            results["nothing_happens"] = rests.during(lambda: None)
            results["a_third_joins"] = rests.during(lambda: group.add(1))
            results["it_leaves"] = rests.during(group.remove)
            killed = self._quorum.coordinator(group.name)
            results["a_broker_is_killed"] = rests.during(killed.kill)
            results["it_comes_back"] = rests.during(killed.start)
            produced = flow.stop() * (PER_SECOND // 10)
            until(lambda: self._cluster.caught_up(group.name, topic), "everything to be committed")
        after = self._sink.stats()
        distinct, items = (after[name] - before[name] for name in ("distinct", "items"))
        return {"rests_s": results, "records": produced, "lost": produced - distinct, "sent_twice": items - distinct}

    def _start(self, topic: str, group: str) -> ConnectorProcess:
        config = workload.config(self._cluster, topic, group, self._sink.base_url)
        config["kafka"] |= {"commit_interval": "200ms", "properties": {"group.protocol": self._protocol}}
        config["targets"]["purchases"] = {
            "endpoint": "event/v2/batchAdd",
            "batch": {"max_records": BATCH, "max_wait": "100ms"},
            "max_in_flight": IN_FLIGHT,
        }
        return ConnectorProcess(config, self._folder, f"member-{next(self._names)}").start()


class _Group:
    """The members of one group; they end with the block."""

    def __init__(self, start: Callable[[str, str], ConnectorProcess], topic: str) -> None:
        self.name = fresh("group")
        self._topic = topic
        self._start = start
        self._members: list[ConnectorProcess] = []

    def add(self, members: int) -> None:
        """Start so many more, and wait until each member has its part of the partitions."""
        self._members += [self._start(self._topic, self.name) for _ in range(members)]
        self._wait_balanced()

    def remove(self) -> None:
        """Let the last one stop and leave, and wait until the others share its partitions."""
        last = self._members.pop()
        last.terminate()
        assert last.exit_code() == 0, last.stderr[-2000:]
        self._wait_balanced()

    def _wait_balanced(self) -> None:
        part = PARTITIONS // len(self._members)
        until(lambda: all(_partitions(one) == part for one in self._members), f"each member to have {part} partitions")

    def delivered(self) -> list[float]:
        """Return how many records each member has delivered."""
        return [one.metric("records_settled_total", outcome="delivered") for one in self._members]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for member in self._members:
            member.close()


class _Flow:
    """Calls `produce` ten times per second, less often if it takes longer, until `stop`."""

    def __init__(self, produce: Callable[[], None]) -> None:
        self._produce = produce
        self._ended = threading.Event()
        self._calls = 0
        self._failures: list[BaseException] = []
        self._thread = threading.Thread(target=self._run)

    def stop(self) -> int:
        """Return how often it has produced; raises what producing has raised."""
        self._ended.set()
        self._thread.join()
        if self._failures:
            raise self._failures[0]
        return self._calls

    def _run(self) -> None:
        try:
            while not self._ended.wait(0.1):
                self._produce()
                self._calls += 1
        except BaseException as failure:  # noqa: BLE001 - raised where `stop` is called
            self._failures.append(failure)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


class _Rests:
    """The longest time without a commit of each partition."""

    def __init__(self, committed: Callable[[], dict[int, int]]) -> None:
        self._committed = committed

    def during(self, change: Callable[[], object]) -> dict[str, float]:
        """Return the median and the longest over the partitions, in seconds, while `change` runs and WINDOW_S more."""
        ended, failures = threading.Event(), []

        def run() -> None:
            try:
                change()
                time.sleep(WINDOW_S)
            except BaseException as failure:  # noqa: BLE001 - raised below
                failures.append(failure)
            ended.set()

        thread = threading.Thread(target=run)
        thread.start()
        longest = self._watch(ended)
        thread.join()
        if failures:
            raise failures[0]
        return {"median": round(statistics.median(longest), 1), "longest": round(max(longest), 1)}

    def _watch(self, ended: threading.Event) -> Sequence[float]:
        began = time.monotonic()
        offsets: dict[int, int] = {}
        moved_at = dict.fromkeys(range(PARTITIONS), began)
        longest = dict.fromkeys(range(PARTITIONS), 0.0)
        while not ended.wait(0.05):
            # A partition that has no answer yet has not moved.
            found, now = self._committed(), time.monotonic()
            for partition in moved_at:
                longest[partition] = max(longest[partition], now - moved_at[partition])
                if found.get(partition, -1) > offsets.get(partition, -1):
                    offsets[partition], moved_at[partition] = found[partition], now
        return list(longest.values())


def _partitions(connector: ConnectorProcess) -> int:
    assert connector.process.poll() is None, connector.stderr[-2000:]
    return int(connector.metric("partitions_assigned")) if connector.is_alive() else 0
