"""Whether the group has dealt out its partitions: the table of `membership.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from confluent_kafka import Consumer

from connector.kafka.membership import LOOK_S, QUIET_S, Membership, generation_of

if TYPE_CHECKING:
    from collections.abc import Callable

KIP848 = pytest.mark.parametrize("kip848", [False, True])


@KIP848
@pytest.mark.parametrize("lose", [Membership.on_lost, lambda membership: membership.observe(-1, 1.0)])
def test_an_assignment_deals_until_it_is_lost(kip848: bool, lose: Callable[[Membership], None]) -> None:  # noqa: FBT001
    membership = Membership(kip848=kip848)
    membership.observe(1, 0.0)
    dealt = [membership.dealt]
    membership.on_assigned()
    membership.observe(1, 0.5)
    dealt.append(membership.dealt)
    lose(membership)
    assert [*dealt, membership.dealt] == [False, True, False]


@KIP848
def test_a_member_without_an_assignment_has_been_given_none_with_kip848_alone(kip848: bool) -> None:  # noqa: FBT001
    """In the classic protocol it waits for the group's leader; with KIP-848 the broker has nothing to tell it."""
    membership = Membership(kip848=kip848)
    membership.observe(3, 10.0)
    membership.observe(3, 10.0 + QUIET_S - 0.1)
    assert not membership.dealt
    membership.observe(3, 10.0 + QUIET_S)
    assert membership.dealt is kip848


def test_a_member_that_was_lost_waits_again_before_it_counts_as_given_none() -> None:
    membership = Membership(kip848=True)
    membership.observe(3, 10.0)
    membership.observe(-1, 11.0)
    membership.observe(4, 12.0)
    membership.observe(4, 12.0 + QUIET_S - 0.1)
    assert not membership.dealt


def test_a_member_that_is_out_of_its_group_is_found_within_a_tenth_of_a_second_by_few_questions() -> None:
    class Client:
        asked, joined = 0, True

        def consumer_group_metadata(self) -> bytes:
            self.asked += 1
            return b""

        def memberid(self) -> str:
            return "m" if self.joined else ""

    membership, client = Membership(kip848=False), Client()
    membership.on_assigned()
    for step in range(100):
        membership.look(cast("Consumer", client), 10.0 + step * LOOK_S / 20)
    assert client.asked == 5
    client.joined = False
    membership.look(cast("Consumer", client), 10.0 + 4.9 * LOOK_S)
    assert membership.dealt
    membership.look(cast("Consumer", client), 10.0 + 5 * LOOK_S)
    assert not membership.dealt


def test_a_consumer_that_never_joined_has_no_generation() -> None:
    consumer = Consumer({"bootstrap.servers": "localhost:1", "group.id": "g", "log_level": 0})
    assert generation_of(consumer) == -1
    consumer.close()


@pytest.mark.parametrize(("member", "generation"), [("m", 0), ("", -1)])
def test_with_a_client_whose_metadata_is_unknown_the_member_id_counts(member: str, generation: int) -> None:
    class UnknownClient:
        def consumer_group_metadata(self) -> bytes:
            return b"CGMDv9:...."

        def memberid(self) -> str:
            return member

    assert generation_of(cast("Consumer", UnknownClient())) == generation
