"""Checks of `kafka.schema_registry`, and of the formats that need it. No network."""

from __future__ import annotations

import re
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from connector.decode.registry_extra import INSTALL, missing_module, open_client
from connector.settings.models import REGISTRY_FORMATS, Decode, Kafka, SchemaRegistry

if TYPE_CHECKING:
    from connector.config.sections import Sections
    from connector.settings.problems import Path, Problems

_AT: Final[Path] = ("kafka", "schema_registry")
_URL: Final[Path] = (*_AT, "url")
_PROPERTIES: Final[Path] = (*_AT, "properties")
_RETRIES: Final = "remove it: the connector asks again, with growing waits, for as long as it takes"
_CACHE: Final = "remove it: a schema never changes, so the connector keeps each"
_OWNED: Final = {
    "url": "use kafka.schema_registry.url",
    "max.retries": _RETRIES,
    "retries.wait.ms": _RETRIES,
    "retries.max.wait.ms": _RETRIES,
    "cache.capacity": _CACHE,
    "cache.latest.ttl.sec": _CACHE,
}
_FILES: Final = ("ssl.ca.location", "ssl.certificate.location", "ssl.key.location")
_UNRECOGNIZED: Final = re.compile(r"Unrecognized properties: (.*)")


def check_registry(sections: Sections, problems: Problems) -> None:
    """Check that what needs a schema registry has one, and that its client takes its settings."""
    wanted = {topic: entry for topic, entry in sections.decode.items() if entry.format in REGISTRY_FORMATS}
    kafka = sections.get(Kafka)
    settings = None if kafka is None else kafka.schema_registry
    installed = _check_topics(wanted, problems)
    if kafka is not None and settings is None and wanted:
        topic, entry = next(iter(wanted.items()))
        message = f"missing, required for the format of decode.{topic}, {entry.format}: {{url: https://…}}"
        problems.add(_AT, message, "missing_key")
    if settings is None:
        return
    if not sections.data.get("decode") or (not wanted and len(sections.decode) == _entries(sections)):
        message = f"no topic has a format that needs it ({', '.join(sorted(REGISTRY_FORMATS))})"
        problems.add(_AT, message, "unused", at_key=True)
    sound = _check_url(settings.url, problems) and _check_properties(settings, problems)
    if sound and installed and wanted:
        _check_client(settings, problems)


def _entries(sections: Sections) -> int:
    decode = sections.data.get("decode")
    return len(decode) if isinstance(decode, dict) else -1


def _check_topics(wanted: dict[str, Decode], problems: Problems) -> bool:
    """Check the entries of `decode`; return whether what they need is installed."""
    missing = missing_module() if wanted else ""
    for topic, entry in wanted.items():
        if missing:
            message = f"{entry.format} needs an extra that is not installed (no module {missing}): {INSTALL}"
            problems.add(("decode", topic, "format"), message, "bad_value")
        if entry.charset != "utf-8":
            message = f"remove it: {entry.format} has an encoding of its own"
            problems.add(("decode", topic, "charset"), message, "bad_value")
    return not missing


def _check_url(url: str, problems: Problems) -> bool:
    for each in url.split(","):  # the client takes several
        if message := _url_message(each.strip()):
            problems.add(_URL, message, "bad_value")
            return False
    return True


def _url_message(url: str) -> str:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not url.isascii() or not url.isprintable() or " " in url:
        return "expected an address such as https://registry.example"
    if parts.username is not None or parts.password is not None:
        return "must not contain a user or a password: use properties, basic.auth.user.info"
    return "must not have a query or a fragment ('?', '#')" if "?" in url or "#" in url else ""


def _check_properties(settings: SchemaRegistry, problems: Problems) -> bool:
    before = len(problems.found)
    for name, value in settings.properties.items():
        if name in _OWNED:
            problems.add(
                (*_PROPERTIES, name), f"the connector sets this itself; {_OWNED[name]}", "owned_property", at_key=True
            )
        elif name == "timeout" and not _is_duration(value):
            problems.add((*_PROPERTIES, name), "expected a number of seconds", "bad_value")
        elif name in _FILES and not _is_readable(str(value)):
            problems.add((*_PROPERTIES, name), "can't read this file", "unreadable_file")
    return len(problems.found) == before


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
                problems.add((*_PROPERTIES, name), "the registry's client does not know it", "bad_value", at_key=True)
            return
        problems.add(
            _PROPERTIES, f"the registry's client refuses them: {_without_values(error, settings)}", "bad_value"
        )


def _without_values(error: Exception, settings: SchemaRegistry) -> str:
    text = f"{type(error).__name__}: {error}"
    for value in sorted((str(value) for value in settings.properties.values()), key=len, reverse=True):
        text = text.replace(value, "…") if value else text
    return text
