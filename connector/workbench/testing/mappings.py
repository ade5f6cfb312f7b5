"""The mapping of a config as the tests see it: compiled once more, with an observer that keeps the coverage."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.config.loading import UNUSED_BY_MAPPING, check
from connector.decode.decoding import FORMATS_OF_TESTS
from connector.mapping import compile_mapping
from connector.settings.problems import Problems
from connector.workbench.testing.coverage import Coverage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.config.documents import Document
    from connector.config.loading import Checked
    from connector.core.record import Item
    from connector.mapping import CompiledMapping, Mapper
    from connector.settings.models import Config
    from connector.workbench.testing.cases import Case

_CLUSTER = "mapping-tests"
"""The id of the Kafka cluster, which is part of the uuids that the connector computes: the same in all tests."""


@dataclass(frozen=True, slots=True)
class TestedMapping:
    """A sound config, its mapping, and what the tests have reached of it so far."""

    __test__ = False  # no test class, whatever its name begins with

    file: str
    """The config, as the user would name it."""
    document: Document
    config: Config
    compiled: CompiledMapping
    mapper: Mapper
    coverage: Coverage

    def items(self, case: Case) -> Sequence[Item]:
        """Return what a record becomes: items, dead letters among them, in the order of the routes."""
        self.coverage.begin()
        skipped = self.mapper.skipped.copy()
        if not case.is_decoded:
            items = self.mapper.items(case.record)
        else:
            items = () if case.decoded is None else self.mapper.items_of_value(case.decoded, case.record)
        self.coverage.reach_routes({item.route for item in items})
        self.coverage.reach_routes({route for route, _target in self.mapper.skipped - skipped})
        return items


class Mappings:
    """The configs that test files name, each checked once."""

    def __init__(self) -> None:
        self._checked: dict[str, Checked] = {}
        self._tested: dict[str, TestedMapping] = {}

    @property
    def checked(self) -> list[Checked]:
        """All of them."""
        return list(self._checked.values())

    @property
    def tested(self) -> list[TestedMapping]:
        """Those that are sound."""
        return list(self._tested.values())

    def check(self, file: str) -> Checked:
        """Check a config, without the variables that its mapping does not use."""
        key = os.path.realpath(file)
        if key not in self._checked:
            self._checked[key] = check(file, os.environ, unused=UNUSED_BY_MAPPING)
        return self._checked[key]

    def get(self, file: str) -> TestedMapping | None:
        """Return the mapping of a config; None if that is not sound."""
        checked, key = self.check(file), os.path.realpath(file)
        if key not in self._tested and checked.config is not None and checked.document is not None:
            self._tested[key] = _tested(checked.file, checked.document, checked.config)
        return self._tested.get(key)


def _tested(file: str, document: Document, config: Config) -> TestedMapping:
    coverage = Coverage([(index, route.name) for index, route in enumerate(config.routes)])
    fed = {route.to for route in config.routes}  # what another one lacks, no route needs
    targets = {name: target for name, target in config.targets.items() if name in fed}
    compiled = compile_mapping(
        targets,
        list(enumerate(config.routes)),
        Problems(),
        coverage.observe,
        decode=config.decode,
        events=config.events or None,
    )
    assert compiled is not None  # noqa: S101 - the config is sound
    mapper = compiled.mapper(_CLUSTER, formats=FORMATS_OF_TESTS)
    return TestedMapping(file, document, config, compiled, mapper, coverage)
