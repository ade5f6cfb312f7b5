"""The platform's import endpoints as data: the publicParams and item fields that their documents list.

Sources: documents 000 and 001 (`event/batchAdd`, two generations: the union of their tables), document 002
(`audience/info/batchAdd`), document 003 (`audience/tag/batchAdd`), document 004 (`event/v2/batchAdd`); and the pages
986173 (`audience/info/v2`), 986700 (`audience/tag/v2`), 986498 to 986414 (`audience/group/rel`) and 985393
(`audience/group/rel/v2`). Where an example contradicts its document's table, the table is followed. These rules are not
in those tables:

- `eventKey` is required on both event endpoints. The table of `event/batchAdd` says optional, but an event without one
  has no meaning, and the table of `event/v2/batchAdd` says required.
- `uid` is written as `thirdId` on all flat endpoints, as on the newer pages of documents 002 and 003.
- `identityType` is also written on `audience/tag/batchAdd`: the newer pages of document 003 (986208 and later) require
  it for exact matching.
- `isMatching` is accepted on all newer endpoints: only the examples of 985751 and 985714 have it.
- The entries of `customFields` on `audience/info/v2/batchAdd`, whose page breaks off, are those of document 002.
- What the objects in `operateTags` hold is documented nowhere: any object is accepted.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from connector.language.message import message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.language.message import Message
    from connector.settings.models import Ordering

ParameterKind = Literal["boolean", "integer", "text"]
FieldKind = Literal["text", "milliseconds", "integer", "object", "objects", "custom_fields"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One entry of `publicParams`."""

    name: str
    kind: ParameterKind
    required: bool = False
    allowed: tuple[str | int, ...] = ()
    """The documented values; empty: any of that kind."""


@dataclass(frozen=True, slots=True)
class ItemField:
    """One entry of a `data[]` item that a route maps under `fields`."""

    name: str
    kind: FieldKind = "text"
    allowed: tuple[str, ...] = ()
    max_characters: int | None = None
    essential: bool = False
    """No document requires it, but an item without it says nothing: it is what the endpoint is for."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """Where `field` has this value, one of other fields must be there."""

    field: str
    value: str
    one_of: tuple[str, ...]

    @property
    def reason(self) -> Message:
        """What is reported if none of them is there."""
        others = ", ".join(self.one_of)
        return message("{field} {value} requires one of {others}", field=self.field, value=self.value, others=others)


@dataclass(frozen=True, slots=True)
class FlatIdentity:
    """How an identity type is written on an endpoint whose identities are fields of the item."""

    field: str
    identity_type: str | None
    """The value of `identityType` that selects it; None: there is none."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One batchAdd endpoint."""

    path: str
    """Relative to the base URL."""
    kind: Literal["event", "audience"]
    permission: str
    """The permission that the app needs, as the platform's app settings show it."""
    parameters: tuple[Parameter, ...]
    fields: tuple[ItemField, ...]
    flat_identities: Mapping[str, FlatIdentity] | None
    """By identity type; None: items have `identities[]` instead, with any type except FLAT_ONLY_TYPES."""
    requirements: tuple[Requirement, ...] = ()

    @property
    def default_ordering(self) -> Ordering:
        """The ordering of a target that names none: a later profile or tag replaces an earlier one; events add up."""
        return "identity" if self.kind == "audience" else "none"

    def parameter(self, name: str) -> Parameter | None:
        """Return the documented parameter of that name, or None."""
        return next((parameter for parameter in self.parameters if parameter.name == name), None)

    def field(self, name: str) -> ItemField | None:
        """Return the documented item field of that name, or None; identities and eventKey are not among them."""
        return next((field for field in self.fields if field.name == name), None)


DEFAULT_PARAMETERS: Mapping[str, str | int | bool] = MappingProxyType({"isMatching": True, "matchingType": 1})
"""The publicParams that are sent unless a target or a route sets others."""

EXACT_MATCHING = 1
FUZZY_MATCHING = 2

FLAT_ONLY_TYPES = frozenset({"audienceUserId", "identityId"})
"""The platform's own ids: only endpoints with flat identities accept them."""

PLATFORMS = ("gzh", "contentminiapp", "workwechat", "selfbuilt", "YOUZAN", "EZR", "RP_LSY", "EXTERNAL")
"""What the `platform` of an identity may be in the newer endpoints' documents."""

WECHAT_PLATFORMS = frozenset({"gzh", "contentminiapp", "workwechat", "selfbuilt"})
"""The platforms for which `isWeChatEcosystem` is true by default (page 986173)."""

CUSTOM_FIELD_KEYS: Mapping[str, Literal["integer", "text", "texts"]] = MappingProxyType(
    {"configId": "integer", "configName": "text", "values": "texts"}
)
"""The fields of a `customFields[]` entry, with their types (document 002)."""

_IS_MATCHING = Parameter("isMatching", "boolean")
_IS_MATCHING_REQUIRED = Parameter("isMatching", "boolean", required=True)
_MATCHING_TYPE = Parameter("matchingType", "integer", allowed=(EXACT_MATCHING, FUZZY_MATCHING))
_IDENTIFY_WAY = Parameter("identifyWay", "integer", allowed=(1, 2))
_ACCURATE_MATCH = (
    Parameter(
        "accurateMatchType",
        "text",
        allowed=("gzh", "workwechat", "YOUZAN", "EZR", "contentminiapp", "contenthome"),
    ),
    Parameter("accurateMatchValue", "text"),
)
_IMPORT_MODE = Parameter("importMode", "integer", required=True, allowed=(1, 2))
_OPT_TYPE = Parameter("optType", "text", required=True, allowed=("add", "delete"))
_PROFILE = (
    ItemField("realName"),
    ItemField("sex", allowed=("男", "女")),
    ItemField("address"),
    ItemField("birthday"),
    ItemField("remark"),
)

_EVENT_IDENTITIES = {
    "phone": FlatIdentity("phone", "phone"),
    "openid": FlatIdentity("openid", "openid"),
    "unionid": FlatIdentity("unionid", "unionid"),
    "uid": FlatIdentity("thirdId", "uid"),
}
_TAG_IDENTITIES = {**_EVENT_IDENTITIES, "audienceUserId": FlatIdentity("audienceUserId", None)}

_EVENT_V1 = Endpoint(
    path="event/batchAdd",
    kind="event",
    permission="事件->事件",
    parameters=(_IS_MATCHING, _MATCHING_TYPE, _IDENTIFY_WAY, *_ACCURATE_MATCH),
    fields=(
        ItemField("time", "milliseconds"),
        ItemField("uuid", max_characters=36),
        ItemField("intid"),
        ItemField("eventargs", "object"),
    ),
    flat_identities=MappingProxyType(_EVENT_IDENTITIES),
)
_EVENT_V2 = Endpoint(
    path="event/v2/batchAdd",
    kind="event",
    permission="事件->事件",
    parameters=(_IS_MATCHING, _MATCHING_TYPE),
    fields=(
        ItemField("time", "milliseconds"),
        ItemField("uuid"),
        ItemField("intid"),
        ItemField("eventargs", "object"),
    ),
    flat_identities=None,
)
_INFO_V1 = Endpoint(
    path="audience/info/batchAdd",
    kind="audience",
    permission="用户->用户资料",
    parameters=(_IS_MATCHING_REQUIRED, _MATCHING_TYPE, _IDENTIFY_WAY, _IMPORT_MODE),
    fields=(*_PROFILE, ItemField("tags"), ItemField("customFields", "custom_fields")),
    flat_identities=MappingProxyType({**_TAG_IDENTITIES, "identityId": FlatIdentity("identityId", None)}),
)
_TAG_V1 = Endpoint(
    path="audience/tag/batchAdd",
    kind="audience",
    permission="用户->用户标签",
    parameters=(_IS_MATCHING_REQUIRED, _MATCHING_TYPE, _IDENTIFY_WAY, _OPT_TYPE),
    fields=(ItemField("tags", essential=True),),
    flat_identities=MappingProxyType(_TAG_IDENTITIES),
)

_INFO_V2 = Endpoint(
    path="audience/info/v2/batchAdd",
    kind="audience",
    permission="用户->用户资料",
    parameters=(_IS_MATCHING, _MATCHING_TYPE, _IMPORT_MODE),
    fields=(*_PROFILE, ItemField("customFields", "custom_fields")),
    flat_identities=None,
)
_TAG_V2 = Endpoint(
    path="audience/tag/v2/batchAdd",
    kind="audience",
    permission="用户->用户标签",
    parameters=(_IS_MATCHING, _MATCHING_TYPE, _OPT_TYPE),
    fields=(ItemField("operateTags", "objects", essential=True),),
    flat_identities=None,
)
_GROUP_V1 = Endpoint(
    path="audience/group/rel/batchAdd",
    kind="audience",
    permission="用户->用户分组",
    parameters=(_IS_MATCHING_REQUIRED, _MATCHING_TYPE, _IDENTIFY_WAY, *_ACCURATE_MATCH, _OPT_TYPE),
    fields=(ItemField("groups", essential=True),),
    flat_identities=MappingProxyType(_EVENT_IDENTITIES),
)
_GROUP_V2 = Endpoint(
    path="audience/group/rel/v2/batchAdd",
    kind="audience",
    permission="用户->用户分组",
    parameters=(_IS_MATCHING, _MATCHING_TYPE, _OPT_TYPE),
    fields=(
        ItemField("groups", essential=True),
        ItemField("categoryType", allowed=("1", "2")),
        ItemField("deptId", "integer"),
        ItemField("thirdDeptId"),
        ItemField("wxDeptId"),
    ),
    flat_identities=None,
    requirements=(Requirement("categoryType", "2", ("wxDeptId", "thirdDeptId", "deptId")),),
)

ENDPOINTS: Mapping[str, Endpoint] = MappingProxyType(
    {
        endpoint.path: endpoint
        for endpoint in (_EVENT_V1, _EVENT_V2, _INFO_V1, _INFO_V2, _TAG_V1, _TAG_V2, _GROUP_V1, _GROUP_V2)
    }
)
"""The endpoints that a target can have, by path."""
