"""For each endpoint of the platform: its config in config/examples makes the example request from a record.

The five documents have examples of their own; those of the other endpoints are made after the tables of their pages.
What the configs make is also held against the sandbox, which reads the documents for itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from connector.config.loading import load
from connector.core.record import Item, Record
from connector.sandbox import documents
from connector.sandbox.switches import Switches
from connector.sandbox.validation import validate_envelope, validate_item
from connector.tuzhan.endpoints import ENDPOINTS

EXAMPLES = Path(__file__).parents[3] / "config" / "examples"

SENT_MS = 1_605_490_700_000

# The document's own example names eventId, seconds and importMode, which its table does not have, and no identity of
# the item: here is the same event as the table has it.
EVENT_V1_RECORD = {
    "id": "asd123",
    "event": "e1",
    "at": 1600912805,
    "scene": "jkl789",
    "openid": "h45bef43t45hg34h3g2",
    "unionid": "d3f4g2ferg3t2ff2g4g2f21f2",
    "title": "测试标题",
}
EVENT_V1_REQUEST = """
{"publicParams": {"isMatching": true, "matchingType": 1},
 "data": [{"identityType": "openid", "openid": "h45bef43t45hg34h3g2", "unionid": "d3f4g2ferg3t2ff2g4g2f21f2",
           "time": 1600912805000, "uuid": "asd123", "eventKey": "e1", "intid": "jkl789",
           "eventargs": {"openid": "h45bef43t45hg34h3g2", "unionid": "d3f4g2ferg3t2ff2g4g2f21f2",
                         "title": "测试标题"}}]}
"""

ORDER = {
    "order_id": "asd123",
    "status": "PAID",
    "paid_at": 1605490615673,
    "amount_fen": 142000,
    "scene_id": "jjsfia-fjfoha99-ljflw0h-90dsj",
    "buyer": {"openid": "wxnoafe-wjowjfoj-fsfs", "unionid": "d3f4g2ferg3t2ff2g4g2f21f2", "mobile": "18888888888"},
    "items": [{"title": "创维洗衣机"}],
}
EVENT_V1_ACCURATE_REQUEST = """
{"publicParams": {"isMatching": true, "matchingType": 1, "accurateMatchType": "gzh",
                  "accurateMatchValue": "wxzj983hhg02ujd"},
 "data": [{"identityType": "openid", "openid": "wxnoafe-wjowjfoj-fsfs", "time": 1605490615673, "uuid": "asd123",
           "eventKey": "c_buy", "intid": "jjsfia-fjfoha99-ljflw0h-90dsj",
           "eventargs": {"c_goods": "创维洗衣机", "c_price": 1420.00, "unionid": "d3f4g2ferg3t2ff2g4g2f21f2",
                         "title": "下单"}}]}
"""
EVENT_V2_REQUEST = """
{"publicParams": {"isMatching": true, "matchingType": 1},
 "data": [{"identities": [{"identityValue": "18888888888", "identityType": "phone"}], "time": 1605490615673,
           "uuid": "asd123", "eventKey": "c_buy", "intid": "jjsfia-fjfoha99-ljflw0h-90dsj",
           "eventargs": {"c_goods": "创维洗衣机", "c_price": 1420.00, "unionid": "d3f4g2ferg3t2ff2g4g2f21f2",
                         "title": "下单"}}]}
"""

INFO_RECORD = {"id": 1, "first": ["p1-1", "p1-2"], "second": ["p2-1", "p2-2"]}
INFO_REQUEST = """
{"publicParams": {"isMatching": true, "matchingType": 1, "importMode": 1},
 "data": [{"identityId": "1",
           "customFields": [{"configId": 1, "configName": "属性1", "values": ["p1-1", "p1-2"]},
                            {"configId": 2, "configName": "属性2", "values": ["p2-1", "p2-2"]}]}]}
"""

TAG_RECORD = {"op": "ADD", "customer": 1, "labels": ["tag1", "tag2"]}
TAG_REQUEST = """
{"publicParams": {"isMatching": true, "matchingType": 2, "identifyWay": 1, "optType": "add"},
 "data": [{"audienceUserId": "1", "tags": "tag1,tag2"}]}
"""

MEMBER = {
    "mobile": "18888888888",
    "name": "张三",
    "gender": "M",
    "attributes": [{"id": 1, "name": "属性1", "values": ["p1-1"]}],
}
INFO_V2_REQUEST = """
{"publicParams": {"isMatching": true, "matchingType": 1, "importMode": 1},
 "data": [{"identities": [{"identityValue": "18888888888", "identityType": "phone"}], "realName": "张三", "sex": "男",
           "customFields": [{"configId": 1, "configName": "属性1", "values": ["p1-1"]}]}]}
"""
LABELS = {"op": "ADD", "mobile": "18888888888", "labels": [{"name": "标签1", "value": "标签值1"}]}
TAG_V2_REQUEST = """
{"publicParams": {"isMatching": true, "matchingType": 1, "optType": "add"},
 "data": [{"identities": [{"identityValue": "18888888888", "identityType": "phone"}],
           "operateTags": [{"tagName": "标签1", "tagValueList": [{"tagValue": "标签值1"}]}]}]}
"""
GROUPS = {"op": "ENTER", "customer_id": 7, "mobile": "+86 188 8888 8888", "groups": ["group1", "group2"]}
GROUP_V1_REQUEST = """
{"publicParams": {"isMatching": true, "matchingType": 1, "optType": "add"},
 "data": [{"identityType": "uid", "thirdId": "7", "groups": "group1,group2"}]}
"""
GROUP_V2_REQUEST = """
{"publicParams": {"isMatching": true, "matchingType": 1, "optType": "add"},
 "data": [{"identities": [{"identityValue": "18888888888", "identityType": "phone"}], "groups": "group1,group2",
           "categoryType": "1"}]}
"""


def request_of(item: Item) -> Any:  # noqa: ANN401 - JSON
    return orjson.loads(b'{"publicParams":%b,"data":[%b]}' % (item.params, item.body))


@pytest.mark.parametrize(
    ("example", "topic", "value", "request_text"),
    [
        pytest.param("000-event-v1", "site.events", EVENT_V1_RECORD, EVENT_V1_REQUEST, id="document 000"),
        pytest.param("001-event-v1-accurate", "shop.orders", ORDER, EVENT_V1_ACCURATE_REQUEST, id="document 001"),
        pytest.param("002-audience-info", "crm.members", INFO_RECORD, INFO_REQUEST, id="document 002"),
        pytest.param("003-audience-tag", "crm.tags", TAG_RECORD, TAG_REQUEST, id="document 003"),
        pytest.param("004-event-v2", "shop.orders", ORDER, EVENT_V2_REQUEST, id="document 004"),
        pytest.param("audience-info-v2", "crm.members", MEMBER, INFO_V2_REQUEST, id="page 986173"),
        pytest.param("audience-tag-v2", "crm.tags", LABELS, TAG_V2_REQUEST, id="page 986700"),
        pytest.param("audience-group", "crm.groups", GROUPS, GROUP_V1_REQUEST, id="page 986414"),
        pytest.param("audience-group-v2", "crm.groups", GROUPS, GROUP_V2_REQUEST, id="page 985393"),
    ],
)
def test_the_example_config_makes_the_documents_request(
    example: str, topic: str, value: dict[str, Any], request_text: str
) -> None:
    loaded = load(EXAMPLES / f"{example}.yaml", {})

    [item] = loaded.mapping.mapper("cluster").items(Record(topic, 0, 7, SENT_MS, None, orjson.dumps(value), ()))

    assert item.failure is None
    assert request_of(item) == orjson.loads(request_text)
    made = request_of(item)
    endpoint = documents.ENDPOINTS[loaded.config.targets[item.target].endpoint]
    validate_envelope(endpoint, made, Switches())
    validate_item(endpoint, made["publicParams"], "data[0]", made["data"][0], Switches())
    assert list(orjson.loads(item.body)) == list(orjson.loads(request_text)["data"][0])


def test_every_example_is_tested_here() -> None:
    assert {each.stem for each in EXAMPLES.glob("*.yaml")} == {
        *("000-event-v1", "001-event-v1-accurate", "002-audience-info", "003-audience-tag", "004-event-v2"),
        *("audience-info-v2", "audience-tag-v2", "audience-group", "audience-group-v2"),
    }


def test_every_endpoint_has_an_example() -> None:
    used = [load(each, {}).config.targets.values() for each in EXAMPLES.glob("*.yaml")]
    assert {target.endpoint for targets in used for target in targets} == ENDPOINTS.keys() == documents.ENDPOINTS.keys()
