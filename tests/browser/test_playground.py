"""The playground in a real browser: what comes of a record and a config, as one types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.keys import Keys

from connector.workbench.playground.routes import example
from tests.support.browser import LOOKS

if TYPE_CHECKING:
    from tests.kafka.commands import SandboxProcess
    from tests.support.browser import Browser

CONFIG = example().config
AFTER_CURSOR = "const area = document.activeElement; return area.value.slice(area.selectionStart)"
RECORD = '{"id": "B-7", "status": "PAID", "amount_fen": 250, "buyer": {"mobile": "13911112222"}}'


@pytest.fixture
def url(sandbox: SandboxProcess) -> str:
    return f"{sandbox.url}/playground"


def test_an_item_appears_as_one_types_a_record(browser: Browser, url: str) -> None:
    browser.open(url)
    browser.wait_for_text("#summary", "Records: 3. Items: 1, skipped: 1, dead letters: 1.")
    area = browser.find("#records-text")
    area.send_keys(Keys.CONTROL, "a", Keys.NULL, Keys.DELETE)
    browser.wait_for_text("#summary", "no record yet")
    area.send_keys(RECORD)
    browser.wait_for_text("#outcomes", '"c_order": "B-7"')
    assert '"identityValue": "13911112222"' in browser.text("#outcomes")
    assert "to purchases, by route orders" in browser.text("#outcomes")
    area.send_keys(Keys.BACKSPACE)
    browser.wait_for_text("#bad-records", "not JSON")
    browser.wait_for_text("#outcomes", "decode_failed")
    browser.assert_console_is_clean()


def test_a_typo_in_a_path_is_seen_with_the_nearest_path(browser: Browser, url: str) -> None:
    browser.open(url)
    browser.set_value("#config-text", CONFIG.replace("$.buyer.mobile", "$.buyer.moblie"))
    browser.wait_for_text("#references", "did you mean $.buyer.mobile?")
    assert "0 of 2" in browser.text("#references tr.bad")
    assert browser.text("#config .gutter .warning") == "17"
    browser.wait_for_text("#outcomes", "identity_missing")
    browser.assert_console_is_clean()


def test_a_condition_that_never_holds_and_values_that_a_map_lacks_are_seen(browser: Browser, url: str) -> None:
    browser.open(url)
    config = CONFIG.replace("{$.status: PAID}", "{$.status: [paid]}")
    browser.set_value("#config-text", config)
    browser.wait_for_text("#conditions tr.bad", "saw PAID (2), NEW (1)")
    assert browser.text("#config .gutter .warning") == "13"
    assert browser.text("#maps") == ""
    mapped = CONFIG.replace("    where: {$.status: PAID}\n", "").replace(
        "c_buy", "{from: $.status, map: {PAID: c_buy}}"
    )
    browser.set_value("#config-text", mapped)
    browser.wait_for_text("#maps tr.warn", "not in it: NEW (1)")
    assert browser.text("#conditions") == ""
    browser.set_value("#config-text", CONFIG.replace("c_order: $.id", "c_buyer: $.buyer"))
    browser.wait_for_text("#outcomes .warn", "An object, where the platform's documents show text and numbers: ")
    browser.find("#language [data-language=zh]").click()
    browser.wait_for_text("#outcomes .warn:last-child", "平台文档")
    browser.assert_console_is_clean()


def test_a_broken_config_shows_the_line_and_the_code_and_a_click_goes_there(browser: Browser, url: str) -> None:
    browser.open(url)
    browser.wait_for_text("#outcomes", "c_buy")
    browser.set_value("#config-text", CONFIG.replace("event_key:", "event_kay:"))
    told = browser.wait_for_text("#problems", "[unknown_key]")
    assert told.startswith("line 15:5 routes[0].event_kay: unknown key, did you mean 'event_key'?")
    assert browser.text("#config .gutter .error") == "15"
    browser.wait_for_text("#summary", "The config has 1 error")
    assert "c_buy" in browser.text("#outcomes.stale")
    assert browser.find("#config-text").get_attribute("aria-invalid") == "true"
    browser.find("#problems button").click()
    assert browser.driver.execute_script(AFTER_CURSOR).startswith("event_kay: c_buy\n")
    browser.set_value("#config-text", CONFIG.replace("where: {", "where: {$.🛒🛒: 1, $..x: 2, "))
    browser.wait_for_text("#problems", "line 13:28")
    browser.find("#problems button").click()
    assert browser.driver.execute_script(AFTER_CURSOR).startswith("2, $.status")
    browser.set_value("#config-text", CONFIG)
    browser.wait_for_text("#summary", "Items: 1")
    assert browser.text("#problems") == ""
    assert browser.text("#outcomes.stale") == ""
    browser.assert_console_is_clean()


def test_the_page_speaks_the_browser_s_language_and_another_on_demand(browser: Browser, url: str) -> None:
    browser.open(url, languages="zh-CN,zh,en")
    browser.wait_for_text("#summary", "3 条消息")
    assert browser.driver.title == "映射试验场"
    assert "路由 orders：条件不成立：" in browser.text("#outcomes")
    assert "没有可用的身份标识" in browser.text("#outcomes")
    browser.set_value("#config-text", CONFIG.replace("event_key:", "event_kay:"))
    browser.wait_for_text("#problems", "未知的键，是否想写 'event_key'？ [unknown_key]")
    browser.find("#language [data-language=en]").click()
    browser.wait_for_text("#problems", "line 15:5")
    assert "未知的键" not in browser.text("#problems")
    assert browser.find("html").get_attribute("lang") == "en"
    browser.driver.refresh()
    browser.wait_for_text("#summary", "The config has 1 error")  # language and texts are kept
    browser.assert_console_is_clean()


def test_a_link_holds_both_texts(browser: Browser, url: str) -> None:
    browser.open(url)
    browser.wait_for_text("#summary", "Records: 3")
    browser.set_value("#records-text", RECORD.replace("B-7", "订单 9"))
    browser.wait_for_text("#outcomes", "订单 9")
    browser.find("#share").click()
    browser.wait_for_text("#summary", "both texts")
    link = browser.driver.current_url
    browser.open(link)
    browser.wait_for_text("#outcomes", "订单 9")
    browser.find("#restart").click()
    browser.driver.switch_to.alert.dismiss()
    assert "订单 9" in browser.find("#records-text").get_property("value")  # type: ignore[operator] # it is a text
    browser.find("#restart").click()
    browser.driver.switch_to.alert.accept()
    browser.wait_for_text("#summary", "Records: 3")
    browser.open(f"{url}#s=broken")
    browser.wait_for_text("#summary", "Records: 3")
    browser.assert_console_is_clean()


def test_a_topic_is_asked_for_only_where_the_config_reads_several(browser: Browser, url: str) -> None:
    browser.open(url)
    browser.wait_for_text("#summary", "Records: 3")
    assert not browser.find("#topic").is_displayed()
    browser.set_value("#config-text", CONFIG.replace("[shop.orders]", "[shop.orders, shop.old]"))
    browser.wait_for_text("#topic-line", "Topic of these records")
    browser.find("#topic").send_keys("shop.x")
    browser.wait_for_text("#outcomes", "No route reads the topic shop.x.")
    browser.assert_console_is_clean()


def test_what_takes_too_long_is_told_and_typing_goes_on(browser: Browser, url: str) -> None:
    browser.open(url)
    browser.wait_for_text("#summary", "Records: 3")
    browser.set_value("#records-text", RECORD.replace("PAID", "a" * 40 + "b"))
    browser.set_value("#config-text", CONFIG.replace("{$.status: PAID}", "{$.status: {matches: '(a+)+$'}}"))
    browser.wait_for_text("#summary", "took too long")
    browser.set_value("#config-text", CONFIG)
    browser.wait_for_text("#summary", "Records: 1. Items: 0, skipped: 1")
    browser.assert_console_is_clean()


def test_it_can_be_used_by_keyboard_and_screen_reader(browser: Browser, url: str) -> None:
    browser.open(url)
    browser.wait_for_text("#summary", "Records: 3")
    assert browser.find("#summary").get_attribute("aria-live") == "polite"
    nameless = browser.driver.execute_script(
        "return [...document.querySelectorAll('textarea, input, button, a')].filter(each => each.checkVisibility()"
        " && !each.innerText && !each.getAttribute('aria-label') && !each.labels?.length).map(each => each.outerHTML)"
    )
    assert nameless == []
    reached = []
    for _ in range(9):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(browser.driver.switch_to.active_element.get_attribute("id"))
    assert {"share", "restart", "records-text", "config-text"} <= set(reached)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(map(str, look.values())))
def test_it_fits_its_window_in_both_languages_and_colours(look: Any, browser: Browser, url: str) -> None:  # noqa: ANN401
    browser.open(url, **look)
    browser.wait_for_text("#outcomes", "identity_missing")
    browser.assert_fits_its_width()
    browser.assert_console_is_clean()
    browser.screenshot(f"playground-{look['languages']}-{look['scheme']}-{look['size'][0]}")
