"""Envelopes of change data capture: from a decoded value to the rows that changed, one module per system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.decode.envelopes.canal import canal
from connector.decode.envelopes.change import Change, Envelope, Rows
from connector.decode.envelopes.debezium import debezium
from connector.decode.envelopes.projected import OPENERS, BuildOpen, Open

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVELOPES: Mapping[str, Envelope] = {"canal": canal, "debezium": debezium}
"""By the `envelope` of an entry of `decode`."""

__all__ = ["ENVELOPES", "OPENERS", "BuildOpen", "Change", "Envelope", "Open", "Rows"]
