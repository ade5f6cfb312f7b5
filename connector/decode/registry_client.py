"""The schema registry over HTTP: confluent-kafka's own client, its errors translated.

Needs the extra `registry`; imported by `registry_extra` only.

A 404 is an unknown schema only if the registry itself says so. A wrong address also gets 404s, of some proxy or of
another API, and would make dead letters of everything: so another code than the registry's is believed only if the same
address answers with the list of its schema types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from confluent_kafka.schema_registry import SchemaRegistryClient, SchemaRegistryError

from connector.core.errors import RegistryError
from connector.decode.avro import SchemaError, reader
from connector.decode.json import decode_json
from connector.decode.registry_errors import about, place_of, told_of
from connector.decode.schemas import Schema
from connector.language.message import message

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

    from confluent_kafka.schema_registry import Schema as Registered

    from connector.decode.schema_ids import SchemaId

TIMEOUT_S: Final = 10.0
"""Of a request, unless the config says otherwise: the client itself would wait without end."""
SCHEMA_NOT_FOUND: Final = 40403
_SUBJECT_NOT_FOUND: Final = (40401, 40402)
"""Of the registry's error codes: no such subject, or no such version of it."""


class RegistryClient:
    """Implements `registry.Client`. Thread-safe, as the library's client is."""

    def __init__(self, url: str, properties: Mapping[str, Any]) -> None:
        """Raise what the library raises for properties that it does not take; no network."""
        timeout = float(properties.get("timeout", TIMEOUT_S))
        # The waits between attempts are ours: they end when the process does, and say so on /readyz meanwhile.
        conf = {**properties, "url": url, "timeout": timeout, "max.retries": 0}
        self._client = SchemaRegistryClient(conf)
        self._place = place_of(url)
        self._timeout_s = timeout

    def fetch(self, schema_id: SchemaId) -> Schema | None:
        """Return a schema; None if the registry has none with this id. Raises RegistryError if it can't be told now."""
        try:
            if isinstance(schema_id, int):
                found = self._client.get_schema(schema_id)
            else:
                found = self._client.get_schema_by_guid(str(schema_id))
        except SchemaRegistryError as error:
            if error.http_status_code == 404 and error.error_code != SCHEMA_NOT_FOUND:
                self._ask_for_types()
            if error.http_status_code == 404:
                return None
            raise self._error(error) from error
        except Exception as error:  # the library raises whatever its HTTP client and its parsers do
            raise self._error(error) from error
        return self._usable(found)

    def ping(self) -> None:
        """Return if the registry answers. Raises RegistryError."""
        try:
            self._ask_for_types()
        except RegistryError as error:
            if not isinstance(error.__cause__, SchemaRegistryError) or error.__cause__.http_status_code != 403:
                raise
            # It answers: whether it lets us read a schema is seen when one is needed.

    def _ask_for_types(self) -> None:
        """Return if the address is that of a registry, which says what it can hold. Raises RegistryError."""
        for path in ("schemas/types", "config"):  # the first is not known to old registries
            try:
                answer = self._client._rest_client.get(path)  # noqa: SLF001 - its methods lose what was answered
            except SchemaRegistryError as error:
                if error.http_status_code != 404 or path == "config":
                    raise self._error(error) from error
            except Exception as error:
                raise self._error(error) from error
            else:
                if isinstance(answer, (list, dict)):
                    return
        does, remedy = message("answers, but not as a registry"), message("check kafka.schema_registry.url")
        raise RegistryError(about(self._place, does, remedy))

    def trust(self) -> ssl.SSLContext:
        """Return whom the client trusts, and with which certificate it shows itself: for a look at the registry's."""
        context: ssl.SSLContext = self._client._rest_client.verify  # noqa: SLF001 - there is no other way to it
        return context

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _usable(self, found: Registered) -> Schema:
        kind, text = found.schema_type or "AVRO", found.schema_str
        if not isinstance(text, str):
            self._client.clear_caches()  # type: ignore[no-untyped-call] # it would never ask again
            raise RegistryError(
                message("the schema registry at {place} answers with something that is no schema", place=self._place)
            )
        if kind == "JSON":
            return Schema(kind, decode_json)
        if kind != "AVRO":
            return Schema(kind, None, "the connector reads AVRO and JSON")
        try:
            references = list(self._references(found, set()))
            return Schema(kind, reader(text, references))
        except SchemaError as error:
            return Schema(kind, None, str(error))

    def _references(self, schema: Registered, seen: set[tuple[str, int]]) -> Iterator[str]:
        """Yield the schemas that one refers to, each after those that it refers to itself. Raises SchemaError."""
        for reference in schema.references or ():
            subject, version = str(reference.subject), int(reference.version or 0)
            if (subject, version) in seen:
                continue
            seen.add((subject, version))
            try:
                found = self._client.get_version(subject, version, deleted=True).schema
            except SchemaRegistryError as error:
                if error.http_status_code == 404 and error.error_code in {*_SUBJECT_NOT_FOUND, SCHEMA_NOT_FOUND}:
                    raise SchemaError(f"it refers to {subject}, version {version}, which is not there") from error
                raise self._error(error) from error
            except Exception as error:
                raise self._error(error) from error
            yield from self._references(found, seen)
            yield found.schema_str or ""

    def _error(self, error: Exception) -> RegistryError:
        return RegistryError(told_of(error, self._place, self._timeout_s))
