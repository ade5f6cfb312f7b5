from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from connector.core.host_names import is_host_pattern, may_be_asked_for

OWN = ("Node7.corp.example", "*.ops.example", "connector.example.com.")


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost:8080",
        "LOCALHOST",
        "127.0.0.1:8080",
        "10.244.3.7:8080",
        "[::1]:8080",
        "[fd00::12]",
        "connector:8080",
        "tuzhan-connector.shop.svc:8080",
        "tuzhan-connector.shop.svc.cluster.local",
        "host.docker.internal:8080",
        "app.localhost",
        "node7.corp.example:8080",
        "a.b.ops.example.",
        "connector.example.com",
    ],
)
def test_what_nobody_outside_can_have_and_what_is_allowed_may_be_asked_for(host: str) -> None:
    assert may_be_asked_for(host, OWN)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "EVIL.example.",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
        "[::1].evil.example",
        "evil.example:80@localhost.x",
        "ops.example",
        "xops.example",
        "node7.corp.example.evil.example",
        "connector.shop",
        "printer.local",
        "internal.example",
    ],
)
def test_other_names_are_refused(host: str) -> None:
    assert not may_be_asked_for(host, OWN)
    assert may_be_asked_for(host, ["*"])


@given(some.text(max_size=40))
def test_any_text_has_an_answer(host: str) -> None:
    assert may_be_asked_for(host, OWN) in {True, False}


@pytest.mark.parametrize("text", ["connector", "a.example.com", "A-1.example.com.", "*.example.com", "*", "10.0.0.1"])
def test_names_and_patterns(text: str) -> None:
    assert is_host_pattern(text)


@pytest.mark.parametrize(
    "text", ["", "http://a.example", "a.example:80", "a..b", "-a.example", "a.*.example", "a b", "[::1]", "*.", "例.cn"]
)
def test_what_is_no_pattern(text: str) -> None:
    assert not is_host_pattern(text)
