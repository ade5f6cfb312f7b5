"""`check --connect` without a broker: what hangs, what is asked over TLS, and that a broken config asks nothing."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from tests.support.authority import Authority

TOKEN = "tok-of-the-platform"  # noqa: S105 - no secret, but what stands for one
SECRET = "hunter2-hunter2"  # noqa: S105 - the same


def config(address: str, base_url: str, **kafka: object) -> dict[str, Any]:
    return {
        "kafka": {"bootstrap_servers": address, "group_id": "g", **kafka},
        "platform": {
            "base_url": base_url,
            "allow_http": True,
            "request_timeout": "60s",
            "auth": {"app_id": "a", "app_secret": "${SECRET}"},
        },
        "targets": {"t": {"endpoint": "event/v2/batchAdd"}},
        "routes": [
            {
                "name": "r",
                "topics": ["orders"],
                "to": "t",
                "event_key": "c_buy",
                "identity": [{"type": "uid", "value": "$.id"}],
            }
        ],
        "decode": {"orders": {"format": "avro"}} if "schema_registry" in kafka else {},
    }


def check(folder: Path, settings: dict[str, Any], **environ: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the document; no secret is in the output."""
    file = folder / "c.yaml"
    file.write_text(json.dumps(settings))
    done = subprocess.run(
        [sys.executable, "-m", "connector", "check", "--connect", "--json", "-c", str(file)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "SECRET": SECRET, **environ},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, document


def rows(document: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {each["check"]: each for each in document["connect"]["findings"]}


def test_a_config_that_is_wrong_is_told_as_without_connect_and_nothing_is_asked(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        settings = config(address, f"http://{address}")
        settings["routes"][0]["to"] = "nobody"
        code, document = check(tmp_path, settings)
        listening.settimeout(0)
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert code == 2
    assert "connect" not in document
    assert [each["code"] for each in document["problems"] if each["severity"] == "error"]


def test_the_command_ends_though_broker_platform_and_registry_never_answer(tmp_path: Path) -> None:
    pytest.importorskip("fastavro")
    with socket.create_server(("127.0.0.1", 0), backlog=200) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        registry = {"url": f"http://{address}", "properties": {"timeout": 1000}}
        code, document = check(tmp_path, config(address, f"http://{address}", schema_registry=registry))
    assert code == 1
    found = rows(document)
    assert found["registry"]["detail"].startswith("not finished within")
    assert {found[name]["verdict"] for name in ("broker", "cluster", "registry", "platform")} == {"failed"}
    assert all(each["remedy"] for each in found.values() if each["verdict"] == "failed")


def test_in_chinese_verdicts_and_names_stay_and_each_text_is_chinese(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = config(f"127.0.0.1:{port}", f"http://127.0.0.1:{port}/api/open")
    _, english = check(tmp_path, settings, TUZHAN_LANG="en")
    code, chinese = check(tmp_path, settings, TUZHAN_LANG="", LC_ALL="zh_CN.UTF-8")
    assert code == 1
    names = [
        [(one["check"], one["subject"], one["verdict"]) for one in rows(each).values()] for each in (english, chinese)
    ]
    assert names[0] == names[1]
    told = [one[name] for one in rows(chinese).values() for name in ("detail", "remedy") if one[name]]
    assert len(told) >= 6
    assert [text for text in told if not re.search("[\u4e00-\u9fff]", text)] == []
    assert all(text.isascii() for one in rows(english).values() for text in (one["detail"], one["remedy"]))


def test_the_table_is_chinese_and_its_columns_are_straight(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(json.dumps(config("127.0.0.1:1", "http://127.0.0.1:1/api/open")))
    done = subprocess.run(
        [sys.executable, "-m", "connector", "check", "--connect", "-c", str(file)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "SECRET": SECRET, "TUZHAN_LANG": "zh"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    table = [line for line in done.stdout.splitlines() if line[:1] in "╭│├╰"]
    assert "检查项" in table[1]
    assert "处理办法" in table[1]
    assert len({cell_len(line) for line in table}) == 1
    assert re.search(r"\d+ 项检查，用时 [\d.]+ 秒：", done.stdout)


class _Secure(BaseHTTPRequestHandler):
    """The platform and a registry at once."""

    def do_GET(self) -> None:
        token = {"code": "200", "data": {"orgAccessToken": TOKEN}}
        body = json.dumps(token if "getOrgAccessToken" in self.path else ["AVRO", "JSON"]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class names it
        """Write nothing."""


def test_platform_and_registry_over_tls_are_asked_with_their_own_authority(tmp_path: Path) -> None:
    pytest.importorskip("fastavro")
    authority = Authority(tmp_path / "authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.sign("server"))
    with ThreadingHTTPServer(("127.0.0.1", 0), _Secure) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        url = f"https://127.0.0.1:{server.server_port}"
        registry = {"url": url, "properties": {"ssl.ca.location": str(authority.ca)}}
        settings = config("127.0.0.1:1", f"{url}/api/open", schema_registry=registry)
        _, trusted = check(tmp_path, settings, SSL_CERT_FILE=str(authority.ca))
        _, stranger = check(tmp_path, settings)
        server.shutdown()
    found = rows(trusted)
    assert [found[name]["verdict"] for name in ("registry", "platform", "token", "TLS")] == ["ok"] * 4
    tls = [each for each in trusted["connect"]["findings"] if each["check"] == "TLS"]
    assert len(tls) == 2  # of the registry, and of the platform
    assert "expires in 29 days" in tls[0]["detail"]
    found = rows(stranger)
    assert [found[name]["verdict"] for name in ("registry", "platform", "token")] == ["ok", "failed", "unknown"]
    assert "is not trusted" in found["platform"]["detail"]
    verdicts = sorted(each["verdict"] for each in stranger["connect"]["findings"] if each["check"] == "TLS")
    assert verdicts == ["failed", "ok"]
