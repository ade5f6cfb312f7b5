"""Letters for the tests of the commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.core.letters import Letter, Subject, letter_messages, read_letter
from connector.core.record import DEAD_LETTERS, WHOLE, Failure, Item, Record, RecordPart
from connector.kafka.topic_reader import Range

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

RECORD = Record("shop.orders", 3, 41, 1_605_490_615_673, b"k", b'{"buyer":"13800000000"}', (("trace", b"1"),))
FAILURE = Failure("refused", "purchases", "identity", "code 400", 200, '{"code":"400"}', "0123456789ab")


def written(
    offset: int = 12,
    *,
    record: Record = RECORD,
    failure: Failure = FAILURE,
    route: str = "orders",
    body: bytes = b"",
    part: RecordPart = WHOLE,
    attempt: int = 1,
    form: int = 0,
    produced_ms: int | None = 1_700_000_000_000,
) -> Record:
    """Return a letter as a record of the dead-letter topic; `form` is how much of it was left out."""
    item = Item(DEAD_LETTERS, route, body, b"", (), record, failure, part.element, part.row)
    message = list(letter_messages(item, Subject(record, attempt), "g"))[form]
    return Record("letters", 0, offset, produced_ms, message.key, message.value, tuple(message.headers))


def letter(**what: Any) -> Letter:  # noqa: ANN401 - passed on
    """Return a letter as it is read."""
    found = read_letter(written(**what))
    assert found is not None
    return found


class Topic:
    """The dead-letter topic `letters` with one partition, as the reader and the fetcher see it; and `origin`."""

    topic = "letters"

    def __init__(self, *records: Record, origin: Record | None = None) -> None:
        self.all = records
        self._origin = origin
        first, last = (records[0].offset, records[-1].offset) if records else (0, -1)
        self.ranges = {0: Range(first, last + 1)}

    def starts_at(self, timestamp_ms: int | None) -> dict[int, int]:
        places = (one.offset for one in self.all if timestamp_ms is None or (one.timestamp_ms or 0) >= timestamp_ms)
        return {0: next(places, self.ranges[0].end)}

    def records(self, starts: Mapping[int, int]) -> Iterator[Record]:
        yield from (record for record in self.all if record.offset >= starts[0])

    def fetch(self, topic: str, partition: int, offset: int) -> Record | None:
        found = self.all if topic == self.topic else [self._origin] if self._origin is not None else []
        return next(
            (one for one in found if (one.topic, one.partition, one.offset) == (topic, partition, offset)), None
        )
