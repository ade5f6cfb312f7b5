"""The brokers: one for all tests, and one that may be killed; and the browser.

Where no broker or browser can be had, the tests that need one are skipped and say why and what to do; with CI set
in the environment that is a failure instead.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.kafka.access import AUTHORIZER
from tests.kafka.broker import Broker
from tests.kafka.cluster import Cluster
from tests.kafka.jars import NoBrokerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.browser import Browser

# The tests read English, whatever the language of who runs them.
os.environ.pop("TUZHAN_LANG", None)
os.environ["LC_ALL"] = "C.UTF-8"

# No test may depend on how busy the machine is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
# For mutation tests: see tests/mutants.py.
settings.register_profile("mutants", derandomize=True, database=None, phases=[Phase.explicit, Phase.generate])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a time limit count a test's own seconds only: the first broker may have to be fetched before."""
    for item in items:
        if item.get_closest_marker("kafka") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(120, func_only=True))


def without_broker(missing: Exception, what: str = "Kafka broker") -> NoReturn:
    """Skip the test, or fail it in CI: no broker, or whatever else of the kind, can be had."""
    if os.environ.get("CI"):
        pytest.fail(f"CI must run the tests on a real {what}: {missing}", pytrace=False)
    pytest.skip(f"no real {what}: {missing}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium, one for all tests of a process: see tests/support/browser.py."""
    from tests.support.browser import Browser, NoBrowserError  # noqa: PLC0415 - selenium is slow to import

    try:
        browser = Browser()
    except NoBrowserError as missing:
        without_broker(missing, "browser")
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The address of a real broker: the one that KAFKA_BOOTSTRAP_SERVERS names, or one of our own."""
    named = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if named:
        yield named
        return
    try:
        broker = Broker()
    except NoBrokerError as missing:
        without_broker(missing)
    with broker:
        yield broker.address


@pytest.fixture(scope="session")
def kafka(address: str) -> Iterator[Cluster]:
    """A running cluster that all tests share."""
    cluster = Cluster(address)
    yield cluster
    cluster.close()


@pytest.fixture(scope="session")
def _second_broker() -> Iterator[Broker]:
    try:
        broker = Broker(AUTHORIZER)
    except NoBrokerError as missing:
        without_broker(missing)
    with broker:
        yield broker


@pytest.fixture
def killable_broker(_second_broker: Broker) -> Broker:
    """A broker of our own that the test may stop and kill; it runs when the test begins."""
    if not _second_broker.running:
        _second_broker.start()
    return _second_broker
