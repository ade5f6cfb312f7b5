"""The live summary of `run` on a terminal, as lines of text: pure. `terminal.py` shows it.

In English, everything is ASCII but what others have said, so that it is readable in every locale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from connector.core.sink import TargetState
from connector.core.wording import counted, duration
from connector.language.message import NOTHING, Message, in_language, message
from connector.observe.history import lag_of
from connector.observe.scrub import scrub
from connector.observe.status import totals

if TYPE_CHECKING:
    from rich.console import RenderableType

    from connector.language.choice import Language
    from connector.observe.history import CatchUp
    from connector.observe.snapshot import Status, TargetStatus

MOST_REASONS: Final = 4
MOST_TARGETS: Final = 8
_STATES: Final = {
    "starting": message("starting"),
    "running": message("running"),
    "draining": message("draining"),
    TargetState.UP: message("up"),
    TargetState.DOWN: message("down"),
    TargetState.HELD: message("held"),
}
_STYLES: Final = {TargetState.UP: "green", TargetState.DOWN: "red", TargetState.HELD: "yellow"}


def summary(
    status: Status,
    per_second: tuple[float, float] | None,
    catch_up: CatchUp,
    now: float,
    language: Language = "en",
) -> Group:
    """Return what to show of a snapshot.

    `per_second` is how many records were consumed and settled lately; None if that is not known yet. `now` is seconds
    since 1970.
    """

    def text(told: Message, style: str = "") -> Text:
        return Text(in_language(told, language), style)

    counts = totals(status)
    records = message(
        "records  consumed {consumed:,}, delivered {delivered:,}, skipped {skipped:,}, "
        "dead-lettered {dead_lettered:,}, released {released:,}, in-flight {in_flight:,}",
        **counts,
    )
    lines: list[RenderableType] = [_head(status, language), *_reasons(status, now, language)]
    lines.append(text(records))
    lines.append(text(message("speed    {speed}; {lag}", speed=_speed(per_second), lag=_lag(status, catch_up))))
    targets = sorted(status.targets, key=lambda one: one.state is TargetState.UP)  # what is wrong comes first
    lines += [_target(target, language) for target in targets[:MOST_TARGETS]]
    if len(targets) > MOST_TARGETS:
        more = counted(len(targets) - MOST_TARGETS, "more target")
        lines.append(text(message("         and {more}", more=more), "dim"))
    if counts["dead_lettered"]:
        lines.append(text(_dead_letters(status), "yellow"))
    return Group(*lines)


def _head(status: Status, language: Language) -> Text:
    ready = message("READY") if status.ready else message("NOT READY")
    told = message(
        "  {file}, {state}, up {time}; Ctrl-C stops",
        file=status.config_file,
        state=_STATES[status.state],
        time=duration(status.uptime_s),
    )
    style = "bold green" if status.ready else "bold red"
    return Text.assemble((in_language(ready, language), style), (in_language(told, language), "dim"))


def _reasons(status: Status, now: float, language: Language) -> list[RenderableType]:
    """Return why it is not ready, each with what to do."""
    found: list[RenderableType] = []
    for reason in status.reasons[:MOST_REASONS]:
        name = f"{reason.code} {reason.target}".rstrip()
        title = in_language(message("{name}, for {time}: ", name=name, time=duration(now - reason.since)), language)
        remedy = scrub(in_language(reason.remedy, language))
        found.append(Padding(Text.assemble((title, "bold"), remedy), (0, 0, 0, 2)))
    if len(status.reasons) > MOST_REASONS:
        more = counted(len(status.reasons) - MOST_REASONS, "more reason")
        found.append(Text(in_language(message("  and {more}: GET /readyz", more=more), language), "dim"))
    return found


def _speed(per_second: tuple[float, float] | None) -> Message:
    if per_second is None:
        return message("not known yet")
    consumed, settled = per_second
    return message("{consumed:,.0f} records/s consumed, {settled:,.0f}/s settled", consumed=consumed, settled=settled)


def _lag(status: Status, catch_up: CatchUp) -> Message:
    lag, partitions = lag_of(status), counted(len(status.partitions), "partition")
    if not status.partitions:
        return message("no partition assigned")
    if lag is None:
        return message("{partitions}, lag not known yet", partitions=partitions)
    told = {
        "unknown": NOTHING,
        "caught_up": message(", caught up"),
        "behind": message(", not getting less"),
        "catching_up": message(", caught up in {time}", time=duration(catch_up.seconds or 0)),
    }[catch_up.state]
    return message("lag {lag:,} in {partitions}{told}", lag=lag, partitions=partitions, told=told)


def _target(target: TargetStatus, language: Language) -> Text:
    told = message(
        "{in_flight} of {requests} under way, {queued:,} queued",
        in_flight=target.in_flight,
        requests=counted(target.in_flight_limit, "request"),
        queued=target.queued,
    )
    if target.state is not TargetState.UP and target.next_try_s is not None:
        told = message("{told}, next try in {time}", told=told, time=duration(target.next_try_s))
    if target.state is not TargetState.UP and target.last_reply:
        told = message("{told}; last reply: {reply}", told=told, reply=target.last_reply)
    label, state, rest = (in_language(part, language) for part in (message("target   "), _STATES[target.state], told))
    return Text.assemble(label, target.name, " ", (state, _STYLES[target.state]), "  ", scrub(rest))


def _dead_letters(status: Status) -> Message:
    reasons: dict[str, int] = {}
    for route in status.routes:
        for reason, number in route.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + number
    listed = ", ".join(f"{reason} {number:,}" for reason, number in sorted(reasons.items()))
    return message(
        "dead letters: {listed}. Look at them: dead-letters list -c {file}", listed=listed, file=status.config_file
    )
