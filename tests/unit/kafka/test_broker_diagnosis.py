"""Why no broker answers, by what listens at the bootstrap servers."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from connector.core.findings import Finding, FindingVerdict
from connector.kafka import broker_diagnosis
from connector.kafka.broker_diagnosis import LOOK_AGAIN_S, BrokerDiagnosis
from connector.language.message import verbatim
from connector.settings.models import Kafka

if TYPE_CHECKING:
    import pytest

KAFKA = Kafka(bootstrap_servers="one:9092, two:9092", group_id="g")


class DiagnosisHarness:
    """What is found at a server is `verdicts` by its name, `ok` if it has none."""

    def __init__(self, **verdicts: FindingVerdict) -> None:
        self.verdicts = verdicts
        self.looked: list[str] = []
        self.may_look = threading.Event()
        self.may_look.set()
        self.diagnosis = BrokerDiagnosis(KAFKA, self._look)

    def _look(self, server: str, kafka: Kafka) -> Finding:
        assert kafka is KAFKA
        self.may_look.wait()
        self.looked.append(server)
        return Finding(
            "broker",
            server,
            self.verdicts.get(server.partition(":")[0], "ok"),
            verbatim("it hums"),
            verbatim("feed it"),
        )


def test_the_first_server_is_told_if_none_of_them_fits() -> None:
    harness = DiagnosisHarness(one="failed", two="failed")
    assert harness.diagnosis.remedy(0.0) == "one:9092: it hums; feed it"
    assert harness.looked == ["one:9092", "two:9092"]


def test_nothing_is_told_if_a_server_is_a_broker_that_fits() -> None:
    assert DiagnosisHarness(one="failed").diagnosis.remedy(0.0) == ""
    assert DiagnosisHarness(one="failed", two="unknown").diagnosis.remedy(0.0) == ""


def test_servers_are_looked_at_again_after_some_time_or_once_a_broker_has_answered() -> None:
    harness = DiagnosisHarness(one="failed", two="failed")
    found = deque(harness.diagnosis.remedy(now) for now in (0.0, LOOK_AGAIN_S - 1))
    assert len(harness.looked) == 2
    harness.verdicts = {}
    found.append(harness.diagnosis.remedy(LOOK_AGAIN_S))
    assert list(found) == ["one:9092: it hums; feed it"] * 2 + [""]
    harness.diagnosis.forget()
    harness.diagnosis.remedy(LOOK_AGAIN_S + 1)
    assert len(harness.looked) == 4


def test_a_look_that_takes_long_is_not_waited_for_and_not_begun_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_diagnosis, "WAIT_S", 0.01)
    harness = DiagnosisHarness(one="failed", two="failed")
    harness.may_look.clear()
    assert [harness.diagnosis.remedy(now) for now in (0.0, LOOK_AGAIN_S)] == ["", ""]
    harness.may_look.set()
    thread = harness.diagnosis._thread
    assert thread is not None
    thread.join()
    assert len(harness.looked) == 2
    assert harness.diagnosis.remedy(LOOK_AGAIN_S - 1) == "one:9092: it hums; feed it"
