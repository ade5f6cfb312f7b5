"""The one door to what needs the extra `registry`, which is imported only if a topic needs it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from connector.core.errors import StartError
from connector.decode.registry import SchemaRegistry
from connector.decode.schemas import Schemas
from connector.settings.models import REGISTRY_FORMATS

if TYPE_CHECKING:
    from connector.decode.registry_client import RegistryClient
    from connector.settings.models import Config
    from connector.settings.models import SchemaRegistry as Settings

INSTALL: Final = "pip install 'tuzhan-connector[registry]'"
_MODULES: Final = ("confluent_kafka.schema_registry", "fastavro")


def missing_module() -> str:
    """Return the name of a module of the extra that is not installed; empty if all are."""
    for name in _MODULES:
        try:
            import_module(name)
        except ImportError as error:
            return error.name or name
    return ""


def open_client(settings: Settings) -> RegistryClient:
    """Return a client, without asking anything yet. Raises ImportError, and what the library says of properties."""
    from connector.decode.registry_client import RegistryClient  # noqa: PLC0415 - needs the extra

    return RegistryClient(settings.url, settings.properties)


def open_registry(config: Config) -> SchemaRegistry | None:
    """Return the registry of a sound config; None if no topic needs one. Raises StartError."""
    if not any(each.format in REGISTRY_FORMATS for each in config.decode.values()):
        return None
    settings = config.kafka.schema_registry
    assert settings is not None  # noqa: S101 - checked with the config
    try:
        client = open_client(settings)
    except ImportError as error:
        raise StartError(f"avro and json_schema need {error.name}, which is not installed: {INSTALL}") from error
    return SchemaRegistry(Schemas(config.decode), client)
