"""How the values of each topic are decoded: a format in a charset, then the envelope around rows, if there is one.

A decoding is pure and synchronous, so that the mapping is. A format that needs a schema registry is built around a
cache that is filled before records are mapped (`formats` of `decodings`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from connector.core.errors import DecodeError
from connector.decode.charsets import CHARSETS
from connector.decode.envelopes import ENVELOPES, OPENERS
from connector.decode.json import decode_json, decode_refused
from connector.settings.models import REGISTRY_FORMATS, Decode

if TYPE_CHECKING:
    from connector.core.record import Record
    from connector.decode.envelopes import BuildOpen, Envelope

Read = Callable[["Record"], Any]
"""Returns the decoded value of a record that is no tombstone. Pure and synchronous. Raises DecodeError."""

Body = Callable[["Record"], bytes]
"""Returns the JSON in UTF-8 that a record holds, which is no tombstone. Pure and synchronous. Raises DecodeError."""


class Format(NamedTuple):
    """How values of a format are read."""

    read: Read
    body: Body | None = None
    """None if they hold no JSON."""


BuildFormat = Callable[[Decode], Format]
"""Returns how records are read as an entry of the config's `decode` says."""


@dataclass(frozen=True, slots=True, eq=False)
class Decoding:
    """How the records of some topics are decoded."""

    read: Read
    envelope: Envelope | None = None
    """Makes the rows of a decoded value; None: the value is what the mapping reads."""
    is_json: bool = False
    """Whether values hold JSON, of which generated code decodes only what is read."""
    body: Body | None = None
    """Where it is; None: it is the value as it stands."""
    build_open: BuildOpen | None = None
    """For JSON in an envelope: builds what decodes only what is read."""

    def read_refused(self, record: Record) -> Any:  # noqa: ANN401 - JSON is anything
        """Do the same as `read` for a record whose JSON msgspec has refused: then that is not tried again."""
        value = record.value if self.body is None else self.body(record)
        assert value is not None  # noqa: S101 - the caller has looked
        return decode_refused(value)

    @property
    def plain(self) -> bool:
        """Whether the value is what the mapping reads, as JSON in UTF-8."""
        return self.is_json and self.body is None and self.envelope is None


def _json(decode: Decode) -> Format:
    to_utf_8 = CHARSETS[decode.charset]

    def body(record: Record) -> bytes:
        assert record.value is not None  # noqa: S101 - the caller has looked
        return to_utf_8(record.value)

    return Format(lambda record: decode_json(body(record)), body)


def _without_registry(decode: Decode) -> Format:
    def read(record: Record) -> NoReturn:
        del record
        raise DecodeError(f"{decode.format} is read by its schema, and this command asks no schema registry")

    return Format(read)


FORMATS: Mapping[str, BuildFormat] = MappingProxyType(
    {"json": _json, **dict.fromkeys(REGISTRY_FORMATS, _without_registry)}
)
"""By the `format` of an entry of `decode`; `Schemas.formats` has those that need a registry."""

FORMATS_OF_TESTS: Mapping[str, BuildFormat] = MappingProxyType({**FORMATS, **dict.fromkeys(REGISTRY_FORMATS, _json)})
"""For records that someone has written by hand, who writes decoded values as JSON whatever the format of the topic."""


def entry_of(topic: str, decode: Mapping[str, Decode]) -> str | None:
    """Return the key of the entry of `decode` that counts for a topic; None if none does.

    The one with its name comes before patterns, and of the patterns that match, the first in the file counts.
    """
    return topic if topic in decode else next((key for key in decode if matches(key, topic)), None)


def matches(entry: str, topic: str) -> bool:
    """Return whether a topic is meant by a name or a ^pattern of the config."""
    return re.match(entry, topic) is not None if entry.startswith("^") else entry == topic


def decodings(decode: Mapping[str, Decode], formats: Mapping[str, BuildFormat] = FORMATS) -> Callable[[str], Decoding]:
    """Return the function that finds the decoding of a topic: always the same object for the same entry."""
    built = {key: _build(each, formats) for key, each in decode.items()}
    default = _build(Decode(), formats)

    def of_topic(topic: str) -> Decoding:
        key = entry_of(topic, decode)
        return default if key is None else built[key]

    return of_topic


def _build(decode: Decode, formats: Mapping[str, BuildFormat]) -> Decoding:
    read, body = formats[decode.format](decode)
    is_json, name = body is not None, decode.envelope
    body = None if decode == Decode(envelope=name) else body  # the value itself, which needs no call
    if name is None:
        return Decoding(read, is_json=is_json, body=body)
    return Decoding(read, ENVELOPES[name], is_json=is_json, body=body, build_open=OPENERS[name] if is_json else None)
