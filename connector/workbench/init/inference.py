"""From the fields of records to a proposal: which field is whose identity, time, event, amount. Pure."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from connector.mapping.json_values import text_form
from connector.workbench.init import values as look
from connector.workbench.init.fields import Field, covering, survey
from connector.workbench.init.names import FEN, Role, is_of_others, is_of_receiver, normal, rank

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from connector.mapping.json_values import Json

_MOST_ALTERNATIVES: Final = 3
_MOST_AMOUNTS: Final = 3
_MOST_CODES: Final = 20
_MOST_EVENTS: Final = 12
_MOST_OTHERS: Final = 12
_REPEATED: Final = 5
_MANY: Final = 50
_SHARE_OF_A_CODE: Final = 0.05
_AMBIGUOUS: Final = 3
"""The rank of a name such as `op`."""
_LIKELY_FEN: Final = 100
_NESTED: Final = 2
_AROUND: Final = {"canal": ("data",), "debezium": ("after", "payload")}
"""Names in a row that `check` takes for the envelope's, if something is below them."""
_IDENTITIES: Final = (Role.PHONE, Role.UNIONID, Role.OPENID, Role.UID)
_PROFILE: Final = (Role.NAME, Role.SEX, Role.BIRTHDAY, Role.ADDRESS)
_PERSONAL: Final = re.compile(
    r"mail|card|id_?no|ident|cert|passport|nick|remark|memo|note|comment|message|content|desc|wechat|weixin|(?:^|_)(?:wx|qq|ip)"
    r"|url|avatar|token|password|secret|lng|lat|city|receiver|consignee|邮箱|证|卡号|昵称|微信|备注|留言|头像|收货|收件"
)
"""Of a name: what may say who somebody is, or is free text."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The fields that hold one type of identity, in order of preference."""

    role: Role
    fields: Sequence[Field]
    by_value: bool = False
    """The name does not say so."""
    of_receiver: bool = False
    """It belongs to who gets the goods."""
    masked: int = 0
    """So many values are mobile numbers with stars in them."""


@dataclass(frozen=True, slots=True)
class Event:
    """The field of which each value is an event."""

    field: Field
    codes: Sequence[tuple[str, int]]
    """The values as text, and in how many records; the most frequent first."""
    left_out: int = 0
    """So many others, which may be personal data or are too many."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A field with an amount of money."""

    field: Field
    in_fen: bool
    """By its name."""
    may_be_fen: bool
    """By its values: whole numbers."""


@dataclass(slots=True)
class Proposal:
    """What was found in the records."""

    records: int
    fields: list[Field] = field(default_factory=list)
    is_profile: bool = False
    identities: list[Identity] = field(default_factory=list)
    times: list[Field] = field(default_factory=list)
    event: Event | None = None
    order: list[Field] = field(default_factory=list)
    amounts: list[Amount] = field(default_factory=list)
    profile: dict[Role, Field] = field(default_factory=dict)
    lists: list[Field] = field(default_factory=list)
    others: list[Field] = field(default_factory=list)


def propose(rows: Sequence[Json], topic: str = "", envelope: str = "") -> Proposal:
    """Return what the fields of values, or with an envelope of rows, may be for the platform."""
    around = _AROUND.get(envelope, ())
    fields = [each for each in survey(rows) if len(each.path) < _NESTED or each.path[0] not in around]
    found = Proposal(len(rows), fields, lists=[each for each in fields if each.is_list])
    found.identities = [each for role in _IDENTITIES for each in _identities(role, fields, len(rows))]
    found.identities += _ids_of_customers(found, topic)
    taken = {each.path for one in found.identities for each in one.fields}
    free = [each for each in fields if each.path not in taken]
    found.times = covering(_times(free), len(rows), _MOST_ALTERNATIVES)
    found.order = covering(_named(Role.ORDER, free, look.is_id), len(rows), _MOST_ALTERNATIVES)[:1]
    amounts = [each for each in _named(Role.AMOUNT, free, look.is_number) if not each.in_list]
    found.amounts = [_amount(each) for each in amounts[:_MOST_AMOUNTS]]
    found.profile = {role: own for role in _PROFILE if (own := _profile_field(role, free)) is not None}
    found.is_profile = _is_profile(found, topic)
    found.event = None if found.is_profile else _event(free, len(rows))
    found.others = _others(found, free)
    return found


def _ids_of_customers(found: Proposal, topic: str) -> list[Identity]:
    """Return `id` as the customer's, where the topic is of customers."""
    if any(one.role is Role.UID for one in found.identities) or not _is_of_customers(topic):
        return []
    own = [each for each in found.fields if each.path in {("id",), ("ID",), ("Id",)} and each.share(look.is_id) == 1]
    return [Identity(Role.UID, own, by_value=True)] if own else []


def _is_of_customers(topic: str) -> bool:
    return any(word in normal(topic) for word in ("member", "customer", "user", "profile", "client", "crm", "vip"))


def _named(role: Role, fields: Iterable[Field], holds: Callable[[Json], bool], least: float = 0.9) -> list[Field]:
    """Return the fields that have a name and values of a role, the best first."""
    ranked = [
        ((each.in_list, place, len(each.path), -len(each.values)), each)
        for each in fields
        if (place := rank(role, each.name)) is not None and each.values and each.share(holds) >= least
    ]
    return [each for _, each in sorted(ranked, key=lambda one: one[0])]


def _identities(role: Role, fields: Sequence[Field], records: int) -> list[Identity]:
    """Return the identities of one type; each openid is one of its own, as it is of another account."""
    own = [each for each in fields if not is_of_others(each.path)]
    named = _named(role, own, look.is_id if role is not Role.PHONE else _is_any_phone, 0.5)
    if role is Role.OPENID and named:
        return [Identity(role, [each]) for each in named[:_MOST_ALTERNATIVES]]
    customers = [each for each in named if not is_of_receiver(each.path)]
    chosen = covering(customers or named, records, _MOST_ALTERNATIVES)
    if chosen:
        masked = sum(look.is_masked_phone(value) for each in chosen for value in each.values.values())
        return [Identity(role, chosen, of_receiver=not customers, masked=masked if role is Role.PHONE else 0)]
    found = None
    if role is Role.PHONE:
        found = _by_value(role, own, look.is_phone)
    elif role is Role.OPENID:
        found = _by_value(role, own, look.is_wechat_id)
    return [] if found is None else [found]


def _is_any_phone(value: Json) -> bool:
    return look.is_phone(value) or look.is_masked_phone(value)


def _by_value(role: Role, fields: Iterable[Field], holds: Callable[[Json], bool]) -> Identity | None:
    """Return the field whose values alone speak for a role; its name must not speak for another one."""
    found = [
        each
        for each in fields
        if each.values
        and not each.in_list
        and each.share(holds) == 1
        and not any(rank(other, each.name) == 0 for other in Role)
    ]
    best = max(found, key=lambda each: (len(each.values), -len(each.path)), default=None)
    return None if best is None else Identity(role, [best], by_value=True)


def _times(fields: Sequence[Field]) -> list[Field]:
    named = _named(Role.TIME, fields, look.is_time)
    return [each for each in named if rank(Role.BIRTHDAY, each.name) is None]


def _amount(each: Field) -> Amount:
    in_fen = FEN.search(normal(each.name)) is not None
    numbers = [abs(float(text_form(value) or 0)) for value in each.values.values() if look.is_whole(value)]
    whole = len(numbers) == len(each.values) and max(numbers, default=0) >= _LIKELY_FEN
    return Amount(each, in_fen, may_be_fen=whole and not in_fen)


def _profile_field(role: Role, fields: Sequence[Field]) -> Field | None:
    holds = {Role.SEX: look.is_sex, Role.BIRTHDAY: look.is_date}.get(role, look.is_text)
    own = [each for each in fields if not each.in_list and not is_of_others(each.path)]
    named = _named(role, own, holds)
    if role is Role.SEX:  # of 0, "unknown" alone nothing can be made
        named = [each for each in named if each.share(lambda value: (text_form(value) or "") in look.SEXES)]
    return next(iter(named), None)


def _is_profile(found: Proposal, topic: str) -> bool:
    """Whether records are about customers, not about what they did."""
    if (
        found.order
        or found.amounts
        or not found.identities
        or any(rank(Role.EVENT, each.name) == 0 for each in found.fields)
    ):
        return False
    return len(found.profile) >= (1 if _is_of_customers(topic) else 2)


def _event(fields: Sequence[Field], records: int) -> Event | None:
    """Return the field with few values, all of them codes, whose name says status, type and the like."""
    for each in _named(Role.EVENT, fields, look.is_text):
        seen = Counter(text_form(value) or "" for value in each.values.values())
        if each.in_list or len(seen) > _MOST_CODES:
            continue
        codes = [one for one in seen.most_common() if look.is_code(one[0])]
        if _are_codes(each, seen, records):
            codes = seen.most_common()
        if codes:
            return Event(each, codes[:_MOST_EVENTS], len(seen) - len(codes[:_MOST_EVENTS]))
    return None


def _are_codes(each: Field, seen: Counter[str], records: int) -> bool:
    """Whether values are codes though their words are not known: all have the form, and each comes again and again.

    Not those of `op` or `action`, which may hold who has done it.
    """
    often = max(records * _SHARE_OF_A_CODE, _REPEATED)
    return (
        records >= _MANY
        and rank(Role.EVENT, each.name) != _AMBIGUOUS
        and all(look.is_code(text) or (look.looks_like_code(text) and count >= often) for text, count in seen.items())
    )


def _others(found: Proposal, fields: Sequence[Field]) -> list[Field]:
    """Return what may be arguments of the event: no identities, nothing that sounds personal."""
    used = {each.path for each in (*found.times, *found.order, *(one.field for one in found.amounts))}
    used |= {found.event.field.path} if found.event is not None else set()
    personal = (Role.PHONE, Role.UNIONID, Role.OPENID, Role.UID, *_PROFILE)
    return [
        each
        for each in fields
        if each.path not in used
        and each.values
        and not any(rank(role, each.name) is not None for role in personal)
        and not any(_PERSONAL.search(normal(name)) for name in each.path)
        and not is_of_others(each.path)
        and not each.name.startswith("__")
        and not each.share(look.is_phone)
    ][:_MOST_OTHERS]
