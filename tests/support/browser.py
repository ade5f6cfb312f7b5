"""A real Chromium, for tests of pages.

Use the fixture `browser` of tests/conftest.py:

    def test_the_page_greets_in_chinese(browser: Browser, page_url: str) -> None:
        browser.open(page_url, languages="zh-CN")
        browser.wait_for_text("h1", "你好")
        browser.assert_console_is_clean()
        browser.screenshot("hello-chinese")

The browser knows no host but 127.0.0.1, localhost and FOREIGN_NAME: a page that loads anything from outside writes a
console error.
Screenshots are written where BROWSER_SCREENSHOTS says, a folder; without it to a temporary one.
"""

from __future__ import annotations

import base64
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from selenium.webdriver.remote.webelement import WebElement

_PROGRAMS: Final = ("chromium", "chromedriver")
_WAIT_S: Final = 20.0
FOREIGN_NAME: Final = "rebound.example"
"""Leads to 127.0.0.1 in this browser, as somebody from outside may make a name of theirs do."""
_ARGUMENTS: Final = (
    "--headless=new",
    "--no-sandbox",  # Chromium refuses to run as root with its sandbox
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-extensions",
    "--no-first-run",
    "--no-proxy-server",
    f"--host-resolver-rules=MAP {FOREIGN_NAME} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)

LOOKS: Final[Sequence[Mapping[str, Any]]] = (
    {"languages": "en", "scheme": "light", "size": (1280, 900)},
    {"languages": "zh-CN", "scheme": "dark", "size": (1280, 900)},
    {"languages": "zh-CN", "scheme": "light", "size": (390, 844)},
    {"languages": "en", "scheme": "dark", "size": (390, 844)},
)
"""How a page should be looked at, as arguments of `Browser.open`: both languages, both colours, desk and phone."""


class NoBrowserError(Exception):
    """There is no browser on this machine; the message says what to do."""


class Browser:
    """One headless Chromium; `driver` is selenium's, for whatever has no method here."""

    def __init__(self) -> None:
        missing = [name for name in _PROGRAMS if shutil.which(name) is None]
        if missing:
            raise NoBrowserError(f"no {' and no '.join(missing)} on PATH: apt-get install chromium chromium-driver")
        options = ChromeOptions()
        options.binary_location = shutil.which(_PROGRAMS[0]) or ""
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        for argument in _ARGUMENTS:
            options.add_argument(argument)
        try:
            # The path is given so that selenium never looks for a driver to download.
            self.driver = Chrome(options, ChromeService(shutil.which(_PROGRAMS[1])))
        except WebDriverException as error:
            raise NoBrowserError(f"Chromium does not start: {error.msg}") from error
        self.driver.set_page_load_timeout(_WAIT_S)
        self._agent = str(self.driver.execute_script("return navigator.userAgent"))
        self._screenshots = Path(os.environ.get("BROWSER_SCREENSHOTS") or tempfile.mkdtemp(prefix="screenshots-"))

    def open(
        self,
        url: str,
        *,
        languages: str = "en",
        scheme: Literal["light", "dark"] = "light",
        size: tuple[int, int] = (1280, 900),
    ) -> None:
        """Load a page anew, without anything that an earlier one has stored.

        `languages` is what the browser asks for, such as `zh-CN,zh`; `size` is width and height in CSS pixels.
        """
        self.driver.get("about:blank")
        origin = "/".join(url.split("/")[:3])
        self._cdp("Storage.clearDataForOrigin", origin=origin, storageTypes="all")
        self._cdp("Emulation.setUserAgentOverride", userAgent=self._agent, acceptLanguage=languages)
        self._cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        width, height = size
        self._cdp(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        self.console()
        self.driver.get(url)

    def find(self, selector: str) -> WebElement:
        """Return the first element that a CSS selector matches. Raises selenium's NoSuchElementException."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """Return the visible text of an element; empty if there is none, or it is hidden."""
        script = (
            "const found = document.querySelector(arguments[0]); return found?.checkVisibility() ? found.innerText : ''"
        )
        return str(self.driver.execute_script(script, selector))

    def wait_for_text(self, selector: str, text: str, *, within_s: float = _WAIT_S) -> str:
        """Wait until an element's visible text contains `text`; return the whole of it. Fail with what it is."""
        deadline = time.monotonic() + within_s
        while text not in (seen := self.text(selector)):
            if time.monotonic() > deadline:
                kept = self.screenshot("waited-in-vain")
                raise AssertionError(f"{selector} does not show {text!r}, but {seen!r}; screenshot {kept}")
            time.sleep(0.03)
        return seen

    def wait_for_value(self, selector: str, value: str, *, within_s: float = _WAIT_S) -> str | None:
        """Wait until a control has this value, or for so long; return which it has."""
        deadline = time.monotonic() + within_s
        while (seen := self.find(selector).get_attribute("value")) != value and time.monotonic() < deadline:
            time.sleep(0.03)
        return seen

    def wait_until(self, condition: Callable[[], object], *, within_s: float = _WAIT_S) -> None:
        """Wait until a condition holds. Fail if it does not."""
        deadline = time.monotonic() + within_s
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited in vain; screenshot {self.screenshot('waited-in-vain')}")
            time.sleep(0.03)

    def set_value(self, selector: str, text: str) -> None:
        """Replace the content of an input or text area at once, as pasting does: typing a long text takes seconds."""
        script = (
            "const [one, text] = arguments; one.focus(); one.value = text;"
            "one.dispatchEvent(new InputEvent('input', {bubbles: true}))"
        )
        self.driver.execute_script(script, self.find(selector), text)

    def console(self) -> list[dict[str, Any]]:
        """Return and forget what has been written to the console: entries with `level` and `message`."""
        entries: list[dict[str, Any]] = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return entries

    def assert_console_is_clean(self) -> None:
        """Fail if a script failed, or something was not loaded or refused, since the page was opened."""
        wrong = [entry["message"] for entry in self.console() if entry["level"] in {"SEVERE", "WARNING"}]
        if wrong:
            raise AssertionError("\n".join(wrong))

    def assert_fits_its_width(self) -> None:
        """Fail if the page is wider than the window, so that a reader would have to scroll sideways."""
        widths = self.driver.execute_script(
            "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        if widths[0] > widths[1]:
            raise AssertionError(f"the page is {widths[0]} pixels wide, the window {widths[1]}")

    def screenshot(self, name: str) -> Path:
        """Write a screenshot of the whole page, and return its path."""
        self._screenshots.mkdir(parents=True, exist_ok=True)
        path = self._screenshots / f"{name}.png"
        width = self.driver.execute_script("return innerWidth")
        height = self.driver.execute_script("return Math.max(innerHeight, document.documentElement.scrollHeight)")
        area = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self._cdp("Page.captureScreenshot", captureBeyondViewport=True, clip=area)
        path.write_bytes(base64.b64decode(shot["data"]))
        return path

    def close(self) -> None:
        """End the browser."""
        self.driver.quit()

    def _cdp(self, command: str, **arguments: object) -> dict[str, Any]:
        """Send a command of the Chrome DevTools Protocol."""
        answer: dict[str, Any] = self.driver.execute_cdp_cmd(command, arguments)
        return answer
