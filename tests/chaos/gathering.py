"""Gathers the history of a round from what it has left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chaos.connector_log import parse_log
from tests.chaos.history import History, MemberHistory
from tests.chaos.journal import read_journal
from tests.chaos.producing import read_letters, read_places

if TYPE_CHECKING:
    from tests.chaos.records import Produced
    from tests.chaos.stage import Stage


def gather(stage: Stage, quiet_at: float, produced: list[Produced], *, finished: bool) -> History:
    """Return the history of a round that was finished; `finished`: whether the group had committed everything."""
    members = [
        MemberHistory(
            member.name,
            member.host,
            frozenset(member.configs),
            member.started_at,
            # Those that ran to the end of the round were stopped after it.
            member.end if member.end is not None and member.end.asked < stage.finished_at else None,
            tuple(member.freezes),
            parse_log(member.log_path),
            watch.seen,
        )
        for member, watch in zip(stage.members, stage.watches, strict=True)
    ]
    return History(
        quiet_at=quiet_at,
        finished=finished,
        placed=read_places(stage, produced),
        letters=read_letters(stage),
        requests=read_journal(stage.platform.journal),
        members=members,
        committed=stage.commits.seen,
        faults=stage.faults,
        request_timeout_s=stage.request_timeout_s,
    )
