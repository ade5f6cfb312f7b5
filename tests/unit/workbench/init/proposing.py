"""What the tests of `init` share: from values to what is written, and a check of that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.config.loading import check
from connector.kafka.properties import validate_properties
from connector.workbench.init.command import Written, made_of
from connector.workbench.init.lines import TODO
from connector.workbench.init.reading import Looked
from connector.workbench.init.shapes import recognise
from connector.workbench.testing.mappings import Mappings
from connector.workbench.testing.reading import read_cases
from connector.workbench.testing.running import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BROKERS = "${KAFKA_BOOTSTRAP_SERVERS:-localhost:9092}"


def written(values: Sequence[Any], topic: str = "shop.orders") -> Written:
    """What `init` writes for decoded values."""
    looked = Looked(recognise([], values), topic, is_guessed=False, description="records of a test")
    return made_of(looked, BROKERS, {})


def problems_elsewhere(made: Written, folder: Path) -> list[str]:
    """What `check` finds, errors and warnings, elsewhere than at a place that is left to the user."""
    config = folder / "connector.yaml"
    config.write_text(made.config, encoding="utf-8")
    lines = made.config.splitlines()
    found = check(config, {}, validate_properties).problems
    marked = {number + 1 + line.lstrip().startswith("#") for number, line in enumerate(lines) if TODO in line}
    return [each.line("connector.yaml") for each in found if each.position.line not in marked]


def failing_tests(made: Written, folder: Path) -> list[str]:
    """The names of the tests that do not pass."""
    (folder / "connector.yaml").write_text(made.config, encoding="utf-8")
    (folder / "tests").mkdir(exist_ok=True)
    tests = folder / "tests/connector.yaml"
    tests.write_text(made.tests, encoding="utf-8")
    results = run([read_cases(str(tests), Mappings())])
    assert results
    return [result.case.name for result in results if not result.passed]
