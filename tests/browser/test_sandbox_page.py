"""The sandbox's page in a real browser: what arrived, as it arrives, and faults by a click."""

from __future__ import annotations

import functools
import re
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from connector.sandbox.platform import Sandbox
from connector.sandbox.server import build_app
from tests.support.browser import FOREIGN_NAME, LOOKS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kafka.commands import SandboxProcess
    from tests.support.browser import Browser

EVENT = "event/v2/batchAdd"
CHINESE = re.compile("[\u4e00-\u9fff]")


def identified(*identities: str) -> dict[str, Any]:
    pairs = [each.partition(":") for each in identities]
    return {"identities": [{"identityType": kind, "identityValue": value} for kind, _, value in pairs]}


class Sender:
    """Sends items as the connector does."""

    def __init__(self, sandbox: SandboxProcess) -> None:
        self.http = httpx.Client(base_url=f"{sandbox.url}/api/open/", headers={"X-Token": sandbox.issue_token()})

    def send(self, path: str, *items: dict[str, Any], **params: object) -> httpx.Response:
        return self.http.post(path, json={"publicParams": {"matchingType": 1, **params}, "data": list(items)})


@pytest.fixture
def sender(sandbox: SandboxProcess) -> Iterator[Sender]:
    sender = Sender(sandbox)
    with sender.http:
        yield sender


def test_customers_are_seen_and_unified_while_items_arrive(
    browser: Browser, sandbox: SandboxProcess, sender: Sender
) -> None:
    browser.open(f"{sandbox.url}/")
    browser.wait_for_text("#customers-state", "Nothing has arrived yet.")
    browser.wait_for_text("#state", "live")
    paid = {"eventKey": "c_buy", "time": 1605490615673, "eventargs": {"c_order": 9007199254740993}}
    sender.send(EVENT, {**identified("phone:13800000000"), **paid}, {**identified("openid:o-1"), "eventKey": "c_view"})
    browser.wait_for_text("#customers-state", "2 of 2 shown")
    sender.send("audience/info/v2/batchAdd", {**identified("phone:13800000000"), "realName": "王小明"}, importMode=1)
    tags = {"phone": "13800000000", "tags": "vip,北京"}
    sender.send("audience/tag/batchAdd", tags, isMatching=True, optType="add", matchingType=2, identifyWay=1)
    sender.send("audience/group/rel/v2/batchAdd", {**identified("openid:o-1"), "groups": "会员群"}, optType="add")
    browser.wait_for_text("#customers", "会员群")
    sender.send(EVENT, {**identified("phone:13800000000", "openid:o-1"), "eventKey": "c_bind"})
    browser.wait_for_text("#customers-state", "1 of 1 shown")
    told = browser.wait_for_text("#customers", "unified from 2")
    for each in ("王小明", "phone:13800000000", "openid:o-1", "vip", "北京", "会员群", "events: 3"):
        assert each in told
    button = browser.find(".customer > button")
    assert button.get_attribute("aria-expanded") == "false"
    button.click()
    opened = browser.wait_for_text("#customers .items", "c_buy")
    assert '{"matchingType":1}' in opened
    assert "time 16 Nov 2020" in opened
    browser.find("#customers .item:last-child summary").click()
    assert '"c_order": 9007199254740993' in browser.text("#customers .item:last-child .json")
    sender.send(EVENT, {**identified("openid:o-1"), "eventKey": "c_late"})
    browser.wait_for_text("#customers .items", "c_late")
    assert '"c_order"' in browser.text("#customers .item:last-child .json")  # what was unfolded stays so
    browser.find("#search").send_keys("nobody")
    browser.wait_for_text("#customers-state", "No customer matches.")
    browser.assert_console_is_clean()


def test_repeated_and_out_of_order_items_and_refused_requests_are_counted(
    browser: Browser, sandbox: SandboxProcess, sender: Sender
) -> None:
    browser.open(f"{sandbox.url}/")
    for seq, uuid in ((2, "a"), (1, "b"), (2, "a")):
        item = {**identified("phone:1"), "eventKey": "c", "uuid": uuid, "eventargs": {"seq": seq}}
        sender.send(EVENT, item)
    sender.send(EVENT, {"eventKey": "c"})
    browser.wait_for_text("[data-count=refused] b", "1")
    counts = {
        name: browser.text(f"[data-count={name}] b") for name in ("stored", "requests", "repeated", "out_of_order")
    }
    assert counts == {"stored": "3", "requests": "4", "repeated": "1", "out_of_order": "1"}
    browser.find("#by-endpoint summary").click()
    assert EVENT in browser.text("#endpoints")
    browser.assert_console_is_clean()


def test_a_fault_is_switched_on_and_off_by_a_click(browser: Browser, sandbox: SandboxProcess, sender: Sender) -> None:
    browser.open(f"{sandbox.url}/")
    browser.wait_for_text("#active", "the platform is well")
    browser.find("[data-kind=status] button").click()
    browser.wait_for_text("#active", '{"kind":"status","count":3,"status":503,"retry_after":1}')
    assert sender.send(EVENT, {**identified("phone:1"), "eventKey": "c"}).status_code == 503
    browser.wait_for_text("#active", "hits: 1")
    browser.set_value("[data-kind=code] input", '{"kind": "code", "code": "100300"}')
    browser.find("[data-kind=code] button").click()
    browser.wait_for_text("#active", "100300")
    browser.find("#active button").click()
    browser.wait_for_text("#active", "hits: 0")
    assert sender.send(EVENT, {**identified("phone:1"), "eventKey": "c"}).json()["code"] == "100300"
    browser.find("#clear").click()
    browser.wait_for_text("#active", "the platform is well")
    browser.assert_console_is_clean()


def test_a_fault_that_is_none_is_told(browser: Browser, sandbox: SandboxProcess) -> None:
    browser.open(f"{sandbox.url}/")
    browser.wait_for_text("#kinds", "hang")
    browser.set_value("[data-kind=hang] input", "{")
    browser.find("[data-kind=hang] button").click()
    browser.wait_for_text("#fault-error", "This is not JSON.")
    browser.set_value("[data-kind=hang] input", '{"kind": "hang", "count": 0}')
    browser.find("[data-kind=hang] button").click()
    browser.wait_for_text("#fault-error", "count: Input should be greater than or equal to 1")
    assert ["400" in entry["message"] for entry in browser.console()] == [True]  # the browser tells every refusal


@pytest.mark.parametrize("languages", ["en", "zh-CN"])
def test_every_kind_switch_and_path_is_explained_in_both_languages(
    languages: str, browser: Browser, sandbox: SandboxProcess
) -> None:
    browser.open(f"{sandbox.url}/", languages=languages)
    browser.driver.execute_script("document.querySelectorAll('details').forEach(each => each.open = true)")
    browser.wait_for_text("#kinds", "refuse")
    texts = [
        element.text
        for selector in ("#kinds .what p", "#switches tr", "#paths tr", "#common dd")
        for element in browser.driver.find_elements(By.CSS_SELECTOR, selector)
    ]
    assert len(texts) > 50
    assert [text for text in texts if bool(CHINESE.search(text)) != (languages == "zh-CN")] == []
    browser.assert_console_is_clean()


def test_every_http_path_is_documented(browser: Browser, sandbox: SandboxProcess) -> None:
    browser.open(f"{sandbox.url}/")
    browser.find("#paths-panel summary").click()
    browser.wait_for_text("#paths", "/_sandbox/stats")
    rows = browser.driver.find_elements(By.CSS_SELECTOR, "#paths tr")[1:]
    documented = {" ".join(cell.text for cell in row.find_elements(By.TAG_NAME, "td")[:2]) for row in rows}
    routes: Any = build_app(Sandbox()).routes
    served = {
        f"{method} {route.path.replace(':int', '')}"
        for route in routes
        for method in route.methods - {"HEAD"}
        if not route.path.startswith(("/static/", "/api/integrate/")) and route.path != "/"
    }
    assert documented == served


def test_a_switch_is_changed_and_restored(browser: Browser, sandbox: SandboxProcess) -> None:
    def switches() -> Any:  # noqa: ANN401 - JSON
        return httpx.get(f"{sandbox.url}/_sandbox/switches").json()

    browser.open(f"{sandbox.url}/")
    browser.driver.execute_script("document.querySelectorAll('details').forEach(each => each.open = true)")
    browser.wait_for_text("#switches", "token_ttl_s")
    browser.find("input[aria-label=refused_stores_rest]").click()
    browser.find("select[aria-label=seconds] option:last-child").click()
    browser.wait_until(lambda: switches()["refused_stores_rest"] and switches()["seconds"] == "ignore")
    browser.find("#defaults").click()
    browser.wait_until(lambda: not switches()["refused_stores_rest"] and switches()["seconds"] == "refuse")
    browser.assert_console_is_clean()


def test_a_paused_page_stays_as_it_is(browser: Browser, sandbox: SandboxProcess, sender: Sender) -> None:
    browser.open(f"{sandbox.url}/")
    browser.wait_for_text("#state", "live")
    browser.find("#pause").click()
    browser.wait_for_text("#state", "paused")
    sender.send(EVENT, {**identified("phone:1"), "eventKey": "c"})
    time.sleep(1.5)  # longer than the page waits between two looks
    assert browser.text("[data-count=stored] b") == "0"
    browser.find("#pause").click()
    browser.wait_for_text("#customers", "phone:1")
    browser.wait_for_text("#state", "live")
    browser.assert_console_is_clean()


def test_everything_is_removed_after_a_question(browser: Browser, sandbox: SandboxProcess, sender: Sender) -> None:
    sender.send(EVENT, {**identified("phone:1"), "eventKey": "c"})
    browser.open(f"{sandbox.url}/")
    browser.wait_for_text("[data-count=customers] b", "1")
    browser.find("#reset").click()
    browser.driver.switch_to.alert.accept()
    browser.wait_for_text("#customers-state", "Nothing has arrived yet.")
    browser.wait_for_text("[data-count=stored] b", "0")
    browser.assert_console_is_clean()


def test_what_clients_send_is_shown_and_never_run(browser: Browser, sandbox: SandboxProcess, sender: Sender) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    browser.open(f"{sandbox.url}/")
    item = {**identified(f"phone:{hostile}"), "realName": hostile, "remark": "{{constructor}}"}
    sender.send("audience/info/v2/batchAdd", item, importMode=1)
    browser.wait_for_text("#customers", hostile)
    browser.find("#latest summary").click()
    browser.wait_for_text("#latest .json", hostile)
    assert browser.driver.find_elements(By.TAG_NAME, "img") == []
    browser.assert_console_is_clean()


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(map(str, look.values())))
def test_it_fits_its_window(look: Any, browser: Browser, sandbox: SandboxProcess, sender: Sender) -> None:  # noqa: ANN401
    sender.send(EVENT, {**identified("openid:" + "o" * 120), "eventKey": "c_" + "long" * 40})
    browser.open(f"{sandbox.url}/", **look)
    browser.wait_for_text("#customers", "ooo")
    browser.wait_for_text("#kinds", "refuse")
    browser.driver.execute_script("document.querySelectorAll('details').forEach(each => each.open = true)")
    browser.assert_fits_its_width()
    browser.assert_console_is_clean()
    browser.screenshot(f"sandbox-{look['languages']}-{look['scheme']}-{look['size'][0]}")


def test_a_page_of_another_server_can_neither_read_nor_switch_anything(
    browser: Browser, sandbox: SandboxProcess, sender: Sender, tmp_path: Path
) -> None:
    """What a page tries that somebody visits while the sandbox runs on the same machine."""
    sender.send(EVENT, {**identified("phone:1"), "eventKey": "c"})
    (tmp_path / "evil.html").write_text("<title>evil</title>", encoding="utf-8")
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser.open(f"http://localhost:{server.server_port}/evil.html")
        attempts = [
            ("/_sandbox/reset", {"method": "POST", "mode": "no-cors"}),
            ("/_sandbox/faults", {"method": "POST", "mode": "no-cors", "body": '{"kind": "hang"}'}),
            ("/_sandbox/faults", {"method": "DELETE"}),
            ("/_sandbox/items", {}),
        ]
        attempt = "const [url, options, done] = arguments; fetch(url, options).then(() => done(), () => done())"
        for path, options in attempts:
            browser.driver.execute_async_script(attempt, sandbox.url + path, options)
        browser.driver.execute_script(
            "const form = document.createElement('form'); form.method = 'post'; form.action = arguments[0];"
            "document.body.append(form); form.submit()",
            f"{sandbox.url}/_sandbox/reset",
        )
        browser.wait_until(lambda: "not for pages of other servers" in browser.driver.page_source)
        server.shutdown()
    assert sandbox.count("stored") == 1
    assert httpx.get(f"{sandbox.url}/_sandbox/faults").json() == []


def test_a_name_that_was_made_to_lead_here_gets_nothing(browser: Browser, sandbox: SandboxProcess) -> None:
    for path in ("/", "/_sandbox/items"):
        browser.open(sandbox.url.replace("127.0.0.1", FOREIGN_NAME) + path)
        browser.wait_until(lambda: f"no sandbox for '{FOREIGN_NAME}" in browser.driver.page_source)


def faults(sandbox: SandboxProcess) -> list[str]:
    found: list[dict[str, str]] = httpx.get(f"{sandbox.url}/_sandbox/faults").json()
    return [each["kind"] for each in found]


def test_clicks_in_a_row_switch_off_what_was_clicked_and_nothing_else(
    browser: Browser, sandbox: SandboxProcess
) -> None:
    kinds = ["html", "hang", "reset", "truncate"]
    sandbox.set_faults(*({"kind": kind} for kind in kinds))
    browser.open(f"{sandbox.url}/")
    browser.wait_for_text("#active", "truncate")
    click = "document.querySelectorAll('#active button')[{}].click()"
    browser.driver.execute_script(f"{click.format(0)}; {click.format(0)}")  # a double click
    browser.wait_until(lambda: len(faults(sandbox)) < 4)
    browser.wait_until(lambda: "html" not in browser.text("#active"))
    assert faults(sandbox) == ["hang", "reset", "truncate"]
    browser.driver.execute_script(f"{click.format(0)}; {click.format(1)}")  # the second one before the list is new
    browser.wait_until(lambda: faults(sandbox) == ["truncate"])
    for kind in kinds:
        browser.find(f"[data-kind={kind}] button").click()
    browser.wait_until(lambda: faults(sandbox) == ["truncate", *kinds])
    browser.assert_console_is_clean()


def test_a_fault_in_the_place_of_the_one_that_was_seen_is_not_removed(sandbox: SandboxProcess) -> None:
    sandbox.set_faults({"kind": "html"}, {"kind": "hang"})
    numbers = [each["number"] for each in httpx.get(f"{sandbox.url}/_sandbox/overview").json()["faults"]]
    first = f"{sandbox.url}/_sandbox/faults/0?number={numbers[0]}"
    assert [httpx.delete(first).status_code for _ in range(2)] == [200, 409]
    assert faults(sandbox) == ["hang"]


def test_a_number_that_is_none_changes_no_switch_and_the_value_in_force_is_shown_again(
    browser: Browser, sandbox: SandboxProcess
) -> None:
    browser.open(f"{sandbox.url}/")
    browser.driver.execute_script("document.querySelectorAll('details').forEach(each => each.open = true)")
    for name, typed, told in (
        ("max_body_bytes", "", "A number is missing"),
        ("refused_status", "99", "greater than or equal to 200"),
        ("token_ttl_s", "0", "greater than 0"),
    ):
        selector = f"input[aria-label={name}]"
        before = browser.find(selector).get_attribute("value")
        browser.find(selector).send_keys(Keys.CONTROL, "a")
        browser.find(selector).send_keys(typed or Keys.BACKSPACE, Keys.TAB)
        browser.wait_for_text("#switch-error", told)
        shown = browser.wait_for_value(selector, before or "")
        assert shown == before
    assert httpx.get(f"{sandbox.url}/_sandbox/switches").json()["max_body_bytes"] == 1 << 20


def test_it_is_used_by_keyboard_alone_and_says_what_it_did(
    browser: Browser, sandbox: SandboxProcess, sender: Sender
) -> None:
    sender.send(EVENT, {**identified("phone:1"), "eventKey": "c"})
    browser.open(f"{sandbox.url}/")
    browser.wait_for_text("#customers", "phone:1")
    browser.find("[data-kind=html] input").send_keys(Keys.ENTER)
    browser.wait_until(lambda: faults(sandbox) == ["html"])
    browser.wait_until(lambda: browser.find("#announced").get_attribute("textContent") == "html is on")
    browser.wait_until(lambda: browser.driver.find_elements(By.CSS_SELECTOR, "#active button"))
    browser.find("#active button").send_keys(Keys.SPACE)
    browser.wait_until(lambda: faults(sandbox) == [])
    browser.find(".customer > button").send_keys(Keys.ENTER)
    browser.wait_for_text("#customers .items", "publicParams")
    browser.find("#search").send_keys("nobody")
    browser.wait_until(lambda: browser.find("#announced").get_attribute("textContent") == "No customer matches.")
    browser.find("#expire").send_keys(Keys.ENTER)
    browser.wait_for_text("#again-told", "tokens expired: ")
    controls = browser.driver.find_elements(By.CSS_SELECTOR, "button, input, select, summary, a")
    assert [
        each.get_attribute("outerHTML") for each in controls if each.is_displayed() and not each.accessible_name
    ] == []
    browser.assert_console_is_clean()


def test_nothing_is_read_aloud_while_items_and_hits_come_in(
    browser: Browser, sandbox: SandboxProcess, sender: Sender
) -> None:
    sandbox.set_faults({"kind": "latency", "ms": 1})
    browser.open(f"{sandbox.url}/")
    browser.wait_for_text("#active", "hits: 0")
    browser.wait_for_text("#state", "live")
    browser.driver.execute_script(
        "window.aloud = []; const seen = new MutationObserver(all => all.forEach(each => aloud.push(each.target.id)));"
        "document.querySelectorAll('[role=status], [role=alert], [aria-live]').forEach("
        "each => seen.observe(each, {childList: true, characterData: true, subtree: true}))"
    )
    for number in range(3):
        sender.send(EVENT, {**identified(f"phone:{number}"), "eventKey": "c"})
        browser.wait_for_text("#active", f"hits: {number + 1}")
    browser.wait_for_text("#customers-state", "3 of 3 shown")
    assert browser.driver.execute_script("return aloud") == []
    browser.assert_console_is_clean()


def test_a_slow_answer_to_an_earlier_search_does_not_replace_a_later_one(
    browser: Browser, sandbox: SandboxProcess, sender: Sender
) -> None:
    sender.send(EVENT, *({**identified(f"phone:{number}"), "eventKey": "c"} for number in (11, 12, 22)))
    browser.open(f"{sandbox.url}/")
    browser.wait_for_text("#customers-state", "3 of 3 shown")
    browser.find("#pause").click()
    browser.wait_for_text("#state", "paused")
    browser.driver.execute_script(
        "const real = window.fetch; window.fetch = async (path, ...rest) => {"
        "  if (String(path).endsWith('search=1')) await new Promise(done => setTimeout(done, 1500));"
        "  return real(path, ...rest); }"
    )
    browser.set_value("#search", "1")
    browser.set_value("#search", "12")
    browser.wait_for_text("#customers-state", "1 of 3 shown")
    time.sleep(2)  # until the first answer is there
    assert "phone:11" not in browser.text("#customers")
    browser.assert_console_is_clean()


def test_thousands_of_customers_are_unified_and_found(
    browser: Browser, sandbox: SandboxProcess, sender: Sender
) -> None:
    browser.open(f"{sandbox.url}/")
    for first in range(0, 6000, 500):
        sender.send(EVENT, *({**identified(f"phone:{first + at:05}"), "eventKey": "c"} for at in range(500)))
    browser.wait_for_text("#customers-state", "of 6,000 shown", within_s=60)
    browser.find("#search").send_keys("phone:01234")
    browser.wait_for_text("#customers-state", "1 of 6,000 shown")
    browser.assert_console_is_clean()
