"""What the mapping of a config makes of records, and why it makes nothing of one."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.config.located import path_text
from connector.core.errors import DecodeError
from connector.decode.decoding import FORMATS_OF_TESTS
from connector.mapping import compile_mapping
from connector.settings.problems import Problems
from connector.workbench.preview.decisions import Decisions
from connector.workbench.preview.references import References
from connector.workbench.preview.skips import FailedCondition, Skip
from connector.workbench.testing.comparing import Made

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from connector.config.documents import Document
    from connector.config.loading import Checked
    from connector.core.record import Item, Record
    from connector.decode.decoding import BuildFormat
    from connector.mapping.json_values import Json
    from connector.mapping.location import Part
    from connector.mapping.lookup import Getter
    from connector.settings.models import Config
    from connector.settings.problems import Path
    from connector.workbench.preview.given import Given
    from connector.workbench.preview.references import ReferenceCount


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record."""

    given: Given
    decoded: Json
    """The decoded value; None if it can't be decoded, or is a tombstone."""
    is_decoded: bool
    made: tuple[Made, ...]
    """Items and dead letters in the order of the routes; none: the record is skipped."""
    skips: tuple[Skip, ...]
    """Why it is skipped; empty if it is not."""

    @property
    def skipped_because(self) -> tuple[str, ...]:
        """Why it is skipped, as sentences."""
        return tuple(map(str, self.skips))

    @property
    def kind(self) -> tuple[tuple[str, ...], ...]:
        """What records of which the same becomes have in common."""
        return tuple(_kind(each) for each in self.made) or tuple(("", "", why) for why in self.skipped_because)


def _kind(made: Made) -> tuple[str, ...]:
    if made.failure is None:
        return made.route, made.target, str(made.item.get("eventKey", ""))
    return made.route, "", made.failure.reason, made.failure.field


def names_of(outcome: Outcome) -> list[frozenset[tuple[str, ...]]]:
    """Return the names of everything that each item has: the paths in its tables; none for a dead letter."""
    return [_names(made.item, ()) for made in outcome.made]


def objects_of(outcome: Outcome) -> Iterator[str]:
    """Yield the arguments of events that are objects, or lists of such, which no document of the platform shows."""
    for made in outcome.made:
        arguments = None if made.failure is not None else made.item.get("eventargs")
        for name, each in (arguments or {}).items():
            if isinstance(each, dict) or (isinstance(each, list) and any(isinstance(one, dict) for one in each)):
                yield f"eventargs.{name}"


def _names(item: Json, at: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    if not isinstance(item, dict):
        return frozenset()
    return frozenset((*at, name) for name in item).union(*(_names(each, (*at, name)) for name, each in item.items()))


class PreviewedMapping:
    """The mapping of a sound config, compiled with what observes its references and conditions.

    `formats` decodes the records of Kafka; without it, values of any format are JSON.
    """

    def __init__(
        self, checked: Checked, cluster_id: str, formats: Mapping[str, BuildFormat] = FORMATS_OF_TESTS
    ) -> None:
        config, document = checked.config, checked.document
        assert config is not None  # noqa: S101 - the caller has looked
        assert document is not None  # noqa: S101 - it has a config
        self.file = checked.file
        self.config: Config = config
        self.document: Document = document
        self.references = References()
        self.decisions = Decisions(document.read.data)
        self._failed: dict[Path, None] = {}
        """The conditions that did not hold in this record."""
        fed = {route.to for route in config.routes}  # what another one lacks, no route needs
        targets = {name: target for name, target in config.targets.items() if name in fed}
        compiled = compile_mapping(
            targets,
            list(enumerate(config.routes)),
            Problems(),
            self._observe,
            config.decode,
            events=config.events or None,
        )
        assert compiled is not None  # noqa: S101 - the config is sound
        self.compiled = compiled
        self._decoding_of = compiled.decodings(formats)
        self._mapper = compiled.mapper(cluster_id, projected=False, formats=formats)

    def outcomes(self, givens: Iterable[Given]) -> list[Outcome]:
        """Return what becomes of these records, and count the references for good."""
        found = [self.outcome(given) for given in givens]
        self.references.look_up_unneeded(
            [(each.decoded, each.given.record) for each in found if each.is_decoded and not each.given.is_tombstone],
            self._may_be_in,
        )
        self.references.conclude()
        return found

    def outcome(self, given: Given) -> Outcome:
        """Return what becomes of a record."""
        self.references.begin()
        self.decisions.begin()
        self._failed.clear()
        skipped = self._mapper.skipped.copy()
        is_decoded, decoded = given.is_decoded, given.decoded
        if not is_decoded and given.record.value is not None:
            with contextlib.suppress(DecodeError):  # the mapper says what is wrong
                decoded, is_decoded = self._decoding_of(given.record.topic).read(given.record), True
        made = tuple(Made.of(item) for item in self._items(given, decoded, is_decoded=is_decoded))
        by_config = {route for route, _target in self._mapper.skipped - skipped}
        because = () if made else tuple(self._because(given, by_config))
        return Outcome(given, decoded, is_decoded or given.is_tombstone, made, because)

    def _items(self, given: Given, decoded: Json, *, is_decoded: bool) -> Sequence[Item]:
        if given.is_tombstone:
            return ()
        if is_decoded:
            return self._mapper.items_of_value(decoded, given.record)
        return self._mapper.items(given.record)

    def _because(self, given: Given, skipped_by_config: set[str]) -> Iterator[Skip]:
        """Yield why no route makes anything of a record."""
        topic = given.record.topic
        routes = self.compiled.routes_of(topic)
        if not routes:
            yield Skip("no_route", topic)
            return
        if given.is_tombstone:
            yield Skip("tombstone", topic)
            return
        index_of = {route.name: index for index, route in enumerate(self.config.routes)}
        for route in routes:
            failed = [path for path in self._failed if path[1] == index_of[route.name]]
            if failed:
                yield Skip("condition", topic, route.name, tuple(map(self._condition, failed)))
            else:
                yield Skip("skip" if route.name in skipped_by_config else "nothing", topic, route.name)

    def _condition(self, path: Path) -> FailedCondition:
        return FailedCondition(path_text(path[2:]), self.file, self.document.position(path))

    def place(self, path: Path) -> str:
        """Return where something stands in the config: ``connector.yaml:12:7``."""
        line, column = self.document.position(path)
        return f"{self.file}:{line}:{column}"

    def _observe(self, part: Part, path: Path, get: Getter, text: str) -> Getter:
        get = self.decisions.observe(part, path, get)
        if part == "reference":
            return self.references.observe(path, get, text)
        if part != "condition":
            return get

        def condition(value: Json, record: Record) -> Json:
            holds = get(value, record)
            if not holds:
                self._failed[path] = None
            return holds

        return condition

    def _may_be_in(self, count: ReferenceCount, record: Record) -> bool:
        """Whether a path into the record means the decoded value as it stands."""
        route = self.config.routes[int(count.path[1])]
        if route.transform is not None or self._decoding_of(record.topic).envelope is not None:
            return False
        return any(each.name == route.name for each in self.compiled.routes_of(record.topic))
