"""Configs that are sound, and what is in them then."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from connector.config.loading import load
from connector.settings.types import InterpolatedStr
from tests.unit.config.files import ENVIRON, SOUND, changed, checked, lines

if TYPE_CHECKING:
    from pathlib import Path

    from connector.settings.models import Config

BIG = r"""# yaml-language-server: $schema=./connector.schema.json
kafka:
  bootstrap_servers: ${KAFKA_BOOTSTRAP_SERVERS:-localhost:9092}
  group_id: tuzhan-connector
  start_from: earliest
  commit_interval: 1s
  properties:
    security.protocol: SASL_SSL
    sasl.mechanism: SCRAM-SHA-512
    sasl.username: ${KAFKA_USERNAME}
    sasl.password: ${file:SECRETS/kafka_password}
decode:
  crm.member: {format: json, charset: utf-8}
  ^billing\..*: {format: json}
platform:
  base_url: https://integrate.rabbitpre.com/api/open/
  auth:
    app_id: ${TUZHAN_APP_ID}
    app_secret: ${file:SECRETS/tuzhan_app_secret}
  request_timeout: 10s
  rate_limit: 50/s
  retry: {first: 250ms, max: 30s}
targets:
  purchases:
    endpoint: event/v2/batchAdd
    public_params: {isMatching: true, matchingType: 1}
    batch: {max_records: 500, max_bytes: 900KiB, max_wait: 200ms}
    max_in_flight: 8
    queue: {max_records: 20000, max_bytes: 64MiB}
    ordering: none
  tags:
    endpoint: audience/tag/batchAdd
    public_params: {isMatching: true, matchingType: 1}
routes:
  - name: orders
    topics: [shop.orders]
    where: {$.status: [PAID, REFUNDED], $.amount_fen: {gt: 0}}
    to: purchases
    event_key:
      from: $.status
      map: {PAID: c_buy, REFUNDED: c_refund}
      otherwise: $skip
    identity:
      - {type: phone, value: {from: $.buyer.mobile, as: phone}}
      - {type: openid, value: $.buyer.openid, platform: gzh, mpid: wxzj983hhg02ujd}
    fields:
      time: {from: $.paid_at, as: timestamp, zone: Asia/Shanghai}
      intid: $.scene_id
      eventargs:
        c_goods: $.items.0.title
        c_price: {from: $.amount_fen, as: number, multiply: 0.01}
        c_note: {template: "order {$.order_id} of shop {$.shop.name}"}
        title: 下单
  - name: tag-changes
    topics: [crm.tags]
    to: tags
    public_params: {optType: {from: $.op, map: {ADD: add, DEL: delete}}}
    identity: [{type: phone, value: {from: $.mobile, as: phone}}]
    fields:
      tags: {from: $.labels, as: joined}
dead_letter:
  topic: tuzhan-connector.dead-letter
admin: {listen: 127.0.0.1:8080}
log: {format: json, level: info}
shutdown_timeout: 25s
"""


def big(folder: Path) -> Config:
    (folder / "kafka_password").write_text("pass word\n")
    (folder / "tuzhan_app_secret").write_text("s3cr3t\n")
    environ = {"TUZHAN_APP_ID": " app ", "KAFKA_USERNAME": "$user"}
    path = folder / "connector.yaml"
    path.write_text(BIG.replace("SECRETS", str(folder)))
    return load(path, environ).config


def config_of(folder: Path, text: str, **environ: str) -> Config:
    found = checked(folder, text, {**ENVIRON, **environ})
    assert found.errors() == ()
    assert found.config is not None
    return found.config


@pytest.mark.parametrize(
    "servers",
    ["kafka-1:9092, kafka-2:9092,", "kafka", "10.0.0.1:9092", "[::1]:9092,[fe80::1]", "SASL_SSL://a:1,plaintext://b"],
)
def test_brokers_may_be_written_as_the_kafka_client_reads_them(servers: str, tmp_path: Path) -> None:
    text = changed("localhost:9092", f'"{servers}"')
    assert config_of(tmp_path, text).kafka.bootstrap_servers == servers


def test_the_big_example_is_sound_and_means_what_it_says(tmp_path: Path) -> None:
    config = big(tmp_path)
    assert config.kafka.bootstrap_servers == "localhost:9092"
    assert config.kafka.properties["sasl.password"] == "pass word"
    assert config.kafka.properties["sasl.username"] == "$user"
    assert config.platform.base_url == "https://integrate.rabbitpre.com/api/open"
    assert config.platform.auth.app_id == "app"
    assert config.platform.auth.app_secret is not None
    assert config.platform.auth.app_secret.get_secret_value() == "s3cr3t"
    assert (config.platform.request_timeout, config.platform.rate_limit) == (10.0, 50.0)
    purchases = config.targets["purchases"]
    assert (purchases.batch.max_bytes, purchases.batch.max_wait, purchases.queue.max_bytes) == (921600, 0.2, 67108864)
    assert [route.name for route in config.routes] == ["orders", "tag-changes"]
    assert config.shutdown_timeout == 25.0


def test_a_minimal_file_has_the_documented_defaults(tmp_path: Path) -> None:
    config = config_of(tmp_path, SOUND)
    assert config.kafka.start_from == "earliest"
    assert config.kafka.commit_interval == 1.0
    assert config.platform.base_url == "https://integrate.rabbitpre.com/api/open"
    assert config.platform.rate_limit is None
    assert (config.platform.retry.first, config.platform.retry.max) == (0.25, 30.0)
    target = config.targets["purchases"]
    assert (target.batch.max_records, target.max_in_flight, target.queue.max_records) == (500, 8, 20_000)
    assert target.ordering is None
    assert config.routes[0].identity_missing == "$dead_letter"
    assert config.dead_letter_topic == "shop.dead-letter"
    assert (config.admin.listen, config.log.format, config.log.level) == ("127.0.0.1:8080", "json", "info")
    assert config.shutdown_timeout == 25.0
    assert config.decode == {}


def test_a_loaded_config_has_the_file_name_as_given_and_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(SOUND)
    loaded = load(str(path), ENVIRON)
    assert loaded.file == str(path)
    assert loaded.sha256 == hashlib.sha256(SOUND.encode()).hexdigest()
    assert loaded.warnings == ()


def test_warnings_do_not_keep_a_config_from_loading(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(changed("routes:\n", "  spare:\n    endpoint: audience/tag/batchAdd\nroutes:\n"))
    loaded = load(path, ENVIRON)
    assert loaded.warnings == (f"{path}:9:3: targets.spare: no route feeds this target [unused]",)


def test_typed_settings_convert_what_comes_from_the_environment(tmp_path: Path) -> None:
    text = changed("    endpoint: event/v2/batchAdd\n", "    endpoint: event/v2/batchAdd\n    max_in_flight: ${N}\n")
    text = text.replace("platform:\n", "platform:\n  allow_http: ${FLAG}\n  request_timeout: ${WAIT}\n")
    config = config_of(tmp_path, text, N="3", FLAG="True", WAIT="5m")
    assert config.targets["purchases"].max_in_flight == 3
    assert config.platform.allow_http is True
    assert config.platform.request_timeout == 300.0


@pytest.mark.parametrize("written", ["auto", '"auto"', "${N}"])
def test_the_requests_at_the_same_time_may_be_found_while_running(tmp_path: Path, written: str) -> None:
    text = changed(
        "    endpoint: event/v2/batchAdd\n", f"    endpoint: event/v2/batchAdd\n    max_in_flight: {written}\n"
    )
    config = config_of(tmp_path, text, N="auto")
    assert config.targets["purchases"].max_in_flight == "auto"


def test_a_replaced_value_of_the_mapping_stays_a_literal(tmp_path: Path) -> None:
    config = config_of(tmp_path, changed("event_key: c_buy", "event_key: ${KEY}"), KEY="$.key")
    assert config.routes[0].event_key == "$.key"
    assert type(config.routes[0].event_key) is InterpolatedStr


def test_two_dollars_make_a_setting_that_begins_with_one(tmp_path: Path) -> None:
    config = config_of(tmp_path, changed("group_id: shop", "group_id: $$hop"))
    assert config.kafka.group_id == "$hop"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("latest", "latest"),
        ("2024-01-31T08:00:00+08:00", datetime(2024, 1, 31, 8, tzinfo=timezone(timedelta(hours=8)))),
        ("2024-01-31 08:00:00", datetime(2024, 1, 31, 8, tzinfo=timezone(timedelta(hours=8)))),
        ("2024-01-31", datetime(2024, 1, 31, tzinfo=timezone(timedelta(hours=8)))),
        ("2024-01-31T00:00:00Z", datetime(2024, 1, 31, tzinfo=timezone.utc)),  # noqa: UP017 - as the parser has it
    ],
)
def test_a_start_time_without_an_offset_is_in_shanghai(tmp_path: Path, written: str, meant: object) -> None:
    config = config_of(tmp_path, changed("  group_id: shop\n", f"  group_id: shop\n  start_from: {written}\n"))
    assert config.kafka.start_from == meant


@pytest.mark.parametrize("section", ["dead_letter", "admin", "log", "decode"])
def test_an_optional_section_of_which_every_line_is_commented_out_is_its_defaults(tmp_path: Path, section: str) -> None:
    assert config_of(tmp_path, f"{SOUND}{section}:\n  # topic: x\n").dead_letter_topic == "shop.dead-letter"


@pytest.mark.parametrize(
    "url", ["http://localhost:9100/api/open", "http://127.0.0.1:9100", "http://[::1]:9100/api/open/"]
)
def test_plain_http_is_allowed_to_this_machine(tmp_path: Path, url: str) -> None:
    config = config_of(tmp_path, changed("  auth:", f"  base_url: {url}\n  auth:"))
    assert config.platform.base_url == url.rstrip("/")


def test_plain_http_is_allowed_elsewhere_with_allow_http(tmp_path: Path) -> None:
    text = changed("  auth:", "  base_url: http://sandbox:9100/api/open\n  allow_http: true\n  auth:")
    assert config_of(tmp_path, text).platform.allow_http


@pytest.mark.parametrize(
    "auth", ['{token: "${SECRET}"}', "{token_file: /nowhere/yet}", '{token: "${SECRET}", app_id: }']
)
def test_each_way_to_a_token_is_enough(tmp_path: Path, auth: str) -> None:
    assert lines(tmp_path, changed('{app_id: app, app_secret: "${SECRET}"}', auth)) == []


def test_anchors_and_merges_serve_targets(tmp_path: Path) -> None:
    text = changed(
        "  purchases:\n    endpoint: event/v2/batchAdd\n",
        "  purchases: &base\n    endpoint: event/v2/batchAdd\n    max_in_flight: 2\n"
        "  others:\n    <<: *base\n    ordering: key\n",
    )
    others = checked(tmp_path, text).problems
    assert [finding.code for finding in others] == ["unused"]
    config = config_of(tmp_path, text)
    assert (config.targets["others"].max_in_flight, config.targets["others"].ordering) == (2, "key")


@pytest.mark.parametrize(
    "content",
    [
        SOUND.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + SOUND.encode(),
        f"---\n{SOUND}...\n".encode(),
        SOUND.rstrip("\n").encode(),
    ],
    ids=["CRLF", "BOM", "document markers", "no line break at the end"],
)
def test_line_ends_and_marks_of_other_editors_are_read(tmp_path: Path, content: bytes) -> None:
    assert lines(tmp_path, content) == []


@pytest.mark.parametrize(
    ("pattern", "codes"),
    [
        ("^shop", ["suspicious"]),
        ("^shop[.].*", ["suspicious"]),
        ("^shop[.]o", []),
        ("^dead-letter", []),
        ("shop.orders", []),
    ],
)
def test_a_pattern_that_matches_the_dead_letter_topic_is_suspicious(
    tmp_path: Path, pattern: str, codes: list[str]
) -> None:
    found = checked(tmp_path, changed("topics: [shop.orders]", f"topics: ['{pattern}']"))
    assert found.config is not None
    assert [problem.code for problem in found.problems] == codes
    assert all("shop.dead-letter" in problem.message for problem in found.problems)


@pytest.mark.parametrize(
    ("decode", "expected"),
    [
        ("shop.orders: {charset: gb18030}", []),
        ("crm.member: {charset: gb18030}", []),
        ("^shop: {charset: gb18030}\n  ^crm: {}\n  ^sh: {charset: gb18030}", []),
        ("shop.orders: {}\n  ^shop: {charset: gb18030}\n  ^sh: {}", []),
        ("shop.order: {charset: gb18030}", ["no route reads this topic, did you mean 'shop.orders'?"]),
        (
            "^shop: {charset: gb18030}\n  ^sh: {}",
            ["shop.orders matches '^shop' too, which stands before and counts; an entry by name would win"],
        ),
    ],
)
def test_entries_of_decode_that_count_for_nothing_are_suspicious(
    tmp_path: Path, decode: str, expected: list[str]
) -> None:
    found = checked(tmp_path, changed("platform:\n", f"decode:\n  {decode}\nplatform:\n"))
    assert found.config is not None
    assert [(problem.code, problem.message) for problem in found.problems] == [
        ("suspicious", each) for each in expected
    ]


@pytest.mark.parametrize("auth", ['app_id: app, app_secret: "${file:FILE}"', 'token: "${file:FILE}"'])
def test_a_secret_out_of_a_file_can_be_read_again_and_does_not_show(tmp_path: Path, auth: str) -> None:
    file = tmp_path / "secret"
    file.write_text("hunter2\n")
    text = changed('app_id: app, app_secret: "${SECRET}"', auth.replace("FILE", str(file)))
    auth_settings = config_of(tmp_path, text).platform.auth
    secret = auth_settings.app_secret or auth_settings.token
    assert secret is not None
    assert secret.get_secret_value() == "hunter2"
    file.write_text("hunter3\n")
    assert secret.read_again() == "hunter3"
    assert "hunter" not in repr((secret, secret.read_again, auth_settings)) + str(secret)


def test_a_secret_out_of_the_environment_or_the_file_itself_is_not_read_again(tmp_path: Path) -> None:
    for text in (SOUND, changed('"${SECRET}"', "hunter2")):
        secret = config_of(tmp_path, text, SECRET="hunter2").platform.auth.app_secret  # noqa: S106 - not a real one
        assert secret is not None
        assert secret.read_again() is None


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"${SECRET}"', "hunter2", ["5:35: platform.auth.app_secret"]),
        ('{app_id: app, app_secret: "${SECRET}"}', "{token: hunter2}", ["5:17: platform.auth.token"]),
        (
            "  group_id: shop\n",
            "  group_id: shop\n  properties: {sasl.password: hunter2, ssl.key.location: /key, ssl.key.pem: hunter2}\n",
            ["4:31: kafka.properties.sasl.password", "4:77: kafka.properties.ssl.key.pem"],
        ),
        ("  group_id: shop\n", '  group_id: shop\n  properties: {sasl.password: "${SECRET}"}\n', []),
    ],
)
def test_a_secret_in_clear_is_suspicious_and_not_shown(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    told = lines(tmp_path, changed(old, new))
    message = "a secret in clear: keep it out of the file, with ${NAME} or ${file:/path} [suspicious]"
    assert told == [f"c.yaml:{place}: {message}" for place in expected]
    assert "hunter2" not in "".join(told)


CDC = {"platform:\n": "decode:\n  shop.orders: {envelope: canal}\nplatform:\n"}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("    where: {$change.op: insert}\n", []),
        ("    where: {$.status: PAID}\n", ["cdc_without_op at where"]),
        ("", ["cdc_without_op at topics"]),
    ],
)
def test_a_route_of_changes_without_a_condition_on_the_operation_is_warned_of(
    tmp_path: Path, where: str, expected: list[str]
) -> None:
    text = SOUND
    for old, new in {**CDC, "    to: ": f"{where}    to: "}.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    found = checked(tmp_path, text)
    assert found.config is not None
    assert [f"{problem.code} at {problem.path[-1]}" for problem in found.problems] == expected


def test_a_misspelt_envelope_is_one_error_whatever_reads_the_change(tmp_path: Path) -> None:
    text = changed("platform:\n", "decode:\n  shop.orders: {envelope: canel}\nplatform:\n")
    text = text.replace("    to: ", "    where: {$change.op: insert}\n    to: ")
    assert lines(tmp_path, text) == [
        (
            "c.yaml:5:27: decode.shop.orders.envelope: 'canel': expected 'canal' or 'debezium', "
            "did you mean 'canal'? [bad_value]"
        )
    ]
