"""Runs one plan: the world, the broker, the platform and the members; its faults; then quiet; then the verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.record import TopicPartition
from connector.core.sink import TargetState
from tests.simulation import plan as plans
from tests.simulation.broker import SLOWEST_COMMIT_S, Broker
from tests.simulation.letters import Letters
from tests.simulation.log import Log
from tests.simulation.member import TOPIC, Member, Surroundings
from tests.simulation.oracle import Oracle
from tests.simulation.platform import Platform
from tests.simulation.world import World
from tests.support.builders import seeded

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulation.plan import Fault, Plan

QUIET_LIMIT_S = 1_200.0
"""How long after the last fault everything must be committed."""
MAX_EVIDENCE = 6
"""The number of partitions that get evidence at once."""
SETTLE_S = 90.0
"""How long after that the process has to become ready."""


@dataclass(frozen=True)
class Result:
    """What came of a plan that went well."""

    steps: int
    virtual_s: float
    requests: int
    repeats: int


class Simulation:
    """One run of one plan."""

    def __init__(self, plan: Plan, trace: Callable[[str], None] | None = None) -> None:
        self.plan = plan
        self.world = World(seeded(plan.seed))
        self.world.trace = trace
        self.broker = Broker(self.world, plan.eager, plan.session_s)
        for number in range(plan.partitions):
            partition = TopicPartition(TOPIC, number)
            log = self.broker.logs[partition] = Log(partition)
            for _ in range(plan.old_records):
                log.append(b"e", self.world.now - 100.0)
        self.platform = Platform(self.world, plan.latency_s)
        self.letters = Letters()
        self.oracle = Oracle(self.world, plan, self.broker, self.platform, self.letters)
        self.surroundings = Surroundings(plan, self.broker, self.platform, self.letters, self.oracle)
        self.members: list[Member | None] = [None] * plan.members
        self._processes: list[Member] = []
        self._ending = False
        self.world.after_step = self.oracle.check_step

    def run(self) -> Result:
        """Run to the end. Raises what goes wrong."""
        world, start = self.world, self.world.now
        World.current = world
        try:
            self._schedule(start)
            world.run_until(lambda: False, self.plan.quiet_at)
            self._become_quiet()
            self._give_evidence()
            if not world.run_until(self.oracle.all_committed, QUIET_LIMIT_S):
                raise AssertionError(f"not everything is committed after {QUIET_LIMIT_S:.0f} s of quiet")
            self.oracle.check_nothing_is_lost()
            if not world.run_until(self._is_ready, SETTLE_S):
                raise AssertionError(f"{SETTLE_S:.0f} s after everything was committed: {self._reasons()}")
            self._stop()
        finally:
            for member in self.members:
                if member is not None and member.alive:
                    member.kill()
            for process in self._processes:
                process.dispose()
        return Result(world.steps, world.now - start, len(self.platform.requests), self.oracle.repeats)

    # -- what happens -------------------------------------------------------------------------------------------

    def _schedule(self, start: float) -> None:
        for slot in range(self.plan.members):
            self.world.at(start + slot * self.world.random.uniform(0.0, 5.0), self._start, slot)
        for one in self.plan.produce:
            partition = TopicPartition(TOPIC, one.partition % self.plan.partitions)
            values = [word.encode() for word in one.words]
            self.world.at(start + one.at, self.broker.produce, partition, values, one.gap)
        for fault in self.plan.faults:
            self.world.at(start + fault.at, self._begin, fault)

    def _begin(self, fault: Fault) -> None:  # noqa: C901, PLR0912 - one case per kind of fault
        world, broker, platform = self.world, self.broker, self.platform
        world.note(f"{fault}")
        end = world.now + fault.for_s
        match fault:
            case plans.Outage():
                platform.outages.append(fault)
                world.at(end, platform.outages.remove, fault)
            case plans.TokenRevoked():
                platform.revoke_token()
                world.at(end, self._give_tokens)
            case plans.BrokerDown():
                if broker.up:
                    self.oracle.excuse(None, "the broker was down")
                    broker.go_down()
                    world.at(end, broker.come_back)
            case plans.CommitFault(kind=kind):
                broker.commit_fault, broker.changed_at = kind, math.inf
                self.oracle.excuse(None, "commits failed")
                world.at(end, self._commit_again)
            case plans.LettersDown():
                self.letters.available = False
                world.at(end, self._take_letters)
            case plans.Kill(member=slot):
                self._kill(slot % self.plan.members)
                world.at(end, self._start, slot % self.plan.members)
            case plans.Freeze(member=slot):
                if (member := self._running(slot)) is not None:
                    self.oracle.excuse(member, "the process was frozen")
                    member.freeze()
                    world.at(end, member.wake)
            case plans.CutOff(member=slot):
                if (member := self._running(slot)) is not None:
                    self.oracle.excuse(member, "its group did not answer", ended=True)
                    member.cut_off()
                    world.at(end, member.restore)
            case plans.Stop(member=slot):
                if (member := self._running(slot)) is not None:
                    member.request_stop()
                    world.at(end, self._start, slot % self.plan.members)
            case plans.Reload(member=slot, kind=kind):
                if (member := self._running(slot)) is not None:
                    member.reload(kind)
            case plans.Reset():
                self._reset(fault)
            case plans.Retention():
                partition = TopicPartition(TOPIC, fault.partition % self.plan.partitions)
                log = broker.logs[partition]
                log.start = max(log.start, log.end - fault.keep)

    def _running(self, slot: int) -> Member | None:
        member = self.members[slot % self.plan.members]
        return member if member is not None and member.running else None

    def _start(self, slot: int) -> None:
        if self._running(slot) is None and not self._ending:
            member = Member(self.world, f"m{slot}.{len(self._processes)}", self.surroundings)
            self.members[slot] = member
            self._processes.append(member)
            member.start()

    def _kill(self, slot: int) -> None:
        if (member := self._running(slot)) is not None:
            self.world.note(f"{member.name} is killed")
            self.oracle.check_freshness(member)
            self.oracle.excuse(member, "the process was killed")
            member.kill()

    def _give_tokens(self) -> None:
        self.platform.token_available = True

    def _commit_again(self) -> None:
        self.broker.commit_fault = ""
        self.broker.changed_at = self.world.now + SLOWEST_COMMIT_S
        self.oracle.excuse(None, "commits failed")

    def _take_letters(self) -> None:
        self.letters.available = True

    def _reset(self, reset: plans.Reset) -> None:
        """Stop all; when they have ended (an operator can't reset while the group has members), reset and start."""
        for slot in range(self.plan.members):
            if (member := self._running(slot)) is not None:
                member.wake()
                member.restore()
                member.request_stop()
        self.world.after(30.0, self._reset_offsets, reset)

    def _reset_offsets(self, reset: plans.Reset) -> None:
        for slot in range(self.plan.members):
            self._kill(slot)
        self.broker.members.clear()
        self.oracle.resets += 1
        for partition, (offset, _) in list(self.broker.offsets.items()):
            self.broker.offsets[partition] = (max(0, offset - reset.back), "")
        self.world.note(f"offsets reset to {self.broker.offsets}")
        for slot in range(self.plan.members):
            self._start(slot)

    # -- the end ------------------------------------------------------------------------------------------------

    def _become_quiet(self) -> None:
        self.world.note("quiet")
        self.broker.after_commit = self.oracle.check_all_committed
        self.oracle.check_all_committed()
        self.platform.outages.clear()
        self.letters.available = self.platform.token_available = True
        self.broker.commit_fault = ""
        if not self.broker.up:
            self.broker.come_back()
        for member in self.members:
            if member is not None:
                member.wake()
                member.restore()
        self.world.after(40.0, self._start, 0)

    def _give_evidence(self) -> None:
        """Produce now and then, until what can be blamed only if others are delivered has been."""
        began = self.world.now
        while partitions := self.oracle.lack_evidence():
            if self.world.now > began + QUIET_LIMIT_S:
                raise AssertionError(f"not everything is dead-lettered after {QUIET_LIMIT_S:.0f} s of quiet")
            for partition in partitions[:MAX_EVIDENCE]:  # more of it might be more than the targets can send
                self.broker.produce(partition, [b"ev"])
            self.world.run_until(lambda: False, 5.0)
        self.oracle.check_all_committed()

    def _is_ready(self) -> bool:
        return any(member is not None and member.running for member in self.members) and not self._reasons()

    def _reasons(self) -> list[str]:
        """Return why the running members are not ready and at rest."""
        found = []
        for member in self.members:
            if member is None or not member.running or member.app is None:
                continue
            codes = [reason.code for reason in member.health.reasons if reason.code != "records_lost"]
            found += [f"{member.name}: {code}" for code in codes]
            found += [f"{member.name}: {target.label} has not ended" for target in member.app.pipeline.retiring]
            if member.app.pipeline.paused:
                found.append(f"{member.name} has paused partitions although nothing is in flight")
            for name, target in member.app.status.targets.items():
                held = (target.queued, target.queued_bytes, target.sending.requests_in_flight, target.key_count)
                if held != (0, 0, 0, 0) or target.sending.state is not TargetState.UP:
                    found.append(f"{member.name}: {name} is {target.sending.state.value} and holds {held}")
        return found

    def _stop(self) -> None:
        self._ending = True
        for slot in range(self.plan.members):
            if (member := self._running(slot)) is not None:
                member.request_stop()
        if not self.world.run_until(lambda: not any(map(self._running, range(self.plan.members))), 30.0):
            raise AssertionError("a stop took longer than 30 s")
        for member in self.members:
            if member is not None and member.alive:
                if member.exit_code != 0:
                    raise AssertionError(f"{member.name} ended with {member.exit_code}")
                if left := [task.get_name() for task in member.tasks if task.get_name() != "main"]:
                    raise AssertionError(f"{member.name} left tasks: {left}")
