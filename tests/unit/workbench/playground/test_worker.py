"""What the worker answers to any question."""

from __future__ import annotations

import json
from typing import NoReturn

import pytest

from connector.workbench.playground import worker
from connector.workbench.playground.routes import example

QUESTION = json.dumps({"config": example().config, "records": "{}", "topic": ""}).encode()


def test_a_question_is_answered() -> None:
    assert json.loads(worker.answer(QUESTION))["sound"]


def test_an_answer_that_is_too_large_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "MOST_BYTES", 100)
    assert json.loads(worker.answer(QUESTION)) == {"error": "too_much"}


@pytest.mark.parametrize(
    ("error", "code"), [(RecursionError, "too_much"), (MemoryError, "too_much"), (KeyError, "crashed")]
)
def test_an_evaluation_that_fails_is_an_answer_too(
    error: type[Exception], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluate(config: str, records: str, topic: str) -> NoReturn:
        raise error(config, records, topic)

    monkeypatch.setattr(worker, "evaluate", evaluate)
    assert json.loads(worker.answer(QUESTION)) == {"error": code}


def test_a_question_that_is_none_is_answered() -> None:
    assert json.loads(worker.answer(b"[1]")) == {"error": "crashed"}
