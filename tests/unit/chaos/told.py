"""Builds the history of a round by telling it: one partition, few records, few members."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.chaos.connector_log import Attempt, ConnectorLog, Rebalance
from tests.chaos.history import History, MemberHistory
from tests.chaos.journal import PlatformRequest
from tests.chaos.processes import MemberEnd
from tests.chaos.producing import Letter, Placed
from tests.chaos.records import ORDERS, Kind, Produced
from tests.chaos.stage import Fault
from tests.chaos.verdict import judge
from tests.chaos.watching import Committed, MemberSeen, Scrape

PARTITION = ("orders-1", 0)
QUIET_AT = 1000.0


class Told:
    """A round in which nothing has happened yet. Times are small numbers; the last fault ends at QUIET_AT."""

    def __init__(self, *kinds: Kind) -> None:
        """Record 0 and on have these kinds and one identity; offsets are their numbers."""
        self.placed = [
            Placed(Produced(number, ORDERS, kind, 7), PARTITION, number) for number, kind in enumerate(kinds)
        ]
        self.requests: list[PlatformRequest] = []
        self.letters: list[Letter] = []
        self.faults: list[Fault] = []
        self.committed: list[Committed] = []
        self.members: dict[str, MemberHistory] = {}
        self.finished = True

    def member(self, name: str, owned_from: float) -> None:
        """Start a member that gets the partition."""
        self.members[name] = MemberHistory(name, name, frozenset({name}), 0.0, None, (), ConnectorLog(), MemberSeen())
        self.gets(name, owned_from)

    def gets(self, name: str, at: float) -> None:
        """It gets the partition."""
        self.members[name].log.rebalances.append(Rebalance(at, "assigned", frozenset({PARTITION})))

    def gives_up(self, name: str, at: float, kind: str) -> None:
        """Its partition is revoked or lost."""
        self.members[name].log.rebalances.append(Rebalance(at, kind, frozenset({PARTITION})))

    def ends(self, name: str, at: float, how: str, code: int = 0) -> None:
        """Its process ends."""
        self.members[name] = replace(self.members[name], end=MemberEnd(at, at, how, code))

    def frozen(self, name: str, start: float, end: float) -> None:
        """It is frozen for a while."""
        self.members[name] = replace(self.members[name], freezes=((start, end),))

    def sends(self, name: str, at: float, *numbers: int, says: str = "delivered", replied: bool = True) -> None:
        """Send records, which the platform stores at once; `says` is its log's verdict, empty if it has no line."""
        stored = at + 0.01
        request = PlatformRequest(name, "event/v2/batchAdd", at, numbers, stored)
        if replied:
            request.replied_at, request.status = stored, 200
        self.requests.append(request)
        if says:
            offsets = {PARTITION: tuple(range(number, number + 1) for number in numbers)}
            self.members[name].log.attempts.append(Attempt(ORDERS, says, at - 0.01, at + 0.02, "", replied, offsets))

    def dead_letter(self, number: int, at: float, reason: str, by: str = "a") -> None:
        """A dead letter of the record is written."""
        self.letters.append(Letter(PARTITION, number, reason, at, by))

    def commit(self, at: float, offset: int, metadata: str = "") -> None:
        """The group's committed offset is seen."""
        self.committed.append(Committed(at - 0.01, at, offset, metadata))

    def fault(self, track: str, kind: str, began: float, ended: float) -> None:
        """Something was wrong for a while."""
        self.faults.append(Fault(track, kind, began, ended))

    def scrape(self, name: str, at: float, *, ready: bool = True, **more: Any) -> None:  # noqa: ANN401 - fields
        """Its admin port is looked at."""
        reasons: tuple[str, ...] = more.pop("reasons", () if ready else ("starting",))
        remedies = more.pop("remedies", ("wait",) * len(reasons))
        scrape = Scrape(at, at + 0.01, ready, reasons, remedies, alive=True, in_flight=5)
        self.members[name].seen.scrapes.append(replace(scrape, **more))

    def history(self) -> History:
        """Return the history."""
        return History(
            quiet_at=QUIET_AT,
            finished=self.finished,
            placed=self.placed,
            letters=self.letters,
            requests=self.requests,
            members=list(self.members.values()),
            committed={PARTITION: self.committed},
            faults=self.faults,
            request_timeout_s=3.0,
        )

    def broken(self) -> set[str]:
        """Return the rules that the verdict says were broken."""
        return {breach.rule for breach in judge(self.history()).breaches}

    def breaches(self) -> list[str]:
        """Return what the verdict says was broken."""
        return [breach.text for breach in judge(self.history()).breaches]

    def causes(self) -> dict[str, int]:
        """Return the causes of the repeats, in a round in which nothing was broken."""
        verdict = judge(self.history())
        assert verdict.breaches == []
        return dict(verdict.repeats.causes)
