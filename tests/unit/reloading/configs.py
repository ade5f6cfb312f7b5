"""Configs as types, for tests of what differs between two."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from connector.settings.models import Config

if TYPE_CHECKING:
    from collections.abc import Callable

TAG, PROFILE, EVENT = "audience/tag/batchAdd", "audience/info/batchAdd", "event/v2/batchAdd"


def route(name: str, to: str, *topics: str) -> dict[str, Any]:
    """Return a route."""
    identity = [{"type": "phone", "value": "$.phone"}]
    return {"name": name, "topics": list(topics) or [name], "to": to, "identity": identity, "fields": {"a": 1}}


BASE: dict[str, Any] = {
    "kafka": {"bootstrap_servers": "localhost:9092", "group_id": "g"},
    "platform": {"auth": {"app_id": "app", "app_secret": "one"}},
    "targets": {"tags": {"endpoint": TAG}, "buys": {"endpoint": EVENT}},
    "routes": [route("r1", "tags"), route("r2", "buys")],
}


def config(*edits: Callable[[dict[str, Any]], object]) -> Config:
    """Return the base as a config, edited."""
    data = copy.deepcopy(BASE)
    for edit in edits:
        edit(data)
    return Config.model_validate(data)
