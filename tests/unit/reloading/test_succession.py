"""Which targets go on in the next config, and which have to wait for whose items."""

from __future__ import annotations

from typing import Any

from connector.reloading.succession import Succession, succession
from tests.unit.reloading.configs import EVENT, PROFILE, TAG, config, route


def after(edit: Any, before: Any = None) -> Succession:  # noqa: ANN401 - functions that edit a table
    first = config(*([before] if before else []))
    return succession(first, config(*([before] if before else []), edit))


def test_a_target_goes_on_whatever_changes_but_its_name_endpoint_and_ordering() -> None:
    def edit(data: dict[str, Any]) -> None:
        data["targets"]["tags"] |= {
            "max_in_flight": 1,
            "queue": {"max_records": 7},
            "public_params": {"isMatching": False},
        }
        data["routes"][0]["fields"] = {"tags": "vip"}
        data["routes"].append(route("r3", "tags"))
        data["platform"]["base_url"] = "https://elsewhere"

    assert after(edit) == Succession(frozenset({"tags", "buys"}), {}, ())


def test_another_endpoint_is_another_target_and_waits_for_the_one_of_before() -> None:
    found = after(lambda data: data["targets"]["tags"].update(endpoint=PROFILE))
    assert found == Succession(frozenset({"buys"}), {"tags": ("tags",)}, ())


def test_events_without_an_order_wait_for_nothing() -> None:
    found = after(lambda data: data["targets"]["buys"].update(endpoint="event/batchAdd"))
    assert found == Succession(frozenset({"tags"}), {}, ())


def test_a_renamed_target_is_recognized_by_its_routes() -> None:
    def edit(data: dict[str, Any]) -> None:
        data["targets"]["labels"] = data["targets"].pop("tags")
        data["routes"][0]["to"] = "labels"

    assert after(edit) == Succession(frozenset({"buys"}), {"labels": ("tags",)}, ())


def test_a_target_and_its_route_and_topic_that_are_all_renamed_are_recognized_by_the_endpoint() -> None:
    def edit(data: dict[str, Any]) -> None:
        data["targets"]["labels"] = data["targets"].pop("tags")
        data["routes"][0] = route("r9", "labels", "^r1")

    assert after(edit) == Succession(frozenset({"buys"}), {"labels": ("tags",)}, ())


def two_for_tags(data: dict[str, Any]) -> None:
    data["targets"]["labels"] = {"endpoint": TAG}
    data["routes"] += [route("r3", "tags", "r1", "r3"), route("r4", "labels")]


def test_a_route_that_moves_is_waited_for_by_its_new_target_and_by_what_stays_of_the_old_one() -> None:
    found = after(lambda data: data["routes"][2].update(to="labels"), two_for_tags)
    assert found == Succession(frozenset({"buys", "labels"}), {"tags": ("tags",), "labels": ("tags",)}, ())


def test_a_topic_that_moves_to_another_route_and_target_is_a_stream_that_moves() -> None:
    def edit(data: dict[str, Any]) -> None:
        data["routes"][2]["topics"] = ["r1"]
        data["routes"][3]["topics"] = ["r3", "r4"]

    assert after(edit, two_for_tags).succeeded == {"tags": ("tags",), "labels": ("tags",)}


def test_a_route_that_is_only_added_or_removed_moves_nothing() -> None:
    for edit in (lambda data: data["routes"].pop(2), lambda data: data["routes"].append(route("r5", "labels"))):
        assert after(edit, two_for_tags) == Succession(frozenset({"tags", "buys", "labels"}), {}, ())


def test_a_target_that_is_removed_hands_nothing_to_one_of_another_kind() -> None:
    def edit(data: dict[str, Any]) -> None:
        del data["targets"]["tags"]
        data["targets"]["profiles"] = {"endpoint": PROFILE}
        data["routes"][0] = route("new", "profiles")

    assert after(edit) == Succession(frozenset({"buys"}), {}, ())


def test_another_kind_of_order_keys_needs_a_restart() -> None:
    found = after(lambda data: data["targets"]["tags"].update(ordering="key"))
    assert found.conflicts == ("tags",)


def test_an_order_that_begins_or_ends_needs_none() -> None:
    for ordering in ("identity", "key"):
        found = after(lambda data, ordering=ordering: data["targets"]["buys"].update(ordering=ordering))
        assert found == Succession(frozenset({"tags"}), {}, ())
    found = after(lambda data: data["targets"]["tags"].update(ordering="none"))
    assert found == Succession(frozenset({"buys"}), {}, ())


def test_nothing_that_changes_nothing_retires_anything() -> None:
    assert succession(config(two_for_tags), config(two_for_tags)) == Succession(
        frozenset({"tags", "buys", "labels"}), {}, ()
    )


def test_ordered_events_are_succeeded_like_profiles() -> None:
    found = after(
        lambda data: data["targets"]["buys"].update(endpoint="event/batchAdd"),
        lambda data: data["targets"]["buys"].update(ordering="key", endpoint=EVENT),
    )
    assert found.succeeded == {"buys": ("buys",)}
