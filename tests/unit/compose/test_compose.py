"""The stacks as Docker Compose understands them. `make images` starts the large one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import connector
from connector.core.addresses import parse_host_port
from tests.unit.compose.files import COMPOSE, compose, load_with_secrets, model, read_yaml

STACK, SIDECAR = "compose.yaml", "compose.sidecar.yaml"
SIDECAR_VARIABLES = {
    "KAFKA_NETWORK": "shop_default",
    "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
    "TUZHAN_CONFIG": "/etc/orders.yaml",
    "TUZHAN_APP_ID": "app",
    "TUZHAN_APP_SECRET_FILE": "/etc/app-secret",
}
OURS = [(STACK, "sandbox"), (STACK, "connector"), (SIDECAR, "connector")]


def services(file: str, **variables: str) -> dict[str, Any]:
    found: dict[str, Any] = model(file, **(SIDECAR_VARIABLES if file == SIDECAR else {}), **variables)["services"]
    return found


def seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))


@pytest.mark.parametrize(("file", "service"), OURS)
def test_a_container_of_ours_has_no_rights_and_nothing_to_write_on(file: str, service: str) -> None:
    found = services(file)[service]
    assert found["read_only"] is True
    assert [each.partition(":")[0] for each in found["tmpfs"]] == ["/tmp"]  # noqa: S108 - a path in a container
    assert all(volume["read_only"] for volume in found.get("volumes", []))
    assert found["restart"] == "unless-stopped"


@pytest.mark.parametrize("file", [STACK, SIDECAR])
def test_every_container_is_limited_and_has_no_capability(file: str) -> None:
    for name, service in services(file).items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not {"privileged", "cap_add", "network_mode", "pid", "user"} & set(service), name
        assert {"mem_limit", "cpus", "pids_limit"} <= set(service), name
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}, name


@pytest.mark.parametrize(("service", "needed_mb"), [("sandbox", 137), ("connector", 206), ("kafka", 760)])
def test_a_container_may_have_more_memory_than_it_was_seen_to_need(service: str, needed_mb: int) -> None:
    """Kafka: a heap of 512 MB, and half as much besides; the others: what docs/guarantees.md and their limits quote."""
    found = services(STACK)[service]
    assert int(found["mem_limit"]) > 1.3 * needed_mb * 1_000_000
    if service == "kafka":
        check = "KAFKA_HEAP_OPTS=-Xmx64m /opt/kafka/bin/kafka-topics.sh"
        assert check in found["healthcheck"]["test"][1], "a second heap of the broker's size would not fit"


@pytest.mark.parametrize("file", [STACK, SIDECAR])
def test_ports_are_published_on_loopback_only(file: str) -> None:
    ports = [port for service in services(file).values() for port in service.get("ports", [])]
    assert ports
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


@pytest.mark.parametrize("file", [STACK, SIDECAR])
def test_secrets_are_files(file: str) -> None:
    found = services(file)["connector"]
    assert [secret["target"] for secret in found["secrets"]] == ["/run/secrets/tuzhan_app_secret"]
    assert not [name for name in found["environment"] if "SECRET" in name]


def test_every_service_has_a_health_check_and_that_of_the_connector_is_the_image_s() -> None:
    checked = {name for name, service in services(STACK).items() if "healthcheck" in service}
    assert checked == {"kafka", "sandbox", "prometheus", "grafana"}


def test_the_stack_is_for_the_sandbox_alone(tmp_path: Path) -> None:
    variables = {"TUZHAN_BASE_URL": "https://platform.example/api/open", "TUZHAN_ALLOW_HTTP": "false"}
    found = services(STACK, **variables)
    config = load_with_secrets(COMPOSE / "connector.yaml", tmp_path, found["connector"]["environment"])
    assert (config.platform.base_url, config.platform.allow_http) == ("http://sandbox:9100/api/open", True)
    arguments = found["sandbox"]["command"]
    secret = (COMPOSE / "sandbox-secret.txt").read_text(encoding="utf-8").strip()
    assert arguments[arguments.index("--app-secret") + 1] == secret
    assert arguments[arguments.index("--app-id") + 1] == found["connector"]["environment"]["TUZHAN_APP_ID"]


def test_the_config_of_the_stack_listens_where_its_neighbours_look(tmp_path: Path) -> None:
    found = services(STACK)
    config = load_with_secrets(COMPOSE / "connector.yaml", tmp_path, found["connector"]["environment"])
    listen = parse_host_port(config.admin.listen)
    assert listen is not None
    assert [port["target"] for port in found["connector"]["ports"]] == [listen.port]
    [job] = read_yaml(COMPOSE / "prometheus/prometheus.yml")["scrape_configs"]
    [discovery] = job["dns_sd_configs"]
    assert (discovery["names"], discovery["port"]) == (["connector"], listen.port)
    assert config.platform.auth.app_secret is not None
    assert config.platform.auth.app_secret.get_secret_value() == "from-a-file"
    assert seconds(found["connector"]["stop_grace_period"]) > config.shutdown_timeout
    assert found["connector"]["depends_on"]["kafka"]["condition"] == "service_healthy"


def test_outside_of_the_stack_plain_http_is_refused(tmp_path: Path) -> None:
    environ = services(SIDECAR)["connector"]["environment"]
    assert environ["TUZHAN_ALLOW_HTTP"] == "false"
    config = load_with_secrets(COMPOSE / "connector.yaml", tmp_path, environ)
    assert config.platform.base_url.startswith("https://")
    assert config.platform.allow_http is False


def test_the_sidecar_names_every_variable_that_is_missing() -> None:
    done = compose(SIDECAR, "config", "--quiet")
    assert done.returncode != 0
    assert set(re.findall(r"required variable (\w+) is missing a value: \S", done.stderr)) == set(SIDECAR_VARIABLES)


def test_the_sidecar_does_not_make_a_folder_where_a_config_is_missing() -> None:
    [volume] = services(SIDECAR)["connector"]["volumes"]
    assert (volume["type"], volume["source"]) == ("bind", "/etc/orders.yaml")
    assert volume["bind"] == {"create_host_path": False}


def test_every_image_comes_from_the_registry_that_is_named() -> None:
    found = services(STACK, IMAGE_REGISTRY="registry.example.cn")
    images = {name: service["image"] for name, service in found.items()}
    images["python"] = found["connector"]["build"]["args"]["PYTHON_IMAGE"]
    images.pop("connector")
    images.pop("sandbox")  # both are built here
    assert {image.partition("/")[0] for image in images.values()} == {"registry.example.cn"}
    assert not [image for image in images.values() if ":" not in image or image.endswith(":latest")]
    # What is `python` on the public registry is `library/python` in a mirror, which is not asked by the short name.
    assert images["python"].startswith("registry.example.cn/library/python:")


def test_every_image_and_the_package_mirror_are_variables() -> None:
    names = ["PYTHON_IMAGE", "KAFKA_IMAGE", "PROMETHEUS_IMAGE", "GRAFANA_IMAGE", "CONNECTOR_IMAGE", "PIP_INDEX_URL"]
    found = services(STACK, IMAGE_REGISTRY="unused", **{name: name.lower() for name in names})
    arguments = found["connector"]["build"]["args"]
    used = {service["image"] for service in found.values()} | set(arguments.values())
    assert used == {name.lower() for name in names}
    assert "PIP_INDEX_URL" not in services(STACK)["connector"]["build"]["args"]


def test_the_example_of_settings_has_every_variable_and_no_other() -> None:
    used: set[str] = set()
    for file in COMPOSE.glob("compose*.yaml"):
        lines = [line.partition("#")[0] for line in file.read_text(encoding="utf-8").splitlines()]
        used |= set(re.findall(r"\$\{?(\w+)", "\n".join(lines))) | set(
            re.findall(r"(?m)^ +(PIP_\w+): *$", "\n".join(lines))
        )
    text = (COMPOSE / ".env.example").read_text(encoding="utf-8")
    documented = set(re.findall(r"(?m)^#?([A-Z_]+)=", text))
    assert documented == used - {"TUZHAN_BASE_URL", "TUZHAN_ALLOW_HTTP"}  # for a sandbox elsewhere


def test_grafana_finds_prometheus_and_the_dashboards() -> None:
    found = services(STACK)
    [source] = read_yaml(COMPOSE / "grafana/datasources/prometheus.yaml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert source["uid"] == "prometheus"
    [provider] = read_yaml(COMPOSE / "grafana/dashboards/provider.yaml")["providers"]
    [mounted] = [volume for volume in found["grafana"]["volumes"] if volume["type"] == "bind"]
    assert Path(mounted["source"]) == COMPOSE / "grafana"
    assert provider["options"]["path"] == f"{mounted['target']}/dashboards"


def test_the_version_of_the_image_is_that_of_the_connector() -> None:
    for file in (STACK, SIDECAR):
        assert services(file)["connector"]["image"] == f"tuzhan-connector:{connector.__version__}"
