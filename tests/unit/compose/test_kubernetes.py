"""The manifests for Kubernetes: valid, consistent with each other and with the config. No cluster has run them here."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

import connector
from connector.core.addresses import parse_host_port
from tests.support.tools import installed_tool
from tests.unit.compose.files import COMPOSE, load_with_secrets, read_documents, read_yaml

if TYPE_CHECKING:
    from connector.settings.models import Config

kubernetes_validate = pytest.importorskip("kubernetes_validate")
FOLDER = COMPOSE / "kubernetes"
LABEL = {"app.kubernetes.io/name": "tuzhan-connector"}
OF_OPERATORS = {"ScaledObject", "ServiceMonitor", "PrometheusRule"}
"""Kinds that a cluster has only with KEDA or the Prometheus Operator; their schemas are not at hand."""
OLDEST = "1.29"
"""The oldest version of Kubernetes that knows every field."""


def kustomize(folder: Path) -> tuple[dict[str, Any], ...]:
    command = [installed_tool("kubectl"), "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return tuple(read_documents(done.stdout))


@cache
def rendered(*components: str) -> tuple[dict[str, Any], ...]:
    """Return what `kubectl apply -k` would send; with optional components, from a folder beside."""
    if not components:
        return kustomize(FOLDER)
    with TemporaryDirectory() as folder:
        shutil.copytree(FOLDER, Path(folder) / "base")
        overlay = Path(folder) / "overlay"
        overlay.mkdir()
        lines = ["resources: [../base]", f"components: [{', '.join(f'../base/{name}' for name in components)}]"]
        (overlay / "kustomization.yaml").write_text("\n".join(lines), encoding="utf-8")
        return kustomize(overlay)


def of_kind(kind: str, documents: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    [found] = [document for document in documents if document["kind"] == kind]
    return found


def container() -> dict[str, Any]:
    [found] = pod()["containers"]
    assert isinstance(found, dict)
    return found


def pod() -> dict[str, Any]:
    found = of_kind("Deployment", rendered())["spec"]["template"]["spec"]
    assert isinstance(found, dict)
    return found


def config(folder: Path) -> Config:
    return load_with_secrets(FOLDER / "config/connector.yaml", folder, {})


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
def test_every_manifest_is_valid(version: str) -> None:
    files = [
        path for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml" and "config" not in path.parts
    ]
    documents = [document for path in files for document in read_documents(path.read_text(encoding="utf-8"))]
    for document in documents:
        if document["kind"] not in OF_OPERATORS:
            kubernetes_validate.validate(document, version, strict=True)
    assert {document["kind"] for document in documents} == OF_OPERATORS | {
        *("Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"),
    }


def test_what_kustomize_makes_of_them_is_valid() -> None:
    for document in rendered():
        kubernetes_validate.validate(document, OLDEST, strict=True)


def test_each_selector_means_the_connector_s_pods_and_no_others() -> None:
    documents = rendered("keda", "service-monitor")
    labels = of_kind("Deployment", documents)["spec"]["template"]["metadata"]["labels"]
    assert labels == LABEL
    assert of_kind("Deployment", documents)["spec"]["selector"] == {"matchLabels": LABEL}
    assert of_kind("Service", documents)["spec"]["selector"] == LABEL
    assert of_kind("PodDisruptionBudget", documents)["spec"]["selector"] == {"matchLabels": LABEL}
    assert of_kind("NetworkPolicy", documents)["spec"]["podSelector"] == {"matchLabels": LABEL}
    assert of_kind("ServiceMonitor", documents)["spec"]["selector"] == {"matchLabels": LABEL}
    assert of_kind("Service", documents)["metadata"]["labels"] == LABEL  # which the monitor selects
    [spread] = of_kind("Deployment", documents)["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert spread["labelSelector"] == {"matchLabels": LABEL}


def test_the_rules_for_dns_name_the_cluster_s_dns_and_not_the_connector() -> None:
    dns, *_ = of_kind("NetworkPolicy", rendered())["spec"]["egress"]
    cache_on_the_node = {"ipBlock": {"cidr": "169.254.20.10/32"}}
    pods = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}
    assert dns["to"] == [pods, cache_on_the_node]


def test_the_pod_has_no_rights_and_nothing_to_write_on() -> None:
    assert container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert pod()["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod()["automountServiceAccountToken"] is False
    assert pod()["enableServiceLinks"] is False
    assert {"cpu", "memory"} == set(container()["resources"]["limits"]) == set(container()["resources"]["requests"])


def test_the_pod_runs_as_the_user_of_the_image() -> None:
    context = pod()["securityContext"]
    user = f"USER {context['runAsUser']}:{context['runAsGroup']}"
    assert user in (COMPOSE / "Dockerfile").read_text(encoding="utf-8").splitlines()


def test_the_config_listens_where_probes_and_service_look(tmp_path: Path) -> None:
    listen = parse_host_port(config(tmp_path).admin.listen)
    assert listen is not None
    assert listen.host == "0.0.0.0"  # noqa: S104 - the kubelet is another host
    assert container()["ports"] == [{"name": "admin", "containerPort": listen.port}]
    [port] = of_kind("Service", rendered())["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (listen.port, "admin")
    probes = {name: container()[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {probe["port"] for probe in probes.values()} == {"admin"}
    assert [probes[name]["path"] for name in ("startup", "liveness", "readiness")] == ["/livez", "/livez", "/readyz"]


def test_there_is_time_to_drain_before_the_pod_is_killed(tmp_path: Path) -> None:
    assert pod()["terminationGracePeriodSeconds"] >= config(tmp_path).shutdown_timeout + 5


def test_the_config_reads_its_secrets_from_the_files_of_the_secret(tmp_path: Path) -> None:
    auth = config(tmp_path).platform.auth
    assert auth.app_secret is not None
    assert (auth.app_id, auth.app_secret.get_secret_value()) == ("from-a-file", "from-a-file")
    mounts = {mount["name"]: mount["mountPath"] for mount in container()["volumeMounts"]}
    assert mounts == {"config": "/etc/tuzhan", "secrets": "/run/secrets/tuzhan", "tmp": "/tmp"}  # noqa: S108
    assert not container().get("env")
    assert container()["args"] == ["run", "-c", "/etc/tuzhan/connector.yaml"]


def test_a_changed_config_is_a_new_rollout() -> None:
    name = of_kind("ConfigMap", rendered())["metadata"]["name"]
    assert name.startswith("tuzhan-connector-")
    [volume] = [volume for volume in pod()["volumes"] if volume["name"] == "config"]
    assert volume["configMap"] == {"name": name}


def test_keda_scales_by_the_lag_of_the_group_that_the_config_names(tmp_path: Path) -> None:
    scaled = of_kind("ScaledObject", rendered("keda"))["spec"]
    [trigger] = scaled["triggers"]
    loaded = config(tmp_path)
    assert trigger["type"] == "kafka"
    assert trigger["metadata"]["bootstrapServers"] == loaded.kafka.bootstrap_servers
    assert trigger["metadata"]["consumerGroup"] == loaded.kafka.group_id
    assert [trigger["metadata"]["topic"]] == loaded.routes[0].topics
    assert all(isinstance(value, str) for value in trigger["metadata"].values())
    assert scaled["scaleTargetRef"] == {"name": of_kind("Deployment", rendered())["metadata"]["name"]}
    assert "replicas" not in of_kind("Deployment", rendered("keda"))["spec"]
    assert "replicas" in of_kind("Deployment", rendered())["spec"]


def test_the_alert_rules_come_with_their_component_as_they_are() -> None:
    found = of_kind("PrometheusRule", rendered("service-monitor", "alert-rules"))
    assert found["spec"] == read_yaml(COMPOSE / "prometheus/rules/connector.yml")
    assert not [document for document in rendered() if document["kind"] in OF_OPERATORS]


def test_the_image_has_the_version_of_the_connector() -> None:
    assert container()["image"] == f"tuzhan-connector:{connector.__version__}"
    [image] = read_yaml(FOLDER / "kustomization.yaml")["images"]
    assert image["newTag"] == connector.__version__
