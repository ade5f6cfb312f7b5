"""Every error that the connector raises on purpose.

    ConnectorError
    ├── ConfigError            the config file is wrong: all problems at once; exit code 2
    ├── DecodeError            a record's value does not have the configured format
    ├── StartError             the process can't start for a reason outside the config (a port is taken); exit code 1
    ├── CommandError           a command can't do what it was asked to (no broker, no rights); exit code 1
    │   ├── TopicMissingError  the topic that a command reads does not exist
    │   └── ReplayTakenError   another replay of the same group runs
    ├── UsageError             an option of a command has a value that it can't have; exit code 2
    ├── KafkaClientError       the Kafka client can't go on (a fatal error of librdkafka)
    ├── BackgroundTaskError    a task that should run until the process ends has ended; names it; exit code 1
    ├── ReloadRefusedError     a sound config can't take over while the process runs; the one of before stays
    ├── RegistryError          the schema registry can't be asked now; what is asked again later may succeed
    └── TransportError         a request got no readable reply; has no cause, which could hold a secret

A message names the thing, the place and the remedy. No message holds a secret or a value of a record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.language.message import message

if TYPE_CHECKING:
    from collections.abc import Sequence


class ConnectorError(Exception):
    """The base class of the connector's own errors. Its text may be a `Message`."""

    @property
    def told(self) -> str:
        """The text, as it was given: what `in_language` may translate, other than `str(error)`."""
        return self.args[0] if self.args else ""


class ConfigError(ConnectorError):
    """The config can't be used. ``lines`` are ready to print, sorted by position."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


class ReloadRefusedError(ConnectorError):
    """A config can't take over while the process runs. ``lines`` say why, and the remedy."""

    def __init__(self, lines: Sequence[str], *, is_temporary: bool = False) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)
        self.is_temporary = is_temporary
        """Whether it may take over later, as it is."""


class DecodeError(ConnectorError):
    """A value could not be decoded; the message says what is wrong with it and where, not what is in it."""


class StartError(ConnectorError):
    """The process can't start, for a reason that `check` can't see."""


class CommandError(ConnectorError):
    """A command can't do what it was asked to; the message says what to do."""


class TopicMissingError(CommandError):
    """The topic that a command reads does not exist."""

    def __init__(self, topic: str) -> None:
        super().__init__(message("there is no topic {topic}", topic=topic))
        self.topic = topic


class ReplayTakenError(CommandError):
    """Another replay of the same group runs: two would send the same letters."""


class UsageError(ConnectorError):
    """An option of a command has a value that it can't have."""

    def __init__(self, option: str, told: str) -> None:
        super().__init__(message("{option}: {told}", option=option, told=told))


class KafkaClientError(ConnectorError):
    """The Kafka client can't go on; the message is librdkafka's, which names no value."""


class BackgroundTaskError(ConnectorError):
    """A background task has ended, so the process must end. `cause` is what ended it: its text may hold anything."""

    def __init__(self, task: str, cause: BaseException | None) -> None:
        super().__init__(f"the background task '{task}' died" if cause else f"the task '{task}' ended by itself")
        self.task = task
        self.cause = cause


class RegistryError(ConnectorError):
    """The schema registry can't be asked now; the message says what happened, and what to do if it does not pass."""


class TransportError(ConnectorError):
    """A request got no readable reply: no connection, a timeout, a TLS failure, a broken or truncated reply."""
