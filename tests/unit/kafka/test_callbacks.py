"""A callback that fails is an event, and ends the thread between polls."""

from __future__ import annotations

import pytest

from connector.core.events import Event, Notice
from connector.kafka.callbacks import Callbacks


def test_a_callback_is_called_with_its_arguments() -> None:
    called: list[tuple[int, str]] = []

    def on_commit(number: int, text: str) -> None:
        called.append((number, text))

    callbacks = Callbacks(lambda _: None)
    callbacks.guarded(on_commit)(1, text="a")
    callbacks.raise_failure()
    assert called == [(1, "a")]


def test_the_first_failure_is_raised_between_polls_and_each_is_an_event() -> None:
    events: list[Event] = []
    callbacks = Callbacks(events.append)

    def on_assign(error: type[BaseException]) -> None:
        raise error

    guarded = callbacks.guarded(on_assign)
    guarded(KeyError)
    guarded(ValueError)
    message = "a callback of the Kafka client failed"
    assert events == [
        Notice("error", message, {"callback": "on_assign", "error": "KeyError"}),
        Notice("error", message, {"callback": "on_assign", "error": "ValueError"}),
    ]
    with pytest.raises(KeyError):
        callbacks.raise_failure()


def test_a_client_whose_place_another_one_has_taken_calls_nothing_back() -> None:
    called: list[int] = []
    callbacks = Callbacks(lambda _: None)
    callback = callbacks.guarded(called.append)
    callbacks.ignored = True
    callback(1)
    assert called == []
