"""All that `check --connect` looks at, side by side: each check in a thread of its own, with one deadline for all."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from connector.core.errors import ConnectorError, RegistryError
from connector.core.findings import Finding, Report, apart
from connector.decode.registry_errors import place_of
from connector.decode.registry_extra import INSTALL, open_client
from connector.kafka.cluster_check import check_cluster
from connector.kafka.listener_findings import bootstrap_servers, look_at
from connector.language.message import message, verbatim
from connector.tuzhan.client import system_trust
from connector.tuzhan.platform_check import check_platform
from connector.workbench.connecting.certificates import check_certificates

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.settings.models import Config

DEADLINE_S: Final = 12.5
ORDER: Final = (
    "broker",
    "cluster",
    "advertised",
    "pattern",
    "topic",
    "group",
    "dead letters",
    "registry",
    "platform",
    "token",
)
"""Of the table; what is not named here comes last."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at, which may take its time: `run` reports what it finds, and blocks."""

    name: str
    subject: str
    run: Callable[[Report], None]


def checks_of(config: Config) -> list[Check]:
    """Return what is to be looked at for a config."""
    found = [
        Check("broker", server, lambda report, server=server: report(look_at(server, config.kafka)))  # type: ignore[misc]
        for server in bootstrap_servers(config.kafka)
    ]
    found.append(Check("cluster", "", lambda report: check_cluster(config, report)))
    if config.kafka.schema_registry is not None:
        settings = config.kafka.schema_registry
        found.append(Check("registry", place_of(settings.url), lambda report: _check_registry(config, report)))
    platform = config.platform
    found += [
        Check("platform", "base_url", lambda report: asyncio.run(check_platform(platform, report))),
        Check(
            "TLS",
            place_of(platform.base_url),
            lambda report: check_certificates(platform.base_url, system_trust(), "SSL_CERT_FILE", report),
        ),
    ]
    return found


def run_checks(checks: Sequence[Check], deadline_s: float = DEADLINE_S) -> tuple[list[Finding], bool]:
    """Run all at the same time. Return what they found, and whether some have not ended by the deadline.

    A check that hangs is a finding; its thread is left behind.
    """
    reports: queue.SimpleQueue[tuple[int, Finding | None]] = queue.SimpleQueue()
    for number, check in enumerate(checks):
        arguments = (number, check, reports)
        threading.Thread(target=_run, args=arguments, name=f"check {check.name}", daemon=True).start()
    deadline, running, found = time.monotonic() + deadline_s, set(range(len(checks))), []
    while running:
        try:
            number, finding = reports.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        if finding is None:
            running.discard(number)
        else:
            found.append(finding)
    remedy = message("what was asked answers too slowly, or a firewall drops the packets")
    for number in sorted(running):
        hanging = checks[number]
        detail = message("not finished within {seconds:g} s", seconds=deadline_s)
        found.append(Finding(hanging.name, hanging.subject, "failed", detail, remedy))
    order = {name: at for at, name in enumerate(ORDER)}
    return sorted(_weighed(found), key=lambda one: order.get(one.check, len(order))), bool(running)


def _weighed(findings: Sequence[Finding]) -> list[Finding]:
    """Return them with a bootstrap server that fails as a warning, if the client got in by another one."""
    if not any(one.check == "cluster" and one.verdict == "ok" for one in findings):
        return list(findings)
    return [
        replace(one, verdict="warning") if one.check == "broker" and one.verdict == "failed" else one
        for one in findings
    ]


def _run(number: int, check: Check, reports: queue.SimpleQueue[tuple[int, Finding | None]]) -> None:
    try:
        check.run(lambda finding: reports.put((number, finding)))
    except ConnectorError as error:
        reports.put((number, Finding(check.name, check.subject, "failed", verbatim(error.told))))
    except Exception as error:  # noqa: BLE001 - the other checks go on; a text could hold a secret, so none is shown
        detail = message("the check itself failed: {kind}", kind=type(error).__name__)
        remedy = message("report it: this is a mistake of ours")
        reports.put((number, Finding(check.name, check.subject, "failed", detail, remedy)))
    finally:
        reports.put((number, None))


def _check_registry(config: Config, report: Report) -> None:
    settings = config.kafka.schema_registry
    assert settings is not None  # noqa: S101 - the caller has looked
    place = place_of(settings.url)
    try:
        client = open_client(settings)
    except ImportError as error:
        detail = message("{module} is not installed", module=error.name)
        report(Finding("registry", place, "failed", detail, verbatim(INSTALL)))
        return
    try:
        client.ping()
    except RegistryError as error:
        report(Finding("registry", place, "failed", *apart(verbatim(error.told))))
    else:
        report(Finding("registry", place, "ok", message("it answers as a registry does")))
    for url in settings.url.split(","):
        check_certificates(url.strip(), client.trust(), "kafka.schema_registry.properties, ssl.ca.location", report)
