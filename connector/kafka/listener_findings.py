"""Brokers' addresses, as `check --connect` tells of them: what listens there, held against the config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.findings import Finding
from connector.core.wording import either_of
from connector.kafka.listener_probe import Listener, parse_server, probe_listener
from connector.language.message import NOTHING, message

if TYPE_CHECKING:
    from connector.settings.models import Kafka

PROBE_TIMEOUT_S: Final = 4.0
_UNREACHED: Final = {
    "unresolved": (
        message("the name can't be resolved"),
        message("check the name in kafka.bootstrap_servers, and this machine's DNS"),
    ),
    "refused": (
        message("nothing listens there"),
        message("check the port in kafka.bootstrap_servers, and that the broker is up"),
    ),
    "unreachable": (
        message("it can't be reached"),
        message(
            "check kafka.bootstrap_servers, firewalls and security groups; a cloud's inner address answers its own"
            " network only"
        ),
    ),
}
_NO_KAFKA: Final = {
    "http": message("an HTTP server listens there, not a Kafka broker"),
    "silent": message("it takes connections and says nothing"),
    "other": message("something listens there that is not a Kafka broker"),
}


_CORRECT: Final = message("correct kafka.bootstrap_servers")


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
        return Finding("broker", server, "failed", message("it is no host:port"), _CORRECT)
    protocol, mechanism = security_protocol(kafka), sasl_mechanism(kafka)
    found = probe_listener(host, port, mechanism=mechanism, tls_first=protocol.endswith("SSL"), timeout_s=timeout_s)
    return finding_of(server, found, protocol, mechanism)


def finding_of(server: str, found: Listener, protocol: str, mechanism: str) -> Finding:
    """Return whether what listens there is what `security.protocol` and `sasl.mechanism` ask for."""
    if found.kind in _UNREACHED:
        detail, remedy = _UNREACHED[found.kind]
        if found.detail and found.kind == "unreachable":
            detail = message("{told} ({detail})", told=detail, detail=found.detail)
        return Finding("broker", server, "failed", detail, remedy)
    if found.kind in _NO_KAFKA:
        detail = _NO_KAFKA[found.kind]
        if found.kind == "http" and found.tls:
            detail = message("{told} (HTTPS)", told=detail)
        remedy = message(
            "{hangs}kafka.bootstrap_servers takes the brokers' own host:port, often 9092 or 9093, not that of a console"
            " or a proxy",
            hangs=message("see that the broker does not hang or start just now; ")
            if found.kind == "silent"
            else NOTHING,
        )
        return Finding("broker", server, "failed", detail, remedy)
    if found.kind == "tls":
        return _of_unanswered_tls(server, protocol)
    return _of_kafka(server, found, protocol, mechanism)


def _of_unanswered_tls(server: str, protocol: str) -> Finding:
    if not protocol.endswith("SSL"):
        detail = message("it speaks TLS, and security.protocol is {protocol}", protocol=protocol)
        return Finding("broker", server, "failed", detail, message("set security.protocol to SSL or SASL_SSL"))
    detail = message("it speaks TLS and does not answer without a certificate of the client, or is not a Kafka broker")
    remedy = message(
        "if it asks for one: ssl.certificate.location and ssl.key.location; the row `cluster` says if it works"
    )
    return Finding("broker", server, "unknown", detail, remedy)


def _of_kafka(server: str, found: Listener, protocol: str, mechanism: str) -> Finding:
    offers = ", ".join(found.mechanisms)
    if found.protocol != protocol:
        wants = (
            message("wants a password (SASL: {offers})", offers=offers)
            if found.mechanisms
            else message("takes no password (SASL)")
        )
        detail = message(
            "this listener speaks {speaks} and {wants}, and security.protocol is {protocol}",
            speaks=message("TLS") if found.tls else message("no TLS"),
            wants=wants,
            protocol=protocol,
        )
        remedy = message(
            "set security.protocol to {fitting}, or take the port of another listener", fitting=found.protocol
        )
        return Finding("broker", server, "failed", detail, remedy)
    if found.mechanisms and mechanism not in found.mechanisms:
        detail = message(
            "it offers the SASL mechanisms {offers}, and sasl.mechanism is {mechanism}",
            offers=offers,
            mechanism=mechanism,
        )
        either = either_of(found.mechanisms)
        remedy = message("set sasl.mechanism to {either}, with a user made for it", either=either)
        return Finding("broker", server, "failed", detail, remedy)
    speaks = f"{protocol}, {mechanism}" if offers else protocol
    return Finding("broker", server, "ok", message("a Kafka broker, {speaks}", speaks=speaks))
