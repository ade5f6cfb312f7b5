"""Fetching schemas from a registry: on threads of its own for the event loop, blocking for commands."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol, Self

from connector.core.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from connector.core.record import Record
    from connector.decode.schema_ids import SchemaId
    from connector.decode.schemas import Schema, Schemas

MAX_REQUESTS: Final = 4
"""How many schemas are fetched at the same time."""
SCHEMAS_AHEAD: Final = 20
"""How many are fetched for one partition before its first records pass: in a topic full of other data, each value may
seem to name another schema."""


class Client(Protocol):
    """Asks a registry. Its methods block, for the time limit of a request or two, and may be called on any thread."""

    def fetch(self, schema_id: SchemaId) -> Schema | None:
        """Return a schema; None if the registry has none with this id. Raises RegistryError if it can't be told now."""

    def ping(self) -> None:
        """Return if the registry answers. Raises RegistryError."""

    def close(self) -> None:
        """Close the connections."""


class SchemaRegistry:
    """Fills `schemas`. Lives as long as the process; used on one thread, which is the event loop's while that runs."""

    def __init__(self, schemas: Schemas, client: Client) -> None:
        self.schemas = schemas
        self._client = client
        self._threads = ThreadPoolExecutor(MAX_REQUESTS, "schema-registry")

    def reads(self, topic: str) -> bool:
        """Return whether records of a topic are read by their schema."""
        return self.schemas.reads(topic)

    def ready(self, records: Sequence[Record]) -> int:
        """Return how many of the records, from the first on, can be mapped without a fetch."""
        return self.schemas.ready(records)

    def forget_unknown(self) -> None:
        """Forget what the registry did not have some time ago."""
        self.schemas.forget_unknown()

    async def ping(self) -> None:
        """Return if the registry answers. Raises RegistryError."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._client.ping)

    async def fetch(self, chunks: Iterable[Sequence[Record]]) -> None:
        """Fetch what the first of these records need: SCHEMAS_AHEAD schemas of each chunk.

        Raises RegistryError after all were tried, if one can't be had now.
        """
        wanted: set[SchemaId] = set()
        for records in chunks:
            wanted.update(islice(dict.fromkeys(self.schemas.missing(records)), SCHEMAS_AHEAD))
        failed = [error for error in await asyncio.gather(*map(self._fetch, wanted)) if error is not None]
        if failed:
            raise failed[0]

    async def _fetch(self, schema_id: SchemaId) -> RegistryError | None:
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, self._client.fetch, schema_id)
        except RegistryError as error:
            return error
        self.schemas.add(schema_id, found)
        return None

    def fetch_now(self, record: Record) -> None:
        """Fetch what one record needs, for commands: blocks. Raises RegistryError."""
        for schema_id in list(self.schemas.missing([record])) if self.schemas.reads(record.topic) else ():
            self.schemas.add(schema_id, self._client.fetch(schema_id))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; does not wait for requests under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()
