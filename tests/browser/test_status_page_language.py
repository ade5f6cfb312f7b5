"""The status page speaks the language of its reader, whatever the process speaks: a process without any broker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.kafka.processes import free_ports
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.browser import Browser

CONFIG = """\
kafka: {{bootstrap_servers: "127.0.0.1:1", group_id: g}}
platform: {{auth: {{app_id: a, app_secret: s}}, base_url: "http://127.0.0.1:2/api/open"}}
admin: {{listen: "127.0.0.1:{port}"}}
targets: {{purchases: {{endpoint: event/v2/batchAdd}}}}
routes: [{{name: orders, topics: [t], to: purchases, event_key: c_buy, identity: [{{type: openid, value: $.o}}]}}]
"""
ENGLISH = "127.0.0.1:1: nothing listens there; check the port in kafka.bootstrap_servers, and that the broker is up"
CHINESE = "127.0.0.1:1：该地址没有服务在监听；请检查 kafka.bootstrap_servers 中的端口，并确认 broker 正在运行"
REMEDIES = {"en": ENGLISH, "zh": CHINESE}


@pytest.fixture(params=["en", "zh"])
def language(request: pytest.FixtureRequest) -> str:
    """Return what the process speaks."""
    return str(request.param)


@pytest.fixture
def url(tmp_path: Path, language: str) -> Iterator[str]:
    """Return where `run` shows its page."""
    [port] = free_ports(1)
    (tmp_path / "c.yaml").write_text(CONFIG.format(port=port), encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-m", "connector", "run", "-c", "c.yaml"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TUZHAN_LANG": language},
        stderr=subprocess.DEVNULL,
    ) as process:
        yield f"http://127.0.0.1:{port}"
        process.terminate()


def remedy(url: str) -> str:
    """Return the remedy of `kafka_unreachable` as `/readyz` says it; empty while it does not."""
    try:
        reasons = httpx.get(f"{url}/readyz").json()["reasons"]
    except httpx.TransportError:
        return ""
    return next((str(reason["remedy"]) for reason in reasons if reason["code"] == "kafka_unreachable"), "")


def test_remedies_are_in_the_language_of_the_browser_and_switch_with_it(
    browser: Browser, url: str, language: str
) -> None:
    until(lambda: remedy(url), "the reason")
    assert remedy(url) == REMEDIES[language], "a program is told in the language of the process"
    for languages, shown, hidden in (("zh-CN", CHINESE, ENGLISH), ("en", ENGLISH, CHINESE)):
        browser.open(url, languages=languages)
        assert hidden not in browser.wait_for_text("#reasons", shown)
        browser.assert_fits_its_width()
        browser.screenshot(f"remedy-{languages}-of-{language}")
    browser.find("[data-language=zh]").click()
    assert ENGLISH not in browser.wait_for_text("#reasons", CHINESE)
    browser.find("[data-language=en]").click()
    assert CHINESE not in browser.wait_for_text("#reasons", ENGLISH)
    browser.assert_console_is_clean()
