"""The files of the pages: all are served, and none needs anything from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

import connector
from connector.pages.files import page_routes

FILES = sorted(Path(connector.__file__).parent.rglob("static/*"))
OUTSIDE = re.compile(r"""\bhttps?://|url\(|@import|(?:src|href)=["']//""")
NAMESPACE = "http://www.w3.org/2000/svg"
"""It is loaded by nobody: the name of a kind of elements."""
INLINE = re.compile(r"""<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=""")


def test_the_shared_files_are_served_under_the_policy_that_keeps_a_page_to_its_own_server() -> None:
    client = TestClient(Starlette(routes=page_routes("connector.pages", {})))
    for name, kind in {"page.js": "text/javascript", "page.css": "text/css"}.items():
        reply = client.get(f"/static/{name}")
        assert reply.headers["content-type"].startswith(kind)
        assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert client.get("/static/absent.js").status_code == 404
    assert client.get("/static/..%2Ffiles.py").status_code == 404


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_of_a_page_has_nothing_inline_and_names_nothing_outside(path: Path) -> None:
    text = path.read_text(encoding="utf-8").replace(NAMESPACE, "")
    assert OUTSIDE.findall(text) == []
    assert path.suffix != ".html" or INLINE.findall(text) == []


def test_files_of_pages_have_names_of_their_own() -> None:
    """They share the folder `/static` where a server has several pages."""
    names = [path.name for path in FILES]
    assert sorted(set(names)) == sorted(names)
