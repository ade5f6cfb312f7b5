"""Reads the config again while the process runs: when it is asked to, or when a file has changed.

Theory of operation
1. A request (`request`: SIGHUP) or a change of a file has the config read and checked whole, as at the start, on
   another thread. What is requested meanwhile is one more request, so the last state of the files counts.
2. With something wrong in it, it is refused: the config of before stays, the log, `/status`, `/readyz` and a metric
   say so, and nothing else has happened.
3. Else it takes over, in one step of the event loop (`take_over`), which may refuse it too: for a setting that can't
   change while the process runs, or, for the moment, because too much of earlier configs has not ended. The latter is
   tried again by itself.
4. A file that has changed is read once it has not changed for WATCH_S: an editor writes in two steps, and a file that
   is not there may be back at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

from connector.core.errors import ReloadRefusedError
from connector.core.events import ConfigReload, ReasonCleared, ReasonRaised
from connector.language.message import message
from connector.runtime.files import stamps

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from connector.config.loading import Checked, Loaded
    from connector.core.events import Emit

WATCH_S: Final = 0.5
RETRY_S: Final = 1.0
MAX_ERRORS: Final = 20
"""How many errors of a refused config are kept."""


class TakeOver(Protocol):
    """Lets a config take over; returns what has changed. Raises ReloadRefusedError, and has changed nothing then."""

    def __call__(self, loaded: Loaded) -> Coroutine[object, object, Mapping[str, str]]:
        """Return once it has taken over."""


class Reloader:
    """`run` is a background task. Used on the event loop only."""

    def __init__(
        self, loaded: Loaded, check: Callable[[], Checked], take_over: TakeOver, emit: Emit, *, watch: bool
    ) -> None:
        self._check = check
        self._take_over = take_over
        self._emit = emit
        self._watch = watch
        self._requested = asyncio.Event()
        self._seen = loaded.seen
        """The files of the config that was read last, as they were before."""
        self._refused = False

    def request(self) -> None:
        """Have the config read again."""
        self._requested.set()

    async def run(self) -> NoReturn:
        """Read the config again whenever that is wanted, until cancelled."""
        while True:
            if self._watch:
                await self._await_change()
            else:
                await self._requested.wait()
            self._requested.clear()
            await self._reload()

    async def _await_change(self) -> None:
        """Wait for a request, or until files have changed and then been left alone."""
        last = self._seen
        while not self._requested.is_set():
            try:
                async with asyncio.timeout(WATCH_S):
                    await self._requested.wait()
            except TimeoutError:
                found = await asyncio.to_thread(stamps, self._seen)
                if found == last and found != self._seen:
                    return
                last = found

    async def _reload(self) -> None:
        try:
            checked = await asyncio.to_thread(self._check)
        except Exception as error:  # noqa: BLE001 - whatever is in a file, it must not end a process that runs well
            self._seen = stamps(self._seen)
            self._refuse("", [message("the config could not be checked: {error}", error=type(error).__name__)])
            return
        self._seen = checked.seen
        loaded = checked.loaded()
        if loaded is None:
            self._refuse(checked.sha256, checked.errors())
            return
        try:
            told = await self._take_over(loaded)
        except ReloadRefusedError as error:
            self._refuse(checked.sha256, error.lines)
            if error.is_temporary:
                await asyncio.sleep(RETRY_S)
                self.request()
            return
        if self._refused:
            self._refused = False
            self._emit(ReasonCleared("config_refused", ""))
        self._emit(ConfigReload("ok", checked.sha256, changes=told))

    def _refuse(self, sha256: str, errors: Sequence[str]) -> None:
        self._refused = True
        more = len(errors) - MAX_ERRORS
        told = [*errors[:MAX_ERRORS], *([message("and {more} more", more=more)] if more > 0 else [])]
        self._emit(ConfigReload("refused", sha256, errors=told))
        if len(errors) > 1:
            remedy = message(
                "the config of before is still in use; mend what is wrong with the new one: {error} ({number} in all)",
                error=errors[0],
                number=len(errors),
            )
        else:
            remedy = message(
                "the config of before is still in use; mend what is wrong with the new one: {error}", error=errors[0]
            )
        self._emit(ReasonRaised("config_refused", "", remedy))
