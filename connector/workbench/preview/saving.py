"""`--save`: a mapping test for each kind of outcome that was seen.

What is expected is written by the code of `test --update`, so it is what a test run sees. Without `--unmask`, records
have stand-ins for personal data.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from connector.config.documents import UnreadableError
from connector.core.errors import CommandError, UsageError
from connector.core.record import UNREADABLE_HEADERS
from connector.core.wording import why_not
from connector.language.message import joined, message
from connector.workbench.preview.outcomes import names_of
from connector.workbench.preview.stand_ins import signature, with_stand_ins
from connector.workbench.preview.views import by_kind, kind_texts
from connector.workbench.testing.mappings import Mappings
from connector.workbench.testing.reading import BrokenFileError, read_cases
from connector.workbench.testing.rendering import in_lines, in_yaml
from connector.workbench.testing.running import run
from connector.workbench.testing.updating import NotUpdatedError, updated

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from connector.mapping.json_values import Json
    from connector.workbench.masking import Mask
    from connector.workbench.preview.given import Given
    from connector.workbench.preview.outcomes import Outcome, PreviewedMapping

_OPTION: Final = "--save"
_MOST_TESTS: Final = 100
_MAX_LINE: Final = 112
_HEAD: Final = "# Written by `tuzhan-connector preview --save`: review what is expected, and name the tests.\n"
_MOST_LEVELS: Final = 40
"""Of a value in a file of tests, which may have 60 in all."""
_MOST_CHARACTERS: Final = 300_000
"""Of all records: with what is expected of them, a file may have 1 MiB."""
_NOT_THE_SAME: Final = "with stand-ins for personal data, something else would become of it; --unmask saves it as it is"
_NOT_DECODED: Final = "it can't be decoded, so what is personal in it is unknown; --unmask saves it as it is"


def check_free(file: Path) -> None:
    """Raise UsageError if there is something at that place already."""
    if os.path.lexists(file):
        raise UsageError(_OPTION, message("{file} exists, and is not overwritten: choose another name", file=file))
    if not file.parent.is_dir():
        raise UsageError(_OPTION, message("there is no directory {folder}", folder=file.parent))


def save(file: Path, outcomes: Sequence[Outcome], mapping: PreviewedMapping, mask: Mask) -> list[str]:
    """Write a test for each kind of outcome, of its record with the most fields. Return what there is to say about it.

    `mapping` is asked what becomes of records with stand-ins.

    Raises:
        UsageError: the file can't be written.
        CommandError: it would not be a file of tests.

    """
    tests: list[dict[str, Json]] = []
    notes: list[str] = []
    held = 0
    kinds = by_kind(outcomes)
    for found in kinds[:_MOST_TESTS]:
        richest = max(found, key=lambda each: sum(map(len, names_of(each))))
        try:
            test, reason = _test(richest, mapping, mask)
        except RecursionError:
            test, reason = None, "it is nested too deeply"
        size = 0 if test is None else len(in_yaml(test["record"]))
        if held + size > _MOST_CHARACTERS:
            test, reason = None, "the file would be too large"
        held += size if test is not None else 0
        if test is not None:
            tests.append({**test, "name": _free_name(test["name"], {each["name"] for each in tests})})
        else:
            notes.append(f"{richest.given.place} is not saved: {reason}")
    if len(kinds) > _MOST_TESTS:
        notes.append(f"{file} has the {_MOST_TESTS} most frequent outcomes of {len(kinds):,}")
    if not tests:
        return [*notes, f"{file} is not written: there is nothing to test"]
    _write(file, _text(file, mapping.file, tests))
    return [*notes, f"{file}: written, with {len(tests):,} of the outcomes that were seen: review it"]


def _test(outcome: Outcome, mapping: PreviewedMapping, mask: Mask) -> tuple[dict[str, Json] | None, str]:
    """Return a test of what becomes of a record; None and the reason if there can't be one."""
    if not mapping.compiled.routes_of(outcome.given.record.topic):
        return None, "no route reads its topic"
    kept: Outcome | None = outcome
    if not mask.unmask and outcome.is_decoded:
        kept = with_stand_ins(outcome, mapping.outcome, mask.shown)
        if kept is None:
            return None, _NOT_THE_SAME
    elif not mask.unmask:
        return None, _NOT_DECODED
    assert kept is not None  # noqa: S101 - for mypy
    if any(_is_beyond_yaml(made.item) or _is_beyond_yaml(made.public_params) for made in kept.made):
        return None, "a file of tests can't hold what comes out: a number of more than 64 bits, or too many levels"
    record = _record(kept)
    if record is None or signature(mapping.outcome(_as_given(kept))) != signature(outcome):
        return None, "its bytes can't be written in a test"
    texts = Counter(kind_texts(outcome, mask)) if outcome.made else {"skipped": 1}
    name = " + ".join(text if number == 1 else f"{number} × {text}" for text, number in texts.items())
    return {"name": f"{name} ({outcome.given.place})", "record": record}, ""


def _free_name(name: str, taken: set[str]) -> str:
    """Return the name, with a number if another test has it: a file may describe two records of one place."""
    return next(each for number in count(1) if (each := name if number == 1 else f"{name} {number}") not in taken)


def _as_given(outcome: Outcome) -> Given:
    """Return the record as a test gives it: without headers and a key that are no text."""
    record = outcome.given.record
    headers = tuple((name, data) for name, data in record.headers if data is None or _as_text(data) is not None)
    key = record.key if record.key is None or _as_text(record.key) is not None else None
    return replace(outcome.given, record=record.replace(headers=headers, key=key))


def _record(outcome: Outcome) -> dict[str, Json] | None:
    """Return the record as a test has it; None if a test can't have it."""
    record = outcome.given.record
    if record.headers is UNREADABLE_HEADERS:
        return None
    found: dict[str, Any] = {"topic": record.topic}
    key = None if record.key is None else _as_text(record.key)
    found |= {"key": key} if key is not None else {}
    texts = {name: None if data is None else _as_text(data) for name, data in record.headers}
    headers = {name: texts[name] for name, data in record.headers if data is None or texts[name] is not None}
    found |= {"headers": headers} if headers else {}
    found |= {name: number for name in ("partition", "offset") if (number := getattr(record, name))}
    found["timestamp"] = record.timestamp_ms
    if not outcome.is_decoded:
        text = _as_text(record.value or b"")
        return None if text is None else {**found, "value_text": text}
    if (outcome.decoded is None and not outcome.given.is_tombstone) or _is_beyond_yaml(outcome.decoded):
        return {**found, "value_text": json.dumps(outcome.decoded)}  # ASCII, whatever the charset of the topic
    return {**found, "value": outcome.decoded}


def _is_beyond_yaml(value: Json, depth: int = _MOST_LEVELS) -> bool:
    """Whether a value has an integer of more than 64 bits, or more levels than a file may have."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return not depth or any(_is_beyond_yaml(each, depth - 1) for each in inner)
    return isinstance(value, int) and not -(1 << 63) <= value < 1 << 63


def _as_text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _text(file: Path, config: str, tests: Sequence[dict[str, Json]]) -> str:
    folder = os.path.realpath(file.parent)
    lines = [f"config: {in_yaml(os.path.relpath(os.path.realpath(config), folder))}", "tests:"]
    for test in tests:
        lines.append(f"  - name: {in_yaml(test['name'])}")
        record = in_yaml(test["record"])
        if len(record) <= _MAX_LINE:
            lines.append(f"    record: {record}")
        else:
            lines += ["    record:", *(f"      {line}" for line in in_lines(test["record"], _MAX_LINE))]
    return _HEAD + "\n".join(lines) + "\n"


def _write(file: Path, text: str) -> None:
    """Write the tests, and what they expect; nothing stays of a file that would not be sound."""
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        told = message("can't write {file}: {reason}", file=file, reason=why_not(error))
        raise UsageError(_OPTION, told) from error
    complete = False
    try:
        cases = read_cases(str(file), Mappings(), may_be_open=True)
        file.write_text(updated(cases, run([cases])), encoding="utf-8")
        complete = True
    except (BrokenFileError, NotUpdatedError, UnreadableError) as error:
        lines = [problem.line(error.file) for problem in error.problems] if isinstance(error, BrokenFileError) else []
        why = joined("; ", lines) if lines else error.args[0]
        raise CommandError(message("{file} is not written: {why}", file=file, why=why)) from error
    finally:
        if not complete:
            file.unlink(missing_ok=True)
