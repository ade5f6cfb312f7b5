"""Behaviour that the platform documents leave open, as switches with cautious defaults.

Cautious: a request that is accepted here should be accepted by the platform, however it decides the open question.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from connector.sandbox.documents import TOKEN_LIFE_S

Reaction = Literal["refuse", "ignore"]


class Switches(BaseModel, frozen=True, extra="forbid", strict=True):
    """The switches of `PUT /_sandbox/switches`, each for a question that no document answers."""

    token_ttl_s: float = Field(default=TOKEN_LIFE_S, gt=0, description="Seconds that a new token lives.")
    token_expire_zero: bool = Field(
        default=False, description="The token reply says `expire: 0`, as in the only example."
    )
    token_refused_status: Literal[200, 401] = Field(
        default=200, description="HTTP status of the reply to a refused token; its code is 100200."
    )
    new_token_kills_old: bool = Field(default=False, description="Issuing a token invalidates those before it.")
    refused_status: int = Field(
        default=200, ge=200, le=499, description="HTTP status of the reply to a refused item; its code is 400."
    )
    refused_stores_rest: bool = Field(
        default=False, description="The other items of a request with a refused item are stored."
    )
    broken_reply_stores: bool = Field(
        default=False, description="A request that meets the fault `truncate`, `reset` or `hang` is stored."
    )
    unknown_public_params: Reaction = Field(
        default="ignore", description="A publicParam that is not in the table; document 000's example has one."
    )
    unknown_fields: Reaction = Field(default="refuse", description="A field of an item that is not in the table.")
    seconds: Reaction = Field(default="refuse", description="A `time` in seconds, as in document 000's example.")
    empty_data: Reaction = Field(default="refuse", description="A request without items.")
    event_key_missing: Reaction = Field(
        default="refuse", description="An event/batchAdd item without eventKey, which both tables call optional."
    )
    identity_missing: Reaction = Field(
        default="refuse", description="A flat item without any identity; the tables call each of them optional."
    )
    nested_eventargs: Reaction = Field(
        default="refuse", description="An eventargs value that is an object, an array or null; no example has one."
    )
    import_batch_id: bool = Field(
        default=True, description="Audience replies carry the import batch id in `data`, as the newer pages say."
    )
    max_body_bytes: int = Field(default=1 << 20, ge=0, description="Longer bodies get HTTP 413; 0: no limit.")
