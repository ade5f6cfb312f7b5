"""The connector as a subprocess (`run`), observed through its admin port."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from connector.runtime import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

CONFIG = Path(__file__).with_name("demo.yaml")
_HTTP_TIMEOUT_S = 5.0
_STOP_TIMEOUT_S = 30.0
_LOG_LINES = 15


class Connector:
    """One `tuzhan-connector run`, in a session of its own, so that Ctrl-C reaches only the demo."""

    def __init__(self, process: asyncio.subprocess.Process, admin: str, log: Path) -> None:
        self._process = process
        self.admin = admin
        self._log = log

    @property
    def exit_code(self) -> int | None:
        """The process's exit code; None while it runs."""
        return self._process.returncode

    async def status(self) -> dict[str, Any] | None:
        """Return its /status, or None while it does not answer."""
        return await asyncio.to_thread(self._fetch_status)

    async def stop(self) -> int:
        """Send SIGTERM and return the exit code; kill the process if it does not end in time."""
        if self._process.returncode is None:
            self._process.terminate()
        try:
            return await asyncio.wait_for(self._process.wait(), _STOP_TIMEOUT_S)
        except TimeoutError:
            self._process.kill()
            return await self._process.wait()
        except asyncio.CancelledError:  # a second interrupt: leave no process behind
            self._process.kill()
            raise

    def log_tail(self) -> str:
        """Return the end of its log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-_LOG_LINES:])

    def _fetch_status(self) -> dict[str, Any] | None:
        connection = http.client.HTTPConnection(self.admin, timeout=_HTTP_TIMEOUT_S)
        try:
            connection.request("GET", "/status")
            reply = connection.getresponse()
            status: dict[str, Any] | None = orjson.loads(reply.read()) if reply.status == 200 else None
        except (OSError, http.client.HTTPException, orjson.JSONDecodeError):
            return None
        else:
            return status
        finally:
            connection.close()


@contextlib.asynccontextmanager
async def running(variables: Mapping[str, str]) -> AsyncIterator[Connector]:
    """Run the connector with the demo's config and these variables while the block runs."""
    admin = _free_address()
    environment = {**os.environ, **variables, "TUZHAN_ADMIN": admin}
    with tempfile.TemporaryDirectory(prefix="tuzhan-demo-") as folder:
        log = Path(folder, "connector.log")
        connector = Connector(await _start(log, environment), admin, log)
        try:
            yield connector
        finally:
            await connector.stop()


async def _start(log: Path, environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    out = os.open(log, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "connector", "run", "-c", str(CONFIG)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=environment,
            start_new_session=True,
        )
    finally:
        os.close(out)


def _free_address() -> str:
    """Return an address that is free now, and most likely still is when the connector binds it."""
    with web.bind("127.0.0.1:0") as sock:
        return web.base_url(sock).removeprefix("http://")
