"""What the platform documents say about the four import endpoints, as data.

Written from the documents alone and shared with nothing in the connector, so that the connector's reading is tested
against a second one. Where several generations of a page document a field (document 003 has `audienceUserId`, later tag
pages `thirdId`), all of them are accepted. What no document says is in `switches`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

FieldKind = Literal["string", "integer", "boolean", "strings", "identities", "custom_fields", "arguments"]

MAX_ITEMS = 500
"""The most items in `data` per call (documents 001 and 004)."""
TOKEN_LIFE_S = 7200
"""How long an access token lives, in seconds (page 986242)."""
FIRST_MILLISECOND = 10**11
"""A `time` below this is in seconds: read as milliseconds it would be before March 1973."""
TOKEN_ENDPOINT = "app/getOrgAccessToken"  # noqa: S105 - a path


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a document's table."""

    kind: FieldKind
    required: bool = False
    allowed: frozenset[str | int] = frozenset()
    """The documented values; empty: any."""
    max_length: int | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One import endpoint: the tables of its document, and the rules of the text around them."""

    path: str
    params: Mapping[str, Field]
    """The entries of `publicParams`."""
    item: Mapping[str, Field]
    """The entries of a `data[]` item."""
    identities: tuple[str, ...] = ()
    """The item's fields that identify a customer; empty: the item has `identities[]`."""
    identity_types: Mapping[str, str] | None = None
    """The documented values of `identityType`, each with the identity field that it selects."""
    exact_needs_identity_type: bool = False
    retired: Mapping[str, str] = field(default_factory=dict)
    """Fields of earlier generations that are no longer accepted, each with its replacement."""
    batch_id: bool = False
    """Whether a successful reply carries an import batch id in `data`."""


def _text(*, required: bool = False, max_length: int | None = None) -> Field:
    return Field("string", required, max_length=max_length)


def _one_of(*allowed: str | int, required: bool = False) -> Field:
    kind: FieldKind = "string" if isinstance(allowed[0], str) else "integer"
    return Field(kind, required, frozenset(allowed))


_MATCHING: Mapping[str, Field] = {
    "isMatching": Field("boolean"),
    "matchingType": _one_of(1, 2),
}
_MATCHING_V1: Mapping[str, Field] = {
    **_MATCHING,
    "identifyWay": _one_of(1, 2),
    "accurateMatchType": _one_of("gzh", "workwechat", "YOUZAN", "EZR", "contentminiapp", "contenthome"),
    "accurateMatchValue": _text(),
}
_FLAT: Mapping[str, Field] = {
    "thirdId": _text(),
    "openid": _text(),
    "unionid": _text(),
    "phone": _text(),
    "identityType": _text(),
}
_EVENT: Mapping[str, Field] = {
    "time": Field("integer"),
    "uuid": _text(max_length=36),
    "eventKey": _text(required=True),
    "intid": _text(),
    "eventargs": Field("arguments"),
}
_TYPES: Mapping[str, str] = {"phone": "phone", "uid": "thirdId", "openid": "openid", "unionid": "unionid"}

# Documents 000 and 001. isMatching is required in the older, optional in the newer. eventKey is optional in both
# tables, but an event without one has no meaning: see the switch `event_key_missing`.
EVENT_V1 = Endpoint(
    path="event/batchAdd",
    params=_MATCHING_V1,
    item={**_FLAT, **_EVENT},
    identities=("phone", "openid", "unionid", "thirdId"),
    identity_types=_TYPES,
    exact_needs_identity_type=True,
    retired={"eventId": "eventKey", "identityId": "thirdId", "audienceUserId": "thirdId"},
)
# Document 004. Its second table has the row of matchingType under the name isMatching, as int32: a mistake.
EVENT_V2 = Endpoint(
    path="event/v2/batchAdd",
    params=_MATCHING,
    item={**_EVENT, "identities": Field("identities", required=True)},
    retired={"eventId": "eventKey"},
)
# Document 002, with thirdId of its later versions. Its identityType adds an identity to an existing customer.
INFO_V1 = Endpoint(
    path="audience/info/batchAdd",
    params={
        **_MATCHING_V1,
        "isMatching": Field("boolean", required=True),
        "importMode": _one_of(1, 2, required=True),
    },
    item={
        **_FLAT,
        "identityId": _text(),
        "audienceUserId": _text(),
        "realName": _text(),
        "sex": _one_of("男", "女"),
        "address": _text(),
        "birthday": _text(),
        "remark": _text(),
        "tags": _text(),
        "customFields": Field("custom_fields"),
    },
    identities=("phone", "openid", "unionid", "thirdId", "audienceUserId", "identityId"),
    batch_id=True,
)
# Document 003, with thirdId and identityType of its later versions. Its optType has the type int but text values.
TAG_V1 = Endpoint(
    path="audience/tag/batchAdd",
    params={
        **_MATCHING_V1,
        "isMatching": Field("boolean", required=True),
        "optType": _one_of("add", "delete", required=True),
    },
    item={**_FLAT, "audienceUserId": _text(), "tags": _text()},
    identities=("phone", "openid", "unionid", "thirdId", "audienceUserId"),
    identity_types=_TYPES,
    batch_id=True,
)

ENDPOINTS: Mapping[str, Endpoint] = {endpoint.path: endpoint for endpoint in (EVENT_V1, EVENT_V2, INFO_V1, TAG_V1)}

IDENTITY: Mapping[str, Field] = {
    "identityValue": _text(required=True),
    "identityType": _text(required=True),
    "platform": _text(),
    "mpid": _text(),
    "isWeChatEcosystem": Field("boolean"),
}
"""One entry of `identities[]` (document 004); mpid requires isWeChatEcosystem."""
RETIRED_IDENTITY: Mapping[str, str] = {"appid": "mpid"}

CUSTOM_FIELD: Mapping[str, Field] = {
    "configId": Field("integer"),
    "configName": _text(),
    "values": Field("strings"),
}
"""One entry of `customFields[]` (document 002)."""

REPLIES: Mapping[str, tuple[str, str]] = {
    "200": ("SUCCESS", "ok"),
    "100100": ("APPID_SECRET_ERROR", "appid、secret错误"),
    "100200": ("TOKEN_ERROR", "token错误"),
    "100300": ("AUTHCODE_ERROR", "授权code错误"),
}
"""Every documented `code` with its `errorCode` and `msg` (page 986158)."""
