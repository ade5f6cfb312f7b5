"""The example requests of the platform documents, and accepted requests that tests modify."""

from __future__ import annotations

from typing import Any

_EVENTARGS = {"c_goods": "创维洗衣机", "c_price": 1420.00, "unionid": "d3f4g2ferg3t2ff2g4g2f21f2", "title": "下单"}
_CUSTOM_FIELDS = [
    {"configId": 1, "configName": "属性1", "values": ["p1-1", "p1-2"]},
    {"configId": 2, "configName": "属性2", "values": ["p2-1", "p2-2"]},
]

DOCUMENT_000: dict[str, Any] = {
    "publicParams": {"isMatching": True, "matchingType": 1, "importMode": 1},
    "data": [
        {
            "time": 1600912805,
            "uuid": "asd123",
            "eventId": "e1",
            "intid": "jkl789",
            "eventargs": {
                "openid": "h45bef43t45hg34h3g2",
                "unionid": "d3f4g2ferg3t2ff2g4g2f21f2",
                "title": "测试标题",
            },
        }
    ],
}
DOCUMENT_000_BY_ITS_TABLE: dict[str, Any] = {
    "publicParams": {"isMatching": True, "matchingType": 1},
    "data": [
        {
            "identityType": "openid",
            "openid": "h45bef43t45hg34h3g2",
            "unionid": "d3f4g2ferg3t2ff2g4g2f21f2",
            "time": 1600912805000,
            "uuid": "asd123",
            "eventKey": "e1",
            "intid": "jkl789",
            "eventargs": {
                "openid": "h45bef43t45hg34h3g2",
                "unionid": "d3f4g2ferg3t2ff2g4g2f21f2",
                "title": "测试标题",
            },
        }
    ],
}
DOCUMENT_001: dict[str, Any] = {
    "publicParams": {
        "isMatching": True,
        "matchingType": 1,
        "accurateMatchType": "gzh",
        "accurateMatchValue": "wxzj983hhg02ujd",
    },
    "data": [
        {
            "identityType": "openid",
            "openid": "wxnoafe-wjowjfoj-fsfs",
            "time": 1605490615673,
            "uuid": "asd123",
            "eventKey": "c_buy",
            "intid": "jjsfia-fjfoha99-ljflw0h-90dsj",
            "eventargs": _EVENTARGS,
        }
    ],
}
DOCUMENT_002: dict[str, Any] = {
    "publicParams": {"isMatching": True, "matchingType": 1, "importMode": 1},
    "data": [{"identityId": "1", "customFields": _CUSTOM_FIELDS}],
}
DOCUMENT_003: dict[str, Any] = {
    "publicParams": {"isMatching": True, "matchingType": 2, "identifyWay": 1, "optType": "add"},
    "data": [{"audienceUserId": "1", "tags": "tag1,tag2"}],
}
DOCUMENT_004: dict[str, Any] = {
    "publicParams": {"isMatching": True, "matchingType": 1},
    "data": [
        {
            "identities": [{"identityValue": "18888888888", "identityType": "phone"}],
            "time": 1605490615673,
            "uuid": "asd123",
            "eventKey": "c_buy",
            "intid": "jjsfia-fjfoha99-ljflw0h-90dsj",
            "eventargs": _EVENTARGS,
        }
    ],
}
EVENT_V2_WITH_APP: dict[str, Any] = {
    "publicParams": {"matchingType": 1},
    "data": [
        {
            "identities": [
                {
                    "identityValue": "wxnoafe-wjowjfoj-fsfs",
                    "identityType": "openid",
                    "platform": "gzh",
                    "mpid": "wxzj983hhg02ujd",
                    "isWeChatEcosystem": True,
                }
            ],
            "eventKey": "c_buy",
        }
    ],
}
INFO_OF_LATER_PAGES: dict[str, Any] = {
    "publicParams": {"isMatching": True, "matchingType": 1, "importMode": 1},
    "data": [{"identityType": "uid", "thirdId": "1", "customFields": _CUSTOM_FIELDS, "sex": "女"}],
}
_PHONE = [{"identityValue": "18888888888", "identityType": "phone"}]
INFO_V2: dict[str, Any] = {
    "publicParams": {"matchingType": 1, "importMode": 1},
    "data": [
        {
            "identities": _PHONE,
            "realName": "张三",
            "sex": "男",
            "customFields": [{"configId": 1, "configName": "属性1", "values": ["p1-1"]}],
        }
    ],
}
TAG_V2: dict[str, Any] = {
    "publicParams": {"matchingType": 1, "optType": "add"},
    "data": [
        {
            "identities": _PHONE,
            "operateTags": [{"tagName": "标签1", "tagValueList": [{"tagValue": "标签值1"}]}],
        }
    ],
}
GROUP_V1: dict[str, Any] = {
    "publicParams": {"isMatching": True, "matchingType": 1, "optType": "add"},
    "data": [{"identityType": "phone", "phone": "18888888888", "groups": "group1,group2"}],
}
GROUP_V2: dict[str, Any] = {
    "publicParams": {"isMatching": True, "matchingType": 1, "optType": "add"},
    "data": [{"identities": _PHONE, "groups": "group1,group2", "categoryType": "1"}],
}

ACCEPTED: dict[str, tuple[str, dict[str, Any]]] = {
    "document 000, by its table": ("event/batchAdd", DOCUMENT_000_BY_ITS_TABLE),
    "document 001": ("event/batchAdd", DOCUMENT_001),
    "document 002": ("audience/info/batchAdd", DOCUMENT_002),
    "document 003": ("audience/tag/batchAdd", DOCUMENT_003),
    "document 004": ("event/v2/batchAdd", DOCUMENT_004),
    "an identity of an app": ("event/v2/batchAdd", EVENT_V2_WITH_APP),
    "a profile of page 986173": ("audience/info/v2/batchAdd", INFO_V2),
    "tags of page 986700": ("audience/tag/v2/batchAdd", TAG_V2),
    "groups of page 986414": ("audience/group/rel/batchAdd", GROUP_V1),
    "groups of page 985393": ("audience/group/rel/v2/batchAdd", GROUP_V2),
    "a profile of the later pages": ("audience/info/batchAdd", INFO_OF_LATER_PAGES),
}
