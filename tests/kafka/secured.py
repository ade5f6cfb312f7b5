"""A broker with a real SASL_SSL listener, whose users have no right but those that a test gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from confluent_kafka.admin._scram import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from tests.kafka.broker import SASL_PASSWORD, SASL_USER, Broker
from tests.kafka.cluster import Cluster
from tests.kafka.processes import free_ports
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.authority import Authority

SCRAM_USER, SCRAM_PASSWORD = "scrammer", "the right password too"
_JAAS: Final = "org.apache.kafka.common.security"
Grant = tuple[ResourceType, str, AclOperation]


class SecuredBroker:
    """From `start` to `close`: SASL_SSL at `address` (PLAIN and SCRAM-SHA-512), TLS without SASL at `tls_address`.

    Without a password, at `cluster.address`, everything is allowed.
    """

    def __init__(self, authority: Authority) -> None:
        certificate, key = authority.sign("broker")
        store = certificate.with_name("broker-store.pem")
        store.write_text(key.read_text() + certificate.read_text())
        sasl_tls, tls = free_ports(2)
        self.address, self.tls_address = f"127.0.0.1:{sasl_tls}", f"127.0.0.1:{tls}"
        self.ca = authority.ca
        self._broker = Broker(self._properties(store, authority.ca))

    def _properties(self, store: Path, ca: Path) -> dict[str, str]:
        secure = "listener.name.secure"
        return {
            "listener.security.protocol.map": (
                "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,SECURE:SASL_SSL,TLS:SSL"
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(store),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(ca),
            f"{secure}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            f"{secure}.plain.sasl.jaas.config": (
                f'{_JAAS}.plain.PlainLoginModule required user_{SASL_USER}="{SASL_PASSWORD}";'
            ),
            f"{secure}.scram-sha-512.sasl.jaas.config": f"{_JAAS}.scram.ScramLoginModule required;",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            # So that a test sees it if the check makes a topic by asking for it.
            "auto.create.topics.enable": "true",
        }

    def start(self) -> Cluster:
        """Start the broker; return it as tests without a password use it."""
        self._broker.add_listeners(f"SECURE://{self.address},TLS://{self.tls_address}")
        self._broker.start()
        self.cluster = Cluster(self._broker.address)
        self._admin = AdminClient({"bootstrap.servers": self._broker.address, "log_level": 0})
        scram = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        user = UserScramCredentialUpsertion(SCRAM_USER, scram, SCRAM_PASSWORD.encode())
        self._admin.alter_user_scram_credentials([user])[SCRAM_USER].result()
        topic = self.cluster.create_topic()
        until(lambda: self.cluster.can_commit(topic), "the broker to coordinate groups")
        return self.cluster

    def allow(self, *grants: Grant) -> None:
        """Give both users these rights."""
        rules = [
            AclBinding(kind, name, ResourcePatternType.LITERAL, f"User:{user}", "*", operation, AclPermissionType.ALLOW)
            for kind, name, operation in grants
            for user in (SASL_USER, SCRAM_USER)
        ]
        for answer in self._admin.create_acls(rules, request_timeout=30).values():
            answer.result()

    def properties(self, mechanism: str = "SCRAM-SHA-512") -> dict[str, Any]:
        """Return what `kafka.properties` needs for it."""
        user, password = (SASL_USER, SASL_PASSWORD) if mechanism == "PLAIN" else (SCRAM_USER, SCRAM_PASSWORD)
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": mechanism,
            "sasl.username": user,
            "sasl.password": password,
            "ssl.ca.location": str(self.ca),
        }

    def close(self) -> None:
        """Kill the broker."""
        if hasattr(self, "cluster"):
            self.cluster.close()
        self._broker.close()
