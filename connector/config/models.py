"""The config file as types: what `config.md`'s words mean, with their defaults.

Frozen, nothing extra allowed. What stands under a route's `where`, `event_key`, `identity`, `fields` and
`public_params` is the mapping language: it is kept as plain data here and checked, with the same exactness,
where it is compiled (`connector.mapping`), because what may stand where depends on the target's endpoint.
Durations are seconds, sizes are bytes.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SIZE = re.compile(r"(\d+)(KiB|MiB|GiB|B)")
_RATE = re.compile(r"(\d+(?:\.\d+)?)/(s|m)")
_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZE_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_RATE_UNITS = {"s": 1.0, "m": 60.0}


def _duration(value: object) -> float:
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a duration is a number with a unit: 250ms, 10s, 5m, 1h")
    return float(match[1]) * _DURATION_UNITS[match[2]]


def _size(value: object) -> int:
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a size is a whole number with a unit: 512KiB, 1MiB")
    return int(match[1]) * _SIZE_UNITS[match[2]]


def _rate(value: object) -> float:
    match = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or float(match[1]) <= 0:
        raise ValueError("a rate is requests per second or minute: 50/s, 600/m")
    return float(match[1]) / _RATE_UNITS[match[2]]


Duration = Annotated[float, BeforeValidator(_duration, json_schema_input_type=str)]
Size = Annotated[int, BeforeValidator(_size, json_schema_input_type=str)]
Rate = Annotated[float, BeforeValidator(_rate, json_schema_input_type=str)]


class Plain(str):
    """Text that came out of `${…}`: a literal, never a reference, whatever it begins with; not shown in errors."""

    __slots__ = ()


Raw = Any
"""A piece of the mapping language as it stands in the file: str, int, float, bool, None, list, dict."""

MatchingDefault: dict[str, Raw] = {"isMatching": True, "matchingType": 1}


class Model(BaseModel):
    """What all parts of the file share."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=False)


class Kafka(Model):
    """Where records come from."""

    bootstrap_servers: str = Field(min_length=1)
    group_id: str = Field(min_length=1)
    start_from: Literal["earliest", "latest"] | datetime = "earliest"
    commit_interval: Duration = 1.0
    properties: dict[str, str | int | float | bool] = Field(default_factory=dict, repr=False)


class Auth(Model):
    """One of three ways to a token."""

    app_id: str | None = None
    app_secret: SecretStr | None = None
    token: SecretStr | None = None
    token_file: str | None = None


class Retry(Model):
    """Backoff with full jitter, for ever: the first and the longest upper bound of a wait."""

    first: Duration = 0.25
    max: Duration = 30.0


class Platform(Model):
    """Where items go."""

    base_url: str = "https://integrate.rabbitpre.com/api/open"
    allow_http: bool = False
    auth: Auth
    request_timeout: Duration = 10.0
    rate_limit: Rate | None = None
    retry: Retry = Retry()


class Batching(Model):
    """When a batch is full: whatever comes first."""

    max_records: int = Field(default=500, ge=1, le=500)
    max_bytes: Size = 900 << 10
    max_wait: Duration = 0.2


class Queue(Model):
    """Past either bound, the partitions that feed the target are paused."""

    max_records: int = Field(default=20_000, ge=1)
    max_bytes: Size = 64 << 20


Ordering = Literal["identity", "key", "none"]


class Target(Model):
    """One endpoint with its publicParams, batching and ordering."""

    endpoint: str
    public_params: dict[str, Raw] = Field(default_factory=dict)
    batch: Batching = Batching()
    max_in_flight: int = Field(default=8, ge=1, le=256)
    queue: Queue = Queue()
    ordering: Ordering | None = None
    """None: `identity` for audience endpoints, `none` for events."""
    allow_unknown: bool = False


class Route(Model):
    """Which records, and what each becomes."""

    name: str = Field(min_length=1)
    topics: list[str] = Field(min_length=1)
    where: Raw = None
    to: str
    public_params: dict[str, Raw] = Field(default_factory=dict)
    event_key: Raw = None
    identity: list[Raw] = Field(min_length=1)
    identity_missing: Literal["$dead_letter", "$skip"] = "$dead_letter"
    fields: dict[str, Raw] = Field(default_factory=dict)


class DeadLetter(Model):
    """Where what can't be mapped or is refused goes."""

    topic: str | None = None
    """None: the group's name and `.dead-letter`."""


class Admin(Model):
    """The port for people and probes."""

    listen: str = "127.0.0.1:8080"


class Log(Model):
    """How the log looks."""

    format: Literal["json", "text"] = "json"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Config(Model):
    """The whole file."""

    kafka: Kafka
    platform: Platform
    targets: dict[str, Target] = Field(min_length=1)
    routes: list[Route] = Field(min_length=1)
    dead_letter: DeadLetter = DeadLetter()
    admin: Admin = Admin()
    log: Log = Log()
    shutdown_timeout: Duration = 25.0

    @property
    def dead_letter_topic(self) -> str:
        """The dead-letter topic's name, as configured or by default."""
        return self.dead_letter.topic or f"{self.kafka.group_id}.dead-letter"
