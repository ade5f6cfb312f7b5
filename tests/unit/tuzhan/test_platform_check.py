"""base_url, token and clock, as `check --connect` tells of them, of a platform that answers in every way."""

from __future__ import annotations

import asyncio
import json
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from connector.core.errors import TransportError
from connector.settings.models import Platform
from connector.tuzhan.platform_check import check_endpoint
from connector.tuzhan.replies import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from connector.core.findings import Finding

APP = {"app_id": "the-app", "app_secret": "the-secret"}
TOKEN = b'{"code":"200","data":{"orgAccessToken":"tok-of-the-platform","expire":0}}'
REFUSED = b'{"code":"100100","msg":"no"}'


class Endpoint:
    def __init__(
        self, body: bytes = TOKEN, status: int = 200, *, behind_s: float | None = 0.0, fails: str = ""
    ) -> None:
        self._reply = Reply(
            status, body, date=None if behind_s is None else formatdate(time.time() + behind_s, usegmt=True)
        )
        self._fails = fails
        self.asked: list[tuple[str, str]] = []

    async def get_token(self, app_id: str, app_secret: str) -> Reply:
        self.asked.append((app_id, app_secret))
        if self._fails == "hangs":
            await asyncio.Event().wait()
        if self._fails:
            raise TransportError(self._fails)
        return self._reply


def found(endpoint: Endpoint, auth: dict[str, Any] | None = None) -> dict[str, Finding]:
    """Return the findings by check; none of them holds a secret or a token."""
    findings: list[Finding] = []
    asyncio.run(
        check_endpoint(Platform.model_validate({"auth": auth or APP}), endpoint, findings.append, timeout_s=0.5)
    )
    for secret in ("the-secret", "tok-of-the-platform", "tok-of-the-config"):
        assert secret not in str(findings)
    return {one.check: one for one in findings}


def verdicts(findings: dict[str, Finding]) -> list[str]:
    return [findings[check].verdict for check in ("platform", "token", "clock")]


def test_a_platform_that_issues_a_token_is_ok_and_is_asked_once() -> None:
    endpoint = Endpoint()
    assert verdicts(found(endpoint)) == ["ok", "ok", "ok"]
    assert endpoint.asked == [("the-app", "the-secret")]


def test_refused_credentials_are_no_fault_of_base_url() -> None:
    findings = found(Endpoint(REFUSED))
    assert verdicts(findings) == ["ok", "failed", "ok"]
    assert findings["token"].detail == "the token endpoint answered HTTP 200, code 100100"
    assert findings["token"].remedy.startswith("check app_id and app_secret")


@pytest.mark.parametrize(
    ("endpoint", "detail"),
    [
        (Endpoint(b"<html>", 404), "it answers HTTP 404 with something that is no reply of the platform"),
        (Endpoint(b"<html>"), "it answers HTTP 200 with something that is no reply of the platform"),
        (Endpoint(b"{}"), "it answers HTTP 200 with something that is no reply of the platform"),
        (Endpoint(fails="x refused the connection"), "x refused the connection"),
        (Endpoint(fails="hangs"), "no answer in time"),
    ],
)
def test_an_address_that_is_not_the_platform_s_is_the_only_failure(endpoint: Endpoint, detail: str) -> None:
    findings = found(endpoint)
    assert verdicts(findings)[:2] == ["failed", "unknown"]
    assert findings["platform"].detail == detail
    assert "base_url" in findings["platform"].remedy


def test_a_token_that_can_t_stand_in_a_header_fails() -> None:
    body = json.dumps({"code": "200", "data": {"orgAccessToken": "t\n"[::-1] * 2}}).encode()
    assert verdicts(found(Endpoint(body))) == ["ok", "failed", "ok"]


def test_a_token_of_the_config_is_found_and_base_url_is_asked_without_credentials() -> None:
    endpoint = Endpoint(REFUSED)
    findings = found(endpoint, {"token": "tok-of-the-config"})
    assert verdicts(findings) == ["ok", "ok", "ok"]
    assert "only sending shows" in findings["token"].detail
    assert endpoint.asked == [("", "")]


def test_a_token_file_that_is_missing_is_named(tmp_path: Path) -> None:
    findings = found(Endpoint(REFUSED), {"token_file": str(tmp_path / "none")})
    assert verdicts(findings) == ["ok", "failed", "ok"]
    assert findings["token"].detail.startswith(f"the token file {tmp_path / 'none'} can't be read")
    assert findings["token"].remedy == "write a valid token there"
    (tmp_path / "some").write_text("tok-of-the-config\n")
    assert found(Endpoint(REFUSED), {"token_file": str(tmp_path / "some")})["token"].verdict == "ok"


@pytest.mark.parametrize(
    ("behind_s", "verdict", "told"),
    [
        (30, "ok", "differs from the platform's"),
        (300, "warning", "s behind the platform"),
        (-300, "warning", "s ahead of the platform"),
        (None, "unknown", "no reply that names the platform's time"),
    ],
)
def test_a_clock_that_differs_by_more_than_a_minute_is_a_warning(
    behind_s: float | None, verdict: str, told: str
) -> None:
    clock = found(Endpoint(behind_s=behind_s))["clock"]
    assert clock.verdict == verdict
    assert told in clock.detail
    assert bool(clock.remedy) is (verdict == "warning")


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 99 Nov 2026 99:99:99 GMT", "9" * 50])
def test_a_date_that_is_none_is_unknown(date: str) -> None:
    endpoint = Endpoint()
    endpoint._reply = Reply(200, TOKEN, date=date)  # noqa: SLF001 - of this file
    assert found(endpoint)["clock"].verdict == "unknown"
