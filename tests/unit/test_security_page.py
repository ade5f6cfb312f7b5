"""docs/security.md: the numbers and names in it are those of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.core.host_names import PRIVATE_DOMAINS
from connector.observe import live, paced, tap
from connector.runtime.connection_guard import MAX_HEAD_BYTES, MAX_HEAD_LINES, ConnectionLimits

ROOT = Path(__file__).parents[2]
PAGE = " ".join((ROOT / "docs/security.md").read_text(encoding="utf-8").split())
LIMITS = ConnectionLimits()


@pytest.mark.parametrize(
    "text",
    [
        f"at most {LIMITS.max_connections} connections",
        f"{MAX_HEAD_LINES} lines and {MAX_HEAD_BYTES >> 10} KiB at most",
        f"has to be there after {LIMITS.request_within_s:.0f} s",
        f"takes nothing of its response for {LIMITS.read_within_s:.0f} s",
        f"some {LIMITS.rate / 2:.0f} requests per second",
        f"in {paced.SHARE:.0%} of the time".replace("%", " %"),
        f"the tap itself takes {tap.SHARE:.0%}".replace("%", " %"),
        f"has {tap.MAX_LISTENERS} listeners at most",
        f"{live.MAX_VIEWERS} status pages at most",
        *(f"`{domain}`" for domain in PRIVATE_DOMAINS),
    ],
)
def test_the_page_says_what_the_code_does(text: str) -> None:
    assert text in PAGE
