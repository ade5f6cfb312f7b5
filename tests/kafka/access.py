"""Rights to a topic: a broker with `AUTHORIZER` allows everything that no rule denies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
)
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

AUTHORIZER = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
    "super.users": "User:nobody",
}
_EVERYBODY, _EVERY_HOST = "User:*", "*"


def deny_writes(address: str, topic: str) -> None:
    """Deny everybody to write to the topic. Tries until the broker answers."""
    _add(address, _rule(topic))


def deny_reads(address: str, topic: str) -> None:
    """Deny everybody to read the topic. Tries until the broker answers."""
    _add(address, _rule(topic, AclOperation.READ))


def allow_describing_only(address: str, topic: str) -> None:
    """Allow everybody to ask for the topic's metadata, and nothing else. Tries until the broker answers."""
    _add(address, _rule(topic, AclOperation.DESCRIBE, permission=AclPermissionType.ALLOW))


def deny_group(address: str, group: str) -> None:
    """Deny everybody to be a member of the group. Tries until the broker answers."""
    _add(address, _rule(group, AclOperation.READ, ResourceType.GROUP))


def _add(address: str, rule: AclBinding) -> None:
    _admin_call(address, lambda admin: admin.create_acls([rule], request_timeout=5)[rule].result())


def allow_everything(address: str, topic: str) -> None:
    """Remove every rule of the topic. Tries until the broker answers."""
    _remove(address, ResourceType.TOPIC, topic)


def _remove(address: str, kind: ResourceType, name: str) -> None:
    rule = AclBindingFilter(
        kind,
        name,
        ResourcePatternType.LITERAL,
        _EVERYBODY,
        _EVERY_HOST,
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    _admin_call(address, lambda admin: admin.delete_acls([rule], request_timeout=5)[rule].result())


def allow_group(address: str, group: str) -> None:
    """Remove every rule of the group. Tries until the broker answers."""
    _remove(address, ResourceType.GROUP, group)


def _rule(
    name: str,
    operation: AclOperation = AclOperation.WRITE,
    kind: ResourceType = ResourceType.TOPIC,
    permission: AclPermissionType = AclPermissionType.DENY,
) -> AclBinding:
    return AclBinding(kind, name, ResourcePatternType.LITERAL, _EVERYBODY, _EVERY_HOST, operation, permission)


def _admin_call(address: str, call: Callable[[AdminClient], Any]) -> None:
    def succeeds() -> bool:
        admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
        try:
            call(admin)
        except KafkaException:
            return False
        return True

    # Chaos kills the broker meanwhile, and on a busy machine it takes half a minute to start.
    until(succeeds, "the broker to change a rule", every_s=0.5, timeout_s=180)
