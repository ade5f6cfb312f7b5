"""Configs for previews, as files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.config.loading import UNUSED_BY_MAPPING, check
from connector.core.record import Record
from connector.workbench.preview.given import Given
from connector.workbench.preview.outcomes import PreviewedMapping

if TYPE_CHECKING:
    from pathlib import Path

    from connector.mapping.json_values import Json

CONFIG = """\
kafka: {bootstrap_servers: "${BROKERS}", group_id: g}
platform:
  auth: {app_id: "${TUZHAN_APP_ID}", app_secret: "${file:/run/secrets/tuzhan_app_secret}"}
targets:
  purchases: {endpoint: event/v2/batchAdd}
routes:
  - name: orders
    topics: [shop.orders]
    where: {$.status: [PAID, REFUNDED]}
    to: purchases
    event_key: {from: $.status, map: {PAID: c_buy, REFUNDED: c_refund}}
    identity: [{type: phone, value: {from: $.buyer.mobile, as: phone}}]
    fields:
      time: {from: $.paid_at, as: timestamp}
      eventargs: {c_price: {from: $.amount_fen, as: number, multiply: 0.01}, c_name: $.name}
"""
NOW_MS = 1_700_000_000_000
PAID: Json = {
    "status": "PAID",
    "buyer": {"mobile": "+86 138 1234 5678"},
    "paid_at": NOW_MS,
    "amount_fen": 142000,
    "name": "王小明",
}
UNPAID: Json = {"status": "NEW", "buyer": {"mobile": "13812345678"}}
ANONYMOUS: Json = {"status": "REFUNDED", "amount_fen": 5}


def previewed(folder: Path, text: str = CONFIG, name: str = "connector.yaml") -> PreviewedMapping:
    """Return the mapping of a config, which is written to a file."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    checked = check(file, {}, unused=UNUSED_BY_MAPPING)
    assert checked.config is not None, checked.errors()
    return PreviewedMapping(checked, "cluster")


def given(value: Json, offset: int = 0) -> Given:
    """Return a record with a decoded value."""
    return Given(Record("shop.orders", 0, offset, NOW_MS, None, None, ()), is_decoded=True, decoded=value)


def raw(value: bytes | None, **changed: object) -> Given:
    """Return a record as Kafka has it."""
    return Given(Record("shop.orders", 0, 0, NOW_MS, None, value, ()).replace(**changed))
