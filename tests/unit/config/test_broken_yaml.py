"""What is wrong with the YAML itself, and the lines that say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.config.files import Broken

if TYPE_CHECKING:
    from pathlib import Path

TABLE = [
    Broken(
        "an unquoted variable in a flow table",
        '  auth: {app_id: app, app_secret: "${SECRET}"}',
        "  auth: {app_id: app, app_secret: ${SECRET}}",
        '5:35: write "${SECRET}" in quotes: auth: {app_id: app, app_secret: "${SECRET}"} [yaml_syntax]',
    ),
    Broken(
        "a bracket in a flow list",
        "topics: [shop.orders]",
        "topics: [^shop[.]orders]",
        '11:14: write "^shop[.]orders" in quotes: topics: ["^shop[.]orders"] [yaml_syntax]',
    ),
    Broken(
        "a key given twice",
        "  group_id: shop\n",
        "  group_id: shop\n  group_id: shop2\n",
        "4:3: kafka.group_id: given twice, first in line 3 [duplicate_name]",
    ),
    Broken(
        "a tab",
        "  group_id: shop\n",
        "\tgroup_id: shop\n",
        "3:1: a tab is not allowed here: use spaces [yaml_syntax]",
    ),
    Broken(
        "a quote that is never closed",
        "  group_id: shop\n",
        "  group_id: 'shop\n",
        "3:13: the quote that opens here is never closed [yaml_syntax]",
    ),
    Broken(
        "an anchor that is not there",
        "    endpoint: event/v2/batchAdd\n",
        "    <<: *base\n",
        "8:9: no anchor &base stands above; text that begins with * needs quotes [yaml_syntax]",
    ),
    Broken(
        "a merge of a number",
        "kafka:\n",
        "kafka: &k\n  <<: 5\n",
        "2:7: '<<' takes a table or a list of tables: <<: *anchor [yaml_syntax]",
    ),
    Broken(
        "a list that is never closed",
        "platform:\n",
        "platform: [\n",
        (
            "6:1: a list in […] is not complete here: a ',' or the ']' is missing, or quotes "
            "(it opens in line 4) [yaml_syntax]"
        ),
    ),
    Broken(
        "two colons in a line",
        "platform:\n",
        "platform: x: y\n",
        "4:12: a ':' is not allowed here: quote the text, or begin a new line [yaml_syntax]",
    ),
    Broken(
        "a password in the line that needs quotes",
        "  group_id: shop\n",
        "  group_id: shop\n  properties: {sasl.password: 12345, sasl.jaas.config: x{y}}\n",
        "4:56: this needs quotes: properties: {sasl.password: …, sasl.jaas.config: …} [yaml_syntax]",
    ),
    Broken(
        "a backslash in double quotes",
        "  group_id: shop\n",
        '  group_id: "\\d"\n',
        "3:15: inside double quotes a backslash begins an escape: use single quotes [yaml_syntax]",
    ),
    Broken(
        "a tag",
        "  group_id: shop\n",
        "  group_id: !!python/object shop\n",
        (
            "3:13: kafka.group_id: '!!python/object shop': tags are not allowed: remove '!!python/object', "
            "or quote the text [yaml_syntax]"
        ),
    ),
    Broken(
        "a number beyond 64 bits",
        "  group_id: shop\n",
        "  group_id: 99999999999999999999\n",
        (
            "3:13: kafka.group_id: '99999999999999999999': an integer beyond 64 bits: quote it if it is "
            "text [yaml_syntax]"
        ),
    ),
    Broken(
        "two documents",
        "  group_id: shop\n",
        "  group_id: shop\n---\na: 1\n",
        "4:1: a file is one document: remove the '---' [yaml_syntax]",
    ),
    Broken(
        "text that YAML does not begin with",
        "  group_id: shop\n",
        "  group_id: @shop\n",
        '3:13: write "@shop" in quotes: group_id: "@shop" [yaml_syntax]',
    ),
]


@pytest.mark.parametrize("broken", TABLE, ids=lambda broken: broken.name)
def test_the_lines_name_the_place_and_the_remedy(broken: Broken, tmp_path: Path) -> None:
    assert broken.found(tmp_path) == broken.expected
