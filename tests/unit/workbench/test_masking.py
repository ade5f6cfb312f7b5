"""What the workbench shows of records."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from connector.core.errors import CommandError, UsageError
from connector.settings.models import Config, EventDefinition, Route, Target
from connector.settings.types import InterpolatedStr
from connector.workbench.masking import Mask, confirm_unmask

if TYPE_CHECKING:
    from connector.mapping.json_values import Json


def config() -> Config:
    route = Route.model_validate(
        {
            "name": "orders",
            "topics": ["shop.orders"],
            "where": {"$.status": ["PAID", "BACK"], "$.mobile": {"ne": "13800000000"}},
            "to": "purchases",
            "event_key": {"from": "$.status", "map": {"PAID": "c_buy", "BACK": "c_back"}},
            "identity": [{"type": "phone", "value": {"from": "$.mobile", "as": "phone"}}],
            "fields": {"eventargs": {"c_secret": InterpolatedStr("from a variable"), "c_ref": "$.status"}},
        }
    )
    return Config.model_construct(routes=[route], targets={"purchases": Target(endpoint="event/v2/batchAdd")})


def test_texts_of_the_config_are_shown_and_others_are_masked() -> None:
    value: Json = {
        "status": "PAID",
        "mobile": "13800000000",
        "name": "王小明",
        "n": 4,
        "of": ["c_buy", "from a variable"],
    }
    assert Mask(config()).value(value) == {
        "status": "PAID",
        "mobile": "99999999999",  # in the config, and masked all the same
        "name": "字字字",
        "n": 4,
        "of": ["c_buy", "aaaa a aaaaaaaa"],
    }


def test_event_keys_of_the_tracking_plan_are_shown() -> None:
    planned = Config.model_construct(routes=[], targets={}, events={"c_planned": EventDefinition()})
    assert Mask(planned).value(["c_planned", "c_other"]) == ["c_planned", "a_aaaaa"]


def test_the_time_of_an_item_is_shown() -> None:
    item: Json = {"eventKey": "c_buy", "time": 1605490615673, "eventargs": {"time": 1605490615673}}
    assert Mask(config()).item(item) == {**item, "eventargs": {"time": "9" * 13}}


def test_keys_and_sentences_are_masked_by_their_form() -> None:
    mask = Mask(config())
    assert (mask.bytes(b"o-4711"), mask.bytes(b"\xff"), mask.bytes(None)) == ("a-9999", "<1 byte>", None)
    assert mask.sentence("phone of 13800000000") == "phone of 99999999999"
    assert (mask.text("PAID"), mask.text("$.王")) == ("PAID", "$.字")


def test_nothing_is_masked_where_the_user_wants_all() -> None:
    mask = Mask(config(), unmask=True)
    value: Json = {"mobile": "13800000000"}
    assert (mask.value(value), mask.item(value), mask.bytes(b"o-4711")) == (value, value, "o-4711")
    assert (mask.sentence("13800000000"), mask.text("x")) == ("13800000000", "x")


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("answer", "shown"), [("y\n", True), ("YES\n", True), ("\n", False), ("n\n", False), ("", False)]
)
def test_unmask_asks_on_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: str, shown: bool) -> None:  # noqa: FBT001
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys, "stderr", Terminal())
    if shown:
        confirm_unmask(yes=False)
    else:
        with pytest.raises(CommandError, match="not shown"):
            confirm_unmask(yes=False)


def test_unmask_without_a_terminal_needs_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(UsageError, match="add --yes"):
        confirm_unmask(yes=False)
    confirm_unmask(yes=True)
