"""Checks of `kafka.schema_registry`, and of the formats that need it. No network."""

from __future__ import annotations

import re
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from connector.decode.registry_extra import INSTALL, missing_module, open_client
from connector.language.message import message
from connector.settings.models import REGISTRY_FORMATS, Decode, Kafka, SchemaRegistry

if TYPE_CHECKING:
    from connector.config.sections import Sections
    from connector.language.message import Message
    from connector.settings.problems import Path, Problems

_AT: Final[Path] = ("kafka", "schema_registry")
_URL: Final[Path] = (*_AT, "url")
_PROPERTIES: Final[Path] = (*_AT, "properties")
_RETRIES: Final = message("remove it: the connector asks again, with growing waits, for as long as it takes")
_CACHE: Final = message("remove it: a schema never changes, so the connector keeps each")
OWNED_BY_REGISTRY: Final = {
    "url": message("use kafka.schema_registry.url"),
    "max.retries": _RETRIES,
    "retries.wait.ms": _RETRIES,
    "retries.max.wait.ms": _RETRIES,
    "cache.capacity": _CACHE,
    "cache.latest.ttl.sec": _CACHE,
}
_FILES: Final = ("ssl.ca.location", "ssl.certificate.location", "ssl.key.location")
_UNRECOGNIZED: Final = re.compile(r"Unrecognized properties: (.*)")


def check_registry(sections: Sections, problems: Problems) -> None:
    """Check that what needs a schema registry has one, and that its settings are sound."""
    wanted, kafka = _wanted(sections), sections.get(Kafka)
    for topic, entry in wanted.items():
        if entry.charset != "utf-8":
            told = message("remove it: {format} has an encoding of its own", format=entry.format)
            problems.add(("decode", topic, "charset"), told, "bad_value")
    if kafka is None:
        return
    settings = kafka.schema_registry
    if settings is None:
        for topic, entry in list(wanted.items())[:1]:
            told = message(
                "missing, required for the format of decode.{topic}, {format}: {{url: https://…}}",
                topic=topic,
                format=entry.format,
            )
            problems.add(_AT, told, "missing_key")
        return
    if not wanted and len(sections.decode) == _entries(sections):
        told = message("no topic has a format that needs it ({formats})", formats=", ".join(sorted(REGISTRY_FORMATS)))
        problems.add(_AT, told, "unused", at_key=True)
    _check_url(settings.url, problems)
    _check_properties(settings, problems)


def check_registry_client(sections: Sections, problems: Problems) -> None:
    """Check what only a process that asks the registry needs: the extra, files, and what the client's library says."""
    wanted, kafka = _wanted(sections), sections.get(Kafka)
    missing = missing_module() if wanted else ""
    if missing:
        for topic, entry in wanted.items():
            told = message(
                "{format} needs an extra that is not installed (no module {missing}): {install}",
                format=entry.format,
                missing=missing,
                install=INSTALL,
            )
            problems.add(("decode", topic, "format"), told, "bad_value")
    if kafka is None or kafka.schema_registry is None:
        return
    properties = kafka.schema_registry.properties
    absent = [name for name in _FILES if name in properties and not _is_readable(str(properties[name]))]
    for name in absent:
        problems.add((*_PROPERTIES, name), message("can't read this file"), "unreadable_file")
    sound = not any(each.path[: len(_AT)] == _AT for each in problems.errors)
    if wanted and not missing and sound:
        _check_client(kafka.schema_registry, problems)


def _wanted(sections: Sections) -> dict[str, Decode]:
    """Return the entries of `decode` that need a registry."""
    return {topic: entry for topic, entry in sections.decode.items() if entry.format in REGISTRY_FORMATS}


def _entries(sections: Sections) -> int:
    decode = sections.data.get("decode")
    return len(decode) if isinstance(decode, dict) else 0


def _check_url(url: str, problems: Problems) -> None:
    messages = (_url_message(each.strip()) for each in url.split(","))  # the client takes several
    for told in [each for each in messages if each is not None][:1]:
        problems.add(_URL, told, "bad_value")


def _url_message(url: str) -> Message | None:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not url.isascii() or not url.isprintable() or " " in url:
        return message("expected an address such as {example}", example="https://registry.example")
    if parts.username is not None or parts.password is not None:
        return message("must not contain a user or a password: use properties, basic.auth.user.info")
    return message("must not have a query or a fragment ('?', '#')") if "?" in url or "#" in url else None


def _check_properties(settings: SchemaRegistry, problems: Problems) -> None:
    for name, value in settings.properties.items():
        if name in OWNED_BY_REGISTRY:
            told = message("the connector sets this property itself; {remedy}", remedy=OWNED_BY_REGISTRY[name])
            problems.add((*_PROPERTIES, name), told, "owned_property", at_key=True)
        elif name == "timeout" and not _is_duration(value):
            problems.add((*_PROPERTIES, name), message("expected a number of seconds"), "bad_value")


def _is_duration(value: object) -> bool:
    try:
        return 0 < float(str(value)) < 3600
    except ValueError:
        return False


def _is_readable(name: str) -> bool:
    try:
        path = FilePath(name)
        if path.is_dir():  # OpenSSL's folder of certificates
            return True
        with path.open("rb"):
            return True
    except (OSError, ValueError):
        return False


def _check_client(settings: SchemaRegistry, problems: Problems) -> None:
    """Have the client's library judge the properties."""
    try:
        open_client(settings).close()
    except Exception as error:  # noqa: BLE001 - it raises ValueError, TypeError, ssl.SSLError and others
        unrecognized = _UNRECOGNIZED.fullmatch(str(error))
        if unrecognized is not None:
            for name in unrecognized[1].split(", "):
                told = message("the registry's client does not know it")
                problems.add((*_PROPERTIES, name), told, "bad_value", at_key=True)
            return
        told = message("the registry's client refuses them: {why}", why=_without_values(error, settings))
        problems.add(_PROPERTIES, told, "bad_value")


def _without_values(error: Exception, settings: SchemaRegistry) -> str:
    text = f"{type(error).__name__}: {error}"
    for value in sorted((str(value) for value in settings.properties.values()), key=len, reverse=True):
        text = text.replace(value, "…") if value else text
    return text
