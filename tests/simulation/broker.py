"""A Kafka broker in memory: partitions and their logs, and one consumer group with its generations and offsets.

What it does as a real one does:
- a member that goes on committing partitions which it no longer owns is obeyed: only its generation is checked;
- a commit may be applied although its answer gets lost;
- a partition is dealt out again only once its owner gave it up, left, or was silent for the session timeout;
- offsets and their metadata survive the broker's death; sessions begin again when it is back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from confluent_kafka import KafkaError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connector.core.record import TopicPartition
    from tests.simulation.log import Log
    from tests.simulation.world import Process, World

SLOWEST_COMMIT_S = 20.0
MAX_METADATA = 4096
MAX_REQUEST = 1 << 20


class Client(Protocol):
    """What the group knows of a member's consumer."""

    member_id: str
    process: Process
    assigned: dict[TopicPartition, int]
    """The position of each assigned partition."""
    held_up_until: float
    """When the last of those commits is answered that the broker did not receive."""

    @property
    def responsive(self) -> bool:
        """Whether its process lives and isn't frozen."""

    def on_data(self) -> None:
        """Called when there may be something to fetch."""

    def on_broker_down(self) -> None:
        """Called when the broker stops answering."""

    def on_rebalance(self) -> None:
        """Called when the group asks its members to join again."""

    def on_sync(self, generation: int, target: set[TopicPartition]) -> None:
        """Called with the partitions that the member is to own."""

    def on_removed(self, member_id: str) -> None:
        """Called when the group no longer knows the member, which may have another id by now."""


@dataclass(eq=False)
class Member:
    """One member of the group."""

    member_id: str
    client: Client
    joined: bool = False
    claims: set[TopicPartition] = field(default_factory=set)
    """What it said that it owns when it joined."""
    heard: int = 0
    """How often the session timeout began anew."""

    @property
    def responsive(self) -> bool:
        """Whether it sends heartbeats, while the broker is up."""
        return self.client.responsive and self.client.member_id == self.member_id


@dataclass
class Broker:
    """The cluster: its topics and the one group."""

    world: World
    eager: bool
    session_s: float
    rebalance_s: float = 300.0
    logs: dict[TopicPartition, Log] = field(default_factory=dict)
    up: bool = True
    members: dict[str, Member] = field(default_factory=dict)
    generation: int = 0
    offsets: dict[TopicPartition, tuple[int, str]] = field(default_factory=dict)
    on_commit: Callable[[TopicPartition, int, str], None] = lambda *_: None
    """Called with each partition's commit before it is applied."""
    after_commit: Callable[[], None] = lambda: None
    commit_fault: str = ""
    """slow, lost, refused, or empty."""
    on_up: list[Callable[[], None]] = field(default_factory=list)
    """Called once, when the broker is back."""
    clients: list[Client] = field(default_factory=list)
    changed_at: float = 0.0
    """When something last kept commits from being made as always: the broker was away, there was a rebalance."""
    _preparing: bool = False
    _round: int = 0
    _member_count: int = 0

    def produce(self, partition: TopicPartition, values: list[bytes], gap: int = 0) -> None:
        """Append records, the first after `gap` offsets without one."""
        for value in values:
            self.logs[partition].append(value, self.world.now, gap)
            gap = 0
        for client in self.clients:
            client.on_data()

    # -- the broker's life --------------------------------------------------------------------------------------

    def go_down(self) -> None:
        """Answer nothing any more."""
        self.up = False
        self.world.note("broker down")
        for client in self.clients:
            client.on_broker_down()

    def come_back(self) -> None:
        """Answer again, with what was committed. Members that don't answer have a whole session timeout."""
        self.up = True
        self.changed_at = self.world.now
        self.world.note("broker up")
        for member in list(self.members.values()):
            self.hear(member)
        if self._preparing:
            self._preparing = False
            self.rebalance()
        waiting, self.on_up = self.on_up, []
        for call in waiting:
            call()

    # -- membership ---------------------------------------------------------------------------------------------

    def join(self, client: Client) -> str:
        """Add a new member; return its id."""
        self._member_count += 1
        member = Member(f"member-{self._member_count}", client)
        self.world.note(f"{member.member_id} joins")
        if not self._preparing:
            self.rebalance()
        member.joined = True  # asking to become a member is joining the round
        self.members[member.member_id] = member
        self._finish_if_all_joined()
        return member.member_id

    def leave(self, member_id: str) -> None:
        """Remove a member, which says so itself or was silent for too long."""
        if self.members.pop(member_id, None) is not None:
            self.world.note(f"{member_id} leaves")
            self.rebalance()

    def watch(self, member: Member) -> None:
        """Remove a member if it is silent for the session timeout from now on."""
        if not member.responsive:
            self.world.after(self.session_s, self._remove_if_silent, member, member.heard)

    def hear(self, member: Member) -> None:
        """Called when a member has sent something: its session timeout begins anew."""
        member.heard += 1
        self.watch(member)

    def hear_client(self, client: Client) -> None:
        """Called when a client sends a heartbeat."""
        if self.up and (member := self.members.get(client.member_id)) is not None and member.responsive:
            self.hear(member)

    def watch_client(self, client: Client) -> None:
        """Called when a client does not answer any more, or not as the member that it was."""
        for member in self.members.values():
            if member.client is client:
                self.watch(member)

    def _remove_if_silent(self, member: Member, heard: int) -> None:
        if self.up and not member.responsive and member.heard == heard:
            self.leave(member.member_id)

    # -- rebalances ---------------------------------------------------------------------------------------------

    def rebalance(self) -> None:
        """Ask all members to join again."""
        if self._preparing:
            self._finish_if_all_joined()
            return
        self._preparing = True
        self.changed_at = math.inf  # until the round is finished
        self._round += 1
        for member in self.members.values():
            member.joined = False
            self.world.after(self.world.random.uniform(0.0, 1.0), self._notify, member, self._round)
        self.world.after(self.rebalance_s, self._expire, self._round)
        if not self.members:
            self._finish()

    def _notify(self, member: Member, number: int) -> None:
        if number != self._round or not self._preparing or member.joined or not self.up:
            return
        if member.responsive:
            member.client.on_rebalance()
        else:
            self.world.after(1.0, self._notify, member, number)

    def rejoin(self, member_id: str, owned: set[TopicPartition]) -> None:
        """Called when a member is ready for the next generation, still owning some partitions."""
        member = self.members.get(member_id)
        if member is None:
            return
        member.joined, member.claims = True, set(owned)
        if self._preparing:
            self._finish_if_all_joined()
        else:
            self.rebalance()

    def _finish_if_all_joined(self) -> None:
        if self.up and all(member.joined for member in self.members.values()):
            self._finish()

    def _expire(self, number: int) -> None:
        if number == self._round and self._preparing and self.up:
            for member in list(self.members.values()):
                if not member.joined:
                    del self.members[member.member_id]
                    member.client.on_removed(member.member_id)
            self._finish()

    def _finish(self) -> None:
        self._preparing = False
        self.generation += 1
        self.changed_at = math.inf if self.commit_fault else self.world.now
        targets = self._deal_out()
        for member_id, member in self.members.items():
            claimed = {one for other in self.members.values() if other is not member for one in other.claims}
            # What another one still owns is withheld: when it has given that up, it joins again, which begins a round.
            target = targets[member_id] - claimed
            self.world.after(self.world.random.uniform(0.0, 0.2), self._sync, member, self.generation, target)

    def _sync(self, member: Member, generation: int, target: set[TopicPartition]) -> None:
        if not self.up:
            self.on_up.append(lambda: self._sync(member, generation, target))
        elif not member.responsive:
            self.world.after(1.0, self._sync, member, generation, target)
        elif self._preparing and member.joined:
            pass  # it has joined the next round already
        elif generation == self.generation and member.member_id in self.members:
            member.client.on_sync(generation, target)

    def _deal_out(self) -> dict[str, set[TopicPartition]]:
        """Return a balanced assignment, in which a partition stays where it is if it can."""
        names = list(self.members)
        targets: dict[str, set[TopicPartition]] = {name: set() for name in names}
        if not names:
            return targets
        quota = -(-len(self.logs) // len(names))
        free = []
        for partition in self.logs:
            owner = next((name for name in names if partition in self.members[name].claims), None)
            if owner is not None and len(targets[owner]) < quota:
                targets[owner].add(partition)
            else:
                free.append(partition)
        for partition in free:
            targets[min(names, key=lambda name: len(targets[name]))].add(partition)
        return targets

    # -- commits ------------------------------------------------------------------------------------------------

    def commit_delay(self) -> float:
        """Return how long a commit is under way, besides the network's time."""
        return self.world.random.uniform(1.0, SLOWEST_COMMIT_S) if self.commit_fault == "slow" else 0.0

    def loses_answer(self) -> bool:
        """Return whether the answer of a commit that was applied gets lost."""
        return self.commit_fault == "lost" and self.world.random.random() < 0.7

    def receive_commit(
        self, member_id: str, generation: int, offsets: Mapping[TopicPartition, tuple[int, str]]
    ) -> dict[TopicPartition, int | None]:
        """Apply a commit; return the error code of each partition, None for those that are committed."""
        if self.commit_fault == "refused" and self.world.random.random() < 0.7:
            return dict.fromkeys(offsets, KafkaError.REBALANCE_IN_PROGRESS)
        if member_id not in self.members:
            return dict.fromkeys(offsets, KafkaError.UNKNOWN_MEMBER_ID)
        if generation != self.generation:
            return dict.fromkeys(offsets, KafkaError.ILLEGAL_GENERATION)
        self.hear(self.members[member_id])
        if sum(len(metadata) + 40 for _, metadata in offsets.values()) > MAX_REQUEST:
            return dict.fromkeys(offsets, KafkaError.INVALID_COMMIT_OFFSET_SIZE)
        errors: dict[TopicPartition, int | None] = {}
        for partition, (offset, metadata) in offsets.items():
            if len(metadata) > MAX_METADATA:
                errors[partition] = KafkaError.OFFSET_METADATA_TOO_LARGE
                continue
            errors[partition] = None
            self.on_commit(partition, offset, metadata)
            self.offsets[partition] = (offset, metadata)
        self.after_commit()
        return errors
