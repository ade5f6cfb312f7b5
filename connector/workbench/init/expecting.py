"""The text of the first mapping tests: one for each event, of stand-in records. What is expected is left open.

`test --update` fills it in, by the code of the mapping itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.mapping.json_values import text_form
from connector.workbench.init.synthetic import StandIns
from connector.workbench.testing.rendering import in_lines, in_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.mapping.json_values import Json
    from connector.workbench.init.inference import Proposal
    from connector.workbench.init.shapes import Row, Shapes

_MOST_TESTS: Final = 8
_WIDTH: Final = 104


def tests_text(found: Proposal, shapes: Shapes, topic: str, config: str) -> str:
    """Return a file of tests; `config` is the path of the config, from where the file will be."""
    lines = [
        "# Mapping tests, written by `tuzhan-connector init`: records of real shape, every value a stand-in.",
        "# Once your events and arguments are named: `tuzhan-connector test --update`, and review what is expected.",
        f"config: {in_yaml(config)}",
        "tests:",
    ]
    for name, value in _cases(found, shapes):
        record: Json = {"topic": topic, "value": value}
        lines += [f"  - name: {in_yaml(name)}", "    record:", *(f"      {line}" for line in in_lines(record, _WIDTH))]
    return "\n".join(lines) + "\n"


def _cases(found: Proposal, shapes: Shapes) -> Sequence[tuple[str, Json]]:
    """Return the names of tests and the decoded values of their records."""
    stand_ins, envelope = StandIns.of(found), shapes.envelope
    rows = [(number, row) for number, row in enumerate(shapes.rows) if row.op in {"", "insert", "update"}]
    rows = rows or list(enumerate(shapes.rows))
    if found.event is not None:
        values, cases = found.event.field.values, []
        for code, _ in found.event.codes[:_MOST_TESTS]:
            having = [each for each in rows if text_form(values.get(each[0])) == code]
            row = _fullest(having or rows, found)
            cases.append((f"{code} becomes an event", stand_ins.message(row, envelope, code, _op(row))))
        return cases
    row = _fullest(rows, found)
    if envelope and not found.is_profile:
        return [(f"an {op} becomes an event", stand_ins.message(row, envelope, "", op)) for op in ("insert", "update")]
    what = "a profile" if found.is_profile else "an event"
    return [(f"a record becomes {what}", stand_ins.message(row, envelope, "", _op(row)))]


def _op(row: Row) -> str:
    """Return the operation that a test has for a row: one that `where` lets through."""
    return row.op if row.op in {"", "insert", "update"} else "insert"


def _fullest(rows: Sequence[tuple[int, Row]], found: Proposal) -> Row:
    """Return the row that has most of the fields that the config reads; of several, the first."""
    read = [each for one in found.identities for each in one.fields] + found.times + found.order
    read += [one.field for one in found.amounts] + list(found.profile.values())
    return max(rows, key=lambda one: sum(one[0] in each.values for each in read))[1]
