"""Tokens that something else issues: in the config, or in a file that another process renews.

A refused token is replaced as soon as another one is found where it came from. While the same one stands there it is
tried again after a while, because the cause may have been corrected on the platform; until a request is delivered the
reason `no_token` stays.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from connector.core.events import Notice
from connector.core.wording import system_says
from connector.language.message import message
from connector.tuzhan.renewal import parse_token
from connector.tuzhan.token import TokenProvider, now_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.events import Emit
    from connector.core.retry import Backoff
    from connector.language.message import Message

POLL_S = 1.0
"""Seconds between two looks at a token file's stat; it is read only if that changed, or its token was refused."""
MAX_FILE_BYTES = 64 << 10
_UNUSABLE = message(
    "{found}: {remedy}",
    found=message("auth.token is empty or has characters that no token has"),
    remedy=message("put a valid one there"),
)
_REFUSED = message(
    "{found}: {remedy}",
    found=message("the platform refuses auth.token"),
    remedy=message("put a valid one there, or let the connector fetch its own with app_id and app_secret"),
)


class StaticToken(TokenProvider):
    """The token in the config, which is never renewed. If it came out of a file, that is read again on a refusal."""

    source = "token"

    def __init__(
        self,
        token: str,
        emit: Emit,
        retry_refused_after_s: float,
        read_again: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`read_again` returns the token as it is now, or None if it can't be read; it does not wait."""
        super().__init__(emit)
        self._token = parse_token(token)
        self._retry_refused_after_s = retry_refused_after_s
        self._read_again = read_again

    def set_retry(self, backoff: Backoff) -> None:
        """Try a refused token again after other waits."""
        self._retry_refused_after_s = backoff.max_s

    async def run(self) -> NoReturn:
        """Provide the token; after a refusal another one at once, or the same `retry_refused_after_s` later."""
        while True:
            if self._token is None:
                self._report_missing(_UNUSABLE)
            else:
                self._set_token(self._token)
                await self._refused()
            await self._look_for_another()

    async def _refused(self) -> None:
        while (left_s := self._evidence.renew_s - now_s()) > 0:
            await self._sleep_until_changed(left_s)

    async def _look_for_another(self) -> None:
        retry_s = now_s() + self._retry_refused_after_s
        while (left_s := retry_s - now_s()) > 0:
            token = parse_token(self._read_again())
            if token is not None and token != self._token:
                self._token = token
                self._emit(Notice("info", "auth.token was read again, and has changed", {}))
                self._report_found()
                return
            if self._token is not None:
                self._report_missing(_REFUSED)
            await self._sleep_until_changed(min(POLL_S, left_s))


class TokenFile(TokenProvider):
    """A file that another process renews. Read when it changes, and when its token was refused.

    A file that is missing or half written for a moment does not take away a token that still works.
    """

    source = "token_file"

    def __init__(self, path: str, emit: Emit, retry_refused_after_s: float) -> None:
        super().__init__(emit)
        self._path = Path(path)
        self._retry_refused_after_s = retry_refused_after_s
        self._last_read: tuple[int, int, int] | None = None
        """mtime, inode and size of the file when it was last read."""

    def set_retry(self, backoff: Backoff) -> None:
        """Try a refused token again after other waits."""
        self._retry_refused_after_s = backoff.max_s

    async def run(self) -> NoReturn:
        """Look at the file every POLL_S, and at once on a refusal."""
        while True:
            self._check()
            await self._sleep_until_changed(POLL_S)

    def _check(self) -> None:
        refused_for_s = now_s() - self._evidence.renew_s
        found = self._read(always=self._current is None or refused_for_s >= 0)
        if found is None:
            return
        token, problem = found
        if token is not None and token != self._current:
            self._set_token(token)
            self._emit(Notice("info", "the token file was read", {"file": str(self._path)}))
            self._report_found()
        elif self._current is not None and refused_for_s >= self._retry_refused_after_s:
            self._set_token(self._current)
        else:
            self._report_missing(
                message("{found}: {remedy}", found=problem, remedy=message("write a valid token there"))
            )

    def _read(self, *, always: bool) -> tuple[str | None, Message] | None:
        """Return the token, or None and why the file has none; None if it is to be read only if it has changed."""
        try:
            found = self._path.stat()
            if not stat.S_ISREG(found.st_mode):
                # Reading a pipe would block.
                return None, message("the token file {path} is not a file", path=self._path)
            version = (found.st_mtime_ns, found.st_ino, found.st_size)
            if not always and version == self._last_read:
                return None
            with self._path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
        except (OSError, ValueError) as error:
            return None, message(
                "the token file {path} can't be read ({why})",
                path=self._path,
                why=system_says(getattr(error, "strerror", None) or "") or message("not a path"),
            )
        self._last_read = version
        token = parse_token(content.decode("utf-8-sig", "replace")) if len(content) <= MAX_FILE_BYTES else None
        if token is None:
            return None, message("the token file {path} holds no token", path=self._path)
        return token, message("the token file {path} holds a token that the platform refuses", path=self._path)
