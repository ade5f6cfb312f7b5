"""What `list` and `show` print, over a topic in memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest

from connector.core.errors import CommandError, UsageError
from connector.core.record import Failure, Record
from connector.dead_letters.listing import list_letters, table
from connector.dead_letters.output import Output
from connector.dead_letters.selection import Filters
from connector.dead_letters.showing import Form, Place, parse_place, show_letters
from tests.unit.dead_letters.letters import FAILURE, RECORD, Topic, letter, written

if TYPE_CHECKING:
    from connector.kafka.record_fetcher import RecordFetcher
    from connector.kafka.topic_reader import TopicReader


def listed(capsys: pytest.CaptureFixture[str], topic: Topic, **options: Any) -> tuple[list[str], list[str]]:  # noqa: ANN401
    filters, limit = options.get("filters", Filters()), options.get("limit")
    list_letters(cast("TopicReader", topic), filters, limit, Output(), as_json=options.get("as_json", False))
    printed = capsys.readouterr()
    return printed.out.splitlines(), printed.err.splitlines()


def shown(capsys: pytest.CaptureFixture[str], topic: Topic, place: str = "0:12", *, unmask: bool = False) -> str:
    reader, fetcher = cast("TopicReader", topic), cast("RecordFetcher", topic)
    show_letters(reader, fetcher, parse_place(place), Form(unmask, as_json=False), Output())
    return capsys.readouterr().out


def shown_json(capsys: pytest.CaptureFixture[str], topic: Topic, *, unmask: bool = False) -> dict[str, Any]:
    reader, fetcher = cast("TopicReader", topic), cast("RecordFetcher", topic)
    show_letters(reader, fetcher, Place("", 0, 12), Form(unmask, as_json=True), Output())
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


# -- list -------------------------------------------------------------------------------------------------------


def test_a_line_says_where_the_letter_is_what_it_is_about_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    lines, told = listed(capsys, Topic(written(12, attempt=2)))
    assert lines[0].split() == ["PLACE", "AT", "RECORD", "ROUTE", "TARGET", "REASON", "TRY", "DETAIL"]
    place, _at, record, route, target, reason, attempt, *detail = lines[1].split()
    assert (place, record, route, target, reason, attempt) == (
        "0:12",
        "shop.orders[3]@41",
        "orders",
        "purchases",
        "refused",
        "2",
    )
    assert " ".join(detail) == "identity: code 400"
    assert told == []


def test_the_summary_counts_by_route_and_reason(capsys: pytest.CaptureFixture[str]) -> None:
    undecodable = Failure("decode_failed")
    lines, _ = listed(capsys, Topic(written(1), written(2), written(3, route="", failure=undecodable)))
    assert lines[-3:] == ["       2  orders, refused", "       1  (no route), decode_failed", "       3  in all"]


def test_a_limit_keeps_the_newest_and_counts_all(capsys: pytest.CaptureFixture[str]) -> None:
    lines, _ = listed(capsys, Topic(*(written(n) for n in range(5))), limit=2)
    assert [line.split()[0] for line in lines[1:3]] == ["0:3", "0:4"]
    assert lines[-1] == "       5  in all"


def test_json_is_one_document_per_line_and_the_summary_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    lines, told = listed(capsys, Topic(written(1), written(2)), as_json=True)
    documents = [json.loads(line) for line in lines]
    assert [document["place"] for document in documents] == ["0:1", "0:2"]
    assert documents[0].pop("at")
    assert documents[0] == {
        "place": "0:1",
        "topic": "shop.orders",
        "partition": 3,
        "offset": 41,
        "route": "orders",
        "target": "purchases",
        "reason": "refused",
        "field": "identity",
        "detail": "code 400",
        "attempt": 1,
        "omitted": [],
    }
    assert told[-1].strip() == "2  in all"


def test_a_phone_number_in_a_detail_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    failure = Failure("refused", detail="手机号 13800000000 无效")
    for as_json in (False, True):
        lines, _ = listed(capsys, Topic(written(1, failure=failure)), as_json=as_json)
        assert "13800000000" not in "\n".join(lines)
        assert "99999999999 无效" in "\n".join(lines)


def test_nothing_sends_commands_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    failure = Failure("refused", detail="\x1b[31mred\r\nnew")
    lines, _ = listed(capsys, Topic(written(1, failure=failure, route="a\x1bb")))
    assert "\x1b" not in "\n".join(lines)
    assert lines[1].endswith("[31mred new")


FUTURE_MS = 4_070_908_800_000


@pytest.mark.parametrize(
    ("topic", "filters", "said"),
    [
        (Topic(), Filters(), "no dead letters"),
        (Topic(), Filters(since_ms=FUTURE_MS), "no dead letters"),
        (Topic(written(1)), Filters(since_ms=FUTURE_MS), "no dead letters since 2099-01-01T00:00:00+00:00"),
        (Topic(written(1)), Filters(routes=["x"]), "looked at 1 dead letter: none matches"),
        (Topic(written(1), written(2)), Filters(routes=["x"]), "looked at 2 dead letters: none matches"),
        (
            Topic(written(1), written(2, produced_ms=2_000_000_000_000)),
            Filters(routes=["x"], since_ms=1_800_000_000_000),
            "looked at 1 dead letter since 2027-01-15T08:00:00+00:00: none matches",
        ),
        (Topic(RECORD), Filters(), "1 record of the topic is no dead letter: something else writes to it"),
    ],
)
def test_nothing_to_list_is_said(capsys: pytest.CaptureFixture[str], topic: Topic, filters: Filters, said: str) -> None:
    lines, told = listed(capsys, topic, filters=filters)
    assert lines == []
    assert told[-1] == said


def test_the_columns_fit_the_first_rows_and_later_ones_are_not_cut() -> None:
    rows = [("0:1", *"abcdef", "x")] * 500 + [("0:123456", *"abcdef", "long")]
    lines = list(table(rows))
    assert len(lines) == 502
    assert lines[-1].startswith("0:123456")


# -- show -------------------------------------------------------------------------------------------------------


def test_a_letter_is_shown_whole_and_masked(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, Topic(written(12)))
    for fact in ("0:12 of letters", "shop.orders[3]@41", "2020-11-16T01:36:55.673+00:00", '{"code":"400"}'):
        assert fact in text
    assert '"buyer": "99999999999"' in text
    assert "13800000000" not in text
    assert "header trace  9" in text


def test_unmask_shows_what_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, Topic(written(12)), unmask=True)
    assert '"buyer": "13800000000"' in text
    assert "header trace  1" in text


def test_json_has_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    document = shown_json(capsys, Topic(written(12)), unmask=True)
    assert document["value"] == {"buyer": "13800000000"}
    assert (document["key"], document["headers"], document["timestamp"]) == ("k", [["trace", "1"]], 1_605_490_615_673)
    assert (document["http_status"], document["reply"]) == ("200", '{"code":"400"}')
    masked = shown_json(capsys, Topic(written(12)))
    assert (masked["value"], masked["key"]) == ({"buyer": "99999999999"}, "a")


def test_a_value_that_was_left_out_is_read_from_the_record(capsys: pytest.CaptureFixture[str]) -> None:
    stripped = written(12, form=-1)
    assert stripped.value is None
    document = shown_json(capsys, Topic(stripped, origin=RECORD), unmask=True)
    assert document["value"] == {"buyer": "13800000000"}
    assert (document["key"], document["headers"], document["restored"]) == ("k", [["trace", "1"]], True)
    assert "read from the record itself" in shown(capsys, Topic(stripped, origin=RECORD))


@pytest.mark.parametrize("origin", [None, RECORD.replace(timestamp_ms=1)], ids=["deleted", "created again"])
def test_a_value_that_is_gone_is_said_to_be(capsys: pytest.CaptureFixture[str], origin: Record | None) -> None:
    text = shown(capsys, Topic(written(12, form=-1), origin=origin))
    assert "the record no longer exists" in text
    assert text.endswith("(none)\n")


def test_a_value_that_is_no_json_is_shown_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    record = RECORD.replace(value=b"no json\x1b \xff")
    assert shown(capsys, Topic(written(12, record=record)), unmask=True).endswith("no json  \\xff\n")


def test_every_letter_of_a_record_is_found_by_the_record(capsys: pytest.CaptureFixture[str]) -> None:
    other = written(14, record=RECORD.replace(offset=42))
    text = shown(capsys, Topic(written(12), written(13, route="refunds"), other), "shop.orders[3]@41")
    assert "0:12 of letters" in text
    assert "0:13 of letters" in text
    assert "0:14 of letters" not in text


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("0:99", "no dead letter at 0:99; partition 0 of letters holds 12 to 12"),
        ("7:0", "letters has no partition 7: it has 0 to 0"),
        ("shop.orders[3]@7", r"no dead letter of shop.orders\[3\]@7 in letters"),
    ],
)
def test_a_letter_that_is_not_there_is_an_error(place: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match=message):
        shown(capsys, Topic(written(12)), place)


def test_an_empty_partition_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="partition 0 of letters is empty"):
        shown(capsys, Topic(), "0:0")


@pytest.mark.parametrize("text", ["", "12", "a:b", "0:1:2", "t[0]", "t@1", "t[x]@1"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected a place such as 0:12"):
        parse_place(text)


def test_a_place_in_the_topic_itself_may_be_written_with_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert "0:12 of letters" in shown(capsys, Topic(written(12)), "letters[0]@12")
    assert letter().place == "0:12"
    assert FAILURE.reason == letter().reason
