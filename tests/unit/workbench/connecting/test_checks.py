"""Checks run side by side, and one that hangs or fails is a finding that leaves the others alone."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from connector.core.errors import CommandError
from connector.core.findings import Finding
from connector.language.message import verbatim
from connector.runtime.certificates import Certificate
from connector.workbench.connecting.certificates import finding_of
from connector.workbench.connecting.checks import Check, run_checks
from connector.workbench.connecting.report import as_data

if TYPE_CHECKING:
    from connector.core.findings import FindingVerdict, Report

DAY_S = 86_400


def fine(report: Report) -> None:
    report(Finding("token", "", "ok", verbatim("fetched")))


def test_checks_run_at_the_same_time() -> None:
    barrier = threading.Barrier(3, timeout=30)

    def wait(report: Report) -> None:
        barrier.wait()
        fine(report)

    findings, hanging = run_checks([Check("token", "", wait)] * 3, deadline_s=60)
    assert [one.verdict for one in findings] == ["ok"] * 3
    assert not hanging


def test_a_check_that_hangs_is_a_failure_and_what_it_told_before_stays() -> None:
    release = threading.Event()

    def hang(report: Report) -> None:
        report(Finding("cluster", "", "ok", verbatim("logged in")))
        release.wait(60)

    findings, hanging = run_checks([Check("cluster", "", hang), Check("token", "", fine)], deadline_s=0.5)
    release.set()
    assert hanging
    assert [(one.check, one.verdict) for one in findings] == [("cluster", "ok"), ("cluster", "failed"), ("token", "ok")]
    assert findings[1].detail == "not finished within 0.5 s"


def test_an_error_of_a_check_is_a_finding_without_its_text_unless_the_text_is_ours() -> None:
    def ours(_: Report) -> None:
        raise CommandError("there is no topic x")

    def others(_: Report) -> None:
        raise ValueError("https://user:hunter2@registry")

    findings, _ = run_checks([Check("topic", "", ours), Check("registry", "", others), Check("token", "", fine)], 60)
    assert [(one.check, one.verdict) for one in findings] == [
        ("topic", "failed"),
        ("registry", "failed"),
        ("token", "ok"),
    ]
    assert findings[0].detail == "there is no topic x"
    assert "hunter2" not in str(findings)


def test_a_warning_is_no_failure() -> None:
    rows = [
        Finding("clock", "", "warning", verbatim("d"), verbatim("r")),
        Finding("group", "g", "unknown", verbatim("d")),
    ]
    assert as_data(rows)["ok"] is True
    assert as_data([*rows, Finding("token", "", "failed", verbatim("d"))])["ok"] is False


def test_a_chain_holds_as_long_as_the_certificate_of_it_that_expires_first() -> None:
    chain = [Certificate("server", 300 * DAY_S), Certificate("between", 20.5 * DAY_S), Certificate("root", 900 * DAY_S)]
    found = finding_of("host", chain, 0)
    assert (found.verdict, found.detail) == ("warning", "trusted; between expires in 20 days")
    assert found.remedy
    assert finding_of("host", chain[::2], 0).verdict == "ok"
    assert finding_of("host", [], 0).verdict == "unknown"


@pytest.mark.parametrize(("login", "verdict"), [("ok", "warning"), ("failed", "failed")])
def test_a_bootstrap_server_that_fails_is_a_warning_only_if_another_one_let_the_client_in(
    login: FindingVerdict, verdict: str
) -> None:
    def rows(report: Report) -> None:
        report(Finding("broker", "one:9092", "failed", verbatim("nothing listens there")))
        report(Finding("advertised", "two:9092", "failed", verbatim("unresolved")))
        report(Finding("cluster", "", login, verbatim("d")))

    findings, _ = run_checks([Check("cluster", "", rows)], 60)
    assert {one.check: one.verdict for one in findings} == {"broker": verdict, "advertised": "failed", "cluster": login}
