"""Makes a plan from a seed: which records, which faults, which sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.simulation import plan as plans
from tests.simulation.plan import Fault, Plan, Produce
from tests.support.builders import seeded

if TYPE_CHECKING:
    from random import Random

WORDS = ("e", "t", "u", "d", "", "ee", "et", "td", "ttt", "ut")
BAD_WORDS = ("E", "T", "L", "tT", "Ee", "5", "S", "4", "5t", "tS")
OUTAGES = ("503", "429", "500", "hang", "reset", "lost", "slow", "garbage", "408")
REFUSALS = ("403", "404", "400", "code 1001", "code 100300")
"""Verdicts on the items or the target: a platform that is out of order gives them to all."""
SOME_FAULTS = ("outage", "token", "broker", "commits", "letters", "kill", "freeze", "stop", "reset", "retention")


def make_plan(seed: int) -> Plan:
    """Return the plan of a seed."""
    random = seeded(seed)
    partitions = 400 if random.random() < 0.002 else random.choice((1, 1, 2, 2, 3, 6))
    members = random.choice((1, 1, 1, 2, 2, 3))
    busy_s = random.choice((2.0, 5.0, 10.0, 20.0, 60.0))
    plan = Plan(
        seed=seed,
        partitions=partitions,
        members=members,
        eager=random.random() < 0.3,
        session_s=random.choice((6.0, 6.0, 10.0, 45.0)),
        commit_every_s=random.choice((0.5, 1.0, 5.0)),
        latency_s=random.choice((0.05, 0.5, 3.0)),
        max_in_flight=random.choice((1, 2, 4, 8)),
        max_records=random.choice((2, 6, 20)),
        max_queued=random.choice((10, 40, 1000)),
        refused_in_a_row=random.choice((3, 20)),
        start_from=random.choice(("earliest", "earliest", "earliest", "latest")),
        old_records=random.choice((0, 0, 0, 3)),
        produce=_produce(random, partitions, busy_s),
        faults=_faults(random, members, busy_s) + _cut_off(seed, members, busy_s),
    )
    plan = replace(plan, faults=plan.faults + _reloads(seed, plan, busy_s))
    # What waits for evidence must not fill the queue: it would keep out what could give it.
    return replace(plan, max_queued=1000) if plan.needs_evidence else plan


def _produce(random: Random, partitions: int, busy_s: float) -> tuple[Produce, ...]:
    bad = random.choice((0.0, 0.0, 0.03, 0.1))
    bursts = []
    for _ in range(random.randint(1, min(60, 2 * partitions))):
        words = tuple(
            random.choice(BAD_WORDS if random.random() < bad else WORDS)
            for _ in range(random.choice((1, 3, 5, 10, 20)))
        )
        at = random.choice((0.0, round(random.uniform(0.0, busy_s), 2)))
        bursts.append(Produce(at, random.randrange(partitions), words, random.choice((0, 0, 0, 1, 5))))
    return tuple(sorted(bursts, key=lambda one: one.at))


def _faults(random: Random, members: int, busy_s: float) -> tuple[Fault, ...]:
    faults = [_fault(random, members, busy_s) for _ in range(random.choice((0, 1, 1, 2, 3)))]
    return tuple(sorted(faults, key=lambda one: one.at))


def _cut_off(seed: int, members: int, busy_s: float) -> tuple[Fault, ...]:
    """Drawn apart from the others, which stay what they are for each seed."""
    random = seeded(seed + (1 << 40))
    if random.random() >= 0.15:
        return ()
    at = round(random.uniform(0.0, busy_s), 2)
    for_s = round(random.choice((random.uniform(1.0, 15.0), random.uniform(5.0, 90.0), 400.0)), 2)
    return (plans.CutOff(at, for_s, random.randrange(members)),)


def _reloads(seed: int, plan: Plan, busy_s: float) -> tuple[Fault, ...]:
    """Drawn apart, for the same reason. A target that retires gets no evidence any more: nothing in it may need any."""
    random = seeded(seed + (1 << 41))
    if random.random() >= 0.4:
        return ()
    kinds: tuple[plans.ReloadKind, ...] = ("same", "settings", "platform")
    if not plan.needs_evidence:
        kinds = (*kinds, "rename", "endpoint", "rename", "endpoint")
    times = sorted(round(random.uniform(0.0, busy_s), 2) for _ in range(random.choice((1, 3, 10, 30))))
    return tuple(plans.Reload(at, random.randrange(plan.members), random.choice(kinds)) for at in times)


def _outage(random: Random, at: float, for_s: float) -> plans.Outage:
    endpoint = random.choice(("", "", "event/batchAdd", "audience/tag/batchAdd"))
    if random.random() < 0.3:
        return plans.Outage(at, for_s, random.choice(REFUSALS), 1.0, endpoint)
    # Where nearly all requests fail by chance for a while, a few of them look like items to blame: not kept yet.
    return plans.Outage(at, for_s, random.choice(OUTAGES), random.choice((0.1, 0.3, 1.0)), endpoint)


def _fault(random: Random, members: int, busy_s: float) -> Fault:  # noqa: PLR0911 - one case per kind
    at = round(random.uniform(0.0, busy_s), 2)
    short = round(random.choice((random.uniform(0.1, 3.0), random.uniform(1.0, 20.0))), 2)
    long = round(random.choice((random.uniform(0.1, 8.0), random.uniform(5.0, 60.0))), 2)
    member = random.randrange(members)
    match random.choice(SOME_FAULTS):
        case "outage":
            return _outage(random, at, long)
        case "token":
            return plans.TokenRevoked(at, short)
        case "broker":
            return plans.BrokerDown(at, long)
        case "commits":
            return plans.CommitFault(at, short, random.choice(("slow", "lost", "refused")))
        case "letters":
            return plans.LettersDown(at, short)
        case "kill":
            return plans.Kill(at, short, member)
        case "freeze":
            return plans.Freeze(at, long, member)
        case "stop":
            return plans.Stop(at, short, member)
        case "reset":
            return plans.Reset(at, 31.0, random.choice((0, 3, 100)))
        case _:
            return plans.Retention(at, random.randrange(6), random.choice((0, 5, 20)))
