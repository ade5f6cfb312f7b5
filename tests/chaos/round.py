"""One round of chaos: records flow, faults come and go as scheduled, then quiet, then the verdict."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.chaos.gathering import gather
from tests.chaos.producing import RecordProducer
from tests.chaos.records import good_records, records
from tests.chaos.schedule import MEMBERS, Action, plan
from tests.chaos.stage import Stage
from tests.chaos.tracks import MemberTrack, Track
from tests.chaos.verdict import READY_WITHIN_S, Verdict, judge

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.chaos.history import History
    from tests.kafka.broker import Broker

RECORDS_PER_S = 300
EVIDENCE_PER_S = 20
"""Good records go on after the last fault: they are the evidence against those that are refused alone."""
EVIDENCE_S = 6.0
PATIENCE_S = 180.0
"""How long the group may take after the last fault to come to the end of every topic."""


@dataclass(frozen=True, slots=True)
class Result:
    """A round, its schedule, and the verdict over it."""

    seed: int
    protocol: str
    schedule: list[Action]
    history: History
    verdict: Verdict

    @property
    def figures(self) -> str:
        """The round in one line."""
        history, causes = self.history, self.verdict.repeats.causes
        stored = sum(len(storings) for storings in history.stored.values())
        repeated = stored - len(history.stored)
        return (
            f"{len(history.placed)} records, {len(history.stored)} delivered, {len(history.letters)} dead letters, "
            f"{repeated} repeats in {len(causes)} ways, {len(history.requests)} requests, "
            f"{len(history.faults)} faults, {len(history.members)} processes, {len(self.verdict.breaches)} breaches"
        )


def protocol_of(seed: int) -> str:
    """Return the group protocol of a round: they take turns."""
    return "consumer" if seed % 2 else "classic"


def run_round(broker: Broker, seed: int, seconds: float, folder: Path, progress: Callable[[str], None]) -> Result:
    """Run one round on a running broker and judge it; what it leaves behind stays in `folder`."""
    schedule, protocol = plan(seed, seconds), protocol_of(seed)
    stage = Stage(broker, protocol, folder)
    try:
        history = _perform(stage, seed, seconds, schedule, progress)
    finally:
        stage.close()
    return Result(seed, protocol, schedule, history, judge(history))


def _perform(
    stage: Stage, seed: int, seconds: float, schedule: list[Action], progress: Callable[[str], None]
) -> History:
    stage.start()
    residents = {f"member-{place}": stage.add_member() for place in range(1, MEMBERS + 1)}
    producer = RecordProducer(stage, records(seed), RECORDS_PER_S)
    producer.start()
    by_track: dict[str, list[Action]] = defaultdict(list)
    for action in schedule:
        by_track[action.track].append(action)
    began = time.monotonic()
    tracks = [
        MemberTrack(stage, began, actions, residents.get(name))
        if name.startswith("member")
        else Track(stage, began, actions)
        for name, actions in by_track.items()
    ]
    for track in tracks:
        track.start()
    _wait(stage, tracks, began, seconds, progress)
    producer.finish()
    quiet_at = time.time()
    evidence = RecordProducer(stage, good_records(len(producer.produced)), EVIDENCE_PER_S)
    evidence.start()
    progress("quiet: all faults are undone")
    finished = _settle(stage, evidence, quiet_at)
    stage.finish()
    return gather(stage, quiet_at, [*producer.produced, *evidence.produced], finished=finished)


def _wait(stage: Stage, tracks: list[Track], began: float, seconds: float, progress: Callable[[str], None]) -> None:
    """Wait until the time is up and every track has undone what it did. Raise what the harness failed of."""
    told = 0
    while time.monotonic() < began + seconds or any(track.is_alive() for track in tracks):
        time.sleep(0.2)
        for fault in stage.faults[told:]:
            progress(f"{fault.ended - fault.began:6.1f} s of {fault.track}: {fault.kind} {fault.detail}")
            told += 1
        for track in tracks:
            if track.failure is not None:
                raise track.failure


def _settle(stage: Stage, evidence: RecordProducer, quiet_at: float) -> bool:
    """Return whether the group came to the end of all topics.

    Good records flow until everything that was produced before is settled and every member is well.
    """
    ends = {topic: stage.kafka.end_offsets(topic) for topic in stage.topics.values()}
    time.sleep(EVIDENCE_S)
    while time.time() < quiet_at + READY_WITHIN_S + 2 and not all(watch.is_well for watch in stage.watches):
        time.sleep(0.2)
    finished = _wait_committed(stage, ends, quiet_at)
    evidence.finish()
    ends = {topic: stage.kafka.end_offsets(topic) for topic in stage.topics.values()}
    return _wait_committed(stage, ends, quiet_at) and finished


def _wait_committed(stage: Stage, ends: dict[str, dict[int, int]], quiet_at: float) -> bool:
    """Return whether the group committed these offsets before the harness lost patience."""
    while time.time() < quiet_at + PATIENCE_S:
        committed = {topic: stage.kafka.committed(stage.group, topic) for topic in ends}
        if all(committed[topic].get(one, 0) >= end for topic in ends for one, end in ends[topic].items()):
            return True
        time.sleep(0.5)
    return False
