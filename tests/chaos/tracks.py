"""Performs a schedule: each track is a thread that does its actions one after the other, each for its duration."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from tests.chaos.stage import STOP_LIMIT_S
from tests.kafka.access import allow_everything, deny_writes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.chaos.processes import Member
    from tests.chaos.schedule import Action
    from tests.chaos.stage import Stage

STARTED_S = 10.0
"""SIGHUP ends a process of Python that has only just begun."""
TOKEN = "app/getOrgAccessToken"  # noqa: S105 - a path


class Track(threading.Thread):
    """One track of a round that began at `began` (monotonic); `failure` is what the harness itself failed of."""

    def __init__(self, stage: Stage, began: float, actions: Iterable[Action]) -> None:
        self._actions = list(actions)
        super().__init__(name=self._actions[0].track, daemon=True)
        self._stage = stage
        self._began = began
        self.failure: Exception | None = None

    def run(self) -> None:
        """Perform every action at its time, and undo it; an action that is late begins at once."""
        try:
            for action in self._actions:
                time.sleep(max(0.0, self._began + action.at_s - time.monotonic()))
                began = time.time()
                self._perform(action)
                self._stage.note(action.track, action.kind, began, str(dict(action.detail) or ""))
        except Exception as failure:  # noqa: BLE001 - a thread's failure is reported by the round
            self.failure = failure

    def _perform(self, action: Action) -> None:
        """Do it, wait, undo it."""
        handlers: dict[str, Callable[[Stage, Action], None]] = {
            "replies": _misbehave,
            "platform": _disturb_platform,
            "broker": _disturb_broker,
            "token": _disturb_token,
            "dead letters": _refuse_dead_letters,
            "config": _reload,
        }
        handlers[action.track](self._stage, action)


class MemberTrack(Track):
    """The track of one place for a member, which is filled again after its process has ended."""

    def __init__(self, stage: Stage, began: float, actions: Iterable[Action], member: Member | None) -> None:
        super().__init__(stage, began, actions)
        self._member = member

    def _perform(self, action: Action) -> None:
        if action.kind.startswith("join"):
            self._visit(action)
            return
        member = self._member or self._stage.add_member()
        if action.kind.startswith("freeze"):
            member.freeze()
            time.sleep(action.duration_s)
            member.thaw()
            self._member = member
            return
        if action.kind == "kill":
            member.kill()
        else:
            member.stop(STOP_LIMIT_S)
        time.sleep(action.duration_s)
        self._member = self._stage.add_member()

    def _visit(self, action: Action) -> None:
        guest = self._stage.add_member()
        time.sleep(action.duration_s)
        if action.kind == "join and kill":
            guest.kill()
        else:
            guest.stop(STOP_LIMIT_S)


def _misbehave(stage: Stage, action: Action) -> None:
    stage.platform.misbehave(action.track, [action.detail["fault"]], action.detail["switches"])
    time.sleep(action.duration_s)
    stage.platform.misbehave(action.track, [], {})


def _disturb_platform(stage: Stage, action: Action) -> None:
    if action.kind == "kill":
        stage.platform.kill()
        time.sleep(action.duration_s)
        stage.platform.start()
    else:
        stage.platform.pause()
        time.sleep(action.duration_s)
        stage.platform.resume()


def _disturb_broker(stage: Stage, action: Action) -> None:
    broker = stage.broker
    if action.kind == "pause":
        broker.freeze()
        time.sleep(action.duration_s)
        broker.thaw()
        return
    if action.kind == "kill":
        broker.kill()
    else:
        broker.stop()
    time.sleep(action.duration_s)
    broker.start()


def _disturb_token(stage: Stage, action: Action) -> None:
    platform = stage.platform
    if action.kind == "new kills old":
        platform.misbehave(action.track, [], {"new_token_kills_old": True})
    elif action.kind.startswith("endpoint down"):
        platform.misbehave(action.track, [{"kind": "status", "status": 503, "endpoint": TOKEN}], {})
    if action.kind != "endpoint down":
        platform.expire_tokens()
    time.sleep(action.duration_s)
    platform.misbehave(action.track, [], {})


def _reload(stage: Stage, action: Action) -> None:
    running = [member for member in stage.running() if time.time() > member.started_at + STARTED_S]
    if not running:
        return
    member = running[action.detail["place"] % len(running)]
    member.reload(action.detail["more"])
    time.sleep(action.duration_s)
    if member.running:
        member.reload({})


def _refuse_dead_letters(stage: Stage, action: Action) -> None:
    deny_writes(stage.broker.address, stage.dead_letter_topic)
    time.sleep(action.duration_s)
    allow_everything(stage.broker.address, stage.dead_letter_topic)
