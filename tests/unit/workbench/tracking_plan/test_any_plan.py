"""Whatever the mapping and the records: the plan that `init --events` writes passes `check`, `preview` and `test`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connector.config.loading import UNUSED_BY_MAPPING, check
from connector.core.errors import CommandError, ConfigError
from connector.workbench.init.fields import is_plain_name
from connector.workbench.init.values import looks_like_code
from connector.workbench.masking import Mask
from connector.workbench.preview.lines import read_lines
from connector.workbench.preview.outcomes import PreviewedMapping
from connector.workbench.preview.saving import save
from connector.workbench.testing.mappings import Mappings
from connector.workbench.testing.reading import read_cases
from connector.workbench.testing.running import run
from connector.workbench.tracking_plan.command import Options, propose_for
from tests.unit.mapping.helpers import EVENT, TOPIC

if TYPE_CHECKING:
    from connector.config.loading import Checked
    from connector.workbench.preview.outcomes import Outcome
    from connector.workbench.tracking_plan.inference import Plan

_KEYS = st.sampled_from(
    ["c_buy", "$.event", {"from": "$.event", "map": {"PAID": "c_buy", "x": "c_x"}, "otherwise": "c_other"},
     {"template": "c_{$.event}"}, {"from": "$.event", "default": "c_none"}],
)  # fmt: skip
_VALUES = st.sampled_from(
    ["$.a", "$.b", "$.a.*.b", "text", 5, True, "2024-01-31", {"from": "$.a", "as": "number", "on_error": "omit"},
     {"from": "$.b", "as": "timestamp", "on_error": "omit"}, {"from": "$.b", "as": "string", "on_error": "omit"},
     {"from": "$.a", "as": "integer", "on_error": "omit"}, {"from": "$.b", "map": {"1": "one", "x": 2}},
     {"template": "{$.a}-{$.b}"}, {"from": "$.a", "as": "list"}],
)  # fmt: skip
_TABLES = st.fixed_dictionaries({"c_a": _VALUES}, optional={"c_b": _VALUES, "c_c": _VALUES})
_ARGUMENTS = st.one_of(_TABLES, _TABLES, _TABLES, st.just("$.properties"))
_SCALARS = st.sampled_from([None, True, 1, 1.5, "x", "x", "1", "2024-06-01 12:30:00", 1717216200, {"b": 1}, [{"b": 1}]])
_EVENTS = st.fixed_dictionaries(
    {"event": st.sampled_from(["PAID", "PAID", "x", "click", None, "王小明"]), "a": _SCALARS, "b": _SCALARS},
    optional={"properties": st.dictionaries(st.text(max_size=4), _SCALARS, max_size=4)},
)


@st.composite
def events_routes(draw: st.DrawFn) -> dict[str, Any]:
    identity = [{"type": "openid", "value": {"template": "{$.event}"}}]
    fields = {"eventargs": draw(_ARGUMENTS)}
    return {"topics": [TOPIC], "to": "t", "event_key": draw(_KEYS), "identity": identity, "fields": fields}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(events_routes(), min_size=1, max_size=3),
    st.lists(_EVENTS, min_size=1, max_size=6),
    st.sampled_from(["plan.yaml", "plan.csv"]),
)
def test_what_is_written_passes_check_preview_and_test(
    given_routes: list[dict[str, Any]], values: list[object], plan: str
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        records, config = folder / "records.jsonl", folder / "connector.yaml"
        try:
            lines = [json.dumps({"topic": TOPIC, "value": each}, ensure_ascii=False).encode() for each in values]
        except UnicodeEncodeError:
            return
        records.write_bytes(b"\n".join(lines))
        _write(config, given_routes)
        try:
            proposed = propose_for(Options(config=config, plan=plan, file=str(records), oldest=True))
        except ConfigError:
            return  # the routes are not sound
        except CommandError:
            return  # two routes make an argument of different types
        (folder / plan).write_text(proposed.written.text, encoding="utf-8", newline="")
        before = _outcomes(check(config, {}, unused=UNUSED_BY_MAPPING), records)
        _write(config, given_routes, plan)
        checked = check(config, {}, unused=UNUSED_BY_MAPPING)
        assert checked.errors() == ()
        outcomes = _outcomes(checked, records)
        for old, new in zip(before, outcomes, strict=True):
            _no_breach(old, new, proposed.plan)
        saved = folder / "saved.yaml"
        mapping = PreviewedMapping(checked, "cluster")
        save(saved, outcomes, mapping, Mask(mapping.config, unmask=True))
        if saved.exists():
            assert all(result.passed for result in run([read_cases(str(saved), Mappings())]))


def _write(file: Path, given_routes: list[dict[str, Any]], plan: str | None = None) -> None:
    config = {
        "kafka": {"bootstrap_servers": "b:9092", "group_id": "g"},
        "platform": {"auth": {"token": "${TOKEN}"}},
        "targets": {"t": {"endpoint": EVENT}},
        "routes": [{**each, "name": f"r{index}"} for index, each in enumerate(given_routes)],
    }
    file.write_text(json.dumps(config | ({} if plan is None else {"events": {"file": plan}})))


def _outcomes(checked: Checked, records: Path) -> list[Outcome]:
    read = read_lines(str(records), TOPIC, None, oldest=True)
    return PreviewedMapping(checked, "cluster").outcomes(read.givens)


def _no_breach(before: Outcome, after: Outcome, plan: Plan) -> None:
    """What was an item is one with the plan, but for values of several types and for names that may be data."""
    for old, new in zip(before.made, after.made, strict=True):
        if old.failure is None and new.failure is not None:
            said, key = new.failure, old.item["eventKey"]
            if said.reason == "event_undefined":
                assert not looks_like_code(key)
                continue
            name, detail = said.field.removeprefix("eventargs."), said.detail
            if "no such argument" in detail:
                assert name not in plan.events[key].args
                assert not is_plain_name(name) or name[0] in "=+-@"
            else:
                assert plan.events[key].args[name].others, detail
