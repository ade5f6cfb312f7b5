"""What became of each route's items, from the events of the flow."""

from __future__ import annotations

from connector.core.events import DeadLettered, Event, ItemsSettled
from connector.core.record import Outcome, TopicPartition
from connector.observe.routes import KEPT_DEAD_LETTERS, RouteCounts, RouteFacts
from connector.observe.snapshot import DeadLetterStatus, RouteStatus
from tests.unit.observe.examples import MOBILE

ORDERS = TopicPartition("shop.orders", 3)


def counts_after(*events: Event) -> RouteCounts:
    counts = RouteCounts(
        [RouteFacts("orders", "purchases", ("phone", "unionid")), RouteFacts("tags", "tags")], lambda: 7.0
    )
    for event in events:
        counts.on(event)
    return counts


def test_each_route_of_the_config_is_listed_with_zeros_before_it_has_counted_anything() -> None:
    assert counts_after().read() == [
        RouteStatus("orders", "purchases", 0, 0, 0, {"phone": 0, "unionid": 0}, {}),
        RouteStatus("tags", "tags", 0, 0, 0, {}, {}),
    ]


def test_items_are_counted_by_outcome_and_dead_letters_by_reason() -> None:
    counts = counts_after(
        ItemsSettled("purchases", Outcome.DELIVERED, {"orders": 5}),
        ItemsSettled("purchases", Outcome.DELIVERED, {"orders": 2}),
        ItemsSettled("dead-letters", Outcome.DEAD_LETTERED, {"orders": 3, "": 1}),
        DeadLettered("orders", "refused", 1, [(ORDERS, [1])]),
        DeadLettered("orders", "identity_missing", 2, [(ORDERS, [2, 3])]),
        DeadLettered("", "decode_failed", 1, [(ORDERS, [4])]),
    )
    counts.skipped = {("orders", "purchases"): 20}
    counts.identity_invalid = {("orders", "phone"): 4}
    orders, tags, undecoded = counts.read()
    reasons = {"refused": 1, "identity_missing": 2}
    assert orders == RouteStatus("orders", "purchases", 7, 20, 3, {"phone": 4, "unionid": 0}, reasons)
    assert (tags.delivered, tags.skipped, tags.dead_lettered) == (0, 0, 0)
    assert undecoded == RouteStatus("", "", 0, 0, 1, {}, {"decode_failed": 1})


def test_a_route_that_leaves_the_config_or_changes_its_target_keeps_its_counts() -> None:
    counts = counts_after(
        ItemsSettled("purchases", Outcome.DELIVERED, {"orders": 5}),
        ItemsSettled("tags", Outcome.DELIVERED, {"tags": 6}),
        ItemsSettled("dead-letters", Outcome.DEAD_LETTERED, {"orders": 3, "tags": 4}),
    )
    counts.routes = [RouteFacts("orders", "sales")]
    found = [(one.name, one.target, one.delivered, one.dead_lettered) for one in counts.read()]
    assert found == [("orders", "sales", 0, 3), ("orders", "purchases", 5, 0), ("tags", "tags", 6, 4)]


def test_a_dead_letter_is_listed_with_its_place_and_why_and_without_what_may_be_a_value() -> None:
    detail = f"手机号 {MOBILE} 格式错误"
    event = DeadLettered("orders", "refused", 2, [(ORDERS, [8, 9])], "purchases", "identity.phone", detail)
    first, last = counts_after(event).dead_letters()
    assert last == DeadLetterStatus(
        7.0, "shop.orders", 3, 9, "orders", "purchases", "refused", "identity.phone", "手机号 1… 格式错误"
    )
    assert first.offset == 8


def test_only_the_last_dead_letters_are_kept_the_newest_last() -> None:
    counts = counts_after(*[DeadLettered("orders", "refused", 40, [(ORDERS, range(at, at + 40))]) for at in (0, 40)])
    assert [letter.offset for letter in counts.dead_letters()] == list(range(80 - KEPT_DEAD_LETTERS, 80))
    counts.on(DeadLettered("orders", "refused", 500, [(ORDERS, range(500))]))
    assert [letter.offset for letter in counts.dead_letters()] == list(range(500 - KEPT_DEAD_LETTERS, 500))
