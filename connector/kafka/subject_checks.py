"""What a cluster says of topics, of the consumer group and of the dead-letter topic, for `check --connect`.

Rights are those that the brokers name (KIP-430, brokers from 2.3 on). Nothing is joined, committed, created or written:
whether the dead-letter topic could be made is asked with `validate_only`.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin._acl import AclOperation
from confluent_kafka.cimpl import NewTopic

from connector.core.findings import Finding, apart
from connector.core.wording import counted
from connector.kafka.dead_letter_topic import read_warnings
from connector.kafka.errors import cause_of, kafka_says, reason_of
from connector.language.message import message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    from confluent_kafka.admin import AdminClient
    from confluent_kafka.admin._group import ConsumerGroupDescription
    from confluent_kafka.admin._topic import TopicDescription

    from connector.settings.models import Config

REQUEST_TIMEOUT_S: Final = 3.0
GROUP_TIMEOUT_S: Final = 2.0
"""How long the group is asked for again, while the brokers do not know it."""
_RETRY_S: Final = 0.3
_MOST_SHOWN: Final = 5
_MOST_TOPICS: Final = 20
"""How many topics of one pattern have a row of their own if nothing is wrong with them."""
_AGAIN: Final = message("run the check again")
_NOT_LOOKED_AT: Final = message("it could not be looked at")
_MAY_NOT_SEE: Final = message("this user may not see it")
_DENIED: Final = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
}


def check_topics(admin: AdminClient, existing: Iterable[str], config: Config) -> Iterator[Finding]:
    """Yield a finding for each topic of the routes, and for each pattern that matches none."""
    names, unmatched = matched_topics(config, existing)
    yield from unmatched
    if not names:
        return
    described = admin.describe_topics(
        TopicCollection(list(names)), include_authorized_operations=True, request_timeout=REQUEST_TIMEOUT_S
    )
    left_out: Counter[str] = Counter()
    shown: Counter[str] = Counter()
    for name, answer in described.items():
        pattern, found = names[name], _topic(name, names[name], answer)
        if pattern and found.verdict == "ok":
            shown[pattern] += 1
            if shown[pattern] > _MOST_TOPICS:
                left_out[pattern] += 1
                continue
        yield found
    for pattern, count in left_out.items():
        yield Finding("topic", pattern, "ok", message("{topics}, may be read", topics=counted(count, "more topic")))


def matched_topics(config: Config, existing: Iterable[str]) -> tuple[dict[str, str], list[Finding]]:
    """Return the topics of the routes, each with the pattern that matches it (empty: named), and findings of patterns.

    As the consumer subscribes: a pattern is searched for, and the dead-letter topic is never consumed.
    """
    wanted = dict.fromkeys(topic for route in config.routes for topic in route.topics)
    names = {topic: "" for topic in wanted if not topic.startswith("^")}
    findings = []
    others = sorted(set(existing) - {config.dead_letter_topic})
    for pattern in wanted:
        if not pattern.startswith("^"):
            continue
        matched = [topic for topic in others if re.search(pattern, topic)]
        names = {**dict.fromkeys(matched, pattern), **names}
        if matched:
            shown = ", ".join(matched[:_MOST_SHOWN]) + (", …" if len(matched) > _MOST_SHOWN else "")
            detail = message("matches {topics} now: {shown}", topics=counted(len(matched), "topic"), shown=shown)
            findings.append(Finding("pattern", pattern, "ok", detail))
        else:
            detail = message("matches no topic that this user may see")
            remedy = message(
                "correct the pattern, create the topic, or give this user DESCRIBE of it; it is consumed once seen"
            )
            findings.append(Finding("pattern", pattern, "warning", detail, remedy))
    return names, findings


def _topic(name: str, pattern: str, answer: Future[TopicDescription]) -> Finding:
    try:
        found = answer.result()
    except KafkaException as exception:
        return _refused_topic(name, cause_of(exception))
    count = counted(len(found.partitions), "partition")
    if pattern:
        count = message("{count}, by {pattern}", count=count, pattern=pattern)
    leaderless = [str(one.id) for one in found.partitions if getattr(one.leader, "id", -1) < 0]
    if leaderless:
        remedy = message("see that all brokers of the cluster are up: what is in these partitions waits")
        which = ", ".join(leaderless[:_MOST_SHOWN])
        detail = message("{count}; no broker leads partition {which}", count=count, which=which)
        return Finding("topic", name, "failed", detail, remedy)
    allowed = found.authorized_operations
    if not allowed:
        remedy = message("see that this user has READ of {topic}", topic=name)
        detail = message("{count}; the brokers do not say what is allowed", count=count)
        return Finding("topic", name, "unknown", detail, remedy)
    if AclOperation.READ not in allowed:
        remedy = message("give this user READ of the topic {topic}", topic=name)
        return Finding("topic", name, "failed", message("{count}; this user may not read it", count=count), remedy)
    return Finding("topic", name, "ok", message("{count}, may be read", count=count))


def _refused_topic(name: str, error: KafkaError) -> Finding:
    if error.code() in _DENIED:
        remedy = message("give this user READ and DESCRIBE of the topic {topic}, if it exists", topic=name)
        return Finding("topic", name, "failed", _MAY_NOT_SEE, remedy)
    if reason_of(error) == "topic_missing":
        remedy = message(
            "create it (in a cloud's console where clients may not), or correct `topics`; names are case-sensitive"
        )
        return Finding("topic", name, "failed", message("it does not exist"), remedy)
    return Finding("topic", name, "unknown", kafka_says(_NOT_LOOKED_AT, error), _AGAIN)


def check_group(admin: AdminClient, config: Config) -> Iterator[Finding]:
    """Yield whether this user may read, and so join and commit in, the consumer group. Joins nothing."""
    group = config.kafka.group_id
    deadline = time.monotonic() + GROUP_TIMEOUT_S
    while True:
        asked = admin.describe_consumer_groups(
            [group], include_authorized_operations=True, request_timeout=REQUEST_TIMEOUT_S
        )
        found = _group(group, asked[group])
        # A new cluster first makes the topic of its groups' offsets, and a coordinator that has moved reads it.
        if found.verdict != "unknown" or time.monotonic() > deadline:
            yield found
            return
        time.sleep(_RETRY_S)


def _group(group: str, answer: Future[ConsumerGroupDescription]) -> Finding:
    remedy = message("give this user READ of the consumer group {group}", group=group)
    try:
        found = answer.result()
    except KafkaException as exception:
        error = cause_of(exception)
        if error.code() in _DENIED:
            made = message("{remedy}; of a cloud, the group may have to be made in the console first", remedy=remedy)
            return Finding("group", group, "failed", message("this user may not use it"), made)
        if error.code() == KafkaError.GROUP_ID_NOT_FOUND:
            detail = message("it does not exist yet; the brokers do not say what is allowed")
            return Finding("group", group, "unknown", detail, remedy)
        return Finding("group", group, "unknown", kafka_says(_NOT_LOOKED_AT, error), _AGAIN)
    members = counted(len(found.members), "member")
    allowed = found.authorized_operations
    if not allowed:
        detail = message("{members} now; the brokers do not say what is allowed", members=members)
        remedy = message("see that this user has READ of the consumer group {group}", group=group)
        return Finding("group", group, "unknown", detail, remedy)
    if AclOperation.READ not in allowed:
        detail = message("{members} now; this user may not join it and commit", members=members)
        return Finding("group", group, "failed", detail, remedy)
    return Finding("group", group, "ok", message("{members} now, may be joined", members=members))


def check_dead_letters(admin: AdminClient, config: Config) -> Iterator[Finding]:
    """Yield whether dead letters can be written, and what would lose them."""
    topic = config.dead_letter_topic
    asked = admin.describe_topics(
        TopicCollection([topic]), include_authorized_operations=True, request_timeout=REQUEST_TIMEOUT_S
    )
    try:
        allowed = asked[topic].result().authorized_operations
    except KafkaException as exception:
        yield _refused_dead_letters(admin, topic, cause_of(exception))
        return
    if not allowed:
        remedy = message("see that this user has WRITE of the topic {topic}", topic=topic)
        detail = message("it exists; the brokers do not say what is allowed")
        yield Finding("dead letters", topic, "unknown", detail, remedy)
    elif AclOperation.WRITE not in allowed:
        remedy = message("give this user WRITE of the topic {topic}", topic=topic)
        yield Finding("dead letters", topic, "failed", message("this user may not write to it"), remedy)
    elif warnings := read_warnings(admin, topic, REQUEST_TIMEOUT_S):
        for warning in warnings:
            yield Finding("dead letters", topic, "warning", *apart(warning))
    else:
        yield Finding("dead letters", topic, "ok", message("may be written to"))


def _refused_dead_letters(admin: AdminClient, topic: str, error: KafkaError) -> Finding:
    if reason_of(error) == "topic_missing":
        return _missing_dead_letters(admin, topic)
    if error.code() in _DENIED:
        remedy = message(
            "give this user WRITE and DESCRIBE of the topic {topic}, and create it if it does not exist", topic=topic
        )
        return Finding("dead letters", topic, "failed", _MAY_NOT_SEE, remedy)
    return Finding("dead letters", topic, "unknown", kafka_says(_NOT_LOOKED_AT, error), _AGAIN)


def _missing_dead_letters(admin: AdminClient, topic: str) -> Finding:
    create = message(
        "create the topic {topic}, with retention.ms=-1 where that is allowed, and give this user WRITE of it",
        topic=topic,
    )
    try:
        asked = admin.create_topics([NewTopic(topic)], validate_only=True, request_timeout=REQUEST_TIMEOUT_S)
        asked[topic].result()
    except KafkaException as exception:
        error = cause_of(exception)
        if error.code() in _DENIED | {KafkaError.POLICY_VIOLATION}:
            detail = message("it does not exist, and this user may not create it")
            return Finding("dead letters", topic, "failed", detail, create)
        detail = kafka_says(message("it does not exist"), error)
        return Finding("dead letters", topic, "unknown", detail, create)
    detail = message("it does not exist yet; the connector may create it, and will")
    return Finding("dead letters", topic, "ok", detail)
