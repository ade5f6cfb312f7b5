"""What `preview --web` takes from a config to its page: no secret of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connector.workbench.playground.command import config_text
from connector.workbench.playground.evaluation import evaluate
from tests.unit.workbench.preview.configs import CONFIG

if TYPE_CHECKING:
    from pathlib import Path

VALUE = "hunter2"


@pytest.mark.parametrize(
    "platform",
    [
        f"{{auth: {{app_id: a, app_secret: {VALUE}}}}}",
        f"{{auth: {{app_id: a, app_secret: '{VALUE}'}}}}",
        f'{{auth: {{app_id: {VALUE}, app_secret: "${{X:-{VALUE}}}"}}}}',
        f'{{auth: {{token: "{VALUE} ${{X}}"}}}}',
        f"\n  auth:\n    app_id: a\n    app_secret: |\n      {VALUE}\n      {VALUE}",
        f"{{auth: {{app_id: &a {VALUE}, app_secret: *a}}}} # password: {VALUE}",
        f'{{auth: {{app_id: a, app_secret: "${{X}}"}}}}\n# app_secret: {VALUE}',
        f"{{auth: {{app_id: a, app_secret: b}}}}\nkafka: {{properties: {{sasl.password: {VALUE}}}, group_id: g}}",
    ],
)
def test_no_secret_is_in_the_text_and_the_rest_is_as_it_was(platform: str, tmp_path: Path) -> None:
    lines = CONFIG.splitlines(keepends=True)
    start = "" if "kafka:" in platform else lines[0]
    text = f"{start}platform: {platform}\n{''.join(lines[3:])}"
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    shown = config_text(tmp_path / "c.yaml")
    assert VALUE in text
    assert VALUE not in shown
    assert shown.endswith("".join(lines[3:]))


def test_a_value_of_a_route_whose_name_sounds_secret_is_hidden_unless_it_is_a_reference(tmp_path: Path) -> None:
    text = CONFIG.replace("c_name: $.name", 'c_token: $.name, c_secret: {literal: hunter2}, c_key: "${X:-1}"')
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    shown = config_text(tmp_path / "c.yaml")
    assert 'c_token: $.name, c_secret: {literal: "***"}, c_key: "${X:-1}"' in shown
    assert evaluate(shown, "{}", "")["problems"] == []
