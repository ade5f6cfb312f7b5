"""Letters for the tests of the commands."""

from __future__ import annotations

from typing import Any

from connector.core.letters import Letter, Origin, Subject, letter_messages, read_letter
from connector.core.record import DEAD_LETTERS, Failure, Item, Record

ORIGIN = Origin("g", "0123456789ab")
RECORD = Record("shop.orders", 3, 41, 1_605_490_615_673, b"k", b'{"buyer":"13800000000"}', (("trace", b"1"),))
FAILURE = Failure("refused", "purchases", "identity", "code 400", 200, '{"code":"400"}')


def written(
    offset: int = 12,
    *,
    record: Record = RECORD,
    failure: Failure = FAILURE,
    route: str = "orders",
    attempt: int = 1,
    form: int = 0,
    produced_ms: int | None = 1_700_000_000_000,
) -> Record:
    """Return a letter as a record of the dead-letter topic; `form` is how much of it was left out."""
    item = Item(DEAD_LETTERS, route, b"", b"", (), record, failure)
    message = list(letter_messages(item, Subject(record, attempt), ORIGIN))[form]
    return Record("letters", 0, offset, produced_ms, message.key, message.value, tuple(message.headers))


def letter(**what: Any) -> Letter:  # noqa: ANN401 - passed on
    """Return a letter as it is read."""
    found = read_letter(written(**what))
    assert found is not None
    return found
