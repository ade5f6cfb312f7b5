"""Brokers' addresses, as `check --connect` tells of them: what listens there, held against the config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.findings import Finding
from connector.kafka.listener_probe import Listener, parse_server, probe_listener

if TYPE_CHECKING:
    from connector.settings.models import Kafka

PROBE_TIMEOUT_S: Final = 4.0
_SERVERS: Final = "kafka.bootstrap_servers"
_UNREACHED: Final = {
    "unresolved": ("the name can't be resolved", f"check the name in {_SERVERS}, and this machine's DNS"),
    "refused": ("nothing listens there", f"check the port in {_SERVERS}, and that the broker is up"),
    "unreachable": (
        "it can't be reached",
        f"check {_SERVERS}, firewalls and security groups; a cloud's inner address answers its own network only",
    ),
}
_NO_KAFKA: Final = {
    "http": "an HTTP server listens there, not a Kafka broker",
    "silent": "it takes connections and says nothing",
    "other": "something listens there that is not a Kafka broker",
}


def bootstrap_servers(kafka: Kafka) -> list[str]:
    """Return the entries of `kafka.bootstrap_servers`."""
    return [server.strip() for server in kafka.bootstrap_servers.split(",") if server.strip()]


def security_protocol(kafka: Kafka) -> str:
    """Return the configured protocol, in capitals."""
    return str(kafka.properties.get("security.protocol", "PLAINTEXT")).upper()


def sasl_mechanism(kafka: Kafka) -> str:
    """Return the configured SASL mechanism, which is librdkafka's default if none is."""
    properties = kafka.properties
    return str(properties.get("sasl.mechanism", properties.get("sasl.mechanisms", "GSSAPI"))).upper()


def look_at(server: str, kafka: Kafka, *, timeout_s: float = PROBE_TIMEOUT_S) -> Finding:
    """Return what listens at an entry of `bootstrap_servers`, and whether the config fits it. Blocks."""
    try:
        host, port = parse_server(server)
    except ValueError:
        return Finding("broker", server, "failed", "it is no host:port", f"correct {_SERVERS}")
    protocol, mechanism = security_protocol(kafka), sasl_mechanism(kafka)
    found = probe_listener(host, port, mechanism=mechanism, tls_first=protocol.endswith("SSL"), timeout_s=timeout_s)
    return finding_of(server, found, protocol, mechanism)


def finding_of(server: str, found: Listener, protocol: str, mechanism: str) -> Finding:
    """Return whether what listens there is what `security.protocol` and `sasl.mechanism` ask for."""
    if found.kind in _UNREACHED:
        detail, remedy = _UNREACHED[found.kind]
        more = f" ({found.detail})" if found.detail and found.kind == "unreachable" else ""
        return Finding("broker", server, "failed", detail + more, remedy)
    if found.kind in _NO_KAFKA:
        detail = _NO_KAFKA[found.kind] + (" (HTTPS)" if found.kind == "http" and found.tls else "")
        hangs = "see that the broker does not hang or start just now; " if found.kind == "silent" else ""
        remedy = (
            f"{hangs}{_SERVERS} takes the brokers' own host:port, often 9092 or 9093, not that of a console or a proxy"
        )
        return Finding("broker", server, "failed", detail, remedy)
    if found.kind == "tls":
        return _of_unanswered_tls(server, protocol)
    return _of_kafka(server, found, protocol, mechanism)


def _of_unanswered_tls(server: str, protocol: str) -> Finding:
    if not protocol.endswith("SSL"):
        detail = f"it speaks TLS, and security.protocol is {protocol}"
        return Finding("broker", server, "failed", detail, "set security.protocol to SSL or SASL_SSL")
    detail = "it speaks TLS and does not answer without a certificate of the client, or is not a Kafka broker"
    remedy = "if it asks for one: ssl.certificate.location and ssl.key.location; the row `cluster` says if it works"
    return Finding("broker", server, "unknown", detail, remedy)


def _of_kafka(server: str, found: Listener, protocol: str, mechanism: str) -> Finding:
    offers = ", ".join(found.mechanisms)
    if found.protocol != protocol:
        speaks = "TLS" if found.tls else "no TLS"
        wants = f"wants a password (SASL: {offers})" if found.mechanisms else "takes no password (SASL)"
        detail = f"this listener speaks {speaks} and {wants}, and security.protocol is {protocol}"
        remedy = f"set security.protocol to {found.protocol}, or take the port of another listener"
        return Finding("broker", server, "failed", detail, remedy)
    if found.mechanisms and mechanism not in found.mechanisms:
        detail = f"it offers the SASL mechanisms {offers}, and sasl.mechanism is {mechanism}"
        remedy = f"set sasl.mechanism to {' or '.join(found.mechanisms)}, with a user made for it"
        return Finding("broker", server, "failed", detail, remedy)
    return Finding("broker", server, "ok", f"a Kafka broker, {protocol}" + (f", {mechanism}" if offers else ""))
