"""The trace context of the request that is being sent, as HTTP headers; None while tracing is off.

Set by what traces a request around the sink, read by the HTTP client below it. A context variable, because each
request is sent by a task of its own, and what is between the two need not know of tracing.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

TRACE_HEADERS: Final[ContextVar[Mapping[str, str] | None]] = ContextVar("TRACE_HEADERS", default=None)
