"""From a file of mapping tests to cases; everything that is wrong with it is reported at once, by position."""

from __future__ import annotations

import os
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from connector.config.documents import UnreadableError, read_document, unreadable
from connector.config.loading import CONFIG_KEYS
from connector.config.messages import report
from connector.core.record import Record
from connector.core.wording import why_not
from connector.language.message import message
from connector.settings.models import Model
from connector.settings.problems import Problems, did_you_mean
from connector.settings.types import A_LIST, expected
from connector.workbench.testing.cases import Case, CaseFile
from connector.workbench.testing.checks import check_expected, check_topic
from connector.workbench.testing.models import (
    DeadLetterExpected,
    FileOfTests,
    GivenRecord,
    ItemExpected,
    MappingTest,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.config.documents import Document
    from connector.config.excerpts import Excerpts
    from connector.config.located import LocatedProblem
    from connector.language.message import Message
    from connector.mapping.json_values import Json
    from connector.settings.problems import Path
    from connector.workbench.testing.mappings import Mappings, TestedMapping

KEYS: Final = tuple(FileOfTests.model_fields)
_SOURCES: Final = ("value", "value_text", "value_file")
_EXPECTATIONS: Final = ("expect", "expect_dead_letter")
_MAX_VALUE_BYTES: Final = 16 << 20
_M = TypeVar("_M", bound=Model)


class BrokenFileError(Exception):
    """A file of tests that can't be run: what is wrong with it, and what shows its lines."""

    def __init__(self, file: str, problems: tuple[LocatedProblem, ...], excerpts: Excerpts | None) -> None:
        super().__init__(file)
        self.file = file
        self.problems = problems
        """Empty if the config that it names is broken."""
        self.excerpts = excerpts


def read_cases(file: str, mappings: Mappings, *, may_be_open: bool = False) -> CaseFile:
    """Read a file. With `may_be_open`, a test need not say what it expects.

    Raises:
        BrokenFileError: something is wrong with it, or with the config that it names.

    """
    try:
        document = read_document(file, KEYS)
    except UnreadableError as error:
        raise BrokenFileError(file, (error.problem,), error.excerpts) from error
    problems = Problems()
    reader = _Reader(document, mappings, problems, may_be_open=may_be_open)
    mapping, cases = reader.read()
    located = document.located(problems.found)
    if located or mapping is None:
        raise BrokenFileError(file, located, document.excerpts)
    return CaseFile(document, mapping, tuple(cases), tuple(reader.value_files))


class _Reader:
    """Reads one document."""

    def __init__(self, document: Document, mappings: Mappings, problems: Problems, *, may_be_open: bool) -> None:
        self._data = document.read.data
        self._folder = FilePath(document.file).parent
        self._mappings = mappings
        self._problems = problems
        self._may_be_open = may_be_open
        self._mapping: TestedMapping | None = None
        self.value_files: list[str] = []

    def read(self) -> tuple[TestedMapping | None, list[Case]]:
        of_config = next((key for key in CONFIG_KEYS if key in self._data), None)
        if of_config is not None and "tests" not in self._data:
            told = message(
                "this is the config of a connector, not a file of its tests, which has the keys config and tests"
            )
            self._problems.add((of_config,), told, "unknown_key", at_key=True)
            return None, []
        self._sound(FileOfTests, (), self._data)
        config, tests = self._data.get("config"), self._data.get("tests")
        if isinstance(config, str) and config.strip():
            self._mapping = self._mapping_of(config)
        tests = tests if isinstance(tests, list) else []
        self._check_names(tests)
        found = [self._case(index, each) for index, each in enumerate(tests)]
        return self._mapping, [case for case in found if case is not None]

    def _check_names(self, tests: Sequence[object]) -> None:
        first: dict[object, int] = {}
        for index, each in enumerate(tests):
            name = each.get("name") if isinstance(each, dict) else None
            if isinstance(name, str) and first.setdefault(name, index) != index:
                told = message("tests[{index}] has the same name", index=first[name])
                self._problems.add(("tests", index, "name"), told, "duplicate_name")

    def _sound(self, model: type[_M], at: Path, raw: object) -> _M | None:
        try:
            return TypeAdapter(model).validate_python(raw)
        except ValidationError as error:
            report(error, model, at, self._problems)
            return None

    def _mapping_of(self, config: str) -> TestedMapping | None:
        file = os.path.normpath(self._folder / config)
        checked = self._mappings.check(file)
        if checked.document is None and not checked.sha256:
            told = message("there is no such config: looked for {file}", file=file)
            if os.path.exists(file):  # noqa: PTH110 - never raises, whatever the name
                told = unreadable(file, checked.problems[0])
            self._problems.add(("config",), told, "unreadable_file")
            return None
        return self._mappings.get(file)

    def _case(self, index: int, raw: object) -> Case | None:
        at: Path = ("tests", index)
        test = self._sound(MappingTest, at, raw)
        table = raw if isinstance(raw, dict) else {}
        made = self._record((*at, "record"), table["record"]) if "record" in table else None
        if isinstance(raw, dict):
            self._check_expectations(at, table)
        expected_items = self._items((*at, "expect"), table["expect"]) if "expect" in table else None
        dead_letter = None
        if "expect_dead_letter" in table:
            dead_letter = self._dead_letter((*at, "expect_dead_letter"), table["expect_dead_letter"])
        if test is None or made is None:
            return None
        return Case(index, test.name, *made, expected_items, dead_letter)

    def _record(self, at: Path, raw: object) -> tuple[Record, bool, Json] | None:
        given = self._sound(GivenRecord, at, raw)
        source = self._source(at, raw or {}) if isinstance(raw, dict | None) else None
        if given is None:
            return None
        if self._mapping is not None:
            check_topic(given.topic, (*at, "topic"), self._mapping, self._problems)
        if source is None:
            return None
        value = self._bytes((*at, source), source, given)
        headers = tuple((name, None if text is None else text.encode()) for name, text in given.headers.items())
        key = None if given.key is None else given.key.encode()
        record = Record(given.topic, given.partition, given.offset, given.timestamp, key, value, headers)
        return record, source == "value", given.value

    def _source(self, at: Path, raw: Mapping[str, object]) -> str | None:
        """Return which key gives the value; None if none does."""
        sources = [name for name in _SOURCES if name in raw]
        for name in sources[1:]:
            self._problems.add((*at, name), _exclude(sources[0], name), "bad_value", at_key=True)
        if sources:
            return sources[0]
        told = message("a record needs one of {names}; `value: null` is a tombstone", names=", ".join(_SOURCES))
        self._problems.add((*at, "value"), told, "missing_key")
        return None

    def _bytes(self, at: Path, source: str, given: GivenRecord) -> bytes | None:
        """Return the value as the decoder gets it; None for a tombstone, and for a value that is decoded already."""
        if source == "value":
            return None
        if given.value_file is None:
            return None if given.value_text is None else given.value_text.encode()
        path = self._folder / given.value_file
        self.value_files.append(os.path.normpath(path))
        try:
            with path.open("rb") as stream:
                content = stream.read(_MAX_VALUE_BYTES + 1)
        except (OSError, ValueError) as error:
            told = message("{file} can't be read: {reason}", file=os.path.normpath(path), reason=why_not(error))
            self._problems.add(at, told, "unreadable_file")
            return None
        if len(content) > _MAX_VALUE_BYTES:
            self._problems.add(at, message("larger than 16 MiB: this is not a record"), "unreadable_file")
        return content

    def _check_expectations(self, at: Path, table: Mapping[str, object]) -> None:
        given = [name for name in _EXPECTATIONS if name in table]
        if len(given) > 1:
            told = message(
                "`expect` and `expect_dead_letter` exclude each other; `expect` may hold `dead_letter` entries"
            )
            self._problems.add((*at, given[1]), told, "bad_value", at_key=True)
        elif not given and not self._may_be_open and not any(_misspelt(name) for name in table):
            told = message("a test needs `expect` or `expect_dead_letter`; `test --update` writes what comes out")
            self._problems.add((*at, "expect"), told, "missing_key")

    def _items(self, at: Path, raw: object) -> tuple[ItemExpected | DeadLetterExpected, ...] | None:
        if not isinstance(raw, list):
            told = message(
                "{expected}: all items in the order of the routes, [] for a record that is skipped",
                expected=expected(A_LIST, raw),
            )
            self._problems.add(at, told, "wrong_type")
            return None
        found = [self._item((*at, index), each) for index, each in enumerate(raw)]
        return tuple(each for each in found if each is not None)

    def _item(self, at: Path, raw: object) -> ItemExpected | DeadLetterExpected | None:
        item = self._sound(ItemExpected, at, raw)
        if item is None or not isinstance(raw, dict):
            if raw is None:
                self._problems.add(at, message("expected an item: {{target: …, item: {{…}}}}"), "wrong_type")
            return item
        if "dead_letter" not in raw:
            if not raw:
                self._problems.add(at, message("expected an item: {{target: …, item: {{…}}}}"), "bad_value")
            if self._mapping is not None:
                check_expected(item, at, self._mapping, self._problems)
            return item
        for name in raw.keys() - {"dead_letter"}:
            self._problems.add((*at, name), _exclude("dead_letter", name), "bad_value", at_key=True)
        return self._dead_letter((*at, "dead_letter"), raw["dead_letter"])

    def _dead_letter(self, at: Path, raw: object) -> DeadLetterExpected | None:
        letter = self._sound(DeadLetterExpected, at, raw)
        if letter is not None and not raw:
            told = message("expected what the dead letter says, such as {{route: orders, reason: identity_missing}}")
            self._problems.add(at, told, "bad_value")
        elif letter is not None and self._mapping is not None:
            check_expected(letter, at, self._mapping, self._problems)
        return letter


def _exclude(one: str, other: str) -> Message:
    return message("`{one}` and `{other}` exclude each other", one=one, other=other)


def _misspelt(key: str) -> bool:
    """Whether an unknown key of a test, which is reported already, is probably one of its expectations."""
    return key not in MappingTest.model_fields and did_you_mean(key, _EXPECTATIONS) != ""
