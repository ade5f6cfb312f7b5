"""The headers of a dead letter, its smaller forms, and reading it again."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.core.letters import LetterMessage, Part, Subject, letter_messages, read_letter
from connector.core.record import DEAD_LETTERS, UNREADABLE_HEADERS, Failure, Item, Record, RecordPart

RECORD = Record("shop.orders", 3, 41, 1_605_490_615_673, b"k", b"{}", (("trace", b"1"),))
GROUP = "tuzhan-connector"
REFUSED = Failure(
    "refused", "purchases", "identity", "code 400", http_status=200, reply='{"code":"400"}', config="0123456789ab"
)


def letter(record: Record = RECORD, failure: Failure = REFUSED, body: bytes = b"", route: str = "orders") -> Item:
    return Item(DEAD_LETTERS, route, body, b"", (), record, failure)


def forms(item: Item, attempt: int = 1) -> list[LetterMessage]:
    return list(letter_messages(item, Subject(item.record, attempt), GROUP))


def added(item: Item, attempt: int = 1) -> dict[str, str]:
    whole = forms(item, attempt)[0]
    return {name: (value or b"").decode() for name, value in whole.headers if name.startswith("dl-")}


def consumed(message: LetterMessage) -> Record:
    """Return the message as it is read from the dead-letter topic."""
    return Record("letters", 0, 7, 1_700_000_000_000, message.key, message.value, tuple(message.headers))


def test_a_refused_item_says_where_it_came_from_why_it_failed_and_what_the_platform_answered() -> None:
    found = added(letter(body=b'{"uuid":"asd123","eventKey":"c_buy"}'))
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
        "dl-field": "identity",
        "dl-detail": "code 400",
        "dl-http-status": "200",
        "dl-reply": '{"code":"400"}',
        "dl-uuid": "asd123",
        "dl-event-key": "c_buy",
        "dl-config": "0123456789ab",
        "dl-attempt": "1",
    }


@pytest.mark.parametrize(
    ("part", "text"),
    [(RecordPart(3, 14), "row=3 element=14"), (RecordPart(row=0), "row=0"), (RecordPart(element=2), "element=2")],
)
def test_a_letter_names_the_part_of_its_record(part: RecordPart, text: str) -> None:
    item = letter().replace(row=part.row, element=part.element)
    assert added(item)["dl-part"] == text
    found = read_letter(consumed(forms(item)[0]))
    assert found is not None
    assert found.part == part
    assert "dl-part" not in added(letter())


@pytest.mark.parametrize("text", ["", "row", "row=", "row=-1", "row=x element=", "rows=1", "row=" + "9" * 5000])
def test_a_part_that_can_not_be_read_is_the_whole_record(text: str) -> None:
    message = forms(letter())[0]
    found = read_letter(consumed(message._replace(headers=[*message.headers, ("dl-part", text.encode())])))
    assert found is not None
    assert found.part == RecordPart()


def test_a_record_that_could_not_be_decoded_has_an_empty_route() -> None:
    found = added(letter(failure=Failure("decode_failed", detail="not JSON"), route=""))
    assert found["dl-route"] == ""
    assert found["dl-reason"] == "decode_failed"


def test_an_item_that_did_not_fail_says_nothing_of_a_failure() -> None:
    found = added(letter().replace(failure=None))
    assert {"dl-target", "dl-reason", "dl-field", "dl-detail", "dl-http-status", "dl-reply"}.isdisjoint(found)


def test_an_item_without_uuid_and_event_key_says_nothing_of_them() -> None:
    for body in (b"", b"{}"):
        assert {"dl-uuid", "dl-event-key"}.isdisjoint(added(letter(body=body)))


def test_a_text_that_is_no_unicode_is_written_as_far_as_possible() -> None:
    assert added(letter(failure=Failure("refused", reply="\ud800x")))["dl-reply"] == "?x"


def test_the_size_of_a_message_is_that_of_its_parts() -> None:
    assert LetterMessage(b"ab", b"cde", [("n", b"12345"), ("兔", None)]).size == 2 + 3 + 1 + 5 + 3
    assert LetterMessage(None, None, []).size == 0


def test_a_letter_says_how_many_times_its_record_has_failed() -> None:
    assert added(letter(), attempt=3)["dl-attempt"] == "3"


@given(reply=st.text(max_size=5000))
@example("a" + "兔" * 1000)
def test_every_header_is_utf8_and_no_longer_than_two_kib(reply: str) -> None:
    for message in forms(letter(failure=Failure("refused", reply=reply))):
        for _, value in message.headers:
            assert value is not None
            assert len(value) <= 2048
            value.decode()


def test_the_whole_letter_comes_first_and_no_part_of_its_record_is_changed() -> None:
    whole = forms(letter())[0]
    assert (whole.key, whole.value) == (RECORD.key, RECORD.value)
    assert tuple(whole.headers[:1]) == RECORD.headers
    assert not any(name.endswith("-omitted") for name, _ in whole.headers)


def test_the_value_is_left_out_last_and_each_form_says_what_it_lacks() -> None:
    omissions = [
        [name for name, _ in message.headers if name.endswith("-omitted")]
        for message in forms(letter(failure=Failure("refused")))
    ]
    assert dict(forms(letter())[-1].headers)["dl-value-omitted"] == b"1"
    value, headers, key = (part.value for part in Part)
    assert omissions == [
        [],
        [headers],
        [key],
        [headers, key],
        [value],
        [value, headers],
        [value, key],
        [value, headers, key],
    ]


def test_nothing_is_left_out_that_the_record_does_not_have() -> None:
    bare = RECORD.replace(key=None, headers=())
    assert [message.value for message in forms(letter(bare))] == [b"{}", None]


def test_a_long_reply_is_shortened_before_anything_of_the_record_is_left_out() -> None:
    whole, shortened, *_ = forms(letter(failure=Failure("refused", "purchases", detail="d" * 500, reply="兔" * 600)))
    assert whole.size - shortened.size > 2000
    assert (shortened.key, shortened.value) == (RECORD.key, RECORD.value)
    assert dict(shortened.headers)["dl-reply"] == ("兔" * 21).encode()


def test_where_the_record_came_from_is_never_shortened() -> None:
    record = RECORD.replace(topic="t" * 249)
    for message in forms(letter(record, Failure("refused", reply="r" * 500))):
        assert dict(message.headers)["dl-topic"] == b"t" * 249


@given(
    key=st.binary(max_size=3000),
    value=st.binary(max_size=3000),
    header=st.binary(max_size=3000),
    text=st.text(max_size=3000),
)
def test_the_smallest_form_fits_into_one_kib_whatever_the_record_holds(
    key: bytes, value: bytes, header: bytes, text: str
) -> None:
    record = RECORD.replace(key=key, value=value, headers=(("h", header), ("dl-version", b"x")))
    failure = Failure("refused", "purchases", field=text, detail=text, http_status=400, reply=text)
    assert forms(letter(record, failure))[-1].size < 1024 - 200  # less than what a batch adds on the wire


def test_a_letter_is_read_as_what_was_written() -> None:
    message = forms(letter(), attempt=2)[0]
    found = read_letter(consumed(message))
    assert found is not None
    assert found.record == RECORD
    assert (found.place, found.route, found.reason, found.attempt) == ("0:7", "orders", "refused", 2)
    assert found.produced_ms == 1_700_000_000_000
    assert found.omitted == frozenset()
    assert found.added["dl-reply"] == '{"code":"400"}'


def test_a_record_without_a_timestamp_is_read_without_one() -> None:
    found = read_letter(consumed(forms(letter(RECORD.replace(timestamp_ms=None)))[0]))
    assert found is not None
    assert found.record.timestamp_ms is None


def test_what_a_letter_lacks_is_read_too() -> None:
    found = read_letter(consumed(forms(letter())[-1]))
    assert found is not None
    assert found.omitted == frozenset(Part)
    assert found.record == RECORD.replace(key=None, value=None, headers=())


def test_the_records_own_headers_stay_apart_even_if_they_are_those_of_a_dead_letter() -> None:
    """One connector's dead letters may be another's topic."""
    inner = consumed(forms(letter())[0])
    found = read_letter(consumed(forms(letter(inner, Failure("value_missing"), route="second"))[0]))
    assert found is not None
    assert found.record == inner
    assert found.route == "second"
    assert read_letter(found.record) == read_letter(inner)


def test_headers_that_cannot_be_read_are_left_out_of_every_form() -> None:
    for message in forms(letter(RECORD.replace(headers=UNREADABLE_HEADERS))):
        names = [name for name, _ in message.headers]
        assert names.count("dl-headers-omitted") == 1
        assert all(name.startswith("dl-") for name in names)


def test_what_is_no_dead_letter_is_not_read_as_one() -> None:
    assert read_letter(RECORD) is None
    assert read_letter(RECORD.replace(headers=(("dl-version", b"1"), ("dl-topic", b"t")))) is None
    bad = (("dl-version", b"1"), ("dl-topic", b"t"), ("dl-partition", b"x"), ("dl-offset", b"1"))
    assert read_letter(RECORD.replace(headers=bad)) is None


def test_a_letter_may_lack_all_headers_but_its_place_and_hold_what_is_not_utf8() -> None:
    place = (("dl-version", b"1"), ("dl-topic", b"t"), ("dl-partition", b"2"), ("dl-offset", b"1"))
    found = read_letter(RECORD.replace(headers=(*place, ("dl-detail", b"\xff"), ("dl-reply", None))))
    assert found is not None
    assert found.record == Record("t", 2, 1, None, b"k", b"{}", ())
    assert (found.route, found.reason, found.attempt) == ("", "", 1)
    assert (found.added["dl-detail"], found.added["dl-reply"]) == ("\ufffd", "")


def test_an_attempt_that_is_no_number_counts_as_the_first() -> None:
    message = forms(letter())[0]
    headers = tuple((name, b"?" if name == "dl-attempt" else value) for name, value in message.headers)
    found = read_letter(consumed(message).replace(headers=headers))
    assert found is not None
    assert found.attempt == 1
