"""Addresses as text: `host:port`, and which hosts are this machine."""

from __future__ import annotations

import pytest

from connector.core.addresses import HostPort, is_loopback, parse_host_port


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8080", HostPort("127.0.0.1", 8080)),
        ("0.0.0.0:0", HostPort("0.0.0.0", 0)),  # noqa: S104 - text, not a socket
        ("connector.internal:65535", HostPort("connector.internal", 65535)),
        ("[::1]:8080", HostPort("::1", 8080)),
    ],
)
def test_host_and_port_are_parsed(text: str, expected: HostPort) -> None:
    assert parse_host_port(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", ":8080", "8080", "localhost", "localhost:", "a:65536", "a:٣", "::1:80", "[::1]", "http://a:80", "a b:80"],
)
def test_any_other_text_is_none(text: str) -> None:
    assert parse_host_port(text) is None


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.1", "::1"])
def test_a_loopback_host_is_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["x.localhost", "localhost.example", "10.0.0.1", "0.0.0.0", "::", "", "kafka"])  # noqa: S104 - text
def test_any_other_host_may_be_another_machine(host: str) -> None:
    assert not is_loopback(host)
