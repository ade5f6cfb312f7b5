"""What must hold at every step, and at the end, computed without the connector's own books.

Each rule names what it protects. A broken rule ends the simulation.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.app import LEAVE_MARGIN_S
from connector.core.commit_metadata import decode
from connector.core.events import Rebalanced
from connector.core.ledger import LeaseState
from connector.core.record import DEAD_LETTERS, TopicPartition
from connector.core.sink import VerdictKind
from connector.kafka.deadlines import LAST_COMMIT_S, REVOKE_DEADLINE_S
from tests.simulation.member import STOP_TIMEOUT_S, TAG_NAMES, TAGS, TOPIC, Member, item_id, keys_of
from tests.simulation.plan import POISON
from tests.simulation.platform import ItemId
from tests.simulation.world import START_S

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connector.core.events import Event
    from connector.core.ledger import Lease
    from connector.core.record import Item, Record
    from connector.core.sink import Verdict
    from tests.simulation.broker import Broker
    from tests.simulation.letters import Letters
    from tests.simulation.plan import Plan
    from tests.simulation.platform import Platform, Request
    from tests.simulation.world import Process, World


HEARD_AFTER_S = 5.0
"""How long it takes at most until a process that wakes hears that the group has gone on without it."""
COMMITTED_AFTER_S = 3.0
"""How much longer than the commit interval it may take until what settled is committed."""


@dataclass(eq=False)
class KnownLease:
    """What is known of one lease."""

    lease: Lease
    member: Member
    began: float
    claim: tuple[int, frozenset[int]]
    """What the broker's commit covered when it began: the offsets below the first, and those of the second."""
    resets: int
    """How many operator's resets had been made when it began."""
    ahead: frozenset[int]
    """What it passes over."""
    from_operator: bool = False
    """Whether it began at an offset that an operator has set: that is obeyed, whatever the process knows."""
    excused: str = ""
    """Why items that it has settled may be sent again by a later lease; empty: they must not."""
    waiting: dict[str, list[ItemId]] = field(default_factory=dict)
    """By identity: the ordered items that have not ended, in their order."""
    tried: set[ItemId] = field(default_factory=set)
    sent: set[tuple[str, ItemId]] = field(default_factory=set)
    """The same, by target: an item may go on to the dead letters."""
    over_at: float = math.inf
    """When its end was noticed."""
    settled: dict[ItemId, float] = field(default_factory=dict)
    """The items that have their outcome, and since when."""
    mapped: dict[int, tuple[Record, float]] = field(default_factory=dict)
    """By offset: the records that were mapped, and when: only then is it known which items they have."""


class Oracle:
    """The observer of all members."""

    def __init__(self, world: World, plan: Plan, broker: Broker, platform: Platform, letters: Letters) -> None:
        self.repeats = 0
        self.resets = 0
        self._world = world
        self._plan = plan
        self._broker = broker
        self._platform = platform
        self._letters = letters
        self._leases: dict[Lease, KnownLease] = {}
        self._open: dict[Member, list[KnownLease]] = defaultdict(list)
        self._lease_of: dict[int, tuple[Record, KnownLease]] = {}
        self._settled_by: dict[ItemId, list[KnownLease]] = defaultdict(list)
        self._lettered: dict[ItemId, int] = {}
        self._on_wire: dict[Member, list[Sequence[Item]]] = defaultdict(list)
        self._committed_to: dict[TopicPartition, int] = defaultdict(int)
        self._first_accepted: dict[str, tuple[int, int]] = {}
        self.ready_at = math.inf
        """When a member was ready for the first time."""
        self._steps = 0
        self._all_committed = False
        broker.on_commit = self._on_commit
        platform.on_accept = self._on_accept

    # -- the observer -------------------------------------------------------------------------------------------

    def on_lease(self, member: Member, lease: Lease) -> None:
        progress = lease.progress()
        ahead = frozenset(offset for one in progress.ahead for offset in one)
        known = KnownLease(lease, member, self._world.now, self._claim(lease.partition), self.resets, ahead)
        self._leases[lease] = known
        self._open[member].append(known)
        known.from_operator = lease.partition in self._broker.offsets and not self._broker.offsets[lease.partition][1]
        if self._world.now < member.woken_at + HEARD_AFTER_S or not member.hears_its_group:
            known.excused = "the process may not be in the group any more"
        elif self._broker.commit_fault:
            known.excused = "commits failed"
        for record in self._broker.logs[lease.partition].after(known.claim[0], 1 << 30):
            if (record.offset < lease.start or record.offset in ahead) and not self._has_ended(record):
                member.violate(f"{lease.partition} passes over {record.offset}, which has not ended")
        self._world.note(f"lease {lease.partition} from {lease.start}")
        if lease.start < known.claim[0]:
            member.violate(f"{lease.partition} starts at {lease.start}, below the committed {known.claim[0]}")

    def on_records(self, member: Member, lease: Lease, records: Sequence[Record]) -> None:
        del member
        known = self._leases[lease]
        for record in records:
            if record.offset in known.ahead:
                continue
            self._lease_of[id(record)] = (record, known)
            for ident in _items_of(record):
                for key in keys_of(ident):
                    known.waiting.setdefault(key, []).append(ident)

    def on_mapped(self, record: Record) -> None:
        self._lease_of[id(record)][1].mapped[record.offset] = record, self._world.now

    def on_send(self, member: Member, target: str, items: Sequence[Item]) -> None:
        known_leases = [self._lease_of[id(item.record)][1] for item in items]
        ids = list(map(item_id, items))
        if self._world.trace is not None:
            self._world.note(f"{target} sends {_names(ids)}")
        for ident, known in zip(ids, known_leases, strict=True):
            if known.lease.ended:
                member.violate(f"{target}: {ident} is sent for a lease that has ended")
            if ident in known.settled:
                member.violate(f"{target}: {ident} is sent after its outcome")
            self._check_ownership(member, ident)
            self._check_age(member, ident)
            if known.lease.state is LeaseState.CLOSING and (target, ident) in known.sent:
                member.violate(f"{target}: {ident} is sent once more, although its lease is closing")
            known.sent.add((target, ident))
            if ident not in known.tried:
                known.tried.add(ident)
                self._check_repeat(member, known, ident)
        if target == TAGS:
            self._check_order(member, ids, known_leases)
        self._on_wire[member].append(items)

    def on_dead_letter(self, member: Member, item: Item) -> None:
        del member
        _leave(self._lease_of[id(item.record)][1], item_id(item))

    def on_verdict(self, member: Member, target: str, items: Sequence[Item], verdict: Verdict) -> None:
        self._on_wire[member].remove(items)
        if self._world.trace is not None:
            self._world.note(f"{target} got {verdict.kind.value} {verdict.detail} for {_names(map(item_id, items))}")
        for place, item in enumerate(items):
            if verdict.kind is VerdictKind.DELIVERED or place in verdict.done:
                ident, known = item_id(item), self._lease_of[id(item.record)][1]
                if known.lease.ended:
                    known.excused = known.excused or "a reply came after its end"
                else:
                    known.settled[ident] = self._world.now
                    _leave(known, ident)
                    self._settled_by[ident].append(known)
                if target == DEAD_LETTERS:
                    self._on_letter(member, ident)

    def on_event(self, member: Member, event: Event) -> None:
        if isinstance(event, Rebalanced):
            self._world.note(f"{member.name}: {event.kind} {' '.join(event.partitions)}, {event.unsettled} unsettled")

    # -- what is known from outside -----------------------------------------------------------------------------

    def excuse(
        self, member: Member | None, why: str, partitions: Sequence[TopicPartition] = (), *, ended: bool = False
    ) -> None:
        """Allow the repeats of leases that live: of one member or all, of some partitions or all.

        Also of those that have just ended: their last commit may be under way. With `ended` of all that have.
        """
        for known in self._leases.values():
            if (
                (ended or not known.lease.ended or self._world.now < known.over_at + LAST_COMMIT_S)
                and (member is None or known.member is member)
                and (not partitions or known.lease.partition in partitions)
            ):
                known.excused = why

    def _claim(self, partition: TopicPartition) -> tuple[int, frozenset[int]]:
        offset, metadata = self._broker.offsets.get(partition, (0, ""))
        return offset, settled_ahead(offset, metadata)

    # -- rules of sending ---------------------------------------------------------------------------------------

    def _check_ownership(self, member: Member, ident: ItemId) -> None:
        """Rule 8 and leases: what another member owns is not sent."""
        partition = TopicPartition(TOPIC, ident.partition)
        for client in self._broker.clients:
            is_member = client.responsive and client.member_id in self._broker.members
            trusted = member.closing_since and not member.hears_its_group  # a revocation drains: see begin_drain
            if client.process is not member and is_member and partition in client.assigned and not trusted:
                member.violate(f"{ident} is sent, but {client.process.name} owns its partition")

    def _check_age(self, member: Member, ident: ItemId) -> None:
        """With `start_from: latest` nothing is sent that was produced before there was a group."""
        if self._plan.start_from == "latest" and not self.resets:
            produced_at = self._broker.logs[TopicPartition(TOPIC, ident.partition)].produced_at[ident.offset]
            if produced_at < START_S:
                member.violate(f"{ident} is older than the group")

    def _check_repeat(self, member: Member, known: KnownLease, ident: ItemId) -> None:
        """A repeat is explained, or a bug: at least once is no excuse for what was committed or is known."""
        for earlier in self._settled_by.get(ident, ()):
            if earlier.resets != known.resets or self.resets != known.resets:
                continue
            record, _ = earlier.mapped[ident.offset]
            if any(other not in earlier.settled for other in _items_of(record)):
                continue  # the record was not settled as a whole
            self.repeats += 1
            offset, ahead = known.claim
            if ident.offset < offset or ident.offset in ahead:
                member.violate(f"{ident} is sent again, although the commit that its lease began with covers it")
            [record] = self._broker.logs[known.lease.partition].after(ident.offset, 1)
            if not earlier.settled.keys() >= set(_items_of(record)):
                continue  # only whole records can be committed and remembered
            if earlier.member is member and not known.from_operator:
                member.violate(f"{ident} is sent again by the process that knows that it is settled")
            if not earlier.excused and earlier.member.alive:
                member.violate(f"{ident} is sent again without a reason: {earlier.member.name} had settled it")

    def _check_order(self, member: Member, ids: list[ItemId], known_leases: list[KnownLease]) -> None:
        """Items of one identity are never in two requests at once and never overtake."""
        keys = {key for ident in ids for key in keys_of(ident)}
        for other in self._on_wire[member]:
            if busy := keys & {key for item in other for key in keys_of(item_id(item)) if item.target in TAG_NAMES}:
                member.violate(f"{busy} is in two requests at once")
        sent: dict[tuple[KnownLease, str], list[ItemId]] = {}
        for ident, known in zip(ids, known_leases, strict=True):
            for key in keys_of(ident):
                sent.setdefault((known, key), []).append(ident)
        for (known, key), own in sent.items():
            if own != (first := known.waiting[key][: len(own)]):
                member.violate(f"{own} of {key} are sent, but it is the turn of {first}")

    def _on_accept(self, ident: ItemId, request: Request) -> None:
        if ident.letter in POISON:
            raise AssertionError(f"the platform accepted {ident}")
        if len(self._platform.accepted[ident]) > 1 or (self.resets and self._plan.start_from == "latest"):
            return  # set back, the group sends what it had passed over
        position = ident.offset, ident.place
        for key in keys_of(ident):
            if position < self._first_accepted.get(key, (-1, -1)):
                request.process.violate(f"{ident} was overtaken at the platform by {self._first_accepted[key]}")
            self._first_accepted[key] = position

    def _on_letter(self, member: Member, ident: ItemId) -> None:
        self._lettered[ident] = self._lettered.get(ident, 0) + 1
        if ident.letter != "d" and ident.letter not in POISON:
            member.violate(f"{ident} is innocent, but was dead-lettered")

    # -- rules of committing ------------------------------------------------------------------------------------

    def _on_commit(self, partition: TopicPartition, offset: int, metadata: str) -> None:
        """A commit covers only what has ended, and never moves back."""
        self._world.note(f"{partition} committed {offset} {metadata}")
        old_offset, old_ahead = self._claim(partition)
        ahead = settled_ahead(offset, metadata)
        if offset < old_offset:
            self._violate(f"the commit of {partition} moves back from {old_offset} to {offset}")
        if missing := {one for one in old_ahead if one >= offset} - ahead:
            self._violate(f"the commit of {partition} forgets that {sorted(missing)} are settled")
        log = self._broker.logs[partition]
        for record in log.after(self._committed_to[partition], 1 << 30):
            if record.offset >= offset and record.offset not in ahead:
                continue
            if not self._has_ended(record) and not self._may_be_passed_over(record):
                self._violate(f"{partition} is committed at {offset} {metadata}, but {record.offset} has not ended")
        self._committed_to[partition] = max(offset, self._committed_to[partition])

    def check_freshness(self, member: Member) -> None:
        """What settled a while ago is committed, if nothing prevented it. Called before a member is killed.

        Nothing is committed while leases close: the thread waits for them.
        """
        clients = [client for client in self._broker.clients if client.process is member]
        if (
            not self._broker.up
            or not member.hears_its_group
            or self._broker.members.keys().isdisjoint(client.member_id for client in clients)
        ):
            return
        now = min([self._world.now, member.told_at, *member.closing_since.values()])
        troubled = max([self._broker.changed_at, member.woken_at, *(client.held_up_until for client in clients)])
        late_s = self._plan.commit_every_s + COMMITTED_AFTER_S
        if now < troubled + late_s:
            return
        for known in self._leases.values():
            if known.member is not member or known.lease.ended:
                continue
            offset, ahead = self._claim(known.lease.partition)
            for record, mapped_at in known.mapped.values():
                settled_at = max([mapped_at, *(known.settled.get(ident, math.inf) for ident in _items_of(record))])
                if settled_at < now - late_s and record.offset >= offset and record.offset not in ahead:
                    member.violate(f"{record.offset} of {known.lease.partition} is settled, but was not committed")

    def _has_ended(self, record: Record) -> bool:
        return all(
            ident in self._lettered if ident.letter in POISON + "d" else ident in self._platform.accepted
            for ident in _items_of(record)
        )

    def _may_be_passed_over(self, record: Record) -> bool:
        """Whether `start_from: latest` allows it: it was produced before a member was ready."""
        log = self._broker.logs[TopicPartition(record.topic, record.partition)]
        return self._plan.start_from == "latest" and log.produced_at[record.offset] < self.ready_at

    def _violate(self, text: str) -> None:
        for client in self._broker.clients:
            client.process.violate(text)
        raise AssertionError(text)

    # -- rules of every step ------------------------------------------------------------------------------------

    def check_step(self, process: Process) -> None:
        """Raise what was noted during the step; check the law of conservation and the bounds."""
        if not isinstance(process, Member):
            return
        if process.failures:
            raise process.failures[0]
        if process.app is None or not process.running:
            return
        self._steps += 1
        app = process.app
        self._watch_readiness(process)
        self._watch_ends(process)
        in_flight = sum([lease.unsettled for lease in app.pipeline.leases])
        for topic, counts in app.status.topic_counts.items():
            ended = counts.delivered + counts.skipped + counts.dead_lettered + counts.released
            if counts.consumed != ended + in_flight:
                process.violate(f"{topic}: {counts} don't add up with {in_flight} in flight")
        for lease in app.pipeline.paused:
            if lease.ended or lease not in app.pipeline.leases:
                process.violate(f"{lease.partition} is paused, although its lease has ended")
        if app.tasks.failure.done():
            app.tasks.failure.result()
        if self._steps % 64 == 0:
            process.loop.call_soon(app.status.read, self._world.now)

    def _watch_ends(self, member: Member) -> None:
        """A lease that closes waits for what is on the wire, as long as there is time."""
        for known in self._open.get(member, ()):
            if known.lease.ended:
                known.over_at = self._world.now
                revoked_at = member.closing_since.get(known.lease.partition, math.inf)
                deadline = min(revoked_at + REVOKE_DEADLINE_S, member.told_at + STOP_TIMEOUT_S - LEAVE_MARGIN_S)
                if known.excused or deadline == math.inf or self._world.now >= deadline - 0.1:
                    continue  # neither revoked nor stopped: it was lost
                if any(known is self._lease_of[id(item.record)][1] for item in self._items_on_wire(member)):
                    member.violate(f"the lease of {known.lease.partition} ended before a reply that was under way")
        if any(known.over_at < math.inf for known in self._open.get(member, ())):
            self._open[member] = [known for known in self._open[member] if known.over_at == math.inf]

    def _items_on_wire(self, member: Member) -> Iterator[Item]:
        for items in self._on_wire[member]:
            yield from items

    def _watch_readiness(self, member: Member) -> None:
        ready = not member.health.reasons
        if ready is member.ready:
            return
        member.ready = ready
        self._world.note(f"{member.name} is {'ready' if ready else 'not ready'}")
        if ready:
            self._check_starts(member)

    def _check_starts(self, member: Member) -> None:
        self.ready_at = min(self.ready_at, self._world.now)
        for client in self._broker.clients:
            if client.process is member and (missing := set(client.assigned) - set(self._broker.offsets)):
                member.violate(f"ready, although the starts of {sorted(missing)} are not committed")

    # -- rules of the end ---------------------------------------------------------------------------------------

    def lack_evidence(self) -> list[TopicPartition]:
        """Return where an item that is dead-lettered only if others are delivered is not yet, or not committed."""
        letters = set(self._plan.needs_evidence)
        lacking = []
        for partition, log in self._broker.logs.items():
            offset, ahead = self._claim(partition)
            if any(
                record.offset >= offset and record.offset not in ahead and letters & set((record.value or b"").decode())
                for record in log.records  # those that Kafka has deleted meanwhile too
            ):
                lacking.append(partition)
        return lacking

    def all_committed(self) -> bool:
        """Whether everything is committed. Nothing is produced any more."""
        return self._all_committed

    def check_all_committed(self) -> None:
        """Compare what is committed with what there is."""
        self._all_committed = all(
            self._broker.offsets.get(partition, (0, ""))[0] >= log.end for partition, log in self._broker.logs.items()
        )

    def check_nothing_is_lost(self) -> None:
        """Every item has ended as it must."""
        for log in self._broker.logs.values():
            for record in log.after(0, 1 << 30):
                if not self._has_ended(record) and not self._may_be_passed_over(record):
                    raise AssertionError(f"{TOPIC}[{record.partition}] {record.offset} was lost: {record.value!r}")


def settled_ahead(offset: int, metadata: str) -> frozenset[int]:
    """Return the offsets above `offset` that a commit's metadata calls settled."""
    return frozenset(one for run in decode(metadata, offset).ahead for one in run)


def _leave(known: KnownLease, ident: ItemId) -> None:
    for key in keys_of(ident):
        if ident in known.waiting[key]:
            known.waiting[key].remove(ident)


def _items_of(record: Record) -> list[ItemId]:
    word = (record.value or b"").decode()
    return [ItemId(record.partition, record.offset, place, letter) for place, letter in enumerate(word)]


def _names(ids: object) -> str:
    return " ".join(f"{one.partition}/{one.offset}{one.letter}" for one in ids)  # type: ignore[attr-defined]
