"""What `check` has the library of the registry's client tell, and what must be installed for it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from connector.config.loading import check
from tests.unit.config.files import ENVIRON, changed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

AT = "kafka.schema_registry"


def found(folder: Path, settings: str, decode: str = "crm.member: {format: avro}") -> Sequence[str]:
    """Return what is reported for a config that is to run, without its place."""
    text = changed("  group_id: shop\n", f"  group_id: shop\n  schema_registry: {settings}\ndecode: {{{decode}}}\n")
    (folder / "c.yaml").write_text(text, encoding="utf-8")
    checked = check(folder / "c.yaml", ENVIRON, lambda _kafka, _problems: None)
    return [problem.line("c.yaml").split(": ", 1)[1] for problem in checked.problems if not problem.warning]


def test_settings_that_the_client_takes_are_sound(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("", encoding="utf-8")
    assert found(tmp_path, '{url: "https://one.example/, http://two.example:8081/api"}') == []
    settings = (
        "{url: http://r, properties: {timeout: 2.5, basic.auth.user.info: '${SECRET}:${SECRET}', proxy: http://p:1}}"
    )
    assert found(tmp_path, settings) == []
    assert found(tmp_path, f"{{url: https://r, properties: {{ssl.ca.location: {tmp_path}}}}}") == []


def test_a_property_that_the_client_does_not_know_is_named(tmp_path: Path) -> None:
    assert found(tmp_path, "{url: https://r, properties: {ssl.ca.file: x, timeouts: 3}}") == [
        f"{AT}.properties.ssl.ca.file: the registry's client does not know it [bad_value]",
        f"{AT}.properties.timeouts: the registry's client does not know it [bad_value]",
    ]


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ("{basic.auth.user.info: '${SECRET}'}", "basic.auth.user.info must be in the form of {username}:{password}"),
        ("{bearer.auth.credentials.source: NONSENSE}", "Unrecognized bearer.auth.credentials.source"),
        ("{proxy: '${SECRET}'}", "ValueError: "),
    ],
)
def test_what_the_client_refuses_is_told_without_values(tmp_path: Path, properties: str, reason: str) -> None:
    [line] = found(tmp_path, f"{{url: https://r, properties: {properties}}}")
    assert line.startswith(f"{AT}.properties: the registry's client refuses them: ")
    assert reason in line
    assert "hunter2" not in line


def test_a_file_that_can_t_be_read_is_named_and_one_that_holds_no_certificate(tmp_path: Path) -> None:
    [line] = found(tmp_path, "{url: https://r, properties: {ssl.ca.location: /no/such/file}}")
    assert line == f"{AT}.properties.ssl.ca.location: can't read this file [unreadable_file]"
    (tmp_path / "ca.pem").write_text("no certificate", encoding="utf-8")
    [line] = found(tmp_path, f"{{url: https://r, properties: {{ssl.ca.location: {tmp_path}/ca.pem}}}}")
    assert line.startswith(f"{AT}.properties: the registry's client refuses them: SSLError: ")


@pytest.mark.parametrize("module", ["fastavro", "confluent_kafka.schema_registry"])
def test_without_the_extra_each_topic_that_needs_it_is_an_error_that_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    decode = "crm.member: {format: avro}, ^billing: {format: json_schema}, plain: {format: json}"
    assert found(tmp_path, "{url: https://r}", decode) == [
        f"decode.{topic}.format: '{name}': {name} needs an extra that is not installed (no module {module}): "
        "pip install 'tuzhan-connector[registry]' [bad_value]"
        for topic, name in [("crm.member", "avro"), ("^billing", "json_schema")]
    ]
    assert found(tmp_path, "{url: https://r}", "plain: {format: json}") == []
