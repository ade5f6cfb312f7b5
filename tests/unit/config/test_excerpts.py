"""What a terminal shows below a line: the line of the file with a caret, and never a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connector.config.excerpts import excerpt
from connector.config.source_text import Position
from tests.unit.config.files import changed, checked

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("line", "column", "shown"),
    [
        ("  groupid: shop", 3, "   17 |   groupid: shop\n      |   ^"),
        ("a: 下单，付款 # x", 6, "   17 | a: 下单，付款 # x\n      |        ^"),
        ("a:\u3000b", 3, "   17 | a:\u3000b\n      |   ^"),
        ("\tb: 1", 2, "   17 |  b: 1\n      |  ^"),
        ("e\u0301: x", 5, "   17 | e\u0301: x\n      |    ^"),
        ("a: \x1b[31m\u2028", 4, "   17 | a: \ufffd[31m\ufffd\n      |    ^"),
        ("", 1, "   17 | \n      | ^"),
        ("a: b", 5, "   17 | a: b\n      |     ^"),
    ],
)
def test_the_caret_stands_under_its_character(line: str, column: int, shown: str) -> None:
    assert excerpt(line, Position(17, column)) == shown


@pytest.mark.parametrize(("character", "characters"), [("x", 50), ("下", 25)], ids=["narrow", "wide"])
def test_a_long_line_is_cut_on_both_sides(character: str, characters: int) -> None:
    line = character * 1000 + "!" + character * 1000
    first, second = excerpt(line, Position(3, 1001)).split("\n")
    half = character * characters
    assert first == f"    3 | …{half}!{half[: -1 if character == 'x' else len(half) - 1]}…"
    assert second == "      | " + " " * 51 + "^"


def test_each_problem_is_followed_by_its_line(tmp_path: Path) -> None:
    found = checked(tmp_path, changed("to: purchases", "to: 购买").replace("group_id", "groupid"))
    name = tmp_path / "c.yaml"
    assert found.errors(excerpts=True) == (
        (
            f"{name}:3:3: kafka.groupid: unknown key, did you mean 'group_id'? [unknown_key]\n"
            "    3 |   groupid: shop\n"
            "      |   ^"
        ),
        f"{name}:12:9: routes[0].to: '购买': no such target [unknown_name]\n   12 |     to: 购买\n      |         ^",
    )


SECRET = "hunter2"  # noqa: S105 - what stands for one


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"${SECRET}"', f"[{SECRET}]"),
        ('auth: {app_id: app, app_secret: "${SECRET}"}', f"auth: {{app_id: app, secret: {SECRET}}}"),
        ('auth: {app_id: app, app_secret: "${SECRET}"}', f"auth: {{app_id: app, app_secret: 1, x: {SECRET}}}"),
        ('auth: {app_id: app, app_secret: "${SECRET}"}', f"auth:\n    app_id: app\n    app_secret:\n      - {SECRET}"),
        ('auth: {app_id: app, app_secret: "${SECRET}"}', f"auth:\n    app_id: app\n    app_secret: [\n {SECRET}: x]"),
        ('auth: {app_id: app, app_secret: "${SECRET}"}', f"auth: {{app_id: app, app_secret: '{SECRET}"),
        ('auth: {app_id: app, app_secret: "${SECRET}"}', f"auth:\n    token: {SECRET}: x"),
        ('auth: {app_id: app, app_secret: "${SECRET}"}', f"auth:\n    token:\n      {SECRET}: ]"),
        ('auth: {app_id: app, app_secret: "${SECRET}"}', f"base_url: https://u:{SECRET}@h/\n  auth: {{token: x}}"),
        ("  group_id: shop\n", f"  group_id: shop\n  properties: {{sasl.password: {SECRET}, group.id: x}}\n"),
        (
            "  group_id: shop\n",
            f"  group_id: shop\n  properties:\n    sasl.password: |\n      {SECRET}\n    group.id: x\n",
        ),
        ("  group_id: shop\n", f"  group_id: shop\n  properties: {{sasl.jaas.config: [{SECRET}]}}\n"),
        ("  group_id: shop\n", f"  group_id: shop\n  properties: {{sasl.password: !x {SECRET}}}\n"),
    ],
)
def test_a_secret_in_the_file_is_shown_neither_in_a_message_nor_in_an_excerpt(
    old: str, new: str, tmp_path: Path
) -> None:
    found = checked(tmp_path, changed(old, new))
    assert found.errors()
    assert SECRET not in "\n".join([*found.errors(excerpts=True), *found.warnings(excerpts=True)])


def test_the_line_after_the_secrets_is_shown(tmp_path: Path) -> None:
    found = checked(tmp_path, changed('app_secret: "${SECRET}"}', 'app_secret: "${SECRET}"}\n  request_timeout: 10'))
    (error,) = found.errors(excerpts=True)
    assert "|   request_timeout: 10\n" in error


def test_a_secret_that_goes_on_in_the_next_line_is_not_shown(tmp_path: Path) -> None:
    found = checked(tmp_path, changed('app_secret: "${SECRET}"}', f'app_secret: "a\n  {SECRET}", app_id: x}}'))
    assert found.errors()
    assert SECRET not in "\n".join(found.errors(excerpts=True))
