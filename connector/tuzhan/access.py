"""The way to the platform: the client and the token provider of the newest config, for all sinks.

Both may be exchanged while requests are under way: these end with what they began with, and what is sent again goes the
new way, whatever config its items were mapped by. A client is closed once its last request has ended. A provider that
was exchanged fetches nothing more, clears its reasons not to be ready, and lets those go on who wait for its token.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import TYPE_CHECKING, NoReturn, Protocol

if TYPE_CHECKING:
    from connector.tuzhan.replies import Reply
    from connector.tuzhan.token import TokenProvider


class Client(Protocol):
    """What this needs of `PlatformClient`."""

    async def post(self, path: str, body: bytes, token: str) -> Reply:
        """Post one request. Raise TransportError if no complete reply arrives."""

    async def get_token(self, app_id: str, app_secret: str) -> Reply:
        """Request a token. Raise TransportError if no complete reply arrives."""

    async def aclose(self) -> None:
        """Close all connections."""


class PlatformAccess:
    """Lives as long as the process; used on the event loop only. `run` is a background task.

    It is the client of the sinks and of the token providers, and the token provider of the sinks.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._requests: Counter[Client] = Counter()
        """Those under way."""
        self._provider: TokenProvider
        self._closing: set[Client] = set()
        """Those that wait for their last request."""
        self._exchanged = asyncio.Event()
        """Set when there is another provider."""

    def begin(self, provider: TokenProvider) -> None:
        """Set the first provider, which was built after this, its client. Called before anything else."""
        self._provider = provider

    @property
    def provider(self) -> TokenProvider:
        """The provider of now."""
        return self._provider

    def exchange_client(self, client: Client) -> None:
        """Send by another client from now on. `close_earlier` is to be called then."""
        self._closing.add(self._client)
        self._client = client

    async def close_earlier(self) -> None:
        """Close the clients that were exchanged, each once its last request has ended."""
        for earlier in list(self._closing):
            while self._requests[earlier]:  # noqa: ASYNC110 - each ends within its timeout; an event would cost all requests
                await asyncio.sleep(0.1)
            if earlier in self._closing:
                self._closing.discard(earlier)
                del self._requests[earlier]
                await earlier.aclose()

    def exchange_provider(self, provider: TokenProvider) -> None:
        """Take tokens from another provider from now on."""
        earlier, self._provider = self._provider, provider
        earlier.retire()
        self._exchanged.set()

    async def run(self) -> NoReturn:
        """Let the provider of now obtain tokens, until cancelled."""
        while True:
            self._exchanged.clear()
            renewing = asyncio.ensure_future(self._provider.run())
            exchanged = asyncio.ensure_future(self._exchanged.wait())
            try:
                await asyncio.wait([renewing, exchanged], return_when=asyncio.FIRST_COMPLETED)
                if renewing.done():
                    renewing.result()
            finally:
                exchanged.cancel()
                renewing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await renewing

    async def aclose(self) -> None:
        """Close the connections, whatever is under way."""
        for client in [self._client, *self._closing]:
            await client.aclose()

    # -- a client -----------------------------------------------------------------------------------------------

    async def post(self, path: str, body: bytes, token: str) -> Reply:
        """Post one request. Raise TransportError if no complete reply arrives."""
        client = self._client
        self._requests[client] += 1
        try:
            return await client.post(path, body, token)
        finally:
            self._requests[client] -= 1

    async def get_token(self, app_id: str, app_secret: str) -> Reply:
        """Request a token. Raise TransportError if no complete reply arrives."""
        client = self._client
        self._requests[client] += 1
        try:
            return await client.get_token(app_id, app_secret)
        finally:
            self._requests[client] -= 1

    # -- a token provider ---------------------------------------------------------------------------------------

    def token_for(self, target: object) -> str | None:
        """Return the token that `target` sends with now; None while there is none, or it waits for another."""
        return self._provider.token_for(target)

    async def wait(self, target: object) -> None:
        """Wait until `token_for` returns a token."""
        while self.token_for(target) is None:
            await self._provider.wait(target)

    def on_refused(self, token: str, target: object) -> bool:
        """Called when the platform refused `token` at `target`; return whether the target itself is at fault."""
        return self._provider.on_refused(token, target)

    def on_delivered(self, token: str, target: object, sent_s: float) -> None:
        """Called when a request that was sent at `sent_s` with `token` was delivered to `target`."""
        self._provider.on_delivered(token, target, sent_s)
