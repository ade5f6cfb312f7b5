"""The live summary of `run` on a terminal, as lines of text: pure. `terminal.py` shows it.

Everything is ASCII but what others have said, so that it is readable in every locale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from connector.core.sink import TargetState
from connector.core.wording import counted, duration
from connector.observe.history import lag_of
from connector.observe.scrub import scrub
from connector.observe.status import totals

if TYPE_CHECKING:
    from rich.console import RenderableType

    from connector.observe.history import CatchUp
    from connector.observe.snapshot import Status, TargetStatus

MOST_REASONS: Final = 4
MOST_TARGETS: Final = 8
_STYLES: Final = {TargetState.UP: "green", TargetState.DOWN: "red", TargetState.HELD: "yellow"}


def summary(status: Status, per_second: tuple[float, float] | None, catch_up: CatchUp, now: float) -> Group:
    """Return what to show of a snapshot.

    `per_second` is how many records were consumed and settled lately; None if that is not known yet. `now` is seconds
    since 1970.
    """
    counts = totals(status)
    lines: list[RenderableType] = [_head(status), *_reasons(status, now)]
    lines.append(Text("records  " + ", ".join(f"{name.replace('_', '-')} {n:,}" for name, n in counts.items())))
    lines.append(Text(f"speed    {_speed(per_second)}; {_lag(status, catch_up)}"))
    targets = sorted(status.targets, key=lambda one: one.state is TargetState.UP)  # what is wrong comes first
    lines += [_target(target) for target in targets[:MOST_TARGETS]]
    if len(targets) > MOST_TARGETS:
        lines.append(Text(f"         and {counted(len(targets) - MOST_TARGETS, 'more target')}", "dim"))
    if counts["dead_lettered"]:
        lines.append(_dead_letters(status))
    return Group(*lines)


def _head(status: Status) -> Text:
    ready = Text("READY" if status.ready else "NOT READY", "bold green" if status.ready else "bold red")
    told = f"  {status.config_file}, {status.state}, up {duration(status.uptime_s)}; Ctrl-C stops"
    return Text.assemble(ready, Text(told, "dim"))


def _reasons(status: Status, now: float) -> list[RenderableType]:
    """Return why it is not ready, each with what to do."""
    found: list[RenderableType] = []
    for reason in status.reasons[:MOST_REASONS]:
        title = f"{reason.code} {reason.target}".rstrip() + f", for {duration(now - reason.since)}:"
        found.append(Padding(Text.assemble((title, "bold"), " ", scrub(reason.remedy)), (0, 0, 0, 2)))
    if len(status.reasons) > MOST_REASONS:
        more = counted(len(status.reasons) - MOST_REASONS, "more reason")
        found.append(Text(f"  and {more}: GET /readyz", "dim"))
    return found


def _speed(per_second: tuple[float, float] | None) -> str:
    if per_second is None:
        return "not known yet"
    return f"{per_second[0]:,.0f} records/s consumed, {per_second[1]:,.0f}/s settled"


def _lag(status: Status, catch_up: CatchUp) -> str:
    lag = lag_of(status)
    if not status.partitions:
        return "no partition assigned"
    if lag is None:
        return f"{counted(len(status.partitions), 'partition')}, lag not known yet"
    told = {
        "unknown": "",
        "caught_up": ", caught up",
        "behind": ", not getting less",
        "catching_up": f", caught up in {duration(catch_up.seconds or 0)}",
    }[catch_up.state]
    return f"lag {lag:,} in {counted(len(status.partitions), 'partition')}{told}"


def _target(target: TargetStatus) -> Text:
    told = f"{target.in_flight} of {counted(target.in_flight_limit, 'request')} under way, {target.queued:,} queued"
    if target.state is not TargetState.UP and target.next_try_s is not None:
        told += f", next try in {duration(target.next_try_s)}"
    if target.state is not TargetState.UP and target.last_reply:
        told += f"; last reply: {target.last_reply}"
    return Text.assemble("target   ", target.name, " ", (target.state.value, _STYLES[target.state]), "  ", scrub(told))


def _dead_letters(status: Status) -> Text:
    reasons: dict[str, int] = {}
    for route in status.routes:
        for reason, number in route.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + number
    listed = ", ".join(f"{reason} {number:,}" for reason, number in sorted(reasons.items()))
    return Text(f"dead letters: {listed}. Look at them: dead-letters list -c {status.config_file}", "yellow")
