"""Customers as the platform would unify them: whoever shares an identity with a known customer is that customer.

What the documents leave open is decided plainly: identities are matched whatever `matchingType` and `isMatching` say, a
newer profile field replaces an older one, and customers that turn out to be one become the oldest of them. Example:
events of `phone:1` and of `openid:x` are two customers, until an item has both identities.

Nothing is unified while nobody looks: the store keeps what has not been read, and each look reads some of it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.sandbox.store import StoredItem

KEPT_CUSTOMERS: Final = 50_000
"""Those that changed last."""
KEPT_ITEMS: Final = 20
"""Of each customer."""
_MOST_NAMES: Final = 30
_MOST_CHARACTERS: Final = 200
"""So many names, and so much of each, are shown: a mistake in a mapping may make one customer of all."""
_CUSTOMER_ID: Final = "thirdId"
_SAME_TYPE: Final = {"uid": _CUSTOMER_ID, "id": _CUSTOMER_ID}
"""The pages call the customer id by several names."""
_PROFILE: Final = ("realName", "sex", "birthday", "address", "remark")


@dataclass(slots=True)
class Customer:
    """One customer."""

    number: int
    identities: dict[str, None] = field(default_factory=dict)
    """As `type:value`, in the order in which they came."""
    profile: dict[str, str] = field(default_factory=dict)
    tags: dict[str, None] = field(default_factory=dict)
    groups: dict[str, None] = field(default_factory=dict)
    events: int = 0
    items: int = 0
    unified_from: int = 1
    """How many customers it was before they turned out to be one."""
    changed_ms: int = 0
    latest: list[StoredItem] = field(default_factory=list)
    """The newest at the end."""

    def summary(self) -> dict[str, Any]:
        """Return it as `GET /_sandbox/customers` shows it."""
        names = {"identities": self.identities, "tags": self.tags, "groups": self.groups}
        return {
            "number": self.number,
            **{kind: [_shown(each) for each in islice(all_, _MOST_NAMES)] for kind, all_ in names.items()},
            "more": {kind: max(len(all_) - _MOST_NAMES, 0) for kind, all_ in names.items()},
            "profile": {_shown(name): _shown(value) for name, value in islice(self.profile.items(), _MOST_NAMES)},
            "events": self.events,
            "items": self.items,
            "unified_from": self.unified_from,
            "changed_ms": self.changed_ms,
        }

    def absorb(self, other: Customer) -> None:
        """Take over everything of a customer that turned out to be this one."""
        older, newer = sorted((self, other), key=lambda each: each.changed_ms)
        self.profile = older.profile | newer.profile
        self.identities |= other.identities
        self.tags |= other.tags
        self.groups |= other.groups
        self.number = min(self.number, other.number)
        self.events += other.events
        self.items += other.items
        self.unified_from += other.unified_from
        self.changed_ms = newer.changed_ms
        self.latest = sorted((*self.latest, *other.latest), key=lambda each: each.at_ms)[-KEPT_ITEMS:]

    def take(self, stored: StoredItem) -> None:
        """Take an item of this customer."""
        self.items += 1
        self.changed_ms = stored.at_ms
        self.latest.append(stored)
        del self.latest[:-KEPT_ITEMS]
        if stored.endpoint.startswith("event/"):
            self.events += 1
            return
        item = orjson.loads(stored.body)
        self.profile |= {name: str(item[name]) for name in _PROFILE if item.get(name)}
        self.profile |= _custom_fields(item.get("customFields"))
        deletes = orjson.loads(stored.params).get("optType") == "delete"
        _change(self.tags, [*_listed(item.get("tags")), *_operated(item.get("operateTags"))], deletes=deletes)
        _change(self.groups, _listed(item.get("groups")), deletes=deletes)


class Customers:
    """All customers of one sandbox."""

    def __init__(self) -> None:
        self._by_number: OrderedDict[int, Customer] = OrderedDict()
        """The one that changed last at the end."""
        self._by_identity: dict[str, Customer] = {}
        self._next = 1
        self.forgotten = 0
        """Customers that are not kept any more."""

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._by_number)

    def take(self, items: Iterable[StoredItem]) -> None:
        """Take items in the order in which they were stored. Those without an identity belong to nobody."""
        for item in items:
            identities = [_canonical(each) for each in item.identities]
            if identities:
                self._of(identities).take(item)

    def get(self, number: int) -> Customer | None:
        """Return a customer; None if there is no such one, or not any more."""
        return self._by_number.get(number)

    def search(self, text: str, limit: int) -> list[Customer]:
        """Return the customers of which an identity or the name contains `text`, the one that changed last first."""
        text = text.strip().lower()
        latest = reversed(self._by_number.values())
        return list(islice((each for each in latest if not text or _mentions(each, text)), limit))

    def _of(self, identities: list[str]) -> Customer:
        """Return the customer of an item, unified from all that its identities lead to."""
        found = {known.number: known for each in identities if (known := self._by_identity.get(each)) is not None}
        for number in found:
            del self._by_number[number]
        # The one with most identities takes over the others: one that grows is not copied again and again.
        by_size = sorted(found.values(), key=lambda each: (-len(each.identities), each.number))
        customer, *others = by_size or [Customer(self._next)]
        self._next += not found
        for other in others:
            customer.absorb(other)
            self._by_identity.update(dict.fromkeys(other.identities, customer))
        customer.identities |= dict.fromkeys(identities)
        self._by_identity.update(dict.fromkeys(identities, customer))
        self._by_number[customer.number] = customer
        if len(self._by_number) > KEPT_CUSTOMERS:
            self._forget_one()
        return customer

    def _forget_one(self) -> None:
        _, customer = self._by_number.popitem(last=False)
        self.forgotten += 1
        for identity in customer.identities:
            del self._by_identity[identity]


def _mentions(customer: Customer, text: str) -> bool:
    name = customer.profile.get("realName", "")
    return text in name.lower() or any(text in identity.lower() for identity in customer.identities)


def cut(text: str, length: int) -> str:
    """Return a text, or as much of it as may be shown."""
    return text if len(text) <= length else f"{text[:length]}…"


def _shown(text: str) -> str:
    return cut(text, _MOST_CHARACTERS)


def _canonical(identity: str) -> str:
    kind, _, value = identity.partition(":")
    return f"{_SAME_TYPE.get(kind, kind)}:{value}"


def _change(names: dict[str, None], changed: list[str], *, deletes: bool) -> None:
    for name in changed:
        if deletes:
            names.pop(name, None)
        else:
            names[name] = None


def _listed(text: object) -> list[str]:
    """Return the names of a text with commas."""
    return [name for each in text.split(",") if (name := each.strip())] if isinstance(text, str) else []


def _operated(tags: object) -> list[str]:
    """Return the entries of `operateTags`, whose inside no document shows: read as the platform's own answers are."""
    return [text for tag in _entries(tags) for text in _tag_texts(tag)]


def _tag_texts(tag: dict[str, Any]) -> list[str]:
    name = tag.get("tagName")
    if not name:
        return [orjson.dumps(tag).decode()]
    return [f"{name}: {each.get('tagValue')}" for each in _entries(tag.get("tagValueList"))] or [str(name)]


def _custom_fields(fields: object) -> dict[str, str]:
    return {
        str(each.get("configName") or each.get("configId")): ", ".join(each.get("values") or ())
        for each in _entries(fields)
    }


def _entries(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
