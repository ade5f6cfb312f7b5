"""The translations: English template to Chinese template, a module for each part of the connector."""

from __future__ import annotations

import functools
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.language.choice import Language


@functools.cache
def translations(language: Language) -> Mapping[str, str]:
    """Return the templates of a language by their English; those of Chinese are imported when first asked for."""
    if language == "en":
        return MappingProxyType({})
    from connector.language.catalog import (  # noqa: PLC0415 - few processes need them
        commands,
        config,
        connecting,
        mapping,
        nouns,
        remedies,
        terminal,
        words,
        yaml,
    )

    areas = (words, nouns, config, mapping, yaml, commands, remedies, connecting, terminal)
    return MappingProxyType({english: chinese for area in areas for english, chinese in area.TEXTS.items()})
