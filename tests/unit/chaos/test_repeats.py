"""A repeat has a cause, or it is a breach."""

from __future__ import annotations

import pytest

from connector.core.commit_metadata import UNKNOWN_SIGHT, encode
from connector.core.progress import progress_of
from tests.chaos.connector_log import Rebalance
from tests.chaos.records import Kind
from tests.unit.chaos.told import Told


def two_members() -> Told:
    """One good record; member a owns the partition from 1, member b from 30."""
    told = Told(Kind.GOOD)
    told.member("a", 1)
    told.member("b", 30)
    return told


def test_a_record_that_was_delivered_once_is_no_repeat() -> None:
    told = two_members()
    told.sends("a", 10, 0)
    assert told.causes() == {}


@pytest.mark.parametrize("says", ["again", "refused"])
def test_a_reply_that_a_fault_broke_is_a_cause(says: str) -> None:
    told = two_members()
    told.sends("a", 10, 0, says=says, replied=False)
    told.sends("a", 11, 0)
    assert told.causes() == {"the reply was broken by a fault": 1}


def test_a_reply_that_left_whole_and_in_time_is_no_cause() -> None:
    told = two_members()
    told.sends("a", 10, 0, says="again")
    told.sends("a", 11, 0)
    assert told.breaches() == ["the platform replied 200, but a says again: "]


def test_a_reply_that_came_while_the_member_was_frozen_is_a_cause() -> None:
    told = two_members()
    told.sends("a", 10, 0, says="again")
    told.frozen("a", 10.005, 10.015)
    told.sends("a", 11, 0)
    assert told.causes() == {"its member was frozen while the reply came": 1}


def test_a_record_on_the_wire_when_its_member_was_killed_may_come_again() -> None:
    told = two_members()
    told.sends("a", 10, 0, says="")
    told.ends("a", 10.5, "killed")
    told.sends("b", 31, 0)
    assert told.causes() == {"on the wire when its member was killed": 1}


def test_a_record_of_which_a_living_member_logs_nothing_may_not() -> None:
    told = two_members()
    told.sends("a", 10, 0, says="")
    told.sends("b", 31, 0)
    assert told.breaches() == ["a has no line about it in its log"]


def test_what_was_settled_just_before_a_kill_may_come_again() -> None:
    told = two_members()
    told.sends("a", 10, 0)
    told.ends("a", 11, "killed")
    told.sends("b", 31, 0)
    assert told.causes() == {"settled since the last commit when its lease was killed": 1}


def test_what_was_settled_long_before_a_kill_must_have_been_committed() -> None:
    told = two_members()
    told.sends("a", 10, 0)
    told.ends("a", 20, "killed")
    told.sends("b", 31, 0)
    assert told.breaches() == ["settled 10.0 s before a's lease was killed"]


def test_while_the_broker_is_away_nothing_can_be_committed() -> None:
    told = two_members()
    told.sends("a", 10, 0)
    told.fault("broker", "kill", 10, 18)
    told.ends("a", 20, "killed")
    told.sends("b", 31, 0)
    assert told.causes() == {"settled since the last commit when its lease was killed": 1}


@pytest.mark.parametrize("how", ["revoked", "stopped"])
def test_a_planned_end_of_a_lease_is_no_cause(how: str) -> None:
    told = two_members()
    told.sends("a", 10, 0)
    if how == "revoked":
        told.gives_up("a", 10.5, how)
    else:
        told.ends("a", 10.5, how)
    told.sends("b", 31, 0)
    assert told.breaches() == [f"settled 0.5 s before a's lease was {how}"]


def test_a_planned_end_does_not_come_while_a_request_is_on_the_wire() -> None:
    told = two_members()
    told.sends("a", 10, 0)
    told.gives_up("a", 10.01, "revoked")
    told.sends("b", 31, 0)
    [text] = told.breaches()
    assert text.endswith("s after a's lease had been revoked")


def test_what_was_committed_must_not_come_again_whatever_happened() -> None:
    told = two_members()
    told.sends("a", 10, 0)
    told.commit(10.5, 1)
    told.ends("a", 11, "killed")
    told.sends("b", 31, 0)
    assert told.breaches() == ["it was committed before the lease began that sent it again"]


def test_what_was_committed_as_settled_ahead_must_not_come_again() -> None:
    told = Told(Kind.GOOD, Kind.GOOD, Kind.GOOD)
    told.member("a", 1)
    told.member("b", 30)
    told.sends("a", 10, 1)
    told.commit(10.5, 0, encode(progress_of(0, [range(1, 2)]), UNKNOWN_SIGHT))
    told.ends("a", 11, "killed")
    told.sends("b", 31, 0, 1, 2)
    texts = told.breaches()
    assert "it was committed before the lease began that sent it again" in texts


def test_two_members_must_not_own_a_partition_at_the_same_time() -> None:
    told = two_members()
    told.sends("a", 10, 0)
    told.sends("b", 31, 0)
    assert told.breaches() == ["a still had the partition"]


def test_what_was_settled_just_before_its_member_was_frozen_may_come_again() -> None:
    told = two_members()
    told.sends("a", 10, 0)
    told.frozen("a", 11, 40)
    told.sends("b", 31, 0)
    assert told.causes() == {"on the wire, or settled since the last commit, when its member was frozen": 1}


def test_what_was_on_the_wire_while_its_member_was_frozen_may_come_again() -> None:
    told = two_members()
    told.sends("a", 10, 0)
    told.frozen("a", 9.995, 10.015)
    told.sends("b", 31, 0)
    assert told.causes() == {"on the wire, or settled since the last commit, when its member was frozen": 1}


def test_what_was_settled_long_before_its_member_was_frozen_may_not() -> None:
    told = two_members()
    told.sends("a", 10, 0)
    told.frozen("a", 20, 40)
    told.sends("b", 31, 0)
    assert told.breaches() == ["settled 10.0 s before a was frozen, and not committed"]


def test_a_member_that_wakes_up_must_not_send_what_another_has_delivered() -> None:
    told = two_members()
    told.frozen("a", 20, 40)
    told.sends("b", 31, 0)
    told.sends("a", 41, 0)
    assert told.breaches() == ["b still had the partition"]


def test_what_was_on_the_wire_when_a_partition_was_lost_may_come_again() -> None:
    told = Told(Kind.GOOD)
    told.member("a", 1)
    told.sends("a", 10, 0)
    told.fault("broker", "kill", 5, 9)
    told.gives_up("a", 10.1, "lost")
    told.gets("a", 11)
    told.sends("a", 12, 0)
    assert told.causes() == {"on the wire when its partition was lost": 1}


def test_a_process_that_loses_a_partition_and_gets_it_back_knows_what_it_has_delivered() -> None:
    told = Told(Kind.GOOD)
    told.member("a", 1)
    told.sends("a", 10, 0)
    told.fault("broker", "kill", 10, 15)
    told.gives_up("a", 16, "lost")
    told.gets("a", 17)
    told.sends("a", 18, 0)
    assert told.breaches() == ["a sends again what it knows to be delivered, 6.0 s before it lost the partition"]


def test_once_the_broker_is_back_a_planned_end_commits() -> None:
    told = two_members()
    told.sends("a", 10, 0)
    told.fault("broker", "kill", 10, 15)
    told.gives_up("a", 20, "revoked")
    told.sends("b", 31, 0)
    assert told.breaches() == ["settled 10.0 s before a's lease was revoked"]


def test_between_two_outages_of_the_broker_it_could_be_committed() -> None:
    told = two_members()
    told.sends("a", 10, 0)
    told.fault("broker", "kill", 14, 15)
    told.ends("a", 16, "killed")
    told.sends("b", 31, 0)
    assert told.breaches() == ["settled 6.0 s before a's lease was killed"]


def test_a_request_that_was_killed_without_a_line_is_not_taken_for_an_answered_one_before_it() -> None:
    told = two_members()
    told.sends("a", 9.9, 0, says="again")
    told.requests[0].stored_at, told.requests[0].status = None, 429
    told.sends("a", 10, 0, says="")
    told.ends("a", 10.1, "killed")
    told.sends("b", 31, 0)
    assert told.causes() == {"on the wire when its member was killed": 1}


def test_a_member_that_the_broker_forgets_while_it_is_away_may_be_followed_by_another() -> None:
    told = two_members()
    told.sends("a", 10, 0)
    told.fault("broker", "pause", 9, 25)
    told.sends("b", 31, 0)
    assert told.causes() == {"removed from the group while the broker was away": 1}


def test_a_member_that_is_stopped_while_the_broker_is_away_does_not_join_again() -> None:
    told = two_members()
    told.sends("a", 10, 0)
    told.fault("broker", "pause", 9, 20)
    told.gives_up("a", 24, "revoked")
    told.ends("a", 15, "stopped")
    told.sends("b", 31, 0)
    assert told.causes() == {"settled since the last commit when its lease was revoked": 1}


def test_a_commit_that_waits_for_the_group_to_join_again_can_not_be_made() -> None:
    told = two_members()
    told.sends("a", 10, 0)
    told.members["a"].log.failed_commits.append((15.5, "commit refused: Specified group generation id is not valid"))
    told.ends("a", 15, "killed")
    told.sends("b", 31, 0)
    assert told.causes() == {"settled since the last commit when its lease was killed": 1}
    told.members["a"].log.commits.append(11)
    assert told.breaches() == ["settled 5.0 s before a's lease was killed"]


def test_a_commit_that_waits_for_the_group_when_the_broker_goes_away_can_not_be_made_either() -> None:
    told = two_members()
    told.sends("a", 10, 0)
    told.fault("broker", "kill", 13, 28)
    told.members["a"].log.failed_commits.append((21, "commit refused: Local: Waiting for coordinator"))
    told.gives_up("a", 25, "revoked")
    told.sends("b", 31, 0)
    assert told.breaches() == ["settled 15.0 s before a's lease was revoked"]  # it had not to join again
    told.members["a"].log.rebalances.insert(1, Rebalance(10.1, "revoked", frozenset({("orders-1", 1)})))
    assert told.causes() == {"settled since the last commit when its lease was revoked": 1}
    told.members["a"].log.commits.append(11)
    assert told.breaches() == ["settled 15.0 s before a's lease was revoked"]


def test_a_last_commit_that_gets_no_answer_while_the_group_waits_can_not_be_made_either() -> None:
    told = two_members()
    told.sends("a", 10, 0)
    told.members["a"].log.failed_commits.append(
        (20, "commit failed: the coordinator of the group did not answer in time")
    )
    told.gives_up("a", 20, "revoked")
    told.sends("b", 31, 0)
    assert told.breaches() == ["settled 10.0 s before a's lease was revoked"]  # it had not to join again
    told.members["a"].log.rebalances.insert(1, Rebalance(9.9, "revoked", frozenset({("orders-1", 1)})))
    assert told.causes() == {"settled since the last commit when its lease was revoked": 1}


def test_the_last_commit_of_a_stop_does_not_wait_for_a_group_that_waits_for_a_frozen_member() -> None:
    told = two_members()
    told.sends("a", 10, 0)
    told.members["a"].log.failed_commits.append((18, "commit refused: Specified group generation id is not valid"))
    told.gives_up("a", 18, "revoked")
    told.ends("a", 12, "stopped")
    told.sends("b", 31, 0)
    assert told.causes() == {"settled since the last commit when its lease was revoked": 1}


def test_the_last_commit_of_partitions_that_are_given_up_is_none_of_the_others() -> None:
    told = two_members()
    told.sends("a", 10, 0)
    told.members["a"].log.failed_commits.append((15.5, "commit refused: Specified group generation id is not valid"))
    told.members["a"].log.commits.append(11)
    given_up = Rebalance(11.01, "revoked", frozenset({("orders", 7)}))
    told.members["a"].log.rebalances.append(given_up)
    told.ends("a", 15, "killed")
    told.sends("b", 31, 0)
    assert told.causes() == {"settled since the last commit when its lease was killed": 1}
