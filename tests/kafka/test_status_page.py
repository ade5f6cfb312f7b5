"""The status page of a running connector, in a real browser: it changes by itself, and says what is wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest

from connector.observe.live import MAX_VIEWERS
from tests.kafka.cluster import order
from tests.kafka.harness import assert_conserved
from tests.kafka.waiting import until
from tests.support.browser import LOOKS

if TYPE_CHECKING:
    from tests.kafka.cluster import Cluster
    from tests.kafka.harness import KafkaHarness
    from tests.support.browser import Browser

pytestmark = pytest.mark.kafka

MOBILE = "13800000077"


def count(browser: Browser, name: str) -> int:
    digits = re.sub(r"\D", "", browser.text(f"[data-count={name}] b"))
    return int(digits) if digits else 0


def has(browser: Browser, selector: str) -> bool:
    return bool(browser.driver.execute_script("return document.querySelector(arguments[0]) !== null", selector))


def test_the_page_follows_what_flows_and_says_what_is_wrong(
    browser: Browser, kafka: Cluster, harness: KafkaHarness
) -> None:
    topic = kafka.create_topic(harness.topic, 2)
    connector = harness.start_connector().wait_ready()
    browser.open(connector.admin_url)
    browser.wait_for_text("#state", "ready")
    browser.wait_for_text("#reasons", "Everything works")
    kafka.produce_orders(topic, range(300))
    browser.wait_until(lambda: count(browser, "delivered") == 300)
    kafka.produce(topic, order(1, status="OPEN"), partition=0)
    kafka.produce(topic, b"no json " + MOBILE.encode(), partition=0)
    letter = browser.wait_for_text("#letters", "decode_failed")
    assert f"{topic}[0]@" in letter
    assert count(browser, "consumed") == sum(
        count(browser, name) for name in ("delivered", "skipped", "dead_lettered", "released", "in_flight")
    )
    browser.find("#requests-panel summary").click()
    assert "delivered" in browser.wait_for_text("#requests", "purchases")
    browser.find("#partitions-panel summary").click()
    browser.wait_for_text("#partitions", f"{topic}[1]")

    harness.sandbox.set_faults({"kind": "status", "status": 503})
    kafka.produce_orders(topic, range(300, 400))
    reason = browser.wait_for_text("#reasons", "target_down")
    assert "check whether the platform runs" in reason
    browser.wait_for_text("#state", "not ready")
    assert "503" in browser.wait_for_text("#targets", "down")
    for look in LOOKS:
        browser.open(connector.admin_url, **look)
        browser.wait_for_text("#targets", "不可用" if look["languages"] == "zh-CN" else "down")
        browser.wait_until(lambda: has(browser, "#rate-chart polyline"))
        browser.assert_fits_its_width()
        browser.screenshot(f"status-{look['languages']}-{look['scheme']}-{look['size'][0]}")
    browser.find("[data-language=zh]").click()
    browser.wait_for_text("#reasons", "平台没有响应")

    harness.sandbox.set_faults({"kind": "code", "code": "100300"})
    browser.wait_for_text("#reasons", "target_held")
    browser.wait_for_text("#targets", "已暂停")
    harness.sandbox.set_faults()
    browser.wait_for_text("#reasons", "一切正常")
    browser.wait_until(lambda: count(browser, "delivered") == 400)
    assert MOBILE not in browser.text("main")
    browser.assert_console_is_clean()
    assert_conserved(connector)

    connector.terminate()
    connector.exit_code()
    browser.wait_for_text("#connection", "连接已断开")
    browser.console()


def test_viewers_that_read_nothing_hold_up_neither_the_flow_nor_the_stop(kafka: Cluster, harness: KafkaHarness) -> None:
    topic = kafka.create_topic(harness.topic, 2)
    connector = harness.start_connector().wait_ready()
    with httpx.Client(base_url=connector.admin_url) as client:
        responses = [client.send(client.build_request("GET", "/live"), stream=True) for _ in range(MAX_VIEWERS)]
        assert {each.status_code for each in responses} == {200}
        refused = client.get("/live")
        assert (refused.status_code, refused.json()) == (503, {"error": f"{MAX_VIEWERS} status pages are open already"})
        kafka.produce_orders(topic, range(1000))
        harness.wait_stored(1000)
        harness.wait_committed()
        responses[0].close()
        until(lambda: client.send(client.build_request("GET", "/live"), stream=True).status_code == 200, "a free place")
        connector.terminate()
        assert connector.exit_code() == 0
