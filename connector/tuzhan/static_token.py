"""Tokens that somebody else renews: a fixed one in the config, or a file.

A token that no rule can better (a fixed one; a file that has not changed) is offered again a while after it was
refused: what is wrong may be put right on the platform's side, and one request in half a minute finds out. Until one
is delivered, the connector says that it has no token.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from connector.core.events import Notice
from connector.tuzhan.renewal import usable
from connector.tuzhan.token import Tokens

if TYPE_CHECKING:
    from connector.core.events import Emit

LOOK_S = 1.0
"""How often a token file is looked at: a stat, not a read."""
MAX_FILE_BYTES = 64 << 10


class FixedToken(Tokens):
    """The token that stands in the config: nobody renews it."""

    source = "token"

    def __init__(self, token: str, emit: Emit, offer_again_s: float) -> None:
        super().__init__(emit)
        self._token = usable(token)
        self._offer_again_s = offer_again_s

    async def run(self) -> NoReturn:
        """Offer the token; and again, after a while, when it was refused."""
        while self._token is None:
            self._complain("auth.token is empty or has characters that no token has: put a valid one there")
            await asyncio.sleep(self._offer_again_s)
        while True:
            self._offer(self._token)
            await self._refused.wait()
            self._complain(
                "the platform refuses auth.token: put a valid one there, or let the connector "
                "fetch its own with app_id and app_secret"
            )
            await asyncio.sleep(self._offer_again_s)


class TokenFile(Tokens):
    """A file that something else renews; read again when it changes, and when its token is refused."""

    source = "token_file"

    def __init__(self, path: str, emit: Emit, offer_again_s: float) -> None:
        super().__init__(emit)
        self._path = Path(path)
        self._offer_again_s = offer_again_s
        self._seen: tuple[int, int, int] | None = None
        self._worn = ""
        """The token that was refused last: the same one again is no remedy."""
        self._offer_worn_at_s = 0.0

    async def run(self) -> NoReturn:
        """Look at the file now and then, and at once on a refusal."""
        while True:
            self._look(asyncio.get_running_loop().time())
            await self._until_refused(LOOK_S)

    def _on_refusal(self, token: str) -> None:
        super()._on_refusal(token)
        self._seen = None
        self._worn = token
        self._offer_worn_at_s = asyncio.get_running_loop().time() + self._offer_again_s

    def _look(self, now_s: float) -> None:
        try:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_ino, status.st_size)
            if seen == self._seen and self._current is not None:
                return
            token = usable(self._path.read_text("utf-8")) if status.st_size <= MAX_FILE_BYTES else None
        except OSError as error:
            self._no_use(f"can't be read ({error.strerror})")
            return
        except UnicodeDecodeError:
            token = None
        self._seen = seen
        if token is None:
            self._no_use("holds no token")
        elif token == self._worn and now_s < self._offer_worn_at_s:
            self._no_use("holds a token that the platform refuses")
        elif token != self._current:
            self._take(token)

    def _take(self, token: str) -> None:
        self._offer(token)
        if token != self._worn:
            self._emit(Notice("info", "the token file was read", {"file": str(self._path)}))
            self.accept(token)

    def _no_use(self, what: str) -> None:
        """A file that is half written, or gone for a moment, takes no token away that still works."""
        if self._current is None:
            self._complain(f"the token file {self._path} {what}: write a valid token there")
