"""The Dockerfile: what the image has, and as whom it runs. `make images` builds and runs it."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib

from tests.support.dockerfile import Instruction, parse_dockerfile
from tests.support.tools import installed_tool
from tests.unit.compose.files import COMPOSE, ROOT, model

BEFORE, BUILDER, IMAGE = parse_dockerfile((COMPOSE / "Dockerfile").read_text(encoding="utf-8"))


def values(stage: list[Instruction], keyword: str) -> list[str]:
    return [value for found, value in stage if found == keyword]


def test_hadolint_finds_nothing() -> None:
    command = [installed_tool("hadolint"), str(COMPOSE / "Dockerfile")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_is_built_in_one_stage_and_run_in_another() -> None:
    assert any("pip install" in command for command in values(BUILDER, "RUN"))
    assert not any("pip" in instruction.value for instruction in IMAGE)
    assert values(IMAGE, "COPY") == ["--from=builder /opt/connector /opt/connector"]


def test_the_image_can_read_every_format() -> None:
    [installing] = [command for command in values(BUILDER, "RUN") if "requirements.txt" in command]
    assert "['optional-dependencies']['registry']" in installing
    assert "['optional-dependencies']['otel']" in installing


def test_the_image_runs_the_connector_itself_as_a_user_without_rights() -> None:
    [user] = values(IMAGE, "USER")
    assert all(int(number) > 1000 for number in user.split(":"))
    [entrypoint] = values(IMAGE, "ENTRYPOINT")
    assert json.loads(entrypoint) == ["tuzhan-connector"]


def test_the_health_check_reads_the_config_that_is_run() -> None:
    [health_check] = values(IMAGE, "HEALTHCHECK")
    [command] = values(IMAGE, "CMD")
    run, *config = json.loads(command)
    assert run == "run"
    assert json.loads(health_check.partition("CMD ")[2]) == ["tuzhan-connector", "health", *config]


def test_a_busy_host_does_not_make_a_live_connector_unhealthy() -> None:
    """On a host of two cores with a load of 25 the check took 5 to 8 s, most of it to start a Python."""
    [health_check] = values(IMAGE, "HEALTHCHECK")
    options = dict(re.findall(r"--([\w-]+)=(\d+)", health_check))
    assert int(options["timeout"]) >= 20
    assert int(options["start-period"]) >= 60


def test_the_config_is_mounted_where_the_image_reads_it() -> None:
    [command] = values(IMAGE, "CMD")
    *_, path = json.loads(command)
    [mount] = model("compose.yaml")["services"]["connector"]["volumes"]
    assert mount["target"] == path


def test_the_base_image_is_a_variable_whose_default_is_a_python_that_the_project_supports() -> None:
    [base] = values(BEFORE, "ARG")
    name, _, default = base.partition("=")
    assert values([*BUILDER, *IMAGE], "FROM") == [f"${{{name}}} AS builder", f"${{{name}}}"]
    version = default.removeprefix("python:").removesuffix("-slim")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"Programming Language :: Python :: {version}" in project["classifiers"]


def test_a_mirror_of_the_packages_is_a_variable_of_the_builder_alone() -> None:
    assert {"PIP_INDEX_URL", "PIP_TRUSTED_HOST"} == set(values(BUILDER, "ARG"))
    assert values(IMAGE, "ARG") == []
