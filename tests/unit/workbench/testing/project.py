"""A folder with a config and files of its tests, and the results of running them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connector.workbench.testing.mappings import Mappings
from connector.workbench.testing.reading import BrokenFileError, read_cases
from connector.workbench.testing.running import Result, run

if TYPE_CHECKING:
    from pathlib import Path

    from connector.workbench.testing.cases import CaseFile

CONFIG = """\
kafka: {bootstrap_servers: "${BROKERS}", group_id: g}
platform:
  auth: {app_id: "${APP_ID}", app_secret: "${file:/run/secrets/app_secret}"}
targets:
  purchases: {endpoint: event/v2/batchAdd}
  tags: {endpoint: audience/tag/batchAdd}
routes:
  - name: orders
    topics: [shop.orders]
    where: {$.status: [PAID, BACK], $.fen: {gt: 0}}
    to: purchases
    event_key: {from: $.status, map: {PAID: c_buy, BACK: c_back}, otherwise: $skip}
    identity:
      - {type: phone, value: {from: $.mobile, as: phone}}
      - {type: openid, value: $.openid}
    fields:
      time: {from: $.at, as: timestamp}
      eventargs: {c_price: {from: $.fen, multiply: 0.01}, c_note: $.note, c_list: $.list, c_head: $headers.h}
  - name: lines
    topics: [shop.orders]
    for_each: $.lines
    to: purchases
    event_key: c_line
    identity: [{type: phone, value: {from: $.mobile, as: phone}}]
    fields: {eventargs: {c_sku: $item.sku, c_num: {from: $item.num, as: integer}}}
  - name: tags
    topics: [^crm\\.]
    to: tags
    public_params: {optType: {from: $.op, map: {ADD: add, DEL: delete}}}
    identity: [{type: phone, value: {from: $.mobile, as: phone}}]
    fields: {tags: {from: $.labels, as: joined, required: true}}
"""
PAID = "{status: PAID, mobile: '13800000000', fen: 142000}"


class Project:
    """A folder of a user: `connector.yaml`, and `tests/t.yaml` if a test writes one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tests").mkdir()
        self.write("connector.yaml", CONFIG)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the folder."""
        path = self.folder / name
        path.write_bytes(text.encode())
        return path

    def cases(self, text: str, *, may_be_open: bool = False) -> CaseFile:
        """Read a file of tests: what stands in its list of tests, or all of it."""
        whole = f"config: ../connector.yaml\ntests:\n{text}" if text.startswith("  - ") else text
        path = self.write("tests/t.yaml", whole)
        return read_cases(str(path), Mappings(), may_be_open=may_be_open)

    def results(self, text: str) -> list[Result]:
        """Run a file of tests."""
        return run([self.cases(text)])

    def result(self, record: str, expectation: str) -> Result:
        """Run one test."""
        [result] = self.results(f"  - name: t\n    record: {record}\n    {expectation}\n")
        return result

    def problems(self, text: str) -> list[str]:
        """Return what is wrong with a file of tests, as lines without the name of the file."""
        with pytest.raises(BrokenFileError) as raised:
            self.cases(text)
        return [problem.line("") for problem in raised.value.problems]


def differences(result: Result) -> list[tuple[str, Any, Any]]:
    """Return the differences of a result: the last part of the path, expected, made."""
    return [(str(each.path[-1]), each.expected, each.made) for each in result.differences]
