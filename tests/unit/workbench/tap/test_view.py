"""What leaves the process: masked, whatever the record holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from connector.config.loading import load
from connector.core.record import DEAD_LETTERS, UNREADABLE_HEADERS, Failure, Item, Record
from connector.decode.decoding import FORMATS
from connector.observe.tapped import Tapped
from connector.workbench.tap.hashing import value_hash
from connector.workbench.tap.view import LARGEST_BYTES, TapView
from tests.unit.config.files import SOUND

if TYPE_CHECKING:
    from pathlib import Path

MOBILE, NAME, MAIL = "13800138000", "王小明", "ming@example.com"
VALUE = json.dumps({"status": "PAID", "buyer": {"mobile": MOBILE, "name": NAME}, MAIL: 7}, ensure_ascii=False).encode()
BODY = json.dumps({"identityValue": MOBILE, "eventKey": "c_buy", "time": 1_700_000_000_000}).encode()


@pytest.fixture
def view(tmp_path: Path) -> TapView:
    file = tmp_path / "connector.yaml"
    file.write_text(SOUND, encoding="utf-8")
    return TapView(load(file, {"SECRET": "x", "APP_SECRET": "x"}), FORMATS)


def record(value: bytes | None = VALUE, **changes: object) -> Record:
    return Record("shop.orders", 3, 41, 1_700_000_000_000, MOBILE.encode(), value, ()).replace(**changes)


def told(view: TapView, tapped: Tapped) -> dict[str, Any]:
    line = view.line(tapped)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    text = line.decode()
    assert not any(secret in text for secret in (MOBILE, NAME, MAIL, MOBILE[:8])), text
    document: dict[str, Any] = json.loads(line)
    return document


def test_a_delivered_item_is_told_with_its_record_its_endpoint_and_the_import_batch(view: TapView) -> None:
    source = record(headers=(("trace", MOBILE.encode()),))
    item = Item("purchases", "orders", BODY, b'{"isMatching":true}', (), source)
    document = told(view, Tapped("delivered", source, item, "HTTP 200", 200, "b7"))
    assert document["record"] == {
        "topic": "shop.orders",
        "partition": 3,
        "offset": 41,
        "timestamp": 1_700_000_000_000,
        "key": "9" * 11,
        "headers": [["trace", "9" * 11]],
        "value": {"status": "AAAA", "buyer": {"mobile": "9" * 11, "name": "字字字"}, "aaaa@aaaaaaa.aaa": 7},
        "decoded": True,
    }
    assert document["item"] == {"identityValue": "9" * 11, "eventKey": "c_buy", "time": 1_700_000_000_000}
    facts = {name: document[name] for name in ("outcome", "route", "target", "endpoint", "import_batch", "http_status")}
    assert facts == {
        "outcome": "delivered",
        "route": "orders",
        "target": "purchases",
        "endpoint": "event/v2/batchAdd",
        "import_batch": "b7",
        "http_status": 200,
    }


def test_a_dead_letter_says_why_and_what_the_platform_echoed_is_not_told(view: TapView) -> None:
    source = record(b"no json " + MOBILE.encode())
    failure = Failure("refused", "purchases", "identity", f"phone: {MOBILE} is none", 200, reply=f"echo {MOBILE}")
    letter = Item(DEAD_LETTERS, "orders", b"", b"", (), source, failure)
    document = told(view, Tapped("dead_lettered", source, letter, "acknowledged"))
    assert (document["reason"], document["field"], document["target"]) == ("refused", "identity", "purchases")
    assert document["detail"] == "phone: 99999999999 is none"
    assert (document["record"]["decoded"], document["record"]["value"]) == (False, "aa aaaa 99999999999")
    assert document["item"] is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, {"value": None, "decoded": True}),
        (b"\xff\xfe\x00", {"value": "<3 bytes>", "decoded": False}),
        (b'"\\ud800"', {"decoded": False}),
        (b"[" * 3000 + b"]" * 3000, {}),
        (b'{"a": 1e400}', {}),
        (b" " * (LARGEST_BYTES + 1), {"value": None, "decoded": False, "omitted_bytes": LARGEST_BYTES + 1}),
    ],
)
def test_whatever_a_record_holds_it_makes_one_line(
    view: TapView, value: bytes | None, expected: dict[str, object]
) -> None:
    document = told(view, Tapped("skipped", record(value, headers=UNREADABLE_HEADERS, key=None)))
    assert expected.items() <= document["record"].items()


def test_a_failure_to_mask_withholds_the_values_and_does_not_raise(
    view: TapView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TapView, "_record", lambda *_: {"value": object()})
    document = told(view, Tapped("skipped", record()))
    assert document["record"] == {"topic": "shop.orders", "partition": 3, "offset": 41}
    assert document["withheld"]


@pytest.mark.parametrize(
    ("value", "key", "body", "found"),
    [
        (VALUE, None, b"", True),
        (b"{}", MOBILE.encode(), b"", True),
        (b"{}", None, BODY, True),
        (b"{}", None, b"{}", False),
        (None, None, b"", False),
        (b"no json", None, b"", False),
        (VALUE + b" " * LARGEST_BYTES, None, b"", None),
        (VALUE + b" " * LARGEST_BYTES, None, BODY, True),
    ],
)
def test_a_value_is_found_in_the_record_its_key_and_the_item(
    view: TapView, value: bytes | None, key: bytes | None, body: bytes, *, found: bool | None
) -> None:
    source = record(value, key=key)
    tapped = Tapped("delivered", source, Item("purchases", "orders", body, b"{}", (), source))
    assert view.holds(tapped, value_hash(MOBILE)[:16]) is found


def test_routes_and_targets_are_those_of_the_config(view: TapView) -> None:
    assert ("orders" in view.routes, "purchases" in view.targets) == (True, True)
    assert "orders" in view.fed_by("shop.orders")[0]
    assert view.fed_by("nothing") == (set(), frozenset())
