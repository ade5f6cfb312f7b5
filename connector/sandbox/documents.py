"""What the platform documents say about the import endpoints, as data.

Written from the documents alone and shared with nothing in the connector, so that the connector's reading is tested
against a second one. Where several generations of a page document a field (document 003 has `audienceUserId`, later tag
pages `thirdId`), all of them are accepted. What no document says is in `switches`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

FieldKind = Literal["string", "integer", "boolean", "strings", "objects", "any_objects", "arguments", "retired"]

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
    entries: Mapping[str, Field] = field(default_factory=dict)
    """Of `objects`: the fields of each entry."""
    needs: str = ""
    """The name of a field that must accompany this one."""
    replacement: str = ""
    """Of `retired`, a field of an earlier generation that is no longer accepted: the field to send instead."""


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
    department: bool = False
    """Whether an item with `categoryType` 2 needs one of the department's ids."""
    batch_id: bool = False
    """Whether a successful reply carries an import batch id in `data`."""


def _one_of(*allowed: str | int, required: bool = False) -> Field:
    kind: FieldKind = "string" if isinstance(allowed[0], str) else "integer"
    return Field(kind, required, frozenset(allowed))


_TEXT = Field("string")
_MATCHING: Mapping[str, Field] = {
    "isMatching": Field("boolean"),
    "matchingType": _one_of(1, 2),
}
_MATCHING_V1: Mapping[str, Field] = {
    **_MATCHING,
    "identifyWay": _one_of(1, 2),
    "accurateMatchType": _one_of("gzh", "workwechat", "YOUZAN", "EZR", "contentminiapp", "contenthome"),
    "accurateMatchValue": _TEXT,
}
_AUDIENCE: Mapping[str, Field] = {**_MATCHING_V1, "isMatching": Field("boolean", required=True)}
_FLAT: Mapping[str, Field] = dict.fromkeys(("thirdId", "openid", "unionid", "phone", "identityType"), _TEXT)
_EVENT: Mapping[str, Field] = {
    "time": Field("integer"),
    "uuid": Field("string", max_length=36),
    "eventKey": Field("string", required=True),
    "intid": _TEXT,
    "eventargs": Field("arguments"),
    "eventId": Field("retired", replacement="eventKey"),
}
_IDENTITY: Mapping[str, Field] = {
    "identityValue": Field("string", required=True),
    "identityType": Field("string", required=True),
    "platform": _TEXT,
    "mpid": Field("string", needs="isWeChatEcosystem"),
    "isWeChatEcosystem": Field("boolean"),
    "appid": Field("retired", replacement="mpid"),
}
_CUSTOM_FIELD: Mapping[str, Field] = {
    "configId": Field("integer"),
    "configName": _TEXT,
    "values": Field("strings"),
}
_TYPES: Mapping[str, str] = {"phone": "phone", "uid": "thirdId", "openid": "openid", "unionid": "unionid"}

# Documents 000 and 001. isMatching is required in the older, optional in the newer. eventKey is optional in both
# tables, but an event without one has no meaning: the switch `event_key_missing` decides.
EVENT_V1 = Endpoint(
    path="event/batchAdd",
    params=_MATCHING_V1,
    item={
        **_FLAT,
        **_EVENT,
        "eventKey": _TEXT,
        "identityId": Field("retired", replacement="thirdId"),
        "audienceUserId": Field("retired", replacement="thirdId"),
    },
    identities=("phone", "openid", "unionid", "thirdId"),
    identity_types=_TYPES,
    exact_needs_identity_type=True,
)
# Document 004. Its second table has the row of matchingType under the name isMatching, as int32: a mistake.
EVENT_V2 = Endpoint(
    path="event/v2/batchAdd",
    params=_MATCHING,
    item={**_EVENT, "identities": Field("objects", required=True, entries=_IDENTITY)},
)
# Document 002, with thirdId of its later versions. Its identityType adds an identity to an existing customer.
INFO_V1 = Endpoint(
    path="audience/info/batchAdd",
    params={**_AUDIENCE, "importMode": _one_of(1, 2, required=True)},
    item={
        **_FLAT,
        "identityId": _TEXT,
        "audienceUserId": _TEXT,
        "realName": _TEXT,
        "sex": _one_of("男", "女"),
        "address": _TEXT,
        "birthday": _TEXT,
        "remark": _TEXT,
        "tags": _TEXT,
        "customFields": Field("objects", entries=_CUSTOM_FIELD),
    },
    identities=("phone", "openid", "unionid", "thirdId", "audienceUserId", "identityId"),
    batch_id=True,
)
# Document 003, with thirdId and identityType of its later versions. Its optType has the type int but text values.
TAG_V1 = Endpoint(
    path="audience/tag/batchAdd",
    params={**_AUDIENCE, "optType": _one_of("add", "delete", required=True)},
    item={**_FLAT, "audienceUserId": _TEXT, "tags": _TEXT},
    identities=("phone", "openid", "unionid", "thirdId", "audienceUserId"),
    identity_types=_TYPES,
    batch_id=True,
)
# Page 986173, which breaks off inside customFields: configName and values as in document 002.
INFO_V2 = Endpoint(
    path="audience/info/v2/batchAdd",
    params={**_MATCHING, "importMode": _one_of(1, 2, required=True)},
    item={
        "identities": Field("objects", required=True, entries=_IDENTITY),
        "realName": _TEXT,
        "sex": _one_of("男", "女"),
        "address": _TEXT,
        "birthday": _TEXT,
        "remark": _TEXT,
        "customFields": Field("objects", entries=_CUSTOM_FIELD),
    },
    batch_id=True,
)
# Page 986700, which breaks off before it says what an entry of operateTags holds.
TAG_V2 = Endpoint(
    path="audience/tag/v2/batchAdd",
    params={**_MATCHING, "optType": _one_of("add", "delete", required=True)},
    item={
        "identities": Field("objects", required=True, entries=_IDENTITY),
        "operateTags": Field("any_objects"),
    },
    batch_id=True,
)
# Pages 986498, 986273, 986264 and 986414. The customer id is called thirdId in one, id in another, uid elsewhere.
GROUP_V1 = Endpoint(
    path="audience/group/rel/batchAdd",
    params={**_AUDIENCE, "optType": _one_of("add", "delete", required=True)},
    item={**_FLAT, "groups": _TEXT},
    identities=("phone", "openid", "unionid", "thirdId"),
    identity_types={**_TYPES, "id": "thirdId", "thirdId": "thirdId"},
    batch_id=True,
)
# Page 985393.
GROUP_V2 = Endpoint(
    path="audience/group/rel/v2/batchAdd",
    params={**_MATCHING, "optType": _one_of("add", "delete", required=True)},
    item={
        "identities": Field("objects", required=True, entries=_IDENTITY),
        "groups": _TEXT,
        "categoryType": _one_of("1", "2"),
        "deptId": Field("integer"),
        "thirdDeptId": _TEXT,
        "wxDeptId": _TEXT,
    },
    department=True,
    batch_id=True,
)

ENDPOINTS: Mapping[str, Endpoint] = {
    endpoint.path: endpoint for endpoint in (EVENT_V1, EVENT_V2, INFO_V1, INFO_V2, TAG_V1, TAG_V2, GROUP_V1, GROUP_V2)
}

REPLIES: Mapping[str, tuple[str, str]] = {
    "200": ("SUCCESS", "ok"),
    "100100": ("APPID_SECRET_ERROR", "appid、secret错误"),
    "100200": ("TOKEN_ERROR", "token错误"),
    "100300": ("AUTHCODE_ERROR", "授权code错误"),
}
"""Every documented `code` with its `errorCode` and `msg` (page 986158)."""
