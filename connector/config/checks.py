"""Checks across sections and beyond types: names that must exist, settings that exclude each other, addresses.

Each check judges what is sound and passes over the rest; none stops at the first problem, and none shows a value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from connector.config.punctuation import has_full_width
from connector.config.registry_checks import check_registry
from connector.core.addresses import is_loopback, parse_host_port
from connector.core.host_names import is_host_pattern
from connector.core.record import DEAD_LETTERS
from connector.decode.decoding import matches
from connector.language.message import NOTHING, message
from connector.mapping.references import is_reference
from connector.settings.kafka_properties import CLASSIC_PROTOCOL_ONLY, OWNED_PROPERTIES
from connector.settings.models import Admin, DeadLetter, Kafka, Platform, Retry
from connector.settings.problems import did_you_mean
from connector.settings.types import InterpolatedStr, duration_text
from connector.tuzhan.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from connector.config.sections import Sections
    from connector.language.message import Message
    from connector.settings.models import Route
    from connector.settings.problems import Path, Problems

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_SECRET_SETTING = re.compile(r"^(app_secret|token)$")
_SECRET_PROPERTY = re.compile(r"(password|secret|passphrase|jaas\.config|key\.pem|user\.info|auth\.token)$")
_LISTENER_PROTOCOLS = frozenset({"", "PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"})
_CREDENTIALS = message("app_id with app_secret, or token, or token_file")


def check_all(sections: Sections, problems: Problems) -> None:
    """Run every check."""
    checks: tuple[Callable[[Sections, Problems], None], ...] = (
        _properties,
        _auth,
        _base_url,
        _retry,
        _listen,
        _kafka_names,
        _endpoints,
        _decode_topics,
        _decode_misspelt,
        _decode_overlaps,
        check_registry,
        _route_names,
        _route_targets,
        _topics,
        _dead_letter_topic,
        _unused_targets,
        _events,
        _secrets_in_clear,
    )
    for check in checks:
        check(sections, problems)


def _table(data: object, *keys: str) -> Mapping[str, object]:
    """Return the table at that place of the file; empty if there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _properties(sections: Sections, problems: Problems) -> None:
    properties = _table(sections.data, "kafka", "properties")
    at = ("kafka", "properties")
    for name in properties:
        if name in OWNED_PROPERTIES:
            told = message("the connector sets this property itself; {remedy}", remedy=OWNED_PROPERTIES[name].remedy)
            problems.add((*at, name), told, "owned_property", at_key=True)
    if str(properties.get("group.protocol", "")).lower() == "consumer":
        for name in CLASSIC_PROTOCOL_ONLY:
            if name in properties:
                told = message("not allowed with group.protocol: consumer, where the broker decides it: remove it")
                problems.add((*at, name), told, "bad_value", at_key=True)


def _auth(sections: Sections, problems: Problems) -> None:
    at: Path = ("platform", "auth")
    auth = _table(sections.data, *map(str, at))
    if not isinstance(_table(sections.data, "platform").get("auth"), dict):
        return  # missing, or not a table: reported with its section
    given = [name for name in ("app_id", "app_secret", "token", "token_file") if auth.get(name) is not None]
    kinds = {"app_id" if name == "app_secret" else name for name in given}
    if not kinds:
        problems.add(at, message("no credentials: give {credentials}", credentials=_CREDENTIALS), "missing_key")
    elif len(kinds) > 1:
        names = message("{names} and {last}", names=", ".join(given[:-1]), last=given[-1])
        told = message("{names} exclude each other: give {credentials}", names=names, credentials=_CREDENTIALS)
        problems.add(at, told, "bad_value")
    elif len(given) == 1 and kinds == {"app_id"}:
        (other,) = {"app_id", "app_secret"} - set(given)
        problems.add((*at, other), message("missing, required together with {name}", name=given[0]), "missing_key")


def _base_url(sections: Sections, problems: Problems) -> None:
    platform = sections.get(Platform)
    if platform is None:
        return
    told = _url_message(platform.base_url, allow_http=platform.allow_http)
    if told is not None:
        problems.add(("platform", "base_url"), told, "bad_value")


def _url_message(url: str, *, allow_http: bool) -> Message | None:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not url.isascii() or not url.isprintable() or " " in url:
        return message("expected an address such as {example}", example=Platform.model_fields["base_url"].default)
    if parts.username is not None or parts.password is not None:
        return message("must not contain a user or a password: the platform takes a token (platform.auth)")
    if "?" in url or "#" in url:
        return message("must not have a query or a fragment ('?', '#')")
    if parts.scheme == "http" and not allow_http and not is_loopback(parts.hostname or ""):
        return message(
            "must begin with https://, because requests carry the app secret (allow_http: true in a trusted network)"
        )
    return None


def _retry(sections: Sections, problems: Problems) -> None:
    platform = sections.get(Platform)
    if platform is not None and platform.retry.first > platform.retry.max:
        key = "first" if "first" in platform.retry.model_fields_set else "max"
        first, longest = (duration_text(Retry.model_fields[name].default) for name in ("first", "max"))
        told = message(
            "first ({first} by default) must not exceed max ({longest} by default)", first=first, longest=longest
        )
        problems.add(("platform", "retry", key), told, "bad_value")


def _listen(sections: Sections, problems: Problems) -> None:
    admin = sections.get(Admin)
    if admin is not None and parse_host_port(admin.listen) is None:
        told = message("expected host:port, such as 127.0.0.1:8080 or [::1]:8080")
        problems.add(("admin", "listen"), told, "bad_value")
    for index, host in enumerate(() if admin is None else admin.allowed_hosts):
        if not is_host_pattern(host):
            told = message("expected a name without scheme and port, such as connector.example.com, or *.example.com")
            problems.add(("admin", "allowed_hosts", index), told, "bad_value")


def _are_brokers(servers: str) -> bool:
    """Return whether these are addresses as librdkafka reads them, which takes a port of 99999 for that of another."""
    found = [server.strip().rpartition("://") for server in servers.split(",") if server.strip()]
    return bool(found) and all(
        protocol.upper() in _LISTENER_PROTOCOLS
        and address.isascii()
        and any(parse_host_port(each) is not None for each in (address, f"{address}:9092"))
        for protocol, _, address in found
    )


def _kafka_names(sections: Sections, problems: Problems) -> None:
    kafka = sections.get(Kafka)
    if kafka is not None and not _are_brokers(kafka.bootstrap_servers):
        told = message("expected host:port, host:port, … in ASCII")
        problems.add(("kafka", "bootstrap_servers"), told, "bad_value")
    if kafka is not None and has_full_width(kafka.group_id):
        problems.add(("kafka", "group_id"), message("must not contain full-width punctuation"), "bad_value")


def _endpoints(sections: Sections, problems: Problems) -> None:
    for name, raw in _table(sections.data, "targets").items():
        if name == DEAD_LETTERS:
            told = message("this name is reserved for the dead letters: choose another")
            problems.add(("targets", name), told, "bad_value", at_key=True)
        endpoint = _table(raw).get("endpoint")
        at: Path = ("targets", name, "endpoint")
        if not isinstance(endpoint, str) or (endpoint.startswith("$") and not isinstance(endpoint, InterpolatedStr)):
            continue  # reported with the target
        if endpoint not in ENDPOINTS:
            hint = _hint(endpoint, endpoint.strip("/"), ENDPOINTS)
            told = message("no such endpoint; the endpoints are {names}{hint}", names=", ".join(ENDPOINTS), hint=hint)
            problems.add(at, told, "unknown_name")


def _hint(written: object, word: str, allowed: Iterable[str]) -> Message:
    """Return ``, did you mean 'x'?``; nothing if the word came out of the environment, since it is not to be shown."""
    return NOTHING if isinstance(written, InterpolatedStr) else did_you_mean(word, allowed)


def _decode_topics(sections: Sections, problems: Problems) -> None:
    for name in sections.decode:
        _topic(name, ("decode", name), problems)


def _decode_misspelt(sections: Sections, problems: Problems) -> None:
    """Report names that no route reads, but a similar one: its records would be read as plain JSON."""
    topics = _topics_of_routes(sections) or set()
    for key in sections.decode:
        hint = did_you_mean(key, topics - set(sections.decode))
        if hint and not key.startswith("^") and not any(_matches(topic, key) for topic in topics):
            told = message("no route reads this topic{hint}", hint=hint)
            problems.add(("decode", key), told, "suspicious", at_key=True)


def _decode_overlaps(sections: Sections, problems: Problems) -> None:
    patterns = {key: each for key, each in sections.decode.items() if key.startswith("^")}
    for topic in sorted(_topics_of_routes(sections) or ()):
        if topic.startswith("^") or topic in sections.decode:
            continue
        first, *others = [key for key in patterns if _matches(key, topic)] or [""]
        for key in others:
            if patterns[key] != patterns[first]:
                told = message(
                    "{topic} matches '{first}' too, which stands before and counts; an entry by name would win",
                    topic=topic,
                    first=first,
                )
                problems.add(("decode", key), told, "suspicious", at_key=True)


def _topics_of_routes(sections: Sections) -> set[str] | None:
    """Return the names and patterns that routes read; None if some route is broken."""
    routes = sections.data.get("routes")
    if not isinstance(routes, list) or len(sections.routes) != len(routes):
        return None
    return {topic for _, route in sections.routes for topic in route.topics}


def _route_names(sections: Sections, problems: Problems) -> None:
    first: dict[str, int] = {}
    for index, route in sections.routes:
        if route.name in first:
            told = message(
                "routes[{index}] has the same name, which must be unique in metrics and dead letters",
                index=first[route.name],
            )
            problems.add(("routes", index, "name"), told, "duplicate_name")
        first.setdefault(route.name, index)


def _route_targets(sections: Sections, problems: Problems) -> None:
    names = _table(sections.data, "targets")
    for index, route in sections.routes:
        raw = _raw_route(sections, index).get("to")
        if names and route.to not in names:
            told = message("no such target{hint}", hint=_hint(raw, route.to, names))
            problems.add(("routes", index, "to"), told, "unknown_name")


def _raw_route(sections: Sections, index: int) -> Mapping[str, object]:
    routes = sections.data["routes"]
    return _table(routes[index]) if isinstance(routes, list) else {}


def _topics(sections: Sections, problems: Problems) -> None:
    for index, route in sections.routes:
        for position, topic in enumerate(route.topics):
            _topic(topic, ("routes", index, "topics", position), problems)


def _topic(topic: str, path: Path, problems: Problems) -> None:
    if topic.startswith("^") and topic.isascii():
        try:
            re.compile(topic)
        except re.error as error:
            told = message("not a regular expression: {why} at position {position}", why=error.msg, position=error.pos)
            problems.add(path, told, "bad_value")
    elif not _TOPIC.fullmatch(topic) or topic in {".", ".."}:
        told = message("not a topic name (letters, digits, '.', '_', '-'); a regular expression begins with ^")
        problems.add(path, told, "bad_value")


def _dead_letter_topic(sections: Sections, problems: Problems) -> None:
    dead_letter, kafka = sections.get(DeadLetter), sections.get(Kafka)
    if dead_letter is None or (dead_letter.topic is None and kafka is None):
        return
    at: Path = ("dead_letter", "topic")
    name = dead_letter.topic if dead_letter.topic is not None else f"{kafka.group_id if kafka else ''}.dead-letter"
    if dead_letter.topic is not None and (dead_letter.topic.startswith("^") or not _TOPIC.fullmatch(name)):
        problems.add(at, message("not a topic name (letters, digits, '.', '_', '-')"), "bad_value")
    for index, route in sections.routes:
        for position, topic in enumerate(route.topics):
            place = ("routes", index, "topics", position)
            if topic == name:
                told = message("this is the dead-letter topic, which is never consumed: its records would fail again")
                problems.add(place, told, "bad_value")
            elif topic.startswith("^") and _matches(topic, name):
                told = message(
                    "matches the dead-letter topic {name} too, which is never consumed: narrow the pattern", name=name
                )
                problems.add(place, told, "suspicious")


def _matches(entry: str, topic: str) -> bool:
    try:
        return matches(entry, topic)
    except re.error:
        return False  # reported where it stands


def _unused_targets(sections: Sections, problems: Problems) -> None:
    routes = sections.data.get("routes")
    fed = {str(_table(route).get("to")) for route in routes} if isinstance(routes, list) else set()
    if not fed or any(name not in _table(sections.data, "targets") for name in fed):
        return  # a route whose `to` is missing or misspelt may feed any of them
    for name in sections.targets:
        if name not in fed:
            problems.add(("targets", name), message("no route feeds this target"), "unused", at_key=True)


def _events(sections: Sections, problems: Problems) -> None:
    if sections.data.get("events") == {}:
        told = message("must not be empty: without `events`, nothing is checked")
        problems.add(("events",), told, "bad_value")
    for key, event in (sections.events or {}).items():
        if not key.strip():
            problems.add(("events", key), message("an event key must not be blank"), "bad_value", at_key=True)
        for name, argument in event.args.items() if event is not None else ():
            at: Path = ("events", key, "args", name)
            if not name.strip():
                problems.add(at, message("the name of an argument must not be blank"), "bad_value", at_key=True)
            if argument.max_length is not None and argument.type != "string":
                told = message("only a string has a max_length; this is of type {type}", type=argument.type)
                problems.add((*at, "max_length"), told, "bad_value", at_key=True)


def _secrets_in_clear(sections: Sections, problems: Problems) -> None:
    told = message("a secret in clear: keep it out of the file, with ${{NAME}} or ${{file:/path}}")
    places = (
        (("platform", "auth"), _SECRET_SETTING),
        (("kafka", "properties"), _SECRET_PROPERTY),
        (("kafka", "schema_registry", "properties"), _SECRET_PROPERTY),
    )
    for around, secret in places:
        for name, value in _table(sections.data, *around).items():
            in_clear = isinstance(value, str) and not isinstance(value, InterpolatedStr) and value.strip()
            if in_clear and secret.search(name) and not is_reference(value):  # that one is reported with its section
                problems.add((*around, name), told, "suspicious")


def ready_routes(sections: Sections) -> list[tuple[int, Route]]:
    """Return the routes that can be compiled: sound, and with a sound target of a known endpoint."""
    return [
        (index, route)
        for index, route in sections.routes
        if route.to in sections.targets and sections.targets[route.to].endpoint in ENDPOINTS
    ]


def fully_routed_targets(sections: Sections) -> set[str]:
    """Return the targets that have routes, all of them ready: what such a target lacks, no broken route provides."""
    routes = sections.data.get("routes")
    all_fed = [_table(route).get("to") for route in routes] if isinstance(routes, list) else []
    fed = [route.to for _index, route in ready_routes(sections)]
    return {name for name in fed if all_fed.count(name) == fed.count(name)}
