"""What a Kafka client finds of a cluster, for `check --connect`: brokers, topics, the group, and the rights to them.

Joins no group, commits nothing and produces nothing.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from connector.core.findings import Finding
from connector.core.wording import counted
from connector.kafka.errors import ALL_BROKERS_DOWN, TLS_FAILED, TLS_REMEDY, cause_of, kafka_says, reason_of
from connector.kafka.listener_findings import bootstrap_servers
from connector.kafka.listener_probe import probe_listener
from connector.kafka.properties import SILENT_LOG, producer_properties
from connector.kafka.subject_checks import check_dead_letters, check_group, check_topics
from connector.language.message import Message, message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from confluent_kafka.admin._metadata import ClusterMetadata

    from connector.core.findings import Report
    from connector.settings.models import Config, Kafka

METADATA_TIMEOUT_S: Final = 5.0
ADVERTISED_TIMEOUT_S: Final = 3.0
_LOGIN: Final = message("check sasl.mechanism; a user may have a password for one mechanism only")
_WITH_USER: Final = message(
    "check sasl.mechanism, sasl.username and sasl.password; a user may have a password for one mechanism only"
)
_ADVERTISED: Final = message(
    "clients are sent on to the address that a broker advertises: it must be reachable from here"
    " (advertised.listeners; of a cloud, take the endpoints of this network)"
)
_KINDS: Final[dict[str, Message]] = {
    "http": message("http"),
    "other": message("other"),
    "unresolved": message("unresolved"),
    "refused": message("refused"),
    "unreachable": message("unreachable"),
    "silent": message("silent"),
}
"""What is found at an address instead of a broker."""


def check_cluster(config: Config, report: Report) -> None:
    """Report a finding for the cluster, each topic, the group and the dead-letter topic. Blocks for 12 s at most."""
    errors: list[KafkaError] = []
    properties: dict[str, Any] = {**producer_properties(config.kafka), "error_cb": errors.append}
    admin = AdminClient(properties, logger=SILENT_LOG)
    try:
        metadata = admin.list_topics(timeout=METADATA_TIMEOUT_S)
    except KafkaException as exception:
        admin.poll(0)
        report(unreachable(cause_of(exception), errors, config.kafka))
        return
    told = message(
        "logged in; cluster {cluster}, {brokers}",
        cluster=metadata.cluster_id,
        brokers=counted(len(metadata.brokers), "broker"),
    )
    report(Finding("cluster", "", "ok", told))
    checks = (
        check_advertised(metadata, config.kafka),
        check_topics(admin, metadata.topics, config),
        check_group(admin, config),
        check_dead_letters(admin, config),
    )
    with ThreadPoolExecutor(len(checks)) as pool:
        for done in [pool.submit(_report_all, check, report) for check in checks]:
            done.result()


def _report_all(findings: Iterable[Finding], report: Report) -> None:
    for finding in findings:
        report(finding)


def unreachable(error: KafkaError, reported: Sequence[KafkaError], kafka: Kafka) -> Finding:
    """Return why the client gets no answer; what it has reported meanwhile says more than "timed out"."""
    told = [one for one in reported if one.code() != ALL_BROKERS_DOWN]
    authentication = [one for one in told if reason_of(one) == "kafka_not_authorized"]
    tls = [one for one in told if one.code() == TLS_FAILED]
    if authentication:
        refused = kafka_says(message("the brokers refuse the login"), authentication[0])
        return Finding("cluster", "", "failed", refused, _WITH_USER if "sasl.username" in kafka.properties else _LOGIN)
    if tls:
        failed = kafka_says(message("TLS with the brokers fails"), tls[0])
        return Finding("cluster", "", "failed", failed, TLS_REMEDY)
    silent = kafka_says(message("no broker answers the client"), (told or [error])[-1])
    return Finding("cluster", "", "failed", silent, message("see the rows `broker`"))


def check_advertised(metadata: ClusterMetadata, kafka: Kafka) -> Iterator[Finding]:
    """Yield a finding for each broker that can't be reached at the address which it advertises."""
    servers = bootstrap_servers(kafka)
    brokers = [one for one in metadata.brokers.values() if f"{one.host}:{one.port}" not in servers]

    def probe(host: str, port: int) -> str:
        found = probe_listener(host, port, mechanism="PLAIN", tls_first=False, timeout_s=ADVERTISED_TIMEOUT_S)
        return found.kind

    if not brokers:
        return
    with ThreadPoolExecutor(min(len(brokers), 64)) as pool:
        kinds = list(pool.map(lambda one: probe(one.host, one.port), brokers))
    for broker, kind in zip(brokers, kinds, strict=True):
        address = f"{broker.host}:{broker.port}"
        if kind not in {"kafka", "tls"}:
            told = message("broker {id} advertises it: {kind}", id=broker.id, kind=_KINDS[kind])
            yield Finding("advertised", address, "failed", told, _ADVERTISED)
        else:
            told = message("broker {id}, by the address that it advertises", id=broker.id)
            yield Finding("advertised", address, "ok", told)
