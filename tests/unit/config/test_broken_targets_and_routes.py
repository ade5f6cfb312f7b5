"""What is wrong with targets and routes, and the lines that say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.config.files import Broken

if TYPE_CHECKING:
    from pathlib import Path

TABLE = [
    Broken(
        "an endpoint in the wrong case",
        "event/v2/batchAdd",
        "event/v2/batchadd",
        (
            "8:15: targets.purchases.endpoint: 'event/v2/batchadd': no such endpoint; the endpoints are "
            "event/batchAdd, event/v2/batchAdd, audience/info/batchAdd, audience/info/v2/batchAdd, "
            "audience/tag/batchAdd, audience/tag/v2/batchAdd, audience/group/rel/batchAdd, "
            "audience/group/rel/v2/batchAdd, did you mean "
            "'event/v2/batchAdd'? [unknown_name]"
        ),
    ),
    Broken(
        "a misspelt key deep inside",
        "event/v2/batchAdd\n",
        "event/v2/batchAdd\n    batch: {max_record: 100}\n",
        ("9:13: targets.purchases.batch.max_record: unknown key, did you mean 'max_records'? [unknown_key]"),
    ),
    Broken(
        "bounds of a batch",
        "event/v2/batchAdd\n",
        "event/v2/batchAdd\n    batch: {max_records: 501, max_bytes: 1MB, max_wait: 0s}\n",
        "9:26: targets.purchases.batch.max_records: '501': must be at most 500 [bad_value]",
        "9:42: targets.purchases.batch.max_bytes: '1MB': expected a size, such as 512KiB or 1MiB [bad_value]",
        "9:57: targets.purchases.batch.max_wait: '0s': must be more than zero [bad_value]",
    ),
    Broken(
        "text for a number",
        "event/v2/batchAdd\n",
        "event/v2/batchAdd\n    max_in_flight: many\n",
        "9:20: targets.purchases.max_in_flight: 'many': expected an integer or auto, got text [wrong_type]",
    ),
    Broken(
        "no request at a time",
        "event/v2/batchAdd\n",
        "event/v2/batchAdd\n    max_in_flight: 0\n",
        "9:20: targets.purchases.max_in_flight: '0': must be at least 1 [bad_value]",
    ),
    Broken(
        "too many requests at a time",
        "event/v2/batchAdd\n",
        "event/v2/batchAdd\n    max_in_flight: 257\n",
        "9:20: targets.purchases.max_in_flight: '257': must be at most 256 [bad_value]",
    ),
    Broken(
        "a choice that is not there",
        "event/v2/batchAdd\n",
        "event/v2/batchAdd\n    ordering: keys\n",
        (
            "9:15: targets.purchases.ordering: 'keys': expected 'identity', 'key' or 'none', did you mean "
            "'key'? [bad_value]"
        ),
    ),
    Broken(
        "a target that nothing feeds",
        "event/v2/batchAdd\n",
        "event/v2/batchAdd\n  tags:\n    endpoint: audience/tag/batchAdd\n",
        "9:3: targets.tags: no route feeds this target [unused]",
    ),
    Broken(
        "a target with the dead letters' name",
        "  purchases:\n    endpoint",
        "  dead-letters:\n    endpoint",
        "7:3: targets.dead-letters: this name is reserved for the dead letters: choose another [bad_value]",
        "12:9: routes[0].to: 'purchases': no such target [unknown_name]",
    ),
    Broken(
        "a target that is not there",
        "to: purchases",
        "to: purchase",
        "12:9: routes[0].to: 'purchase': no such target, did you mean 'purchases'? [unknown_name]",
    ),
    Broken(
        "text for a list",
        "topics: [shop.orders]",
        "topics: shop.orders",
        "11:13: routes[0].topics: 'shop.orders': expected a list, got text [wrong_type]",
    ),
    Broken(
        "an empty list",
        "topics: [shop.orders]",
        "topics: []",
        "11:13: routes[0].topics: must not be empty [bad_value]",
    ),
    Broken(
        "a glob for a regular expression",
        "topics: [shop.orders]",
        "topics: [shop.*]",
        (
            "11:14: routes[0].topics[0]: 'shop.*': not a topic name (letters, digits, '.', '_', '-'); a "
            "regular expression begins with ^ [bad_value]"
        ),
    ),
    Broken(
        "a broken regular expression",
        "topics: [shop.orders]",
        "topics: ['^shop.(orders']",
        (
            "11:14: routes[0].topics[0]: '^shop.(orders': not a regular expression: missing ), unterminated "
            "subpattern at position 6 [bad_value]"
        ),
    ),
    Broken(
        "the dead-letter topic as a source",
        "topics: [shop.orders]",
        "topics: [shop.dead-letter]",
        (
            "11:14: routes[0].topics[0]: 'shop.dead-letter': this is the dead-letter topic, which is never "
            "consumed: its records would fail again [bad_value]"
        ),
    ),
    Broken(
        "a transform that does not exist",
        "    to: purchases\n",
        "    to: purchases\n    transform: nowhere:b\n",
        "13:16: routes[0].transform: 'nowhere:b': no such module: put its directory on PYTHONPATH [unknown_name]",
    ),
    Broken(
        "a route without identity",
        "    identity: [{type: openid, value: $.mobile}]\n",
        "",
        "10:5: routes[0].identity: missing, required [missing_key]",
    ),
    Broken(
        "a choice without its dollar",
        "    fields:\n",
        "    identity_missing: skip\n    fields:\n",
        (
            "15:23: routes[0].identity_missing: 'skip': expected '$dead_letter' or '$skip', did you mean "
            "'$skip'? [bad_value]"
        ),
    ),
    Broken(
        "a field that the endpoint does not have",
        "      time: $.paid_at\n",
        "      tiem: $.paid_at\n",
        "16:7: routes[0].fields.tiem: unknown key, did you mean 'time'? [unknown_key]",
    ),
    Broken(
        "a misspelt conversion",
        "      time: $.paid_at\n",
        "      time: {from: $.paid_at, as: timestmp}\n",
        ("16:35: routes[0].fields.time.as: 'timestmp': no such conversion, did you mean 'timestamp'? [bad_value]"),
    ),
    Broken(
        "a regular expression without a group",
        "      time: $.paid_at\n",
        "      time: {from: $.paid_at, extract: ^x}\n",
        "16:40: routes[0].fields.time.extract: '^x': no group: put parentheses around the part to extract, as in "
        "^SKU-(.+)$ [bad_value]",
    ),
    Broken(
        "a list for a table",
        "targets:\n  purchases:\n    endpoint: event/v2/batchAdd\n",
        "targets: []\n",
        "6:10: targets: expected a table, got a list [wrong_type]",
    ),
    Broken(
        "a section of which every line is commented out",
        "targets:\n  purchases:\n    endpoint: event/v2/batchAdd\n",
        "targets:\n",
        "6:1: targets: expected a table, got nothing [wrong_type]",
    ),
    Broken(
        "a misspelt condition",
        "    to: purchases\n",
        "    to: purchases\n    where: {$.status: {equals: PAID}}\n",
        (
            "13:24: routes[0].where.$.status.equals: unknown key: expected one of eq, ne, in, not_in, gt, "
            "gte, lt, lte, exists, matches, contains [unknown_key]"
        ),
    ),
    Broken(
        "a list of targets",
        "    to: purchases\n",
        "    to: [purchases]\n",
        "12:9: routes[0].to: expected text, got a list [wrong_type]",
    ),
    Broken(
        "two routes of one name",
        "routes:\n",
        "routes:\n  - {name: orders, topics: [a], to: purchases, event_key: x, identity: [{type: uid, value: $.id}]}\n",
        (
            "11:11: routes[1].name: 'orders': routes[0] has the same name, which must be unique in metrics "
            "and dead letters [duplicate_name]"
        ),
    ),
    Broken(
        "an event without its key",
        "    event_key: c_buy\n",
        "",
        "10:5: routes[0].event_key: event/v2/batchAdd requires an event key [missing_key]",
    ),
    Broken(
        "a directory for a file",
        "topics: [shop.orders]",
        'topics: ["${file:/}"]',
        ("11:14: routes[0].topics[0]: the file of ${file:/} can't be read: is a directory [unreadable_file]"),
    ),
]


@pytest.mark.parametrize("broken", TABLE, ids=lambda broken: broken.name)
def test_the_lines_name_the_place_and_the_remedy(broken: Broken, tmp_path: Path) -> None:
    assert broken.found(tmp_path) == broken.expected
