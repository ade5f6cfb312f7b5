"""What is wrong with kafka, platform and the small sections, and the lines that say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connector.settings.kafka_properties import OWNED_PROPERTIES
from tests.unit.config.files import Broken, changed, lines

if TYPE_CHECKING:
    from pathlib import Path

TABLE = [
    Broken(
        "a dash for an underscore",
        "  group_id: shop\n",
        "  group_id: shop\n  group-id: x\n",
        "4:3: kafka.group-id: unknown key, did you mean 'group_id'? [unknown_key]",
    ),
    Broken(
        "a misspelt required key is told once",
        "  group_id: shop\n",
        "  groupid: shop\n",
        "3:3: kafka.groupid: unknown key, did you mean 'group_id'? [unknown_key]",
    ),
    Broken(
        "a required setting that is missing",
        "  bootstrap_servers: localhost:9092\n",
        "",
        "1:1: kafka.bootstrap_servers: missing, required [missing_key]",
    ),
    Broken(
        "a section that is missing",
        "kafka:\n  bootstrap_servers: localhost:9092\n  group_id: shop\n",
        "",
        "1:1: kafka: missing, required [missing_key]",
    ),
    Broken(
        "an unknown section",
        "platform:\n",
        "plattform: {}\nplatform:\n",
        "4:1: plattform: unknown key, did you mean 'platform'? [unknown_key]",
    ),
    Broken(
        "a variable that is not set",
        '  auth: {app_id: app, app_secret: "${SECRET}"}',
        '  auth: {app_id: app, app_secret: "${NOPE}"}',
        (
            "5:35: platform.auth.app_secret: the environment variable NOPE is not set: export NOPE=…, or "
            "give a default: ${NOPE:-…} [missing_variable]"
        ),
    ),
    Broken(
        "an app id without its secret",
        '  auth: {app_id: app, app_secret: "${SECRET}"}',
        "  auth: {app_id: app}",
        "5:3: platform.auth.app_secret: missing, required together with app_id [missing_key]",
    ),
    Broken(
        "nothing to authenticate with",
        '  auth: {app_id: app, app_secret: "${SECRET}"}',
        "  auth: {}",
        ("5:9: platform.auth: no credentials: give app_id with app_secret, or token, or token_file [missing_key]"),
    ),
    Broken(
        "two ways to authenticate",
        '  auth: {app_id: app, app_secret: "${SECRET}"}',
        '  auth: {app_id: app, app_secret: "${SECRET}", token: "${SECRET}"}',
        (
            "5:9: platform.auth: app_id, app_secret and token exclude each other: give app_id with "
            "app_secret, or token, or token_file [bad_value]"
        ),
    ),
    Broken(
        "an app id that YAML takes for a number",
        '  auth: {app_id: app, app_secret: "${SECRET}"}',
        '  auth: {app_id: 2020, app_secret: "${SECRET}"}',
        "5:18: platform.auth.app_id: expected text, got a number; quote it [wrong_type]",
    ),
    Broken(
        "a blank token",
        '  auth: {app_id: app, app_secret: "${SECRET}"}',
        "  auth: {token: ' '}",
        "5:17: platform.auth.token: must not be blank [bad_value]",
    ),
    Broken(
        "a reference where a variable is meant",
        '  auth: {app_id: app, app_secret: "${SECRET}"}',
        "  auth: {token: $TOKEN}",
        (
            "5:17: platform.auth.token: a setting can't refer to the record: write ${NAME} for an "
            "environment variable, or $$ for text that begins with $ [bad_reference]"
        ),
    ),
    Broken(
        "a secret file that is not there",
        '  auth: {app_id: app, app_secret: "${SECRET}"}',
        "  auth: {token: '${file:/nowhere/token}'}",
        (
            "5:17: platform.auth.token: the file of ${file:/nowhere/token} can't be read: no such file or "
            "directory [unreadable_file]"
        ),
    ),
    Broken(
        "a variable with the dash of a shell",
        '  auth: {app_id: app, app_secret: "${SECRET}"}',
        "  auth: {token: '${TOKEN-x}'}",
        (
            "5:17: platform.auth.token: not a ${…} that can be replaced: write ${NAME}, ${NAME:-default}, "
            "${NAME:?message} or ${file:/path}; $${ for a literal ${ [bad_value]"
        ),
    ),
    Broken(
        "a variable that is never closed",
        '  auth: {app_id: app, app_secret: "${SECRET}"}',
        "  auth: {token: '${TOKEN'}",
        (
            "5:17: platform.auth.token: a ${ is never closed: write ${NAME}, ${NAME:-default}, "
            "${NAME:?message} or ${file:/path}; $${ for a literal ${ [bad_value]"
        ),
    ),
    Broken(
        "plain http to the internet",
        "  auth:",
        "  base_url: http://tuzhan.example/api/open\n  auth:",
        (
            "5:13: platform.base_url: 'http://tuzhan.example/api/open': must begin with https://, because "
            "requests carry the app secret (allow_http: true in a trusted network) [bad_value]"
        ),
    ),
    Broken(
        "a password in the address",
        "  auth:",
        "  base_url: https://user:pw@tuzhan.example/api/open\n  auth:",
        (
            "5:13: platform.base_url: 'https://…@tuzhan.example/api/open': must not contain a user or a "
            "password: the platform takes a token (platform.auth) [bad_value]"
        ),
    ),
    Broken(
        "an address with a query",
        "  auth:",
        "  base_url: https://tuzhan.example/api/open?x=1\n  auth:",
        (
            "5:13: platform.base_url: 'https://tuzhan.example/api/open?x=1': must not have a query or a "
            "fragment ('?', '#') [bad_value]"
        ),
    ),
    Broken(
        "an address without a scheme",
        "  auth:",
        "  base_url: tuzhan.example/api/open\n  auth:",
        (
            "5:13: platform.base_url: 'tuzhan.example/api/open': expected an address such as "
            "https://integrate.rabbitpre.com/api/open [bad_value]"
        ),
    ),
    Broken(
        "a duration without a unit",
        "  auth:",
        "  request_timeout: 10\n  auth:",
        "5:20: platform.request_timeout: '10': expected a duration, such as 250ms, 10s, 5m or 1h [wrong_type]",
    ),
    Broken(
        "a duration of none",
        "  auth:",
        "  request_timeout: 0s\n  auth:",
        "5:20: platform.request_timeout: '0s': must be more than zero [bad_value]",
    ),
    Broken(
        "a rate without a unit",
        "  auth:",
        "  rate_limit: 50\n  auth:",
        "5:15: platform.rate_limit: '50': expected a rate above zero, such as 50/s or 600/m [wrong_type]",
    ),
    Broken(
        "yes for true",
        "  auth:",
        "  allow_http: yes\n  auth:",
        "5:15: platform.allow_http: 'yes': expected true or false, got text [wrong_type]",
    ),
    Broken(
        "a first wait that is longer than the longest",
        "  auth:",
        "  retry: {first: 1m, max: 30s}\n  auth:",
        ("5:18: platform.retry.first: '1m': first (250ms by default) must not exceed max (30s by default) [bad_value]"),
    ),
    Broken(
        "properties that the connector owns",
        "  group_id: shop\n",
        (
            "  group_id: shop\n"
            "  properties: {group.id: x, bootstrap.servers: y, auto.offset.reset: latest, enable.auto.commit: true}\n"
        ),
        (
            "4:16: kafka.properties.group.id: the connector sets this property itself; use kafka.group_id "
            "[owned_property]"
        ),
        (
            "4:29: kafka.properties.bootstrap.servers: the connector sets this property itself; use "
            "kafka.bootstrap_servers [owned_property]"
        ),
        (
            "4:51: kafka.properties.auto.offset.reset: the connector sets this property itself; use "
            "kafka.start_from: the connector resolves the start offsets itself and never skips records "
            "silently [owned_property]"
        ),
        (
            "4:78: kafka.properties.enable.auto.commit: the connector sets this property itself; remove it: "
            "the connector commits an offset only after the platform has accepted the record [owned_property]"
        ),
    ),
    Broken(
        "a property of the classic protocol with the new one",
        "  group_id: shop\n",
        "  group_id: shop\n  properties: {group.protocol: consumer, session.timeout.ms: 1000}\n",
        (
            "4:42: kafka.properties.session.timeout.ms: not allowed with group.protocol: consumer, where "
            "the broker decides it: remove it [bad_value]"
        ),
    ),
    Broken(
        "a time that is none",
        "  group_id: shop\n",
        "  group_id: shop\n  start_from: 2024-13-01\n",
        (
            "4:15: kafka.start_from: '2024-13-01': expected earliest, latest or a time such as "
            "2024-01-31T00:00:00+08:00 (without an offset: Asia/Shanghai) [bad_value]"
        ),
    ),
    Broken(
        "a schema registry",
        "  group_id: shop\n",
        "  group_id: shop\n  schema_registry: {url: x}\n",
        "4:3: kafka.schema_registry: no topic has a format that needs it (avro, json_schema) [unused]",
        ("4:26: kafka.schema_registry.url: 'x': expected an address such as https://registry.example [bad_value]"),
    ),
    Broken(
        "a format that is not supported",
        "platform:\n",
        "decode:\n  crm.order: {format: protobuf}\nplatform:\n",
        (
            "5:23: decode.crm.order.format: 'protobuf': expected 'json', 'avro' or 'json_schema': "
            "have it produced as avro or json_schema: docs/formats.md says why [bad_value]"
        ),
    ),
    Broken(
        "a format that needs a registry, without one",
        "platform:\n",
        "decode:\n  ^billing: {format: avro, charset: gb18030}\nplatform:\n",
        (
            "1:1: kafka.schema_registry: missing, required for the format of decode.^billing, avro: "
            "{url: https://…} [missing_key]"
        ),
        "5:37: decode.^billing.charset: 'gb18030': remove it: avro has an encoding of its own [bad_value]",
    ),
    Broken(
        "properties of the registry's client",
        "  group_id: shop\n",
        (
            "  group_id: shop\n"
            "  schema_registry:\n"
            "    url: https://user:secret@registry.example?x=1\n"
            "    properties:\n"
            "      basic.auth.user.info: user:secret\n"
            "decode: {crm.member: {format: json_schema}}\n"
        ),
        (
            "5:10: kafka.schema_registry.url: 'https://…@registry.example?x=1': must not contain a user or a "
            "password: use properties, basic.auth.user.info [bad_value]"
        ),
        (
            "7:29: kafka.schema_registry.properties.basic.auth.user.info: a secret in clear: keep it out of the file, "
            "with ${NAME} or ${file:/path} [suspicious]"
        ),
    ),
    Broken(
        "more properties of the registry's client",
        "  group_id: shop\n",
        (
            "  group_id: shop\n"
            "  schema_registry:\n"
            "    url: https://one.example, https://two.example/api\n"
            "    properties: {max.retries: 3, timeout: soon}\n"
            "decode: {crm.member: {format: json_schema}}\n"
        ),
        (
            "6:18: kafka.schema_registry.properties.max.retries: the connector sets this property itself; remove it: "
            "the connector asks again, with growing waits, for as long as it takes [owned_property]"
        ),
        "6:43: kafka.schema_registry.properties.timeout: 'soon': expected a number of seconds [bad_value]",
    ),
    Broken(
        "a charset that is not supported",
        "platform:\n",
        "decode:\n  crm.member: {charset: gbk}\n  crm.order: {charset: utf-16}\nplatform:\n",
        ("5:25: decode.crm.member.charset: 'gbk': expected 'utf-8' or 'gb18030': gb18030 reads it too [bad_value]"),
        (
            "6:24: decode.crm.order.charset: 'utf-16': expected 'utf-8' or 'gb18030': "
            "write UTF-8 where it is produced [bad_value]"
        ),
    ),
    Broken(
        "many small sections at once",
        "platform:\n",
        (
            "dead_letter: {topic: 'a b', refused_in_a_row: 0}\n"
            "admin: {listen: 8080}\n"
            "log: {format: xml, level: warn}\n"
            "shutdown_timeout: 25\n"
            "platform:\n"
        ),
        "4:47: dead_letter.refused_in_a_row: '0': must be at least 1 [bad_value]",
        "5:17: admin.listen: '8080': expected text, got a number; quote it [wrong_type]",
        "6:15: log.format: 'xml': expected 'json' or 'text' [bad_value]",
        (
            "6:27: log.level: 'warn': expected 'debug', 'info', 'warning' or 'error', did you mean "
            "'warning'? [bad_value]"
        ),
        "7:19: shutdown_timeout: '25': expected a duration, such as 250ms, 10s, 5m or 1h [wrong_type]",
    ),
    Broken(
        "a port without a host",
        "platform:\n",
        "admin: {listen: localhost}\nplatform:\n",
        ("4:17: admin.listen: 'localhost': expected host:port, such as 127.0.0.1:8080 or [::1]:8080 [bad_value]"),
    ),
    Broken(
        "a URL among the names of the admin port",
        "platform:\n",
        "admin: {allowed_hosts: [ops.example, 'http://ops.example']}\nplatform:\n",
        (
            "4:38: admin.allowed_hosts[1]: 'http://ops.example': expected a name without scheme and port, such as "
            "connector.example.com, or *.example.com [bad_value]"
        ),
    ),
    Broken(
        "a host that is missing",
        "platform:\n",
        "admin: {listen: ':8080'}\nplatform:\n",
        "4:17: admin.listen: ':8080': expected host:port, such as 127.0.0.1:8080 or [::1]:8080 [bad_value]",
    ),
    Broken(
        "plain http to a name below localhost, which need not be this machine",
        "  auth:",
        "  base_url: http://tuzhan.localhost/api/open\n  auth:",
        (
            "5:13: platform.base_url: 'http://tuzhan.localhost/api/open': must begin with https://, because "
            "requests carry the app secret (allow_http: true in a trusted network) [bad_value]"
        ),
    ),
    Broken(
        "properties without a text",
        "  group_id: shop\n",
        "  group_id: shop\n  properties: {sasl.password: null, client.id: [a]}\n",
        ("4:31: kafka.properties.sasl.password: expected text, a number, true or false, got nothing [wrong_type]"),
        "4:48: kafka.properties.client.id: expected text, a number, true or false, got a list [wrong_type]",
    ),
    Broken(
        "a setting without a value",
        "  group_id: shop\n",
        "  group_id:\n",
        "3:3: kafka.group_id: expected text, got nothing [wrong_type]",
    ),
    Broken(
        "text for a table",
        '  auth: {app_id: app, app_secret: "${SECRET}"}',
        "  auth: token",
        "5:9: platform.auth: expected a table, got text [wrong_type]",
    ),
    Broken(
        "a variable with its own message",
        '  auth: {app_id: app, app_secret: "${SECRET}"}',
        '  auth: {token: "${TOKEN:?ask the platform team}"}',
        (
            "5:17: platform.auth.token: the environment variable TOKEN is not set: ask the platform team "
            "[missing_variable]"
        ),
    ),
    Broken(
        "a misspelt variable",
        '  auth: {app_id: app, app_secret: "${SECRET}"}',
        '  auth: {app_id: app, app_secret: "${SECRETE}"}',
        (
            "5:35: platform.auth.app_secret: the environment variable SECRETE is not set, did you mean "
            "'SECRET'? [missing_variable]"
        ),
    ),
    Broken(
        "a variable that is no rate",
        '  auth: {app_id: app, app_secret: "${SECRET}"}',
        '  rate_limit: "${SECRET}"\n  auth: {app_id: app, app_secret: "${SECRET}"}',
        ('5:15: platform.rate_limit: "${SECRET}": expected a rate above zero, such as 50/s or 600/m [bad_value]'),
    ),
]


@pytest.mark.parametrize("broken", TABLE, ids=lambda broken: broken.name)
def test_the_lines_name_the_place_and_the_remedy(broken: Broken, tmp_path: Path) -> None:
    assert broken.found(tmp_path) == broken.expected


@pytest.mark.parametrize("name", OWNED_PROPERTIES)
def test_every_owned_property_is_refused_with_its_remedy(name: str, tmp_path: Path) -> None:
    text = changed("  group_id: shop\n", f"  group_id: shop\n  properties: {{{name}: 'true'}}\n")
    assert lines(tmp_path, text) == [
        (
            f"c.yaml:4:16: kafka.properties.{name}: the connector sets this property itself;"
            f" {OWNED_PROPERTIES[name].remedy} [owned_property]"
        )
    ]


@pytest.mark.parametrize(
    "servers",
    [
        *("kafka:99999", "kafka:abc", "kafka:", "http://kafka:9092", "::1:9092", "kafka:9092,kafka:9092:1", ","),
        *("kafka 1:9092", "kafka-1:9092;kafka-2:9092", "没有:9092"),
    ],
)
def test_addresses_of_brokers_that_the_kafka_client_would_misread_are_refused(servers: str, tmp_path: Path) -> None:
    message = f'kafka.bootstrap_servers: "{servers}": expected host:port, host:port, … in ASCII [bad_value]'
    assert lines(tmp_path, changed("localhost:9092", f'"{servers}"')) == [f"c.yaml:2:22: {message}"]
