"""What no single section can know: names that must exist, words that must not meet, what only looks like an address.

Every check looks at what is sound and is silent about the rest; none stops at the first problem. A value that came
from the environment is not shown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from connector.core.addresses import is_loopback, parse_host_port
from connector.core.record import DEAD_LETTERS
from connector.settings.kafka_properties import CLASSIC_PROTOCOL_ONLY, OWNED_PROPERTIES
from connector.settings.models import Admin, DeadLetter, Kafka, Platform
from connector.settings.problems import did_you_mean
from connector.settings.types import InterpolatedStr
from connector.tuzhan.endpoints import ENDPOINTS, NOT_YET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connector.config.sections import Sections
    from connector.settings.models import Route
    from connector.settings.problems import Path, Problems

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_WAYS = "app_id with app_secret, or token, or token_file"


def check_all(sections: Sections, problems: Problems) -> None:
    """Run every check."""
    checks: tuple[Callable[[Sections, Problems], None], ...] = (
        _properties,
        _auth,
        _base_url,
        _retry,
        _listen,
        _endpoints,
        _decode_topics,
        _route_names,
        _route_targets,
        _topics,
        _dead_letter_topic,
        _unused_targets,
    )
    for check in checks:
        check(sections, problems)


def shown(value: object) -> str:
    """A name from the file in quotes, with a blank before it; nothing, if it came from the environment."""
    return "" if isinstance(value, InterpolatedStr) else f" '{value}'"


def _table(data: object, *keys: str) -> Mapping[str, object]:
    """The table at that place of the file; empty if there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _properties(sections: Sections, problems: Problems) -> None:
    properties = _table(sections.data, "kafka", "properties")
    at = ("kafka", "properties")
    for name in properties:
        if name in OWNED_PROPERTIES:
            message = f"the connector sets this property itself; {OWNED_PROPERTIES[name].remedy}"
            problems.add((*at, name), message, "owned_property", at_key=True)
    if str(properties.get("group.protocol", "")).lower() == "consumer":
        for name in CLASSIC_PROTOCOL_ONLY:
            if name in properties:
                message = "not with group.protocol: consumer, where the broker decides this: remove it"
                problems.add((*at, name), message, "bad_value", at_key=True)


def _auth(sections: Sections, problems: Problems) -> None:
    at: Path = ("platform", "auth")
    auth = _table(sections.data, *map(str, at))
    if not isinstance(_table(sections.data, "platform").get("auth"), dict):
        return  # missing, or not a table: noted with its section
    given = [name for name in ("app_id", "app_secret", "token", "token_file") if auth.get(name) is not None]
    ways = {"app_id" if name == "app_secret" else name for name in given}
    if not ways:
        problems.add(at, f"nothing to authenticate with: give {_WAYS}", "missing_key")
    elif len(ways) > 1:
        names = f"{', '.join(given[:-1])} and {given[-1]}"
        problems.add(at, f"{names} can't stand together: give {_WAYS}", "bad_value")
    elif len(given) == 1 and ways == {"app_id"}:
        (other,) = {"app_id", "app_secret"} - set(given)
        problems.add((*at, other), f"missing, required together with {given[0]}", "missing_key")


def _base_url(sections: Sections, problems: Problems) -> None:
    platform = sections.get(Platform)
    if platform is None:
        return
    complaint = _url_complaint(platform.base_url, allow_http=platform.allow_http)
    if complaint:
        problems.add(("platform", "base_url"), complaint, "bad_value")


def _url_complaint(url: str, *, allow_http: bool) -> str:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not url.isascii() or not url.isprintable() or " " in url:
        return "must be an address like https://integrate.rabbitpre.com/api/open"
    if parts.username is not None or parts.password is not None:
        return "must not hold a user or a password: the platform takes a token, see platform.auth"
    if "?" in url or "#" in url:
        return "must end with its path: no '?' and no '#'"
    if parts.scheme == "http" and not allow_http and not is_loopback(parts.hostname or ""):
        return (
            "must begin with https://, because the app secret travels in it"
            " (allow_http: true if the way is safe all the same)"
        )
    return ""


def _retry(sections: Sections, problems: Problems) -> None:
    platform = sections.get(Platform)
    if platform is not None and platform.retry.first > platform.retry.max:
        key = "first" if "first" in platform.retry.model_fields_set else "max"
        message = "the first wait (first, 250ms by default) must not be longer than the longest (max, 30s by default)"
        problems.add(("platform", "retry", key), message, "bad_value")


def _listen(sections: Sections, problems: Problems) -> None:
    admin = sections.get(Admin)
    if admin is not None and parse_host_port(admin.listen) is None:
        problems.add(("admin", "listen"), "must be host:port, like 127.0.0.1:8080 or [::1]:8080", "bad_value")


def _endpoints(sections: Sections, problems: Problems) -> None:
    for name, raw in _table(sections.data, "targets").items():
        if name == DEAD_LETTERS:
            message = f"'{DEAD_LETTERS}' is where failed records go: choose another name"
            problems.add(("targets", name), message, "bad_value", at_key=True)
        endpoint = _table(raw).get("endpoint")
        at: Path = ("targets", name, "endpoint")
        if not isinstance(endpoint, str) or (endpoint.startswith("$") and not isinstance(endpoint, InterpolatedStr)):
            continue  # noted with the target
        if endpoint in NOT_YET:
            problems.add(at, f"the endpoint{shown(endpoint)} is not supported yet ({_there_are()})", "bad_value")
        elif endpoint not in ENDPOINTS:
            hint = "" if isinstance(endpoint, InterpolatedStr) else did_you_mean(endpoint.strip("/"), ENDPOINTS)
            message = f"no endpoint is named{shown(endpoint) or ' so'} ({_there_are()}){hint}"
            problems.add(at, message, "unknown_name")


def _there_are() -> str:
    return f"there are {', '.join(ENDPOINTS)}"


def _decode_topics(sections: Sections, problems: Problems) -> None:
    for name in sections.decode:
        _topic(name, ("decode", name), problems)


def _route_names(sections: Sections, problems: Problems) -> None:
    first: dict[str, int] = {}
    for index, route in sections.routes:
        if route.name in first:
            message = f"routes[{first[route.name]}] has this name already: metrics and dead letters go by it"
            problems.add(("routes", index, "name"), message, "duplicate_name")
        first.setdefault(route.name, index)


def _route_targets(sections: Sections, problems: Problems) -> None:
    names = _table(sections.data, "targets")
    for index, route in sections.routes:
        raw = _raw_route(sections, index).get("to")
        if names and route.to not in names:
            hint = "" if isinstance(raw, InterpolatedStr) else did_you_mean(route.to, names)
            message = f"no target is named{shown(raw) or ' so'}{hint}"
            problems.add(("routes", index, "to"), message, "unknown_name")


def _raw_route(sections: Sections, index: int) -> Mapping[str, object]:
    routes = sections.data["routes"]
    return _table(routes[index]) if isinstance(routes, list) else {}


def _topics(sections: Sections, problems: Problems) -> None:
    for index, route in sections.routes:
        for position, topic in enumerate(route.topics):
            _topic(topic, ("routes", index, "topics", position), problems)


def _topic(topic: str, path: Path, problems: Problems) -> None:
    if topic.startswith("^"):
        try:
            re.compile(topic)
        except re.error as error:
            problems.add(path, f"not a regular expression: {error.msg} at position {error.pos}", "bad_value")
    elif not _TOPIC.fullmatch(topic) or topic in {".", ".."}:
        message = "not a topic's name (letters, digits, '.', '_', '-'); a regular expression over names begins with ^"
        problems.add(path, message, "bad_value")


def _dead_letter_topic(sections: Sections, problems: Problems) -> None:
    dead_letter, kafka = sections.get(DeadLetter), sections.get(Kafka)
    if dead_letter is None or (dead_letter.topic is None and kafka is None):
        return
    at: Path = ("dead_letter", "topic")
    name = dead_letter.topic if dead_letter.topic is not None else f"{kafka.group_id if kafka else ''}.dead-letter"
    if dead_letter.topic is not None and (dead_letter.topic.startswith("^") or not _TOPIC.fullmatch(name)):
        problems.add(at, "not a topic's name: letters, digits, '.', '_' and '-'", "bad_value")
    for index, route in sections.routes:
        for position, topic in enumerate(route.topics):
            if topic == name:
                message = "this is the dead-letter topic, which is never consumed: what failed would come again"
                problems.add(("routes", index, "topics", position), message, "bad_value")


def _unused_targets(sections: Sections, problems: Problems) -> None:
    routes = sections.data.get("routes")
    fed = {str(_table(route).get("to")) for route in routes} if isinstance(routes, list) else set()
    if not fed or any(name not in _table(sections.data, "targets") for name in fed):
        return  # a route whose `to` is missing or misspelt may be meant for any of them
    for name in sections.targets:
        if name not in fed:
            problems.add(("targets", name), "no route feeds this target", "unused", at_key=True)


def ready_routes(sections: Sections) -> list[tuple[int, Route]]:
    """The routes that can be compiled: sound, and with a sound target of a known endpoint."""
    return [
        (index, route)
        for index, route in sections.routes
        if route.to in sections.targets and sections.targets[route.to].endpoint in ENDPOINTS
    ]


def judged_targets(sections: Sections) -> set[str]:
    """The targets of which all routes are ready, and that have one: what they lack, they lack for sure."""
    routes = sections.data.get("routes")
    all_fed = [_table(route).get("to") for route in routes] if isinstance(routes, list) else []
    fed = [route.to for _index, route in ready_routes(sections)]
    return {name for name in fed if all_fed.count(name) == fed.count(name)}
