"""A real schema registry as a subprocess: Apicurio, in memory, with Confluent's API, on loopback only."""

from __future__ import annotations

import shutil
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx
from confluent_kafka.schema_registry import SchemaRegistryClient

from tests.kafka.jars import NoBrokerError, java, registry_jar
from tests.kafka.processes import end, free_ports, start
from tests.kafka.waiting import until

if TYPE_CHECKING:
    import subprocess

_JVM = ("-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_API = "/apis/ccompat/v7"


class Registry:
    """One registry with a port of its own, which it keeps over `stop` and `start`, until `close`.

    A stop makes it forget its schemas: `freeze` and `thaw` keep them.
    """

    def __init__(self) -> None:
        """Start nothing. Raises NoBrokerError."""
        self._java, self._jar = java(), registry_jar()
        self._folder = Path(tempfile.mkdtemp(prefix="connector-registry-"))
        [port] = free_ports(1)
        self._address = f"127.0.0.1:{port}"
        self.url = f"http://{self._address}{_API}"
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[SchemaRegistryClient] = []

    def start(self) -> Self:
        """Start the registry, and return once it answers."""
        host, port = self._address.split(":")
        places = (f"-Dquarkus.http.host={host}", f"-Dquarkus.http.port={port}")
        with (self._folder / "registry.log").open("ab") as log:
            command = [self._java, *_JVM, *places, "-jar", str(self._jar)]
            self._process = start(command, log, log, self._folder)
        until(self._serves, f"the schema registry at {self._address} to answer", every_s=0.2)
        return self

    def stop(self) -> None:
        """End the registry: connections to it are refused, and its schemas are gone."""
        if self._process is not None:
            end(self._process)

    def freeze(self) -> None:
        """Stop the process (SIGSTOP): connections are accepted, and nothing is answered until `thaw`."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Continue after `freeze`; has no effect on an ended registry."""
        if self.running and self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            until(self._serves, f"the schema registry at {self._address} to answer again", every_s=0.2)

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def client(self) -> SchemaRegistryClient:
        """Return a client of the producers' own library, which lives as long as this."""
        self._clients.append(SchemaRegistryClient({"url": self.url}))
        return self._clients[-1]

    def close(self) -> None:
        """Kill the registry and remove its folder."""
        for client in self._clients:
            client.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serves(self) -> bool:
        if not self.running:
            log = (self._folder / "registry.log").read_text(errors="replace")
            raise NoBrokerError(f"the schema registry ended while it started: {log[-2000:]}")
        try:
            return httpx.get(f"{self.url}/schemas/types", timeout=2).status_code == 200
        except httpx.TransportError:
            return False
