"""Certificates of a real server over TLS, signed by an authority of the tests."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import TYPE_CHECKING

import pytest

from connector.runtime.certificates import fetch_chain
from connector.workbench.connecting.certificates import check_certificates
from tests.support.authority import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connector.core.findings import Finding


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


class TlsServer:
    """Shakes hands, and nothing more; `through_proxy` first takes the CONNECT of a client as a proxy does."""

    def __init__(self, files: tuple[Path, Path], *, through_proxy: bool = False) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*files)
        self._through_proxy = through_proxy
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.asked = b""
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            try:
                if self._through_proxy:
                    while not self.asked.endswith(b"\r\n\r\n"):
                        self.asked += connection.recv(1024)
                    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                with self._context.wrap_socket(connection, server_side=True) as secure:
                    secure.recv(1)
            except OSError:
                connection.close()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)


@pytest.fixture
def server(authority: Authority) -> Iterator[TlsServer]:
    server = TlsServer(authority.sign("server", days=90))
    yield server
    server.close()


def looked_at(url: str, trust: ssl.SSLContext) -> Finding:
    found: list[Finding] = []
    check_certificates(url, trust, "SSL_CERT_FILE", found.append)
    [finding] = found
    return finding


def test_the_certificate_that_expires_first_counts_also_that_of_the_authority(
    server: TlsServer, authority: Authority
) -> None:
    found = looked_at(f"https://127.0.0.1:{server.port}/api", ssl.create_default_context(cafile=authority.ca))
    assert found.verdict == "ok"
    assert found.subject == f"127.0.0.1:{server.port}"
    assert found.detail == "trusted; authority-of-the-tests expires in 29 days"  # the server's own: 90


def test_a_certificate_that_ends_soon_is_a_warning(authority: Authority) -> None:
    server = TlsServer(authority.sign("soon", days=5))
    try:
        found = looked_at(f"https://127.0.0.1:{server.port}", ssl.create_default_context(cafile=authority.ca))
    finally:
        server.close()
    assert (found.verdict, found.detail) == ("warning", "trusted; soon expires in 4 days")


def test_an_authority_that_is_not_trusted_and_a_name_that_does_not_fit_fail(
    server: TlsServer, authority: Authority
) -> None:
    stranger = looked_at(f"https://127.0.0.1:{server.port}", ssl.create_default_context())
    assert stranger.verdict == "failed"
    assert "not trusted" in stranger.detail
    assert "SSL_CERT_FILE" in stranger.remedy
    other = TlsServer(authority.sign("other", alternative="DNS:other.example"))
    try:
        found = looked_at(f"https://127.0.0.1:{other.port}", ssl.create_default_context(cafile=authority.ca))
    finally:
        other.close()
    assert found.verdict == "failed"
    assert "IP address mismatch" in found.detail


def test_a_server_without_tls_fails_and_one_that_is_not_there_is_unknown() -> None:
    trust = ssl.create_default_context()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        plain = looked_at(f"https://127.0.0.1:{port}", trust)
        thread.join()
    assert plain.verdict == "failed"
    assert "does not speak TLS" in plain.detail
    gone = looked_at(f"https://127.0.0.1:{port}", trust)
    assert gone.verdict == "unknown"
    assert "can't be reached (Connection refused)" in gone.detail


def test_an_address_without_tls_has_no_row() -> None:
    found: list[Finding] = []
    check_certificates("http://127.0.0.1:1", ssl.create_default_context(), "", found.append)
    assert found == []


def test_through_a_proxy_the_server_s_certificate_is_seen_and_the_login_is_sent(authority: Authority) -> None:
    proxy = TlsServer(authority.sign("behind", alternative="DNS:platform.example"), through_proxy=True)
    try:
        trust = ssl.create_default_context(cafile=authority.ca)
        chain = fetch_chain("https://platform.example/api", trust, f"http://me:p%40ss@127.0.0.1:{proxy.port}", 10)
    finally:
        proxy.close()
    assert chain[0].name == "behind"
    assert proxy.asked.startswith(b"CONNECT platform.example:443 ")
    assert b"Proxy-Authorization: Basic bWU6cEBzcw==" in proxy.asked
