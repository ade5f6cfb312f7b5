"""A real Apache Kafka broker as a subprocess: KRaft, one node, loopback only.

`python -m tests.kafka.broker` (or `make broker`) runs one in the foreground and prints its address.
"""

from __future__ import annotations

import base64
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.kafka.jars import NoBrokerError, jars, java
from tests.kafka.processes import end, free_ports, start
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Mapping

SASL_USER, SASL_PASSWORD = "connector", "the right password"

_PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "sasl.enabled.mechanisms": "PLAIN",
    "listener.name.sasl.plain.sasl.jaas.config": (
        f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{SASL_USER}="{SASL_PASSWORD}";'
    ),
    "auto.create.topics.enable": "false",
    "num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "group.initial.rebalance.delay.ms": "0",
    # A killed broker may register again only after its old registration has expired.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "500",
    # Short, because tests wait for the partitions of a killed member.
    "group.min.session.timeout.ms": "1000",
    "group.consumer.min.session.timeout.ms": "3000",
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.heartbeat.interval.ms": "500",
    "group.consumer.heartbeat.interval.ms": "500",
}
_USUAL_PORT = 9092
_JVM = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")


class Broker:
    """One broker with its own folder and ports, which it keeps over `kill` and `start`, until `close`.

    Clients without a password use `address`; with SASL_PLAINTEXT and PLAIN, `sasl_address`.
    """

    def __init__(
        self,
        properties: Mapping[str, str] | None = None,
        first: Broker | None = None,
        sasl_proxy: str = "",
        port: int = 0,
    ) -> None:
        """`properties` override the defaults of this file. Starts nothing. Raises NoBrokerError.

        With `first` it is one more broker of that one's cluster; the first is its only controller. `sasl_proxy` is the
        address at which clients with a password reach it, if that is not its own. `port`: 0 for any that is free.
        """
        self._java, self._jars = java(), jars()
        self._folder = Path(tempfile.mkdtemp(prefix="connector-broker-"))
        # It must not begin with a dash, which the format command would take for an option.
        self._cluster_id = base64.urlsafe_b64encode(b"\0" + uuid.uuid4().bytes[1:]).decode().rstrip("=")
        plain, sasl, controller = free_ports(3)
        self.address = f"127.0.0.1:{port or plain}"
        self.sasl_address = f"127.0.0.1:{sasl}"
        self._sasl_proxy = sasl_proxy or self.sasl_address
        self._controller = controller
        more = dict(properties or {})
        if first is not None:
            self._cluster_id, self._controller = first._cluster_id, first._controller
            more = {"process.roles": "broker", "node.id": "2", "listeners": self._public, **more}
        self._write_properties(more)
        self._process: subprocess.Popen[bytes] | None = None

    def add_listeners(self, listeners: str) -> None:
        """Listen at these too (`NAME://host:port,…`), whose protocols the properties name. Before the first start."""
        file = self._folder / "server.properties"
        lines = file.read_text().splitlines()
        more = [f"{line},{listeners}" if line.partition("=")[0].endswith("listeners") else line for line in lines]
        file.write_text("\n".join(more) + "\n")

    def start(self) -> Self:
        """Start the broker, and return once it serves clients."""
        if not (self._folder / "data").exists():
            self._format()
        with (self._folder / "broker.log").open("ab") as log:
            command = [*self._command(), "kafka.Kafka", str(self._folder / "server.properties")]
            self._process = start(command, log, log, self._folder)
        until(self._serves, f"the broker at {self.address} to answer", every_s=0.1)
        return self

    def stop(self) -> None:
        """Shut the broker down; `start` brings it back with all its data."""
        if self._process is not None:
            end(self._process)

    def kill(self) -> None:
        """Crash the broker (SIGKILL); `start` brings it back with what it had written."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """Stop the process (SIGSTOP): connections stay open, and nothing is answered until `thaw`."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Continue after `freeze`, and return once clients are served; has no effect on an ended broker."""
        if self.running and self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            until(self._serves, f"the broker at {self.address} to answer again", every_s=0.1)

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        """Kill the broker and remove its folder."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _public(self) -> str:
        return f"PLAINTEXT://{self.address},SASL://{self.sasl_address}"

    def _write_properties(self, more: Mapping[str, str]) -> None:
        lines = {
            **_PROPERTIES,
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller}",
            "listeners": f"{self._public},CONTROLLER://127.0.0.1:{self._controller}",
            "advertised.listeners": f"PLAINTEXT://{self.address},SASL://{self._sasl_proxy}",
            "log.dirs": str(self._folder / "data"),
            **more,
        }
        text = "".join(f"{name}={value}\n" for name, value in lines.items())
        (self._folder / "server.properties").write_text(text)

    def _command(self) -> list[str]:
        return [self._java, *_JVM, "-cp", f"{self._jars}/*"]

    def _format(self) -> None:
        arguments = ["format", "-t", self._cluster_id, "-c", str(self._folder / "server.properties")]
        done = subprocess.run(
            [*self._command(), "kafka.tools.StorageTool", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NoBrokerError(f"the broker's folder could not be formatted: {done.stderr.strip()[-500:]}")

    def _serves(self) -> bool:
        if not self.running:
            log = (self._folder / "broker.log").read_text(errors="replace")
            raise NoBrokerError(f"the broker ended while it started: {log[-2000:]}")
        host, port = self.address.split(":")
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            # No log: connection errors are expected while the broker starts.
            client = AdminClient({"bootstrap.servers": self.address, "log_level": 0})
            cluster_id, cluster = client.cluster_id(timeout=5), client.list_topics(timeout=5)
        except (OSError, KafkaException):
            return False
        if cluster_id != self._cluster_id:
            raise NoBrokerError(f"another broker answers at {self.address}: cluster {cluster_id}")
        # Before it knows a controller it answers but creates no topics, and its clients retry only much later.
        return bool(cluster.controller_id >= 0 and cluster.brokers)


def _is_free(port: int) -> bool:
    """Return whether nothing listens at the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def main() -> int:
    """Run one broker until SIGINT or SIGTERM: at the usual port if that is free, topics made on first use."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        note = "starting a Kafka broker; the first time, Maven fetches it, which may take minutes …"
        print(note, file=sys.stderr, flush=True)  # noqa: T201 - this is a command
        with Broker({"auto.create.topics.enable": "true"}, port=_USUAL_PORT if _is_free(_USUAL_PORT) else 0) as broker:
            print(f"KAFKA_BOOTSTRAP_SERVERS={broker.address}", flush=True)  # noqa: T201 - the result of this command
            while broker.running:
                time.sleep(0.5)
    except NoBrokerError as missing:
        print(missing, file=sys.stderr)  # noqa: T201 - this is a command
        return 1
    except KeyboardInterrupt:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
