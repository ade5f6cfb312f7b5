"""What a reload tells of the changes, and which of them need a restart."""

from __future__ import annotations

from typing import Any

import pytest

from connector.reloading.changes import Changes, changes
from tests.unit.reloading.configs import config, route


def after(edit: Any) -> Changes:  # noqa: ANN401 - a function that edits a table
    return changes(config(), config(edit))


def test_nothing_changed_is_nothing_told() -> None:
    assert changes(config(), config()) == Changes({}, ())


def test_routes_and_targets_are_told_by_name() -> None:
    def edit(data: dict[str, Any]) -> None:
        data["targets"]["tags"]["max_in_flight"] = 3
        data["targets"]["more"] = {"endpoint": "event/batchAdd"}
        data["routes"] = [route("r1", "more"), route("r3", "buys", "r2")]
        data["events"] = {"c_buy": {"args": {}}}

    assert after(edit).told == {
        "routes_added": "r3",
        "routes_removed": "r2",
        "routes_changed": "r1",
        "targets_added": "more",
        "targets_changed": "tags",
        "events_added": "c_buy",
    }


@pytest.mark.parametrize("other", [True, 1.0, "1"])
def test_values_that_python_or_yaml_may_take_for_the_same_are_told_apart(other: object) -> None:
    assert after(lambda data: data["routes"][0]["fields"].update(a=other)).told == {"routes_changed": "r1"}


def test_a_secret_that_changed_is_noticed_and_not_shown() -> None:
    found = after(lambda data: data["platform"]["auth"].update(app_secret="another"))  # noqa: S106 - not a real one
    assert found.told == {"settings": "platform.auth"}
    assert "another" not in repr(found)


def test_many_names_are_counted() -> None:
    found = after(lambda data: data["routes"].extend(route(f"n{number}", "buys", "r2") for number in range(23)))
    assert found.told["routes_added"].endswith("n18, n19 and 3 more")


@pytest.mark.parametrize(
    ("section", "edit", "fixed"),
    [
        ("kafka", {"group_id": "other"}, ("kafka.group_id", "dead_letter.topic")),
        ("kafka", {"properties": {"fetch.min.bytes": 2}}, ("kafka.properties",)),
        ("kafka", {"commit_interval": "2s"}, ("kafka.commit_interval",)),
        ("dead_letter", {"topic": "letters"}, ("dead_letter.topic",)),
        ("admin", {"listen": "127.0.0.1:1"}, ("admin.listen",)),
        ("platform", {"base_url": "https://x", "request_timeout": "1s", "rate_limit": "5/s"}, ()),
        ("dead_letter", {"refused_in_a_row": 3}, ()),
        ("log", {"level": "debug"}, ()),
    ],
)
def test_what_needs_a_restart_is_named(section: str, edit: dict[str, Any], fixed: tuple[str, ...]) -> None:
    found = after(lambda data: data.setdefault(section, {}).update(edit))
    assert found.need_restart == fixed
    assert found.told["settings"] == ", ".join(f"{section}.{name}" for name in edit)


def test_an_order_by_other_keys_needs_a_restart() -> None:
    assert after(lambda data: data["targets"]["tags"].update(ordering="key")).need_restart == ("targets.tags.ordering",)


def test_how_values_are_decoded_may_change_unless_a_registry_is_used() -> None:
    def registry(data: dict[str, Any]) -> None:
        data["kafka"]["schema_registry"] = {"url": "http://localhost:1"}
        data["decode"] = {"r1": {"format": "avro"}}

    assert after(lambda data: data.update(decode={"r1": {"envelope": "canal"}})).need_restart == ()
    assert "decode.r1" in after(registry).need_restart
    both = changes(config(registry), config(registry, lambda data: data["decode"].update(r2={"charset": "gb18030"})))
    assert both.need_restart == ("decode.r2",)
