"""The verdict over a round of chaos finds what is broken, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from connector.core.commit_metadata import UNKNOWN_SIGHT, encode
from connector.core.progress import progress_of
from connector.tuzhan.replies import NO_PERMISSION_REMEDY
from tests.chaos.records import Kind
from tests.chaos.watching import count_records
from tests.unit.chaos.told import QUIET_AT, Told


def delivered(*kinds: Kind) -> Told:
    """A member owns the partition and delivers every good record."""
    told = Told(*kinds)
    told.member("a", 1)
    for number, kind in enumerate(kinds):
        if kind is Kind.GOOD:
            told.sends("a", 10 + number, number)
    return told


def test_a_round_in_which_all_is_well_has_no_breach() -> None:
    told = delivered(Kind.GOOD, Kind.SKIPPED, Kind.REFUSED, Kind.GOOD)
    told.dead_letter(2, 11, "refused")
    told.commit(20, 4)
    told.scrape("a", QUIET_AT + 30)
    assert told.broken() == set()


def test_a_good_record_that_was_not_delivered_is_lost() -> None:
    told = Told(Kind.GOOD)
    told.member("a", 1)
    assert told.broken() == {"lost"}


def test_a_good_record_in_the_dead_letters_is_a_breach_even_if_it_was_delivered_too() -> None:
    told = delivered(Kind.GOOD)
    told.dead_letter(0, 12, "refused")
    assert told.broken() == {"lost"}


@pytest.mark.parametrize("reasons", [[], ["refused"]])
def test_a_poisonous_record_must_be_dead_lettered_for_its_own_reason(reasons: list[str]) -> None:
    told = Told(Kind.NOT_JSON)
    told.member("a", 1)
    for reason in reasons:
        told.dead_letter(0, 12, reason)
    assert told.broken() == {"lost"}


def test_a_dead_letter_that_comes_twice_without_a_cause_is_a_breach() -> None:
    told = Told(Kind.NOT_JSON)
    told.member("a", 1)
    told.dead_letter(0, 12, "decode_failed")
    told.dead_letter(0, 14, "decode_failed")
    assert told.broken() == {"repeats"}


@pytest.mark.parametrize("kind", [Kind.SKIPPED, Kind.REFUSED])
def test_a_record_that_must_not_be_delivered_is_a_breach_if_it_was(kind: Kind) -> None:
    told = Told(kind)
    told.member("a", 1)
    if kind.reason:
        told.dead_letter(0, 9, kind.reason)
    told.sends("a", 10, 0)
    assert told.broken() == {"lost"}


def test_a_skipped_record_in_the_dead_letters_is_a_breach() -> None:
    told = Told(Kind.SKIPPED)
    told.member("a", 1)
    told.dead_letter(0, 12, "refused")
    assert told.broken() == {"lost"}


def test_an_overtaken_record_is_out_of_order() -> None:
    told = Told(Kind.GOOD, Kind.GOOD)
    told.member("a", 1)
    told.sends("a", 10, 1)
    told.sends("a", 11, 0)
    assert told.broken() == {"order"}


def test_order_counts_within_a_request_too() -> None:
    told = Told(Kind.GOOD, Kind.GOOD)
    told.member("a", 1)
    told.sends("a", 10, 1, 0)
    assert told.broken() == {"order"}


def test_an_offset_must_not_be_committed_before_what_is_below_it_was_stored() -> None:
    told = delivered(Kind.GOOD, Kind.GOOD)
    told.commit(10.5, 2)
    assert told.broken() == {"committed"}


def test_an_offset_must_not_be_committed_before_a_dead_letter_below_it_was_written() -> None:
    told = delivered(Kind.GOOD, Kind.REFUSED)
    told.dead_letter(1, 12, "refused")
    told.commit(11.5, 2)
    assert told.broken() == {"committed"}


def test_what_is_committed_as_settled_ahead_must_be_settled() -> None:
    told = delivered(Kind.GOOD, Kind.GOOD, Kind.GOOD)
    told.commit(10.5, 1, encode(progress_of(1, [range(2, 3)]), UNKNOWN_SIGHT))
    assert told.broken() == {"committed"}


def test_a_committed_offset_must_not_move_back() -> None:
    told = delivered(Kind.GOOD, Kind.GOOD)
    told.commit(20, 2)
    told.commit(21, 1)
    assert told.broken() == {"committed"}


def test_a_broken_law_of_conservation_is_a_breach() -> None:
    told = delivered(Kind.GOOD)
    told.members["a"].seen.broken_laws.append("12.00 orders: 3 consumed, 1 settled, 0 released, 1 in flight")
    assert told.broken() == {"conservation"}


def test_the_counts_of_a_scrape_are_added_up_by_topic() -> None:
    metrics = """# HELP tuzhan_connector_records_consumed_total Records.
tuzhan_connector_records_consumed_total{topic="a"} 10.0
tuzhan_connector_records_settled_total{outcome="delivered",topic="a"} 5.0
tuzhan_connector_records_settled_total{outcome="skipped",topic="a"} 2.0
tuzhan_connector_records_released_total{topic="a"} 1.0
tuzhan_connector_records_in_flight{topic="a"} 2.0
tuzhan_connector_records_consumed_total{topic="b"} 1.0
tuzhan_connector_partition_lag{topic="a",partition="0"} 9.0
"""
    assert count_records(metrics) == {"a": (10, 7, 1, 2), "b": (1, 0, 0, 0)}


def test_a_member_that_is_ready_while_records_wait_for_a_dead_platform_is_a_breach() -> None:
    told = delivered(Kind.GOOD)
    told.fault("platform", "kill", 100, 130)
    for at in range(101, 130):
        told.scrape("a", at, ready=at < 119)
    assert told.broken() == {"readiness"}


def test_a_dead_platform_that_is_told_in_time_is_no_breach() -> None:
    told = delivered(Kind.GOOD)
    told.fault("platform", "kill", 100, 110)
    told.fault("replies", "outage", 109, 130)
    for at in range(101, 130):
        told.scrape("a", at, ready=at < 115)
    assert told.broken() == set()


def test_a_member_without_waiting_records_cannot_know_that_the_platform_is_dead() -> None:
    told = delivered(Kind.GOOD)
    told.fault("platform", "kill", 100, 130)
    for at in range(101, 130):
        told.scrape("a", at, in_flight=0)
    assert told.broken() == set()


def test_a_member_that_is_not_ready_long_after_the_last_fault_is_a_breach() -> None:
    told = delivered(Kind.GOOD)
    told.scrape("a", QUIET_AT + 19, ready=False)
    assert told.broken() == set()
    told.scrape("a", QUIET_AT + 21, ready=False)
    assert told.broken() == {"done"}


def test_a_member_that_is_not_alive_is_a_breach_unless_it_was_frozen() -> None:
    told = delivered(Kind.GOOD)
    told.scrape("a", 50, alive=False)
    assert told.broken() == {"readiness"}
    told.frozen("a", 40, 49)
    assert told.broken() == set()


def test_a_group_that_does_not_come_to_the_end_is_a_breach() -> None:
    told = delivered(Kind.GOOD)
    told.finished = False
    assert told.broken() == {"done"}


def test_a_process_that_ends_by_itself_is_a_breach() -> None:
    told = delivered(Kind.GOOD)
    told.ends("a", 50, "died", 1)
    assert told.broken() == {"processes"}


def test_a_stopped_process_must_end_with_0() -> None:
    told = delivered(Kind.GOOD)
    told.scrape("a", 40)
    told.ends("a", 50, "stopped", 1)
    assert told.broken() == {"processes"}


def test_a_traceback_in_a_log_is_a_breach() -> None:
    told = delivered(Kind.GOOD)
    told.members["a"].log.errors.append("Traceback (most recent call last):")
    assert told.broken() == {"processes"}


def test_a_target_may_be_down_while_items_that_always_fail_are_tried_but_not_longer() -> None:
    told = delivered(Kind.GOOD)
    told.scrape("a", QUIET_AT + 85, ready=False, reasons=("target_down",))
    assert told.broken() == set()
    told.scrape("a", QUIET_AT + 91, ready=False, reasons=("target_down",))
    assert told.broken() == {"done"}


def test_a_contested_token_may_take_longer_and_is_remembered() -> None:
    told = delivered(Kind.GOOD)
    told.scrape("a", QUIET_AT + 45, ready=False, reasons=("token_contested", "target_down"))
    told.scrape("a", QUIET_AT + 100, ready=False, reasons=("token_contested",))
    assert told.broken() == set()
    told.scrape("a", QUIET_AT + 101, ready=False, reasons=("token_contested", "target_down"))
    assert told.broken() == {"done"}


def test_a_target_blamed_for_a_token_that_another_process_has_killed_may_be_held_for_as_long() -> None:
    told = delivered(Kind.GOOD)
    held: dict[str, Any] = {
        "ready": False,
        "reasons": ("target_held",),
        "remedies": (f"{NO_PERMISSION_REMEDY}: event/batchAdd",),
    }
    told.scrape("a", QUIET_AT + 45, **held)
    assert told.broken() == {"done"}, "no token was killed"
    told.fault("token", "new kills old", 100, 110)
    assert told.broken() == set()
    told.scrape("a", QUIET_AT + 45, **held | {"remedies": ("check what the platform says",)})
    assert told.broken() == {"done"}
