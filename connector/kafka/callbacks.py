"""Guards for what librdkafka calls: an exception in a callback must neither vanish nor take records with it.

`consume` raises what a callback raised, and throws away the records that it had fetched in that call. So no callback
raises: the failure is reported as an event and kept, and the thread, which may not go on, raises it between polls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ParamSpec

from connector.core.events import Notice

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.events import Emit

P = ParamSpec("P")


class Callbacks:
    """Makes guarded callbacks for one client; used by the consumer's thread. `emit` may be called by any thread."""

    def __init__(self, emit: Emit) -> None:
        self.ignored = False
        """Set when another client takes the place of this one, which is closed in a thread of its own."""
        self._emit = emit
        self._failure: BaseException | None = None

    def guarded(self, callback: Callable[P, object]) -> Callable[P, None]:
        """Return a function that calls `callback` and never raises."""

        def call(*arguments: P.args, **named: P.kwargs) -> None:
            if self.ignored:
                return
            try:
                callback(*arguments, **named)
            except BaseException as error:  # noqa: BLE001 - raised between polls, see above
                fields = {"callback": callback.__name__, "error": type(error).__name__}
                self._emit(Notice("error", "a callback of the Kafka client failed", fields))
                self._failure = self._failure or error

        return call

    def raise_failure(self) -> None:
        """Raise the first exception that a callback has raised. Called between polls."""
        if self._failure is not None:
            raise self._failure
