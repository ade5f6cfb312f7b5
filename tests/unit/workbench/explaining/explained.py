"""Configs that are explained, for the tests."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from rich.console import Console

from connector.config.loading import UNUSED_BY_MAPPING, check
from connector.core.record import Record
from connector.decode.decoding import FORMATS_OF_TESTS
from connector.workbench.explaining.document import as_document
from connector.workbench.explaining.explanation import Explainer, Explanation
from connector.workbench.explaining.rendering import print_explanation
from connector.workbench.masking import Mask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from connector.settings.models import Config

NOW_MS = 1_760_000_000_000
PHONE = {"type": "phone", "value": {"from": "$.buyer.mobile", "as": "phone"}}


def config(
    folder: Path,
    *routes: dict[str, Any],
    environ: Mapping[str, str] | None = None,
    **sections: Any,  # noqa: ANN401 - sections
) -> Config:
    """Return the config of these routes to one target; what a route does not say is sound."""
    usual = {"topics": ["shop.orders"], "to": "t", "event_key": "c_buy", "identity": [PHONE]}
    named = [{"name": f"r{index}", **usual, **route} for index, route in enumerate(routes)]
    raw = {"targets": {"t": {"endpoint": "event/v2/batchAdd"}}, "routes": named, **sections}
    raw |= {"kafka": {"bootstrap_servers": "localhost:9092", "group_id": "g"}, "platform": {"auth": {"token": "${T}"}}}
    file = folder / "c.yaml"
    file.write_text(json.dumps(raw))
    checked = check(file, environ or {}, unused=UNUSED_BY_MAPPING)
    assert checked.config is not None, checked.problems
    return checked.config


def record(value: object, **changed: Any) -> Record:  # noqa: ANN401 - fields of a record
    data = value if isinstance(value, bytes | None) else json.dumps(value, ensure_ascii=False).encode()
    return Record("shop.orders", 0, 41, NOW_MS, b"key-4711", data, ()).replace(**changed)


def explain(of: Config, value: object, **changed: Any) -> Explanation:  # noqa: ANN401 - fields of a record
    return Explainer(of, "cluster", FORMATS_OF_TESTS).explain(record(value, **changed))


def text(explanation: Explanation, *, unmask: bool = False) -> str:
    """Return what is printed where no terminal is."""
    printed = io.StringIO()
    console = Console(file=printed, width=100_000, highlight=False)
    print_explanation(explanation, Mask(explanation.config, unmask=unmask), console, unmask=unmask)
    return printed.getvalue()


def document(explanation: Explanation, *, unmask: bool = False) -> dict[str, Any]:
    """Return what `--json` prints."""
    made = as_document(explanation, Mask(explanation.config, unmask=unmask))
    again: dict[str, Any] = json.loads(json.dumps(made))
    return again
