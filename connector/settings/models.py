"""The config file as types: its keys, their meaning (`description` is what editors show) and their defaults.

Models are frozen and allow no unknown key. What stands under `where`, `event_key`, `identity`, `fields` and
`public_params` is the mapping language: it is kept as plain data here and checked where it is compiled
(`connector.mapping`), because what is allowed there depends on the target's endpoint.
Durations are in seconds, sizes in bytes.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic evaluates annotations
from typing import Annotated, Any, ClassVar, Final, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from connector.core.sink import MAX_BATCH_ITEMS
from connector.language.message import NOTHING, Message, message
from connector.settings.problems import did_you_mean
from connector.settings.types import (
    Credential,
    Duration,
    Flag,
    InFlight,
    InterpolatedStr,
    Positive,
    Property,
    Rate,
    Secret,
    Size,
    Start,
    Text,
    Whole,
    expected,
    refuse,
)

Raw = Any
"""A piece of the mapping language as it stands in the file: str, int, float, bool, None, list, dict."""


def _empty_table(value: object) -> object:
    """Return an empty table for one whose lines are all commented out."""
    return {} if value is None else value


PositiveDuration = Annotated[Duration, Positive]
PositiveSize = Annotated[Size, Positive]
Url = Annotated[Text, AfterValidator(lambda url: url.rstrip("/"))]
Table = Annotated[dict[str, Raw], BeforeValidator(_empty_table)]


class Model(BaseModel):
    """The base of all parts of the file. A repr names what was set and shows no value, which may be a secret."""

    REMEDIES: ClassVar[Mapping[str, Message]] = {}
    """By a value that no choice has, in lower case: what to do instead."""

    # The validator of a section holds those of its parts, so most models never need one of their own.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _no_lines(cls, value: object) -> object:
        return _empty_table(value)

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        return [("set", sorted(self.model_fields_set))]


REGISTRY_FORMATS: Final = frozenset({"avro", "json_schema"})
"""The formats of which a record names its schema, which is in a registry."""


class SchemaRegistry(Model):
    """Where the schemas of records in Avro and JSON Schema are: a registry with Confluent's API."""

    url: Url = Field(
        min_length=1, description="Its address, up to before /schemas and /subjects; several, with commas in between"
    )
    properties: Annotated[dict[str, Property], BeforeValidator(_empty_table)] = Field(
        default_factory=dict,
        repr=False,
        description="Any property of confluent-kafka's SchemaRegistryClient: basic.auth.user.info, bearer.auth.…,"
        " ssl.ca.location, ssl.certificate.location, ssl.key.location, proxy, timeout (seconds)",
    )


class Kafka(Model):
    """Where records come from."""

    bootstrap_servers: Text = Field(
        min_length=1, description="Brokers to start from: host:port, host:port", examples=["kafka-1:9092,kafka-2:9092"]
    )
    group_id: Text = Field(
        min_length=1, description="The consumer group; its members share the partitions", examples=["tuzhan-connector"]
    )
    start_from: Start = Field(
        default="earliest",
        description="Where to start a topic for which the group has no committed offset: earliest, latest, or a time",
        examples=["latest", "2024-06-01T00:00:00+08:00"],
    )
    commit_interval: PositiveDuration = Field(default=1.0, description="How often offsets are committed, at most")
    properties: Annotated[dict[str, Property], BeforeValidator(_empty_table)] = Field(
        default_factory=dict,
        repr=False,
        description="Any librdkafka property; the few that the connector owns are refused by name",
    )
    schema_registry: SchemaRegistry | None = Field(
        default=None, description="For topics whose format is avro or json_schema; needs the extra `registry`"
    )


class Decode(Model):
    """How the values of a topic are read; JSON in UTF-8 by default."""

    REMEDIES: ClassVar[Mapping[str, Message]] = {
        **dict.fromkeys(("gbk", "cp936", "gb2312"), message("gb18030 reads it too")),
        **dict.fromkeys(
            ("protobuf", "proto"), message("have it produced as avro or json_schema: docs/formats.md says why")
        ),
        **dict.fromkeys(
            ("jsonschema", "json-schema", "json schema"), message("did you mean '{name}'?", name="json_schema")
        ),
        **dict.fromkeys(("utf-16", "utf-16le", "utf-16be", "utf16"), message("write UTF-8 where it is produced")),
    }

    format: Literal["json", "avro", "json_schema"] = Field(
        default="json",
        description="The format of the values; avro and json_schema as a schema registry's serializers write them",
    )
    charset: Literal["utf-8", "gb18030"] = Field(
        default="utf-8", description="The character encoding of the values; gb18030 reads GBK and GB2312 too"
    )
    envelope: Literal["canal", "debezium"] | None = Field(
        default=None,
        description="Change data capture: what is around the rows; $ is the row, $change the change",
    )


class Auth(Model):
    """One of three ways to a token: app_id with app_secret, token, or token_file."""

    app_id: Credential | None = Field(
        default=None, description="instanceAppid: the connector fetches and renews the token itself"
    )
    app_secret: Secret | None = Field(
        default=None,
        description="instanceSecrect; best as ${file:/path}, which is read again when the platform refuses the secret",
    )
    token: Secret | None = Field(
        default=None, description="A fixed token; best as ${file:/path}, which is read again when it is refused"
    )
    token_file: Credential | None = Field(
        default=None,
        description="A file that something else renews; read again when it changes",
    )


class Retry(Model):
    """Backoff with full jitter, without an end: what may succeed later is never given up."""

    first: PositiveDuration = Field(default=0.25, description="The upper bound of the first wait; it doubles")
    max: PositiveDuration = Field(default=30.0, description="The upper bound of all waits")


class Platform(Model):
    """Where items go."""

    base_url: Url = Field(
        default="https://integrate.rabbitpre.com/api/open",
        description="The address before app/… and event/…",
        examples=["http://127.0.0.1:9100/api/open"],
    )
    allow_http: Flag = Field(
        default=False, description="Allow a base_url without TLS: the app secret travels in its query"
    )
    auth: Auth = Field(description="One of: app_id with app_secret; token; token_file")
    request_timeout: PositiveDuration = Field(default=10.0, description="For the whole exchange, not for each read")
    rate_limit: Rate | None = Field(
        default=None, description="Requests: 50/s, 600/m; absent: no limit", examples=["50/s", "600/m"]
    )
    retry: Retry = Field(default=Retry(), description="The waits between attempts")


class Batching(Model):
    """When a batch is full: at the first of its bounds."""

    max_records: Whole = Field(
        default=MAX_BATCH_ITEMS,
        ge=1,
        le=MAX_BATCH_ITEMS,
        description=f"Items; the platform takes at most {MAX_BATCH_ITEMS}",
    )
    max_bytes: PositiveSize = Field(default=900 << 10, description="Bytes of the request's body")
    max_wait: PositiveDuration = Field(
        default=0.2, description="Age of its oldest item; an incomplete batch leaves then"
    )


class Queue(Model):
    """What a target may hold; past either bound, the partitions that feed it are paused."""

    max_records: Whole = Field(default=20_000, ge=1, description="Items waiting")
    max_bytes: PositiveSize = Field(default=64 << 20, description="Bytes of the items waiting")


Ordering = Literal["identity", "key", "none"]


class Target(Model):
    """One endpoint with its publicParams, batching and ordering."""

    endpoint: Text = Field(description="The platform's endpoint, as its documents write it")
    public_params: Table = Field(
        default_factory=dict,
        description="publicParams of its requests, laid over the defaults",
    )
    batch: Batching = Field(default=Batching(), description="When a request leaves")
    max_in_flight: InFlight = Field(
        default=8, description="Requests at the same time; auto: as many as bring more throughput, found while running"
    )
    queue: Queue = Field(default=Queue(), description="How much may wait")
    ordering: Ordering | None = Field(
        default=None,
        description="Items with the same identity, or Kafka key, stay in order and are never in two requests at once;"
        " default: identity for audience endpoints, none for events",
    )
    """None: the endpoint's default."""
    allow_unknown: Flag = Field(
        default=False, description="Allow fields and parameters that the endpoint's document does not name"
    )


class Route(Model):
    """Which records, and what each becomes."""

    name: Text = Field(min_length=1, description="The name in metrics, logs and dead letters", examples=["orders"])
    topics: list[Text] = Field(
        min_length=1,
        description="Names, or ^regular expressions",
        examples=[["shop.orders"], [r"^crm\.member(\..+)?$"]],
    )
    where: Raw = Field(default=None, description="Conditions that must all hold: reference: condition")
    for_each: Raw = Field(default=None, description="A list of the record: one item for each of its elements, $item")
    transform: Text | None = Field(
        default=None,
        description="package.module:function: Python that makes one value, or several, of the decoded one",
        examples=["shop.lines:split"],
    )
    to: Text = Field(description="The target's name")
    public_params: Table = Field(default_factory=dict, description="Values per record, laid over the target's own")
    event_key: Raw = Field(default=None, description="The platform's key of the event (event endpoints)")
    identity: list[Raw] = Field(min_length=1, description="The person concerned, in order of preference")
    identity_missing: Literal["$dead_letter", "$skip"] = Field(
        default="$dead_letter", description="What becomes of an item with no identity left"
    )
    fields: Table = Field(default_factory=dict, description="The platform's own names, and their values")


ArgumentType = Literal["string", "number", "integer", "boolean", "date", "array", "object"]
ARGUMENT_TYPES: Final[tuple[str, ...]] = get_args(ArgumentType)
OTHER_TYPE_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "string": ("text", "varchar", "char"),
    "number": ("float", "double", "decimal"),
    "integer": ("int", "long", "bigint"),
    "boolean": ("bool",),
    "date": ("datetime", "timestamp", "time"),
    "array": ("list",),
    "object": ("map", "table", "json", "dict"),
}
"""What others call these types."""


def _argument(value: object) -> object:
    """Let a type stand for a table that has nothing else. Its own message names the place where it stands."""
    if isinstance(value, str) and value not in ARGUMENT_TYPES:
        remedy, hint = EventArgument.REMEDIES.get(value.lower()), NOTHING
        if not isinstance(value, InterpolatedStr):  # whose text is not to be shown
            hint = message(": {remedy}", remedy=remedy) if remedy else did_you_mean(value, ARGUMENT_TYPES)
        refuse("bad_value", message("expected one of {names}{hint}", names=", ".join(ARGUMENT_TYPES), hint=hint))
    if isinstance(value, bool | int | float | list):
        refuse("wrong_type", expected(message("a type, such as string, or a table"), value))
    return {"type": value} if isinstance(value, str) else value


class EventArgument(Model):
    """An argument of an event, as it is defined on the platform."""

    REMEDIES: ClassVar[Mapping[str, Message]] = {
        other: message("did you mean '{name}'?", name=name)
        for name, others in OTHER_TYPE_NAMES.items()
        for other in others
    }

    type: ArgumentType = Field(
        description="string number integer boolean array object, as in JSON; date: yyyy-MM-dd, with or without a time,"
        " or epoch milliseconds"
    )
    required: Flag = Field(default=False, description="Without it, the event is a dead letter")
    max_length: Whole | None = Field(default=None, ge=1, description="Of a string: so many characters at most")


class EventDefinition(Model):
    """An event, as it is defined on the platform (自定义事件)."""

    name: Text | None = Field(default=None, description="What people call it; for them only")
    args: Annotated[dict[str, Annotated[EventArgument, BeforeValidator(_argument)]], BeforeValidator(_empty_table)] = (
        Field(
            default_factory=dict,
            description="Its arguments: name: type, or name: {type, required, max_length}",
            examples=[{"c_goods": "string", "c_price": {"type": "number", "required": True}}],
        )
    )


class DeadLetter(Model):
    """Where records go that can't be mapped or are refused."""

    topic: Text | None = Field(
        default=None,
        description="Default: the group's name and .dead-letter",
        examples=["tuzhan-connector.dead-letter"],
    )
    """None: the group's name and `.dead-letter`."""
    refused_in_a_row: Whole = Field(
        default=20,
        ge=1,
        description="So many items refused alone and nothing delivered in between: an outage; the target is held",
    )
    refused_alone_for: PositiveDuration = Field(
        default=60.0, description="How long a refused item is tried if there is nothing else to send that could tell"
    )


class Admin(Model):
    """The HTTP port for the status page, probes and metrics."""

    listen: Text = Field(
        default="127.0.0.1:8080", description="host:port of /livez /readyz /status /metrics", examples=["0.0.0.0:8080"]
    )
    allowed_hosts: list[Text] = Field(
        default_factory=list,
        description="Names by which it may be asked for, besides addresses, names without a dot, those of Kubernetes "
        "services, and the machine's own: a name, *.domain, or * for any",
        examples=[["connector.example.com"]],
    )


LogFormat = Literal["json", "text"]
LogLevel = Literal["debug", "info", "warning", "error"]


class Log(Model):
    """The log's format and level."""

    format: LogFormat = Field(default="json", description="For machines or for people")
    level: LogLevel = Field(default="info", description="The lowest level to log")


class Config(Model):
    """The whole file."""

    kafka: Kafka
    decode: Annotated[dict[str, Decode], BeforeValidator(_empty_table)] = Field(
        default_factory=dict,
        description="By topic or ^regular expression, how values are read; what is not named is JSON",
    )
    platform: Platform
    targets: dict[str, Target] = Field(min_length=1, description="By name; a route's `to` is one of them")
    routes: list[Route] = Field(min_length=1, description="Which records go where, and what each becomes")
    events: Annotated[dict[str, EventDefinition], BeforeValidator(_empty_table)] = Field(
        default_factory=dict,
        description="The tracking plan: the events that are defined on the platform (自定义事件), by event key, against"
        " which the mapping is checked; or {file: plan.yaml}, or {file: plan.csv}. Without it, nothing is checked",
    )
    dead_letter: DeadLetter = DeadLetter()
    admin: Admin = Admin()
    log: Log = Log()
    shutdown_timeout: PositiveDuration = Field(
        default=25.0, description="How long a stop may take; what is unsettled then is left to the next start"
    )

    @property
    def dead_letter_topic(self) -> str:
        """The name of the dead-letter topic, configured or derived from the group."""
        return self.dead_letter.topic or f"{self.kafka.group_id}.dead-letter"
