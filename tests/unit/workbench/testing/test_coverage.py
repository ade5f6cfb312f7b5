"""What no test reaches, by name and in per cent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.workbench.testing.running import run
from tests.unit.workbench.testing.project import PAID

if TYPE_CHECKING:
    from tests.unit.workbench.testing.project import Project

ALL = {
    "route orders",
    "route orders: condition where.$.status",
    "route orders: condition where.$.fen.gt",
    "route orders: map entry event_key.map.PAID",
    "route orders: map entry event_key.map.BACK",
    "route orders: map entry event_key.otherwise",
    "route orders: identity line identity[0]",
    "route orders: identity line identity[1]",
    "route lines",
    "route lines: identity line identity[0]",
    "route tags",
    "route tags: map entry public_params.optType.map.ADD",
    "route tags: map entry public_params.optType.map.DEL",
    "route tags: identity line identity[0]",
}


def missed(project: Project, *records: str) -> tuple[set[str], int]:
    """Return what tests with these records miss, and the coverage in per cent."""
    text = "".join(f"  - {{name: t{n}, record: {{{each}}}, expect: []}}\n" for n, each in enumerate(records))
    file = project.cases(text)
    run([file])
    coverage = file.mapping.coverage
    return {each.name for each in coverage.missed()}, coverage.percent


def test_what_a_record_passes_through_is_reached(project: Project) -> None:
    reached = {
        "route orders",
        "route orders: condition where.$.status",
        "route orders: condition where.$.fen.gt",
        "route orders: map entry event_key.map.PAID",
        "route orders: identity line identity[0]",
    }
    assert missed(project, f"topic: shop.orders, value: {PAID}") == (ALL - reached, 35)


def test_a_condition_is_reached_when_it_is_asked(project: Project) -> None:
    reached = {"route orders: condition where.$.status"}
    assert missed(project, "topic: shop.orders, value: {status: NEW, fen: 5}") == (ALL - reached, 7)


def test_a_record_that_is_a_dead_letter_reaches_its_route(project: Project) -> None:
    found, _ = missed(project, "topic: crm.x, value: {}")
    assert found == ALL - {"route tags"}


def test_an_identity_line_is_reached_when_it_yields_an_identity(project: Project) -> None:
    record = PAID.replace("'13800000000'", "none, openid: ' '")
    found, _ = missed(project, f"topic: shop.orders, value: {record}")
    assert {"route orders: identity line identity[0]", "route orders: identity line identity[1]"} <= found
    found, _ = missed(project, "topic: shop.orders, value: " + record.replace("' '", "o1"))
    assert "route orders: identity line identity[1]" not in found


def test_a_record_that_the_config_skips_reaches_its_route(project: Project) -> None:
    config = (project.folder / "connector.yaml").read_text()
    project.write("connector.yaml", config.replace("[PAID, BACK]", "[PAID, BACK, NEW]"))
    found, _ = missed(project, f"topic: shop.orders, value: {PAID.replace('PAID', 'NEW')}")
    assert not {"route orders", "route orders: map entry event_key.otherwise"} & found


def test_tests_that_reach_everything_cover_100_per_cent(project: Project) -> None:
    config = (project.folder / "connector.yaml").read_text()
    project.write("connector.yaml", config.replace("[PAID, BACK]", "[PAID, BACK, NEW]"))
    assert missed(
        project,
        f"topic: shop.orders, value: {PAID.replace('fen', 'lines: [{sku: a}], fen')}",
        "topic: shop.orders, value: {status: BACK, openid: o1, fen: 1}",
        "topic: shop.orders, value: {status: NEW, openid: o1, fen: 1}",
        "topic: crm.x, value: {op: ADD, mobile: '13800000000', labels: a}",
        "topic: crm.y, value: {op: DEL, mobile: '13800000000', labels: a}",
    ) == (set(), 100)


def test_a_file_of_tests_adds_to_what_others_reach(project: Project) -> None:
    file = project.cases(f"  - {{name: a, record: {{topic: shop.orders, value: {PAID}}}, expect: []}}")
    run([file])
    before = set(file.mapping.coverage.missed())
    run([file])
    assert set(file.mapping.coverage.missed()) == before
