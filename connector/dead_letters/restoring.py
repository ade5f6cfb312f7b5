"""What a letter lacks of its record, because it was too large, is read from where the record came from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from connector.core.letters import Part

if TYPE_CHECKING:
    from connector.core.letters import Letter
    from connector.kafka.record_fetcher import RecordFetcher


def restore(letter: Letter, fetcher: RecordFetcher) -> Letter | None:
    """Return the letter with the whole record; None if that no longer exists. Raises CommandError without a broker."""
    if not letter.omitted:
        return letter
    record = letter.record
    found = fetcher.fetch(record.topic, record.partition, record.offset)
    if found is None or found.timestamp_ms != record.timestamp_ms:
        return None  # deleted, or the topic was created again
    return replace(
        letter,
        record=record.replace(
            key=found.key if Part.KEY in letter.omitted else record.key,
            value=found.value if Part.VALUE in letter.omitted else record.value,
            headers=found.headers if Part.HEADERS in letter.omitted else record.headers,
        ),
    )
