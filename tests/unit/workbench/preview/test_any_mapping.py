"""Whatever the mapping and the records: a preview shows what `run` makes, and what it saves is a test that passes."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.config.loading import UNUSED_BY_MAPPING, check
from connector.core.record import Record
from connector.workbench.masking import Mask
from connector.workbench.preview.comparison import changes
from connector.workbench.preview.given import Given
from connector.workbench.preview.outcomes import PreviewedMapping
from connector.workbench.preview.saving import save
from connector.workbench.preview.views import outcome_view, reference_views
from connector.workbench.testing.comparing import Made
from connector.workbench.testing.mappings import Mappings
from connector.workbench.testing.reading import read_cases
from connector.workbench.testing.running import run
from tests.unit.mapping.helpers import EVENT, NOW_MS, TOPIC
from tests.unit.mapping.test_both_ways import RECORDS, routes

if TYPE_CHECKING:
    from connector.config.loading import Checked

CLUSTER = "cluster"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(routes(), min_size=1, max_size=3),
    st.lists(RECORDS, min_size=1, max_size=6),
    st.booleans(),
)
def test_a_preview_shows_what_run_makes_and_saves_tests_that_pass(
    given_routes: list[dict[str, Any]],
    values: list[object],
    unmask: bool,  # noqa: FBT001
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        checked = checked_config(Path(folder), given_routes)
        if checked is None:
            return
        givens = [Given(each) for value in values if (each := record(value)) is not None]
        mapping = PreviewedMapping(checked, CLUSTER)
        outcomes = mapping.outcomes(givens)
        assert checked.mapping is not None
        mapper = checked.mapping.mapper(CLUSTER)
        for outcome in outcomes:
            assert list(outcome.made) == [Made.of(item) for item in mapper.items(outcome.given.record)]
            assert bool(outcome.made) != bool(outcome.skipped_because)
        assert changes(outcomes, outcomes) == []
        assert all(count.found <= count.asked <= len(givens) for count in mapping.references.counts)
        mask = Mask(mapping.config, unmask=unmask)
        json.dumps([[outcome_view(each, mask) for each in outcomes], reference_views(mapping, mask)])
        file = Path(folder) / "saved.yaml"
        save(file, outcomes, PreviewedMapping(checked, CLUSTER), mask)
        if file.exists():
            assert all(result.passed for result in run([read_cases(str(file), Mappings())]))


def checked_config(folder: Path, given_routes: list[dict[str, Any]]) -> Checked | None:
    """Return a config with these routes; None if they are not sound."""
    file = folder / "connector.yaml"
    config = {
        "kafka": {"bootstrap_servers": "b:9092", "group_id": "g"},
        "platform": {"auth": {"token": "${TOKEN}"}},
        "targets": {"t": {"endpoint": EVENT}},
        "routes": [{**each, "name": f"r{index}"} for index, each in enumerate(given_routes)],
    }
    file.write_text(json.dumps(config))
    checked = check(file, {}, unused=UNUSED_BY_MAPPING)
    return None if checked.config is None else checked


def record(value: object) -> Record | None:
    """Return a record of a value; None if it can't be written as UTF-8."""
    try:
        data = json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return None
    return Record(TOPIC, 0, 7, NOW_MS, b"k", data, ())
