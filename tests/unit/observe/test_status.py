from __future__ import annotations

import orjson

from connector.observe.status import to_json, totals
from tests.unit.observe.examples import status


def test_the_body_of_status_has_the_documented_shape() -> None:
    assert orjson.loads(to_json(status())) == {
        "version": "0.1.0",
        "config": {"file": "config/connector.yaml", "sha256": "0123456789abcdef" * 4},
        "state": "running",
        "uptime_s": 12.346,
        "records": {
            "consumed": 107,
            "delivered": 57,
            "skipped": 20,
            "dead_lettered": 5,
            "released": 10,
            "in_flight": 15,
        },
        "partitions": [
            {
                "topic": "shop.orders",
                "partition": 0,
                "lag": 15,
                "watermark": 85,
                "committed": 80,
                "in_flight": 15,
                "oldest_unsettled_s": 2.5,
                "paused": True,
            },
            {
                "topic": "crm.tags",
                "partition": 3,
                "lag": None,
                "watermark": None,
                "committed": None,
                "in_flight": 0,
                "oldest_unsettled_s": 0.0,
                "paused": False,
            },
        ],
        "targets": [
            {
                "name": "purchases",
                "endpoint": "event/v2/batchAdd",
                "state": "up",
                "reason": "",
                "since": 1_700_000_000.0,
                "in_flight": 2,
                "queued": 30,
                "last_reply": "200 ok",
                "import_batches": ["b1", "b2"],
            },
            {
                "name": "tags",
                "endpoint": "audience/tag/batchAdd",
                "state": "held",
                "reason": "403",
                "since": 1_700_000_100.5,
                "in_flight": 0,
                "queued": 1,
                "last_reply": "403",
                "import_batches": [],
            },
        ],
        "token": {"source": "app", "expires_in_s": 7000.0},
    }


def test_without_any_topic_every_total_is_zero() -> None:
    zero = totals(status(topics=()))
    assert list(zero) == ["consumed", "delivered", "skipped", "dead_lettered", "released", "in_flight"]
    assert set(zero.values()) == {0}
