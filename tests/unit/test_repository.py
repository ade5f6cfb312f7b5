"""The repository itself: what it ships is sound, stands alone, and says the same thing in every place."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import connector
from connector.config.loading import load
from connector.core.record import Record
from connector.settings.models import Config
from tests.support.dockerfile import Instruction, parse_dockerfile

ROOT = Path(__file__).parents[2]
BEFORE, BUILDER, IMAGE = parse_dockerfile((ROOT / "compose/Dockerfile").read_text(encoding="utf-8"))
CONFIGS = sorted(path for path in (ROOT / "config").rglob("*.yaml") if "tests" not in path.relative_to(ROOT).parts)
VARIABLES = {"TUZHAN_APP_ID": "app", "TUZHAN_APP_SECRET": "not-a-real-secret"}

REGISTRIES = re.compile(
    r"\b(?:pypi|pythonhosted|npmjs|npmmirror|crates|repo1?\.maven(?:\.apache)?|docker|quay|ghcr|golang|gcr)\.(?:org|com|io|cn)\b"
    r"|--?index-url|--trusted[-]host",
)
MACHINE_PATHS = re.compile(r"(?<![\w.$}/])/(?:work|farm|home|root|Users)/\w")


def read_yaml(path: Path) -> Any:  # noqa: ANN401 - a parsed file has no narrower type
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def tracked_files() -> list[Path]:
    answer = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode:
        pytest.skip("not a git checkout")
    return [path for name in answer.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# -- the configs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_a_config_of_the_repository_passes_the_check(path: Path) -> None:
    assert load(path, VARIABLES).config.routes


def test_the_config_of_the_container_passes_the_check(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s\n", encoding="utf-8")
    text = (ROOT / "compose/connector.yaml").read_text(encoding="utf-8")
    copy = tmp_path / "connector.yaml"
    copy.write_text(text.replace("/run/secrets/tuzhan_app_secret", str(secret)), encoding="utf-8")
    config = load(copy, {}).config
    assert config.admin.listen == "0.0.0.0:8080"
    assert config.platform.auth.app_secret is not None
    assert config.platform.auth.app_secret.get_secret_value() == "s"


def test_the_records_in_the_annotated_config_s_comments_become_items() -> None:
    text = (ROOT / "config/connector.yaml").read_text(encoding="utf-8")
    comments = re.findall(r"^  # (\{.*(?:\n  #  .*)*)", text, re.MULTILINE)
    values = [comment.replace("\n  # ", "").encode() for comment in comments]
    loaded = load(ROOT / "config/connector.yaml", VARIABLES)
    mapper = loaded.mapping.mapper("cluster")
    topics = ["shop.orders", "shop.orders", "crm.member", "crm.tags"]
    items = [
        item
        for topic, value in zip(topics, values, strict=True)
        for item in mapper.items(Record(topic, 0, 0, 1605490616000, None, value, ()))
    ]
    assert [(item.route, item.failure) for item in items] == [
        ("orders", None),
        ("order-lines", None),
        ("members", None),
        ("tag-changes", None),
    ]
    assert b'"c_price":1420' in items[0].body
    assert b'"c_sku":"S1","c_num":2' in items[1].body
    assert items[3].params == b'{"isMatching":true,"matchingType":1,"optType":"add"}'


def test_what_the_package_reads_is_installed_with_it() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    package = ROOT / "connector"
    data = {path for path in tracked_files() if package in path.parents and path.suffix != ".py"}
    assert {path for pattern in settings["package-data"]["connector"] for path in package.glob(pattern)} == data


# -- it stands alone ------------------------------------------------------------------------------------------------


def test_constraints_hold_nothing_but_names_with_their_exact_versions() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.]+", pin)] == []


def test_every_dependency_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {normal(line.partition("==")[0]) for line in lines}
    wanted = [*project()["dependencies"], *chain.from_iterable(project()["optional-dependencies"].values())]
    assert {normal(re.split(r"[<>=~\[; ]", line)[0]) for line in wanted} <= pinned


@pytest.mark.parametrize("pattern", [REGISTRIES, MACHINE_PATHS], ids=["registry hosts", "machine paths"])
def test_no_tracked_file_depends_on_one_machine_or_registry(pattern: re.Pattern[str]) -> None:
    found = []
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in pattern.finditer(text)]
    assert found == []


# -- the container --------------------------------------------------------------------------------------------------


def values(stage: list[Instruction], keyword: str) -> list[str]:
    return [value for found, value in stage if found == keyword]


def test_the_image_is_built_in_one_stage_and_run_in_another() -> None:
    assert any("pip install" in command for command in values(BUILDER, "RUN"))
    assert not any("pip" in instruction.value for instruction in IMAGE)
    assert values(IMAGE, "COPY") == ["--from=builder /opt/connector /opt/connector"]


def test_the_image_can_read_every_format() -> None:
    [installing] = [command for command in values(BUILDER, "RUN") if "requirements.txt" in command]
    assert "['optional-dependencies']['registry']" in installing


def test_the_image_runs_the_connector_itself_as_a_user_without_rights() -> None:
    [user] = values(IMAGE, "USER")
    assert all(int(number) > 1000 for number in user.split(":"))
    [entrypoint] = values(IMAGE, "ENTRYPOINT")
    assert json.loads(entrypoint) == ["tuzhan-connector"]
    [health_check] = values(IMAGE, "HEALTHCHECK")
    *_, program = json.loads(health_check.partition("CMD ")[2])
    assert "'/livez'" in program


def test_the_image_has_a_python_that_the_project_supports() -> None:
    name, _, version = values(BEFORE, "ARG")[0].partition("=")
    assert name == "PYTHON_VERSION"
    assert f"Programming Language :: Python :: {version}" in project()["classifiers"]
    assert values([*BUILDER, *IMAGE], "FROM") == [f"python:${{{name}}}-slim AS builder", f"python:${{{name}}}-slim"]


def test_the_sidecar_has_limits_no_rights_and_time_to_stop() -> None:
    compose = read_yaml(ROOT / "compose/compose.yaml")
    sidecar = compose["services"]["connector"]
    assert sidecar["mem_limit"]
    assert sidecar["cpus"]
    assert sidecar["read_only"] is True
    assert sidecar["cap_drop"] == ["ALL"]
    assert sidecar["security_opt"] == ["no-new-privileges:true"]
    assert sidecar["restart"] == "unless-stopped"
    grace_s = int(sidecar["stop_grace_period"].removesuffix("s"))
    assert grace_s == 30
    assert grace_s > Config.model_fields["shutdown_timeout"].default
    assert sidecar["depends_on"]["kafka"] == {"condition": "service_healthy"}


def test_compose_publishes_on_loopback_only() -> None:
    services = read_yaml(ROOT / "compose/compose.yaml")["services"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_compose_gives_no_secret_by_environment() -> None:
    compose = read_yaml(ROOT / "compose/compose.yaml")
    sidecar = compose["services"]["connector"]
    assert sidecar["secrets"] == ["tuzhan_app_secret"]
    assert not [name for name in sidecar["environment"] if "SECRET" in name]
    default = compose["secrets"]["tuzhan_app_secret"]["file"].partition(":-")[2].removesuffix("}")
    secret = (ROOT / "compose" / default).read_text(encoding="utf-8").strip()
    assert secret in compose["services"]["sandbox"]["command"]


def test_the_version_is_the_same_everywhere() -> None:
    version = connector.__version__  # pyproject.toml takes it from there
    assert f"\n## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    image = read_yaml(ROOT / "compose/compose.yaml")["services"]["connector"]["image"]
    assert image == f"tuzhan-connector:{version}"
