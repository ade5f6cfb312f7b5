"""The browser itself: what it reports of a page, so that tests of pages can rely on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.browser import Browser


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "page.html"


def test_a_script_that_fails_is_an_error_of_the_console(browser: Browser, page: Path) -> None:
    page.write_text("<script>nothing_of_this_name()</script>", encoding="utf-8")
    browser.open(page.as_uri())
    with pytest.raises(AssertionError, match="nothing_of_this_name"):
        browser.assert_console_is_clean()


def test_a_resource_from_outside_is_an_error_of_the_console(browser: Browser, page: Path) -> None:
    page.write_text('<link rel="stylesheet" href="http://example.org/style.css">', encoding="utf-8")
    browser.open(page.as_uri())
    with pytest.raises(AssertionError, match="NAME_NOT_RESOLVED"):
        browser.assert_console_is_clean()


def test_a_page_is_seen_in_the_wanted_language_colours_and_size(browser: Browser, page: Path) -> None:
    script = "document.body.innerText = [navigator.language, matchMedia('(prefers-color-scheme: dark)').matches]"
    page.write_text(f'<meta name="viewport" content="width=device-width"><body><script>{script}</script>', "utf-8")
    browser.open(page.as_uri(), languages="zh-CN,zh", scheme="dark", size=(390, 800))
    assert browser.text("body") == "zh-CN,true"
    browser.assert_console_is_clean()
    browser.assert_fits_its_width()
    assert browser.screenshot("test-page").read_bytes().startswith(b"\x89PNG")
    browser.open(page.as_uri())
    assert browser.text("body") == "en,false"


def test_a_page_wider_than_the_window_is_seen(browser: Browser, page: Path) -> None:
    page.write_text('<div style="width: 3000px">wide</div>', encoding="utf-8")
    browser.open(page.as_uri())
    with pytest.raises(AssertionError, match="pixels wide"):
        browser.assert_fits_its_width()
