"""What today's config makes of a dead letter: items to send, or the reason why the letter is left where it is.

1. Only the route of the letter is mapped again: the record's other routes may have succeeded. A record that could not
   be decoded is mapped by all routes of its topic. Of a route that makes several items, those of the part that the
   letter names are meant. A letter that names none (an older one) means the item with its uuid, or else all.
2. The record has its original coordinates, so its events have the same uuid as before.
3. A letter is left, and stays for a later replay, if no such route reads its topic today, if its record is gone, or if
   an audience endpoint is concerned and `overwrite` is not asked for: it may hold newer data.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.record import DEAD_LETTERS, WHOLE
from connector.dead_letters.restoring import restore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.letters import Letter
    from connector.core.record import Item, Record
    from connector.kafka.record_fetcher import RecordFetcher
    from connector.mapping import CompiledMapping
    from connector.mapping.mapper import Mapper
    from connector.mapping.route import CompiledRoute


class Left(enum.Enum):
    """Why a letter is left where it is; the values are what the commands say."""

    NO_ROUTE = "no such route reads the topic today: restore the route, or its name"
    RECORD_GONE = "what the letter lacks is gone from its topic: it can't be sent"
    OVERWRITES = "may overwrite newer profiles or tags: --overwrite sends them all the same"

    @property
    def chosen(self) -> bool:
        """Whether it is left because the command line does not ask for it."""
        return self is Left.OVERWRITES


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of one letter."""

    letter: Letter
    """With the whole record, unless the letter is left."""
    items: Sequence[Item] = ()
    """What is sent; a failure is an item too. Without any, the config skips the record."""
    left: Left | None = None

    @property
    def failure(self) -> str:
        """The reason why the letter would fail again; empty if it would not."""
        failures = [item.failure.reason for item in self.items if item.target == DEAD_LETTERS and item.failure]
        return failures[0] if failures else ""


class Planner:
    """Plans letters with the mapping of today. Used by one thread; blocks while it reads a record from its origin."""

    def __init__(
        self,
        mapping: CompiledMapping,
        mapper: Mapper,
        fetcher: RecordFetcher,
        fetch_schema: Callable[[Record], None] = lambda _: None,
        *,
        overwrite: bool = False,
    ) -> None:
        """`fetch_schema` makes sure that the mapper can read a record; it raises CommandError."""
        self._mapping = mapping
        self._mapper = mapper
        self._fetcher = fetcher
        self._fetch_schema = fetch_schema
        self._overwrite = overwrite

    def plan(self, letter: Letter) -> Plan:
        """Return what becomes of a letter. Raises CommandError if its record, or a schema, can't be had now."""
        routes = self._routes_of(letter)
        if not routes:
            return Plan(letter, left=Left.NO_ROUTE)
        if not self._overwrite and any(route.endpoint.kind == "audience" for route in routes):
            return Plan(letter, left=Left.OVERWRITES)
        whole = restore(letter, self._fetcher)
        if whole is None:
            return Plan(letter, left=Left.RECORD_GONE)
        self._fetch_schema(whole.record)
        if letter.route:
            return Plan(whole, _of_letter(letter, self._mapper.items_of_route(whole.record, routes[0])))
        return Plan(whole, self._mapper.items(whole.record))

    def _routes_of(self, letter: Letter) -> list[CompiledRoute]:
        routes = self._mapping.routes_of(letter.record.topic)
        return [route for route in routes if letter.route in {"", route.name}]


def _of_letter(letter: Letter, items: Sequence[Item]) -> Sequence[Item]:
    if letter.part != WHOLE:
        return [item for item in items if letter.part.has(item.part)]
    uuid = letter.added.get("dl-uuid")
    same = [item for item in items if uuid and f'"uuid":"{uuid}"'.encode() in item.body]
    return same or items
