"""The words of a table of events that people fill in: heads of columns, types, yes and no, in English and Chinese."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final, Literal

from connector.settings.models import OTHER_TYPE_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

Column = Literal["event key", "name", "argument", "type", "required", "max length"]

REQUIRED_COLUMNS: Final[tuple[Column, ...]] = ("event key", "argument", "type")

HEADS: Final[Mapping[Column, tuple[str, ...]]] = {
    "event key": (
        *("event key", "event_key", "eventkey", "event id", "事件标识", "事件标识符", "事件key", "事件id", "事件编码"),
        *("事件代码", "事件英文名", "key", "event", "事件"),
    ),
    "name": ("event name", "name", "display name", "事件名称", "事件名", "事件中文名", "名称", "显示名称"),
    "argument": (
        *("argument", "argument name", "arg", "parameter", "parameter name", "param", "property", "property name"),
        *("attribute", "field", "参数key", "参数标识", "参数id", "参数英文名", "参数", "参数名", "参数名称"),
        *("属性key", "属性标识", "属性英文名", "属性", "属性名", "属性名称", "字段", "字段名"),
    ),
    "type": ("type", "data type", "argument type", "类型", "参数类型", "数据类型", "属性类型", "字段类型", "值类型"),
    "required": ("required", "mandatory", "必填", "是否必填", "必须", "是否必须", "必传", "是否必传"),
    "max length": ("max length", "max_length", "maximum length", "length", "最大长度", "长度", "长度限制", "最长"),
}
"""What a column may be called; of several that a table has, the one that stands first here counts."""

_CHINESE_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "string": ("文本", "字符串", "字符", "文字", "字符型"),
    "number": ("数值", "数字", "小数", "浮点", "浮点数", "数值型", "金额"),
    "integer": ("整数", "整型", "整数型"),
    "boolean": ("布尔", "布尔值", "布尔型"),
    "date": ("日期", "时间", "日期时间", "时间戳"),
    "array": ("数组", "列表"),
    "object": ("对象",),
}
TYPES: Final[Mapping[str, str]] = {
    other: name for name, others in OTHER_TYPE_NAMES.items() for other in (name, *others, *_CHINESE_TYPES.get(name, ()))
}
"""What a type may be called, and what it is then."""

YES: Final = frozenset({"yes", "y", "true", "1", "required", "是", "必填", "必须", "必传", "√", "✓", "✔"})
NO: Final = frozenset(
    {"", "no", "n", "false", "0", "optional", "否", "选填", "非必填", "可选", "不必填", "×", "-", "/"}
)


def plain(cell: str) -> str:
    """Return a cell as words are compared: small letters, full-width forms as ASCII, one blank between words."""
    return " ".join(unicodedata.normalize("NFKC", cell).split()).lower().rstrip(":*")
