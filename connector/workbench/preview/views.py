"""Outcomes as data, masked: what `--json` prints, and what the text is made of."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from connector.config.located import path_text
from connector.core.record import UNREADABLE_HEADERS
from connector.workbench.init.values import is_code
from connector.workbench.preview.decisions import MISSING, OTHER
from connector.workbench.preview.outcomes import names_of, objects_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from connector.settings.problems import Path
    from connector.workbench.masking import Mask
    from connector.workbench.preview.outcomes import Outcome, PreviewedMapping
    from connector.workbench.preview.references import ReferenceCount
    from connector.workbench.testing.comparing import Made

Data = dict[str, Any]


def record_view(outcome: Outcome, mask: Mask) -> Data:
    """Return a record as it was read."""
    given = outcome.given
    record = given.record
    headers = () if record.headers is UNREADABLE_HEADERS else record.headers
    value = mask.value(outcome.decoded) if outcome.is_decoded else mask.bytes(record.value)
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp_ms,
        "line": given.line,
        "key": mask.bytes(record.key),
        "headers": [[mask.sentence(name), mask.bytes(data)] for name, data in headers],
        "value": value,
        "decoded": outcome.is_decoded,
    }


def outcome_view(outcome: Outcome, mask: Mask) -> Data:
    """Return a record and what becomes of it."""
    return {
        "record": record_view(outcome, mask),
        "becomes": [made_view(made, mask) for made in outcome.made],
        "skipped_because": [mask.sentence(why) for why in outcome.skipped_because],
    }


def made_view(made: Made, mask: Mask) -> Data:
    """Return an item or a dead letter, as a mapping test would expect it."""
    data = made.as_data()
    if made.failure is None:
        return {**data, "item": mask.item(made.item), "public_params": mask.value(made.public_params)}
    letter = {name: mask.sentence(each) if name == "detail" else each for name, each in made.letter().items()}
    return {"dead_letter": letter}


def by_kind(outcomes: Iterable[Outcome]) -> list[list[Outcome]]:
    """Return the outcomes by their kind, the most frequent kind first."""
    found: dict[object, list[Outcome]] = {}
    for each in outcomes:
        found.setdefault(each.kind, []).append(each)
    return sorted(found.values(), key=len, reverse=True)


def kind_texts(outcome: Outcome, mask: Mask) -> list[str]:
    """Return what becomes of a record in a few words, a text for each item."""
    texts = [_kind_text(made, mask) for made in outcome.made]
    return texts or [f"skipped: {mask.sentence(why)}" for why in outcome.skipped_because]


def kind_view(found: Sequence[Outcome], mask: Mask) -> Data:
    """Return what records of one kind have in common, and which names only some of their items have."""
    some = {mask.sentence(".".join(path)): count for path, count in not_in_all(found).items()}
    nested = {mask.sentence(name): count for name, count in objects(found).items()}
    return {"kind": kind_texts(found[0], mask), "records": len(found), "not_in_all_items": some, "objects": nested}


def not_in_all(found: Sequence[Outcome]) -> dict[tuple[str, ...], int]:
    """Return in how many items each name is that is not in all of its route's: by path, without what follows."""
    by_route: dict[str, list[frozenset[tuple[str, ...]]]] = {}
    for outcome in found:
        for made, names in zip(outcome.made, names_of(outcome), strict=True):
            if names:
                by_route.setdefault(made.route, []).append(names)
    some: Counter[tuple[str, ...]] = Counter()
    for items in by_route.values():
        counts = Counter(path for names in items for path in names)
        for path, count in counts.items():
            if count < len(items) and count != counts.get(path[:-1], 0):
                some[path] += count
    return dict(sorted(some.items()))


def objects(found: Sequence[Outcome]) -> Counter[str]:
    """Return in how many items an argument of an event is an object."""
    return Counter(name for outcome in found for name in objects_of(outcome))


def _kind_text(made: Made, mask: Mask) -> str:
    if made.failure is not None:
        where = ": ".join(filter(None, (made.route, made.failure.reason, made.failure.field)))
        return f"dead letter: {where}"
    event_key = made.item.get("eventKey")
    return f"{made.route} → {made.target}" + ("" if event_key is None else f": {mask.text(str(event_key))}")


def reference_views(mapping: PreviewedMapping, mask: Mask) -> list[Data]:
    """Return the counts of all references in the order of the config."""
    counts = sorted(mapping.references.counts, key=lambda count: (mapping.document.position(count.path), count.text))
    return [_reference_view(count, mapping, mask) for count in counts]


def _reference_view(count: ReferenceCount, mapping: PreviewedMapping, mask: Mask) -> Data:
    line, column = mapping.document.position(count.path, at_key=count.path[-1] == count.text)
    return {
        "reference": count.text,
        "route": mapping.config.routes[int(count.path[1])].name,
        "path": path_text(count.path),
        "line": line,
        "column": column,
        "found": count.found,
        "of": count.asked,
        "needed": not count.unneeded and count.asked > 0,
        "nearest": mask.sentence(count.nearest),
    }


def condition_views(mapping: PreviewedMapping, mask: Mask) -> list[Data]:
    """Return how often each condition held, in the order of the config."""
    counts = sorted(mapping.decisions.conditions.values(), key=lambda count: mapping.document.position(count.path))
    return [
        {
            "condition": path_text(each.path[2:]),
            **_place(each.path, mapping),
            "held": each.held,
            "of": each.asked,
            "needed": each.is_needed,
            "saw": _texts(each.saw, mask) if not each.held else {},
        }
        for each in counts
    ]


def identity_views(mapping: PreviewedMapping) -> list[Data]:
    """Return how often each identity line yielded an identity, in the order of the config."""
    counts = sorted(mapping.decisions.identities.values(), key=lambda count: mapping.document.position(count.path))
    return [
        {
            "type": mapping.config.routes[int(each.path[1])].identity[int(each.path[3])].get("type"),
            **_place(each.path, mapping),
            "found": len(each.found),
            "of": len(each.asked),
            "not_convertible": len(each.unusable - each.found),
        }
        for each in counts
    ]


def table_views(mapping: PreviewedMapping, mask: Mask) -> list[Data]:
    """Return how many values each `map` has, in the order of the config."""
    counts = sorted(mapping.decisions.tables.values(), key=lambda count: mapping.document.position(count.path))
    return [
        {
            "value": path_text(each.path[2:]),
            **_place((*each.path, "map"), mapping),
            "found": each.found,
            "of": each.asked,
            "otherwise": each.has_otherwise,
            "missed": _texts(each.missed, mask),
        }
        for each in counts
    ]


def _place(path: Path, mapping: PreviewedMapping) -> Data:
    line, column = mapping.document.position(path)
    return {"route": mapping.config.routes[int(path[1])].name, "line": line, "column": column}


def _texts(texts: Counter[str], mask: Mask) -> dict[str, int]:
    """Return texts of records with their numbers, the most frequent first; only codes are shown as they are."""
    found: Counter[str] = Counter()
    for text, count in texts.items():
        found[text if text in (MISSING, OTHER) or is_code(text) else mask.text(text)] += count
    return dict(found.most_common())


def count_views(outcomes: Sequence[Outcome]) -> Data:
    """Return how many records, items and dead letters there are."""
    letters = sum(any(made.failure is not None for made in each.made) for each in outcomes)
    skipped = sum(not each.made for each in outcomes)
    items = sum(made.failure is None for each in outcomes for made in each.made)
    return {
        "records": len(outcomes),
        "mapped": len(outcomes) - letters - skipped,
        "skipped": skipped,
        "dead_lettered": letters,
        "items": items,
        "dead_letters": sum(len(each.made) for each in outcomes) - items,
    }
