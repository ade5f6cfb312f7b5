"""Character encodings of text formats: what the producers' bytes become before they are decoded, UTF-8."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_UTF_8_MARK = b"\xef\xbb\xbf"
_GB18030_MARK = "\ufeff".encode("gb18030")


def _unchanged(value: bytes) -> bytes:
    return value


def _from_gb18030(value: bytes) -> bytes:
    """Return GB18030 (and so GBK and GB2312) as UTF-8. Raises DecodeError.

    No text of JSON begins like UTF-8's byte order mark in GB18030: what has one is UTF-8 already.
    """
    if value.startswith(_UTF_8_MARK):
        return value
    try:
        return value.removeprefix(_GB18030_MARK).decode("gb18030").encode()
    except UnicodeDecodeError as error:
        message = f"the value is not GB18030 at byte offset {error.start}{looks_like_utf_16(value) or _hint(value)}"
        raise DecodeError(message) from error


def _hint(value: bytes) -> str:
    try:
        value.decode()
    except UnicodeDecodeError:
        return ""
    return ": it is UTF-8; drop `charset: gb18030` of this topic under `decode`"


def looks_like_utf_16(value: bytes) -> str:
    """Return what to say about a value that looks like UTF-16; empty if it does not."""
    zeros = value[:2].count(0) == 1 and value[2:4].count(0) == 1
    if value.startswith((b"\xff\xfe", b"\xfe\xff")) or zeros:
        return ": it looks like UTF-16, which is not supported; write UTF-8 (or GB18030) where it is produced"
    return ""


CHARSETS: Mapping[str, Callable[[bytes], bytes]] = {"utf-8": _unchanged, "gb18030": _from_gb18030}
"""By the `charset` of an entry of `decode`: returns a value as UTF-8, or raises DecodeError."""
