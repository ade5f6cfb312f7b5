"""When the config is read again, and what is told of it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from connector.core.errors import ReloadRefusedError
from connector.core.events import ConfigReload, ReasonCleared, ReasonRaised
from connector.reloading import reloader as module
from connector.reloading.reloader import MAX_ERRORS, Reloader
from tests.support.clock import run_virtual

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping

    from connector.core.events import Event
    from connector.runtime.files import Stamp

FILE = "connector.yaml"


class ReloadHarness:
    """A reloader whose files, checks and take-over are the test's. Made on the event loop."""

    def __init__(self, *, watch: bool = False) -> None:
        self.stamps: dict[str, Stamp] = {FILE: (1,)}
        self.errors: list[str] = []
        self.crash: Exception | None = None
        self.refusals: list[ReloadRefusedError] = []
        self.taken: list[Stamp] = []
        self.events: list[Event] = []
        self.reads: list[float] = []
        self.reloader = Reloader(self.checked().loaded(), self._check, self._take_over, self.events.append, watch=watch)
        self.running = asyncio.ensure_future(self.reloader.run())

    def checked(self) -> Any:  # noqa: ANN401 - in place of Checked
        seen, errors = dict(self.stamps), tuple(self.errors)
        loaded = None if errors else SimpleNamespace(seen=seen)
        return SimpleNamespace(sha256="ab" * 32, seen=seen, loaded=lambda: loaded, errors=lambda: errors)

    def _check(self) -> Any:  # noqa: ANN401 - in place of Checked
        self.reads.append(asyncio.get_running_loop().time())
        if self.crash is not None:
            raise self.crash
        return self.checked()

    async def _take_over(self, loaded: Any) -> Mapping[str, str]:  # noqa: ANN401 - in place of Loaded
        if self.refusals:
            raise self.refusals.pop(0)
        self.taken.append(loaded.seen[FILE])
        return {"routes_added": "one"}

    @property
    def told(self) -> list[str]:
        """What became of the reloads."""
        return [event.result for event in self.events if isinstance(event, ConfigReload)]


@pytest.fixture(autouse=True)
def _no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    async def to_thread(call: Callable[..., object], *arguments: object) -> object:
        result = call(*arguments)
        await asyncio.sleep(0.1)
        return result

    monkeypatch.setattr(asyncio, "to_thread", to_thread)


def run(scenario: Callable[[ReloadHarness], Coroutine[Any, Any, None]], *, watch: bool = False) -> ReloadHarness:
    async def main() -> ReloadHarness:
        harness = ReloadHarness(watch=watch)

        def stamps(files: Iterable[str]) -> dict[str, Stamp]:
            return {file: harness.stamps.get(file) for file in files}

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "stamps", stamps)
            await scenario(harness)
            assert not harness.running.done()
        return harness

    return run_virtual(main())


def test_what_is_requested_while_the_config_is_read_is_one_more_reading() -> None:
    async def scenario(harness: ReloadHarness) -> None:
        harness.reloader.request()
        await asyncio.sleep(0.05)
        harness.reloader.request()
        harness.reloader.request()
        await asyncio.sleep(5)

    harness = run(scenario)
    assert (len(harness.reads), harness.told) == (2, ["ok", "ok"])


def test_a_config_with_errors_is_refused_and_told_until_a_sound_one_takes_over() -> None:
    async def scenario(harness: ReloadHarness) -> None:
        harness.errors = ["connector.yaml:1:1: wrong", "another"]
        harness.reloader.request()
        await asyncio.sleep(1)
        assert harness.taken == []
        harness.errors = []
        harness.reloader.request()
        await asyncio.sleep(1)

    refused, raised, cleared, ok = run(scenario).events
    assert refused == ConfigReload("refused", "ab" * 32, errors=["connector.yaml:1:1: wrong", "another"])
    assert isinstance(raised, ReasonRaised)
    assert raised.code == "config_refused"
    assert "connector.yaml:1:1: wrong (2 in all)" in raised.remedy
    assert cleared == ReasonCleared("config_refused", "")
    assert ok == ConfigReload("ok", "ab" * 32, changes={"routes_added": "one"})


def test_of_very_many_errors_the_first_are_kept_and_the_others_counted() -> None:
    async def scenario(harness: ReloadHarness) -> None:
        harness.errors = [f"error {number}" for number in range(MAX_ERRORS + 5)]
        harness.reloader.request()
        await asyncio.sleep(1)

    refused = run(scenario).events[0]
    assert isinstance(refused, ConfigReload)
    assert list(refused.errors[-2:]) == [f"error {MAX_ERRORS - 1}", "and 5 more"]


@pytest.mark.parametrize("watch", [False, True])
def test_a_check_that_fails_itself_refuses_the_config_once_and_ends_nothing(watch: bool) -> None:  # noqa: FBT001
    async def scenario(harness: ReloadHarness) -> None:
        harness.crash = RecursionError("a value of the file, maybe")
        harness.reloader.request()
        await asyncio.sleep(10)

    harness = run(scenario, watch=watch)
    assert harness.told == ["refused"]
    assert "RecursionError" in str(harness.events)
    assert "a value of the file" not in str(harness.events)


def test_what_can_only_take_over_later_is_tried_again_by_itself() -> None:
    async def scenario(harness: ReloadHarness) -> None:
        harness.refusals = [ReloadRefusedError(["later"], is_temporary=True)] * 3
        harness.reloader.request()
        await asyncio.sleep(10)

    harness = run(scenario)
    assert harness.told == ["refused"] * 3 + ["ok"]
    assert all(second - first >= 1.0 for first, second in zip(harness.reads, harness.reads[1:], strict=False))


def test_what_needs_a_restart_is_not_tried_again() -> None:
    async def scenario(harness: ReloadHarness) -> None:
        harness.refusals = [ReloadRefusedError(["kafka.group_id: restart it"])] * 3
        harness.reloader.request()
        await asyncio.sleep(10)

    assert run(scenario, watch=True).told == ["refused"]


def test_files_are_not_looked_at_unless_they_are_watched() -> None:
    async def scenario(harness: ReloadHarness) -> None:
        harness.stamps[FILE] = (2,)
        await asyncio.sleep(1)
        harness.reloader.request()  # else nothing could ever happen
        await asyncio.sleep(10)

    assert len(run(scenario).reads) == 1


def test_a_file_that_is_being_written_is_read_once_it_is_left_alone() -> None:
    async def scenario(harness: ReloadHarness) -> None:
        await asyncio.sleep(10)
        assert harness.reads == []
        for number in range(10):  # an editor empties it, and writes; or it is away for a moment
            harness.stamps[FILE] = None if number == 5 else (2, number)
            await asyncio.sleep(0.4)
        assert harness.reads == []
        await asyncio.sleep(10)

    assert run(scenario, watch=True).taken == [(2, 9)]


def test_a_file_that_is_back_as_it_was_is_not_read() -> None:
    async def scenario(harness: ReloadHarness) -> None:
        harness.stamps[FILE] = None
        await asyncio.sleep(0.8)
        harness.stamps[FILE] = (1,)
        await asyncio.sleep(10)

    assert run(scenario, watch=True).reads == []


def test_a_file_that_stays_away_is_refused_once_and_read_when_it_is_back() -> None:
    async def scenario(harness: ReloadHarness) -> None:
        harness.stamps[FILE], harness.errors = None, ["can't read the file"]
        await asyncio.sleep(30)
        assert harness.told == ["refused"]
        harness.stamps[FILE], harness.errors = (2,), []
        await asyncio.sleep(30)

    assert run(scenario, watch=True).told == ["refused", "ok"]


def test_a_change_while_the_config_is_read_is_noticed() -> None:
    async def scenario(harness: ReloadHarness) -> None:
        harness.stamps[FILE] = (2,)
        while not harness.reads:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.01)
        harness.stamps[FILE] = (3,)
        await asyncio.sleep(10)

    assert run(scenario, watch=True).taken == [(2,), (3,)]


def test_a_request_need_not_wait_for_a_look_at_the_files() -> None:
    async def scenario(harness: ReloadHarness) -> None:
        await asyncio.sleep(1.23)
        began = asyncio.get_running_loop().time()
        harness.reloader.request()
        await asyncio.sleep(1)
        assert harness.reads[0] - began < 0.3

    run(scenario, watch=True)
