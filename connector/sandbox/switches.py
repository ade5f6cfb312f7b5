"""What the documents leave open, as named switches with cautious defaults.

Cautious means: what passes here should pass on the platform, whichever way the platform decides.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from connector.sandbox.documents import TOKEN_LIFE_S

Judgement = Literal["refuse", "ignore"]


class Switches(BaseModel):
    """The switches of `PUT /_sandbox/switches`; each stands for a question that no document answers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    token_ttl_s: float = Field(default=TOKEN_LIFE_S, gt=0, description="How long a new token lives, in seconds.")
    token_expire_zero: bool = Field(
        default=False, description="The token reply says `expire: 0`, as the only example does, not its life."
    )
    token_refused_status: Literal[200, 401] = Field(
        default=200, description="The HTTP status of a refused token: code 100200 inside 200, or 401."
    )
    new_token_kills_old: bool = Field(
        default=False, description="Whether a new token ends the life of those before it."
    )
    refused_status: int = Field(
        default=200, ge=200, le=499, description="The HTTP status of a refused item's reply (its code is '400')."
    )
    refused_stores_rest: bool = Field(
        default=False, description="A refused item keeps the others of its request from being stored, or not."
    )
    broken_reply_stores: bool = Field(
        default=False, description="A request that ends in `truncate`, `reset` or `hang` is stored all the same."
    )
    unknown_public_params: Judgement = Field(
        default="ignore", description="A publicParam outside the table; document 000's own example sends one."
    )
    unknown_fields: Judgement = Field(default="refuse", description="A field of an item that is not in the table.")
    seconds: Judgement = Field(default="refuse", description="A `time` in seconds, as in document 000's example.")
    empty_data: Judgement = Field(default="refuse", description="A request without any item.")
    event_key_missing: Judgement = Field(
        default="refuse", description="An event/batchAdd item without eventKey, which both tables call optional."
    )
    identity_missing: Judgement = Field(
        default="refuse", description="A flat item without any identity: each of them is optional by the tables."
    )
    nested_eventargs: Judgement = Field(
        default="refuse", description="An eventargs value that is no text, number or boolean; no example nests."
    )
    import_batch_id: bool = Field(
        default=True, description="Audience replies carry `data`, the import batch id, as the newer pages say."
    )
    max_body_bytes: int = Field(
        default=1 << 20, ge=0, description="A longer body is answered with HTTP 413; 0: no limit."
    )


def change(switches: Switches, text: bytes) -> Switches:
    """Lay a JSON object of switches over the present ones. Raises ValidationError, and then changes nothing."""
    named = Switches.model_validate_json(text)
    return switches.model_copy(update={name: getattr(named, name) for name in named.model_fields_set})
