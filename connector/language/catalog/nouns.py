"""What is counted: a number stands before each of these."""

from __future__ import annotations

from typing import Final

_NOUNS: Final = {
    "argument": "个参数",
    "broker": "个 broker",
    "byte": "字节",
    "dead letter": "条死信",
    "element": "个元素",
    "event": "个事件",
    "item": "条数据",
    "letter": "条死信",
    "line": "行",
    "member": "个成员",
    "more reason": "个其他原因",
    "more target": "个其他目标",
    "more topic": "个其他主题",
    "other difference": "处其他差异",
    "other outcome": "种其他结果",
    "other value": "个其他值",
    "partition": "个分区",
    "record": "条记录",
    "request": "个请求",
    "route": "条路由",
    "target": "个目标",
    "test": "个测试",
    "tombstone": "个墓碑记录（null）",
    "topic": "个主题",
    "value": "个值",
}
TEXTS: Final = {
    **_NOUNS,
    **{f"{english}s": chinese for english, chinese in _NOUNS.items()},
    "event key": "个事件标识",
    "try": "次失败的尝试",
    "tries": "次失败的尝试",
    "item waits": "条数据在等待",
    "items wait": "条数据在等待",
}
