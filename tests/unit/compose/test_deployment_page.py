"""docs/deployment.md: its commands name what exists, and its examples work."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

import connector
from tests.unit.compose.files import COMPOSE, ROOT, compose, load_with_secrets
from tests.unit.compose.test_compose import SIDECAR_VARIABLES
from tests.unit.compose.test_kubernetes import kustomize, of_kind

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"(?m)^    (\S.*)$", PAGE)


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("docker compose")])
def test_a_command_of_compose_names_a_file_and_services_that_exist(command: str) -> None:
    _, _, _, file, verb, *arguments = command.split()
    known = compose(file.removeprefix("compose/"), "config", "--services", **SIDECAR_VARIABLES)
    assert known.returncode == 0, known.stderr
    if verb == "exec":
        assert arguments[0] in known.stdout.split()
    elif verb == "config":
        done = compose(file.removeprefix("compose/"), verb, *arguments)
        assert all(variable in done.stderr for variable in SIDECAR_VARIABLES)
    else:
        assert (verb, set(arguments)) == ("up", {"--build", "--wait"})


def test_the_build_has_the_arguments_of_the_dockerfile() -> None:
    [command] = [command for command in COMMANDS if command.startswith("docker build")]
    dockerfile = (COMPOSE / "Dockerfile").read_text(encoding="utf-8")
    given = re.findall(r"--build-arg (\w+)=", command)
    assert given
    assert all(re.search(rf"(?m)^ARG {name}\b", dockerfile) for name in given)
    assert f"tuzhan-connector:{connector.__version__}" in command


def test_the_overlay_of_the_page_takes_its_own_config_into_its_own_namespace(tmp_path: Path) -> None:
    [overlay] = re.findall(r"^```yaml\n# kustomization.yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    shutil.copytree(COMPOSE / "kubernetes", tmp_path / "compose/kubernetes")
    mine = tmp_path / "mine"
    mine.mkdir()
    [labels] = re.findall(r"^```yaml\n(labels:\n.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (mine / "kustomization.yaml").write_text(overlay + labels, encoding="utf-8")
    (mine / "connector.yaml").write_text("# mine\n", encoding="utf-8")
    documents = kustomize(mine)
    assert of_kind("ConfigMap", documents)["data"] == {"connector.yaml": "# mine\n"}
    assert {document["metadata"]["namespace"] for document in documents} == {"marketing"}
    deployment = of_kind("Deployment", documents)["spec"]["template"]["spec"]
    assert deployment["containers"][0]["image"] == f"registry.example.cn/team/tuzhan-connector:{connector.__version__}"
    assert deployment["volumes"][0]["configMap"]["name"] == of_kind("ConfigMap", documents)["metadata"]["name"]
    assert {document["kind"] for document in documents} >= {"ScaledObject", "ServiceMonitor", "PrometheusRule"}
    for kind in ("ServiceMonitor", "PrometheusRule"):
        assert of_kind(kind, documents)["metadata"]["labels"]["release"] == "kube-prometheus-stack"


def test_the_secret_of_the_page_has_the_keys_that_the_config_reads(tmp_path: Path) -> None:
    [command] = [command for command in COMMANDS if "create secret" in command]
    keys = set(re.findall(r"--from-(?:literal|file)=(\w+)=", command))
    text = (COMPOSE / "kubernetes/config/connector.yaml").read_text(encoding="utf-8")
    assert keys == set(re.findall(r"/run/secrets/tuzhan/(\w+)\}", text))
    assert load_with_secrets(COMPOSE / "kubernetes/config/connector.yaml", tmp_path, {}).routes
