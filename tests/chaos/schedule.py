"""The schedule of faults of one round: a pure function of its seed.

Each track is a part of the world that one thing can happen to at a time: the platform's replies, its process, the
broker, each member, the token, the dead-letter topic. A track's draws are its own, so that a change to one leaves the
others as they were. Tracks run at the same time; what an action began is undone after its duration.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MEMBERS = 3
"""Members that a round begins with; one more place is filled in its course."""
SESSION_S = 6.0
"""After this time without a heartbeat a member has lost its partitions."""
OUTAGE_S = 18.0
"""An outage that must show in /readyz, see `verdict`."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that goes wrong for a while, or once if `duration_s` is 0."""

    track: str
    kind: str
    at_s: float
    """Seconds since the round began."""
    duration_s: float = 0.0
    detail: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        during = f" for {self.duration_s:.1f} s" if self.duration_s else ""
        detail = " ".join(f"{name}={value}" for name, value in self.detail.items())
        return f"{self.at_s:6.1f} s  {self.track}: {self.kind}{during}  {detail}".rstrip()


Draw = tuple[str, float, dict[str, Any]]
"""The kind, duration and detail of an action."""


def plan(seed: int, seconds: float) -> list[Action]:
    """Return the schedule of a round that lasts `seconds`, in order of time."""
    actions: list[Action] = []
    for track, (gap_s, draw) in _tracks().items():
        chance = random.Random(f"{seed} {track}")  # noqa: S311 - repeatable draws, not a secret
        actions.extend(_fill(track, chance, gap_s, draw, seconds))
    return sorted(actions, key=lambda action: action.at_s)


def _tracks() -> dict[str, tuple[float, Callable[[random.Random], Draw]]]:
    """Return, by track, the mean gap between its actions in seconds, and the draw of one."""
    members = {f"member-{place}": (9.0, _draw_member) for place in range(1, MEMBERS + 1)}
    return {
        "replies": (3.0, _draw_reply),
        "platform": (25.0, _draw_process),
        "broker": (30.0, _draw_broker),
        **members,
        f"member-{MEMBERS + 1}": (8.0, _draw_guest),
        "token": (10.0, _draw_token),
        "config": (4.0, _draw_config),
        "dead letters": (25.0, lambda chance: ("refuse", chance.uniform(2, 8), {})),
    }


def _fill(
    track: str, chance: random.Random, gap_s: float, draw: Callable[[random.Random], Draw], seconds: float
) -> Iterator[Action]:
    now = chance.uniform(0.5, gap_s)
    while True:
        kind, duration_s, detail = draw(chance)
        if now + duration_s > seconds:
            return
        yield Action(track, kind, round(now, 2), round(duration_s, 2), detail)
        now += duration_s + chance.uniform(0.3, 2 * gap_s)


def _draw_reply(chance: random.Random) -> Draw:
    if chance.random() < 0.1:
        return _draw_outage(chance)
    # A refusal of *some* requests is not drawn: by design it is evidence against the items.
    faults: list[dict[str, Any]] = [
        {"kind": "status", "status": chance.choice([429, 500, 502, 503, 504]), "share": 0.2},
        {"kind": "status", "status": 429, "retry_after": 1, "count": 8},
        {"kind": "status", "status": chance.choice([403, 404, 405, 400])},
        {"kind": "code", "code": chance.choice(["100200", "100100", "403", "500", "429", "9999", "400"])},
        {"kind": "code", "code": "100200", "count": chance.randint(1, 10)},
        {"kind": "latency", "ms": chance.choice([200, 800, 2000]), "share": 0.3},
        {"kind": "latency", "ms": chance.choice([500, 1500])},
        {"kind": "hang", "share": 0.1},
        {"kind": "reset", "share": 0.2},
        {"kind": "truncate", "share": 0.2},
        {"kind": "html", "share": 0.2, "status": chance.choice([200, 502])},
    ]
    fault = chance.choice(faults)
    if chance.random() < 0.3:
        fault["endpoint"] = chance.choice(["event/v2/batchAdd", "event/batchAdd"])
    switches: dict[str, Any] = {"broken_reply_stores": chance.random() < 0.7}
    if chance.random() < 0.15:
        switches["max_body_bytes"] = 6000
    return fault["kind"], chance.uniform(1, 6), {"fault": fault, "switches": switches}


def _draw_outage(chance: random.Random) -> Draw:
    """Every request fails, for so long that /readyz must say so."""
    faults: list[dict[str, Any]] = [
        {"kind": "status", "status": 503},
        {"kind": "hang"},
        {"kind": "reset"},
        {"kind": "code", "code": "9999"},
        {"kind": "status", "status": 403},
    ]
    return "outage", OUTAGE_S + chance.uniform(0, 6), {"fault": chance.choice(faults), "switches": {}}


def _draw_process(chance: random.Random) -> Draw:
    kind = chance.choice(["kill", "pause"])
    return kind, chance.choice([chance.uniform(0.5, 5), OUTAGE_S + 2]) if chance.random() < 0.3 else 2.0, {}


def _draw_broker(chance: random.Random) -> Draw:
    kind = chance.choices(["kill", "pause", "restart"], [3, 2, 1])[0]
    return kind, chance.uniform(1, 8), {}


def _draw_member(chance: random.Random) -> Draw:
    kind = chance.choices(["kill", "stop", "freeze", "freeze long"], [3, 3, 2, 2])[0]
    durations = {
        "kill": chance.uniform(0, 4),
        "stop": chance.uniform(0, 3),
        "freeze": chance.uniform(0.5, 2.5),
        "freeze long": SESSION_S + chance.uniform(3, 6),
    }
    return kind, durations[kind], {}


def _draw_guest(chance: random.Random) -> Draw:
    """A member that joins, and leaves after a while: well or badly."""
    return chance.choice(["join and stop", "join and kill"]), chance.uniform(4, 15), {}


def _draw_config(chance: random.Random) -> Draw:
    """Another config of one member, or one that is refused; that of before comes back after a while."""
    place = chance.randrange(100)
    if chance.random() < 0.25:
        return "mistake", chance.uniform(0, 3), {"place": place, "more": {"no_such_key": 1}}
    batch = {"max_records": chance.choice([5, 20, 200]), "max_wait": chance.choice(["20ms", "500ms"])}
    more = {"batch": batch, "max_in_flight": chance.choice([1, 2, 8]), "queue": {"max_records": 500}}
    return "settings", chance.uniform(0, 3), {"place": place, "more": more}


def _draw_token(chance: random.Random) -> Draw:
    kind = chance.choice(["expire", "endpoint down", "endpoint down and expire", "new kills old"])
    return kind, 0.0 if kind == "expire" else chance.uniform(1, 6), {}
