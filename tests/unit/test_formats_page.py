"""docs/formats.md: its config is sound, and each of its examples is what a value of that type becomes."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from connector.config.loading import check
from tests.unit.config.files import ENVIRON, SOUND
from tests.unit.decode.test_avro import decoded, of

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
NOON = datetime(2020, 11, 16, 9, 36, 55, 673_000, tzinfo=UTC)
BIG = Decimal("12345678901234567.89")
SAMPLES: dict[str, list[tuple[Any, object]]] = {
    "bytes": [("bytes", b"\x00\xff")],
    "decimal": [(of("bytes", "decimal", precision=20, scale=2), value) for value in (Decimal("1420.50"), BIG)],
    "float": [("float", 19.9)],
    "date": [(of("int", "date"), date(1990, 1, 31))],
    "time-millis": [(of("int", "time-millis"), time(9, 5, 0, 7000))],
    "timestamp-millis": [(of("long", "timestamp-millis"), datetime.fromtimestamp(1605490615.673, UTC))],
    "local-timestamp-…": [(of("long", "local-timestamp-millis"), NOON.replace(tzinfo=None))],
    "uuid": [(of("string", "uuid"), UUID("89791762-2336-4186-9674-299b90a802e2"))],
}


def rows() -> dict[str, list[object]]:
    """Return the examples of the table of values, by the first type of their row."""
    table = PAGE.partition("| Avro | value | example |")[2].partition("\n\n")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    found = {}
    for kinds, _, example in cells:
        if name := re.match(r"`([^`]+)`", kinds):
            found[name[1]] = [json.loads(text) for text in re.findall(r"`([^`]+)`", example)]
    return found


@pytest.mark.parametrize("kind", rows())
def test_an_example_is_what_a_value_becomes(kind: str) -> None:
    assert [decoded(schema, value) for schema, value in SAMPLES[kind]] == rows()[kind]


def test_the_config_of_the_page_is_sound(tmp_path: Path) -> None:
    [block] = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    kafka, _, decode = block.partition("decode:\n")
    registry = kafka.removeprefix("kafka:\n")
    text = SOUND.replace("  group_id: shop\n", f"  group_id: shop\n{registry}decode:\n{decode}")
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    checked = check(tmp_path / "c.yaml", {**ENVIRON, "REGISTRY_CREDENTIALS": "u:p"}, lambda _kafka, _problems: None)
    assert [problem.line("c.yaml") for problem in checked.problems if "identity" not in problem.line("")] == []
