"""Records that wait for their schema: in order, bounded by pauses, for as long as it takes, and nobody else waits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.core.errors import RegistryError
from connector.core.events import ReasonCleared, ReasonRaised
from connector.core.ledger import Lease, LeaseState, TopicCounts
from connector.core.record import Record, TopicPartition
from connector.decode.schemas import Schemas
from connector.flow.schema_gate import SchemaGate
from connector.settings.models import Decode
from tests.support.builders import seeded
from tests.support.clock import run_virtual

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from connector.core.events import Event

Chunk = tuple[Lease, list[Record]]


def lease(topic: str = "avro", partition: int = 0) -> Lease:
    return Lease(TopicPartition(topic, partition), 0, TopicCounts())


def records(of: Lease, *values: str, first: int = 0) -> list[Record]:
    return [
        Record(of.partition.topic, of.partition.partition, first + index, None, None, value.encode(), ())
        for index, value in enumerate(values)
    ]


class StubRegistry:
    """A record's value is the name of its schema. What is `there` can be fetched while the registry is `up`."""

    def __init__(self, *there: str) -> None:
        self.there = set(there)
        self.up = True
        self.known: set[str] = set()
        self.fetches = self.pings = self.forgotten = 0

    def reads(self, topic: str) -> bool:
        return topic == "avro"

    def ready(self, records: Sequence[Record]) -> int:
        return next((index for index, one in enumerate(records) if name(one) not in self.known), len(records))

    def forget_unknown(self) -> None:
        self.forgotten += 1

    async def fetch(self, chunks: Iterable[Sequence[Record]]) -> None:
        self.fetches += 1
        wanted = {name(one) for chunk in chunks for one in chunk}
        await asyncio.sleep(0.01)
        if self.up:
            self.known |= wanted & self.there
        if not self.up or wanted - self.known:
            raise RegistryError("the registry is away")

    async def ping(self) -> None:
        self.pings += 1
        if not self.up:
            raise RegistryError("the registry is away")


def name(record: Record) -> str:
    return (record.value or b"").decode()


class Stage:
    """A gate with a source that a test feeds, and what came out of it. Made on the event loop."""

    def __init__(self, registry: StubRegistry) -> None:
        self.registry = registry
        self.chunks: asyncio.Queue[Chunk | None] = asyncio.Queue()
        self.taken = 0
        self.paused: set[Lease] = set()
        self.pauses: list[str] = []
        self.out: list[Record] = []
        self.events: list[Event] = []
        self.gate = SchemaGate(self, registry, self.events.append, seeded(7))
        self.fetching = asyncio.ensure_future(self.gate.run())
        self.reading = asyncio.ensure_future(self._read())

    async def __aiter__(self) -> AsyncIterator[tuple[Lease, Sequence[Record]]]:
        while (chunk := await self.chunks.get()) is not None:
            self.taken += 1
            yield chunk

    def pause(self, leases: Iterable[Lease]) -> None:
        self.paused.update(leases)
        self.pauses.append("pause")

    def resume(self, leases: Iterable[Lease]) -> None:
        self.paused.difference_update(leases)
        self.pauses.append("resume")

    def commit(self, leases: Iterable[Lease]) -> None:
        """Commit nothing."""

    async def _read(self) -> None:
        async for _lease, chunk in self.gate:
            self.out.extend(chunk)

    async def feed(self, of: Lease, *values: str, first: int = 0) -> None:
        self.chunks.put_nowait((of, records(of, *values, first=first)))
        await asyncio.sleep(1)

    def offsets(self, of: Lease) -> list[int]:
        return [one.offset for one in self.out if (one.topic, one.partition) == of.partition]

    def reasons(self) -> list[str]:
        kinds = {ReasonRaised: "raised", ReasonCleared: "cleared"}
        return [kinds[type(event)] for event in self.events if isinstance(event, (ReasonRaised, ReasonCleared))]

    async def end(self) -> None:
        self.chunks.put_nowait(None)
        await self.reading
        self.fetching.cancel()


def test_records_come_in_order_once_their_schemas_are_fetched_each_once() -> None:
    async def main() -> None:
        stage, one = Stage(StubRegistry("a", "b")), lease()
        stage.chunks.put_nowait((one, []))
        stage.chunks.put_nowait((one, records(one, "a", "a", "b")))
        stage.chunks.put_nowait((one, records(one, "a", "b", first=3)))
        await asyncio.sleep(1)
        assert stage.offsets(one) == [0, 1, 2, 3, 4]
        assert (stage.registry.fetches, stage.pauses) == (1, ["pause", "resume"])
        await stage.feed(one, "b", "a", first=5)
        assert stage.offsets(one) == list(range(7))
        assert stage.registry.fetches == 1
        assert stage.reasons() == []
        await stage.end()

    run_virtual(main())


def test_while_the_registry_is_away_records_wait_others_flow_and_the_connector_is_not_ready() -> None:
    async def main() -> None:
        stage, waits, other, knows = Stage(StubRegistry("a", "b")), lease(), lease("json"), lease("avro", 1)
        await stage.feed(knows, "a")
        stage.registry.up = False
        await stage.feed(waits, "a", "b", "a")
        await stage.feed(other, "x", "y")
        await stage.feed(knows, "a", "a", first=1)
        await asyncio.sleep(3600)
        assert stage.offsets(waits) == [0], "what stands before the unknown schema passes"
        assert stage.offsets(other) == [0, 1]
        assert stage.registry.forgotten == 2, "not while something is held, for which it may have been asked"
        assert stage.offsets(knows) == [0, 1, 2]
        assert stage.paused == {waits} == set(stage.gate.held)
        assert stage.reasons() == ["raised"] * len(stage.reasons()) != []
        asked = stage.registry.fetches
        assert 3600 / 15 < asked < 3600, "the waits grow, and have a bound"
        stage.registry.up = True
        await asyncio.sleep(20)
        assert stage.offsets(waits) == [0, 1, 2]
        assert (stage.paused, list(stage.gate.held), stage.reasons()[-1]) == (set(), [], "cleared")
        await stage.end()

    run_virtual(main(), limit_s=5000)


def test_a_schema_that_can_t_be_had_holds_its_own_partition_only() -> None:
    async def main() -> None:
        stage, waits, passes = Stage(StubRegistry("a")), lease(), lease("avro", 1)
        stage.chunks.put_nowait((waits, records(waits, "broken", "a")))
        stage.chunks.put_nowait((passes, records(passes, "a", "a")))
        await asyncio.sleep(60)
        assert (stage.offsets(waits), stage.offsets(passes)) == ([], [0, 1])
        assert stage.paused == {waits}
        stage.registry.there.add("broken")
        await asyncio.sleep(20)
        assert stage.offsets(waits) == [0, 1]
        await stage.end()

    run_virtual(main())


def test_what_is_held_is_dropped_with_its_lease_and_a_registry_that_is_away_is_still_a_reason() -> None:
    async def main() -> None:
        registry = StubRegistry("a")
        registry.up = False
        stage, gone = Stage(registry), lease()
        await stage.feed(gone, "a")
        gone.close(lambda: None)
        gone.end()
        await asyncio.sleep(60)
        assert list(stage.gate.held) == []
        assert "cleared" not in stage.reasons()
        again = lease()
        await stage.feed(again, "a")
        registry.up = True
        await asyncio.sleep(20)
        assert [one.offset for one in stage.out] == [0], "of the second lease alone"
        assert stage.reasons()[-1] == "cleared"
        assert "resume" in stage.pauses
        await stage.end()

    run_virtual(main())


def test_a_partition_is_resumed_when_neither_the_gate_nor_the_pipeline_wants_it_paused() -> None:
    async def main() -> None:
        registry = StubRegistry("a")
        registry.up = False
        stage, one = Stage(registry), lease()
        await stage.feed(one, "a")
        stage.gate.pause([one])
        stage.gate.resume([one])
        assert stage.paused == {one}, "the gate still waits"
        registry.up = True
        await asyncio.sleep(20)
        assert stage.paused == set(), "neither does any more"
        registry.up = False
        registry.there.add("b")
        await stage.feed(one, "b", first=1)
        stage.gate.pause([one])
        registry.up = True
        await asyncio.sleep(20)
        assert stage.offsets(one) == [0, 1]
        assert stage.paused == {one}, "the pipeline still wants it paused"
        stage.gate.resume([one])
        assert stage.paused == set()
        await stage.end()

    run_virtual(main())


def test_at_start_the_registry_is_asked_whether_it_answers_and_records_do_not_wait_for_that() -> None:
    async def main() -> None:
        registry = StubRegistry("a")
        registry.up = False
        stage = Stage(registry)
        await asyncio.sleep(60)
        assert stage.reasons()[0] == "raised"
        assert registry.fetches == 0
        registry.up = True
        await asyncio.sleep(20)
        pings = registry.pings
        assert stage.reasons()[-1] == "cleared"
        await stage.feed(one := lease(), "a")
        await asyncio.sleep(3600)
        assert stage.offsets(one) == [0]
        assert registry.pings == pings, "one answer is enough"
        await stage.end()

    run_virtual(main(), limit_s=5000)


def test_the_source_is_asked_for_a_chunk_only_when_the_pipeline_asks_for_one() -> None:
    async def main() -> None:
        stage = Stage(StubRegistry("a"))
        stage.reading.cancel()
        await asyncio.sleep(0)
        for number in range(5):
            stage.chunks.put_nowait((lease("json", number), records(lease("json", number), "x")))
        reading = aiter(stage.gate)
        await anext(reading)
        await asyncio.sleep(1)
        assert stage.taken == 1
        await anext(reading)
        assert stage.taken == 2
        stage.fetching.cancel()

    run_virtual(main())


def test_the_end_of_the_source_is_the_end_whatever_is_held() -> None:
    async def main() -> None:
        registry = StubRegistry()
        registry.up = False
        stage, one = Stage(registry), lease()
        await stage.feed(one, "a")
        await stage.end()
        assert stage.out == []

    run_virtual(main())


@given(data=st.data())
@settings(max_examples=60)
def test_whatever_happens_records_of_a_lease_that_stays_come_once_and_in_order(data: st.DataObject) -> None:
    async def main() -> None:
        registry = StubRegistry()
        stage = Stage(registry)
        leases = [lease("avro", number) for number in range(3)] + [lease("json")]
        given_to: dict[Lease, int] = dict.fromkeys(leases, 0)
        for _ in range(data.draw(st.integers(1, 40))):
            one = data.draw(st.sampled_from(leases))
            match data.draw(
                st.sampled_from(["feed", "feed", "up", "down", "publish", "pause", "resume", "end", "wait"])
            ):
                case "feed" if one not in stage.paused and one.state is LeaseState.OPEN:
                    values = data.draw(st.lists(st.sampled_from("abcd"), max_size=5))
                    stage.chunks.put_nowait((one, records(one, *values, first=given_to[one])))
                    given_to[one] += len(values)
                case "up" | "down" as state:
                    registry.up = state == "up"
                case "publish":
                    registry.there.add(data.draw(st.sampled_from("abcd")))
                case "pause":
                    stage.gate.pause([one])
                case "resume":
                    stage.gate.resume([one])
                case "end":
                    one.end()
                case _:
                    await asyncio.sleep(data.draw(st.floats(0, 5)))
        registry.up, registry.there = True, set("abcd")
        await asyncio.sleep(60)
        assert list(stage.gate.held) == []
        for one in leases:
            expected = list(range(given_to[one]))
            came = stage.offsets(one)
            assert came == (expected if one.state is LeaseState.OPEN else expected[: len(came)])
        stage.gate.resume(leases)
        assert all(one not in stage.paused for one in leases if one.state is LeaseState.OPEN)
        assert stage.reasons()[-1:] in ([], ["cleared"])
        await stage.end()

    run_virtual(main())


class SlowRegistry(StubRegistry):
    """Takes so long that what it has answered first is due to be forgotten before it has answered the last."""

    def __init__(self) -> None:
        super().__init__()
        self.schemas = Schemas({"avro": Decode(format="avro")}, asyncio.get_running_loop().time)

    def ready(self, records: Sequence[Record]) -> int:
        return self.schemas.ready(records)

    def forget_unknown(self) -> None:
        self.schemas.forget_unknown()

    async def fetch(self, chunks: Iterable[Sequence[Record]]) -> None:
        for schema_id in {schema_id for chunk in chunks for schema_id in self.schemas.missing(chunk)}:
            await asyncio.sleep(2)
            self.schemas.add(schema_id, None)


def test_a_topic_full_of_schemas_that_do_not_exist_gets_through_a_slow_registry() -> None:
    async def main() -> None:
        stage, leases = Stage(SlowRegistry()), [lease("avro", number) for number in range(3)]
        for one in leases:
            values = [f"\0\0{one.partition.partition}{index:02}data" for index in range(30)]
            stage.chunks.put_nowait((one, records(one, *values)))
        await asyncio.sleep(600)
        assert [stage.offsets(one) for one in leases] == [list(range(30))] * 3
        assert stage.paused == set()
        await stage.end()

    run_virtual(main())


def test_leases_that_have_ended_are_forgotten_also_if_nobody_resumes_them() -> None:
    async def main() -> None:
        stage = Stage(StubRegistry("a"))
        for number in range(5):
            one = lease("avro", number)
            stage.gate.pause([one])
            one.end()
        stage.gate.pause([last := lease()])
        assert stage.gate._paused_by_pipeline == {last}  # noqa: SLF001 - what it keeps can't be seen otherwise
        await stage.end()

    run_virtual(main())
