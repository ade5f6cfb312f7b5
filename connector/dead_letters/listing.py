"""`dead-letters list`: one line per letter, the newest last, and how many there are of each kind."""

from __future__ import annotations

from collections import Counter, deque
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

import orjson

from connector.core.record import TopicPartition
from connector.dead_letters.masking import mask_numbers
from connector.dead_letters.selection import Read, foreign_records, letters, none_matches
from connector.observe.scrub import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connector.core.letters import Letter
    from connector.dead_letters.output import Output
    from connector.dead_letters.selection import Filters
    from connector.kafka.topic_reader import TopicReader

_HEADINGS: Final = ("PLACE", "AT", "RECORD", "ROUTE", "TARGET", "REASON", "TRY", "DETAIL")
_MEASURED_ROWS: Final = 500
"""The first rows decide how wide the columns are: a million letters are not kept for that."""


def list_letters(reader: TopicReader, filters: Filters, limit: int | None, output: Output, *, as_json: bool) -> None:
    """Print the letters that match; with a limit, only the newest ones."""
    read, kinds = Read(), Counter[tuple[str, str]]()
    found: Iterable[Letter] = _counted(letters(reader, filters, read), kinds)
    if limit is not None:
        found = deque(found, maxlen=limit)
    if as_json:
        for letter in found:
            output.print(orjson.dumps(describe(letter)).decode())
    else:
        for line in table(map(_row, found)):
            output.print(line)
    if kinds:
        _summarize(kinds, output, as_json=as_json)
    elif read.letters:
        output.note(none_matches(read.letters, filters.since))
    else:
        holds_any = any(one.first < one.end for one in reader.ranges.values())
        output.note("no dead letters" + filters.since * holds_any)
    if read.foreign:
        output.note(foreign_records(read.foreign))


def describe(letter: Letter) -> dict[str, Any]:
    """Return what `--json` says about a letter; the keys are those of `/status`, and where the letter itself is."""
    added = letter.added
    return {
        "place": letter.place,
        "at": added.get("dl-at", ""),
        "topic": letter.record.topic,
        "partition": letter.record.partition,
        "offset": letter.record.offset,
        "route": letter.route,
        "target": added.get("dl-target", ""),
        "reason": letter.reason,
        "field": added.get("dl-field", ""),
        "detail": mask_numbers(added.get("dl-detail", "")),
        "attempt": letter.attempt,
        "omitted": sorted(part.value for part in letter.omitted),
    }


def record_place(letter: Letter) -> str:
    """Return where the record came from: topic[partition]@offset."""
    record = letter.record
    return f"{TopicPartition(record.topic, record.partition)}@{record.offset}"


def table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a table with headings; none if there is no row."""
    remaining = iter(rows)
    first = list(islice(remaining, _MEASURED_ROWS))
    if not first:
        return
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *first, strict=True)]
    for row in chain([_HEADINGS], first, remaining):
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def kind_name(route: str, reason: str) -> str:
    """Return how a kind of letters is called in a summary."""
    return f"{route or '(no route)'}, {reason or 'unknown'}"


def _counted(found: Iterable[Letter], kinds: Counter[tuple[str, str]]) -> Iterator[Letter]:
    for letter in found:
        kinds[letter.route, letter.reason] += 1
        yield letter


def _row(letter: Letter) -> tuple[str, ...]:
    added = letter.added
    detail = ": ".join(filter(None, (added.get("dl-field", ""), mask_numbers(added.get("dl-detail", "")))))
    at = added.get("dl-at", "")[:19]
    texts = (letter.place, at, record_place(letter), letter.route, added.get("dl-target", ""), letter.reason)
    return tuple(map(printable, (*texts, str(letter.attempt), detail)))


def _summarize(kinds: Counter[tuple[str, str]], output: Output, *, as_json: bool) -> None:
    tell = output.note if as_json else output.print
    tell("" if not as_json else "dead letters by route and reason:")
    for (route, reason), count in kinds.most_common():
        tell(f"{count:>8,}  {printable(kind_name(route, reason))}")
    tell(f"{kinds.total():>8,}  in all")
