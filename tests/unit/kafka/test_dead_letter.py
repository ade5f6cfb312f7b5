"""What a dead letter says about itself."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from connector.kafka.dead_letter import Origin, added_headers
from connector.record import DEAD_LETTERS, Failure, Item, Record

RECORD = Record("shop.orders", 3, 41, 1_605_490_615_673, b"k", b"{}", (("trace", b"1"),))
ORIGIN = Origin("tuzhan-connector", "0123456789ab")
REFUSED = Failure("refused", "purchases", detail="code 400", http_status=200, reply='{"code":"400"}')


def headers(item: Item, *, omitted: bool = False) -> dict[str, str]:
    return {name: (value or b"").decode() for name, value in added_headers(item, ORIGIN, omitted=omitted)}


def test_a_refused_item_says_where_it_came_from_why_it_failed_and_what_the_platform_answered() -> None:
    body = b'{"uuid":"asd123","eventKey":"c_buy"}'
    found = headers(Item(DEAD_LETTERS, "orders", body, b"{}", (), RECORD, REFUSED))
    assert found.pop("dl-at").endswith("+00:00")
    assert found == {
        "dl-version": "1",
        "dl-topic": "shop.orders",
        "dl-partition": "3",
        "dl-offset": "41",
        "dl-timestamp": "1605490615673",
        "dl-group": "tuzhan-connector",
        "dl-route": "orders",
        "dl-target": "purchases",
        "dl-reason": "refused",
        "dl-detail": "code 400",
        "dl-http-status": "200",
        "dl-reply": '{"code":"400"}',
        "dl-uuid": "asd123",
        "dl-event-key": "c_buy",
        "dl-config": "0123456789ab",
        "dl-attempt": "1",
    }


def test_a_record_that_could_not_be_decoded_has_an_empty_route() -> None:
    item = Item(DEAD_LETTERS, "", b"", b"", (), RECORD, Failure("decode_failed", detail="not JSON"))
    assert headers(item)["dl-route"] == ""
    assert headers(item)["dl-reason"] == "decode_failed"


def test_a_value_that_was_too_large_to_produce_is_said_to_be_missing() -> None:
    item = Item(DEAD_LETTERS, "orders", b"", b"", (), RECORD, REFUSED)
    assert headers(item, omitted=True)["dl-value-omitted"] == "1"
    assert "dl-value-omitted" not in headers(item)


@given(reply=st.text(max_size=5000))
@example("a" + "兔" * 1000)
def test_every_header_is_utf8_and_no_longer_than_two_kib(reply: str) -> None:
    item = Item(DEAD_LETTERS, "orders", b"", b"", (), RECORD, Failure("refused", reply=reply))
    for _, value in added_headers(item, ORIGIN, omitted=False):
        assert value is not None
        assert len(value) <= 2048
        value.decode()
