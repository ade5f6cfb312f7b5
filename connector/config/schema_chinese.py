"""The descriptions of the JSON Schema in Chinese, beside the English ones, from which they are found.

A test fails when one is missing here, or is here and nowhere else.
"""

from __future__ import annotations

import re
from typing import Any, Final

CHINESE: Final[dict[str, str]] = {
    # settings
    "The whole file.": "整个配置文件。",
    "The HTTP port for the status page, probes and metrics.": "HTTP 端口：状态页、探针和指标。",
    "host:port of /livez /readyz /status /metrics": "/livez /readyz /status /metrics 的监听地址 host:port",
    "Names by which it may be asked for, besides addresses, names without a dot, those of Kubernetes services, and the machine's own: a name, *.domain, or * for any": "允许用哪些主机名访问；IP 地址、不带点的名称、Kubernetes 服务名和本机主机名总是允许：主机名、*.域名，或 * 表示任意",
    "One of three ways to a token: app_id with app_secret, token, or token_file.": "获得 token 的三种方式之一：app_id 加 app_secret、token 或 token_file。",
    "instanceAppid: the connector fetches and renews the token itself": "instanceAppid：由连接器自行获取并续期 token",
    "instanceSecrect; best as ${file:/path}, which is read again when the platform refuses the secret": "instanceSecrect；建议写成 ${file:/path}，平台拒绝时会重新读取",
    "A fixed token; best as ${file:/path}, which is read again when it is refused": "固定的 token；建议写成 ${file:/path}，被拒绝时会重新读取",
    "A file that something else renews; read again when it changes": "由其他程序更新的 token 文件；变化后重新读取",
    "When a batch is full: at the first of its bounds.": "何时算一批已满：先达到哪个上限就按哪个。",
    "Items; the platform takes at most 500": "条数；平台每次最多接受 500 条",
    "Bytes of the request's body": "请求体的字节数",
    "Age of its oldest item; an incomplete batch leaves then": "最早一条的等待时间；到时不满也发送",
    "Where records go that can't be mapped or are refused.": "死信：无法映射或被平台拒绝的记录的去处。",
    "Default: the group's name and .dead-letter": "默认：消费组名加 .dead-letter",
    "So many items refused alone and nothing delivered in between: an outage; the target is held": "连续这么多条单独被拒绝、其间没有一条成功：视为平台故障，暂停该目标",
    "How long a refused item is tried if there is nothing else to send that could tell": "没有其他数据可发、无从判断时，被拒绝的条目重试多久",
    "How the values of a topic are read; JSON in UTF-8 by default.": "如何解码主题的消息值；默认 UTF-8 的 JSON。",
    "The format of the values; avro and json_schema as a schema registry's serializers write them": "消息值的格式；avro 和 json_schema 指 Schema Registry 序列化器写出的格式",
    "The character encoding of the values; gb18030 reads GBK and GB2312 too": "消息值的字符编码；gb18030 也能读 GBK 和 GB2312",
    "Change data capture: what is around the rows; $ is the row, $change the change": "变更数据捕获（CDC）的外层格式；$ 是行，$change 是变更",
    "An argument of an event, as it is defined on the platform.": "事件的一个参数，与平台上的定义一致。",
    "string number integer boolean array object, as in JSON; date: yyyy-MM-dd, with or without a time, or epoch milliseconds": "string 文本、number 数值、integer 整数、boolean 布尔、array 数组、object 对象，同 JSON；date 日期：yyyy-MM-dd，可带时间，或毫秒时间戳",
    "Without it, the event is a dead letter": "必填：缺少时该事件进入死信",
    "Of a string: so many characters at most": "文本的最大字符数",
    "An event, as it is defined on the platform (自定义事件).": "一个事件，与平台上的定义一致（自定义事件）。",
    "What people call it; for them only": "事件名称，仅供人阅读",
    "Its arguments: name: type, or name: {type, required, max_length}": "事件的参数：参数名: 类型，或 参数名: {type, required, max_length}",
    "Where records come from.": "记录从哪里来。",
    "Brokers to start from: host:port, host:port": "初始 broker：host:port, host:port",
    "The consumer group; its members share the partitions": "消费组；组内成员分担分区",
    "Where to start a topic for which the group has no committed offset: earliest, latest, or a time": "消费组对主题尚无已提交位点时从哪里开始：earliest、latest 或一个时间",
    "How often offsets are committed, at most": "提交位点的最短间隔",
    "Any librdkafka property; the few that the connector owns are refused by name": "任意 librdkafka 属性；由连接器自己设置的几个不允许写",
    "For topics whose format is avro or json_schema; needs the extra `registry`": "用于格式为 avro 或 json_schema 的主题；需安装附加项 `registry`",
    "The log's format and level.": "日志的格式和级别。",
    "For machines or for people": "json 供机器读取，text 供人阅读",
    "The lowest level to log": "记录的最低级别",
    "Where items go.": "数据发往哪里。",
    "The address before app/… and event/…": "app/… 与 event/… 之前的地址",
    "Allow a base_url without TLS: the app secret travels in its query": "允许不带 TLS 的 base_url：应用密钥会出现在查询串里",
    "One of: app_id with app_secret; token; token_file": "三选一：app_id 加 app_secret；token；token_file",
    "For the whole exchange, not for each read": "整个请求的时限，而非每次读取",
    "Requests: 50/s, 600/m; absent: no limit": "请求速率：50/s、600/m；不写则不限",
    "The waits between attempts": "两次尝试之间的等待",
    "What a target may hold; past either bound, the partitions that feed it are paused.": "目标可积压的数量；超过任一上限，就暂停为它供数的分区。",
    "Items waiting": "等待的条数",
    "Bytes of the items waiting": "等待条目的字节数",
    "Backoff with full jitter, without an end: what may succeed later is never given up.": "带随机抖动的退避，没有终点：以后可能成功的绝不放弃。",
    "The upper bound of the first wait; it doubles": "首次等待的上限；之后翻倍",
    "The upper bound of all waits": "等待的最大值",
    "Which records, and what each becomes.": "路由：哪些记录，各变成什么。",
    "The name in metrics, logs and dead letters": "在指标、日志和死信中的名称",
    "Names, or ^regular expressions": "主题名，或以 ^ 开头的正则表达式",
    "Conditions that must all hold: reference: condition": "必须全部成立的条件：引用: 条件",
    "A list of the record: one item for each of its elements, $item": "记录中的一个列表：每个元素 $item 生成一条",
    "package.module:function: Python that makes one value, or several, of the decoded one": "package.module:function：把解码后的值变成一个或多个值的 Python 函数",
    "The target's name": "目标的名称",
    "Values per record, laid over the target's own": "按记录取值，覆盖目标自身的 publicParams",
    "The platform's key of the event (event endpoints)": "平台上的事件 key（事件接口）",
    "The person concerned, in order of preference": "用户身份，按优先顺序",
    "What becomes of an item with no identity left": "没有任何可用身份的条目如何处理",
    "The platform's own names, and their values": "平台的字段名及其取值",
    "Where the schemas of records in Avro and JSON Schema are: a registry with Confluent's API.": "Avro 与 JSON Schema 记录的 schema 所在：兼容 Confluent API 的 Schema Registry。",
    "Its address, up to before /schemas and /subjects; several, with commas in between": "地址，到 /schemas、/subjects 之前为止；多个用逗号分隔",
    "Any property of confluent-kafka's SchemaRegistryClient: basic.auth.user.info, bearer.auth.…, ssl.ca.location, ssl.certificate.location, ssl.key.location, proxy, timeout (seconds)": "confluent-kafka 的 SchemaRegistryClient 的任意属性：basic.auth.user.info、bearer.auth.…、ssl.ca.location、ssl.certificate.location、ssl.key.location、proxy、timeout（秒）",
    "One endpoint with its publicParams, batching and ordering.": "目标：一个接口及其 publicParams、攒批与顺序。",
    "The platform's endpoint, as its documents write it": "平台接口，与其文档写法一致",
    'publicParams of its requests, laid over the defaults: {"isMatching":true,"matchingType":1}': '请求的 publicParams，覆盖默认值 {"isMatching":true,"matchingType":1}',
    "When a request leaves": "何时发出请求",
    "Requests at the same time; auto: as many as bring more throughput, found while running": "同时进行的请求数；auto：运行中自动调整，只要能提高吞吐就增加",
    "How much may wait": "可以积压多少",
    "Items with the same identity, or Kafka key, stay in order and are never in two requests at once; default: identity for audience endpoints, none for events": "相同身份（identity）或相同 Kafka key 的条目保持顺序，不会同时出现在两个请求里；默认：用户接口 identity，事件接口 none",
    "Allow fields and parameters that the endpoint's document does not name": "允许接口文档没有列出的字段和参数",
    "By topic or ^regular expression, how values are read; what is not named is JSON": "按主题名或 ^正则，说明如何解码；未列出的按 JSON",
    "By name; a route's `to` is one of them": "按名称列出目标；路由的 `to` 是其中之一",
    "Which records go where, and what each becomes": "哪些记录发往哪里，各变成什么",
    "The tracking plan: the events that are defined on the platform (自定义事件), by event key, against which the mapping is checked; or {file: plan.yaml}, or {file: plan.csv}. Without it, nothing is checked": "埋点方案：平台上定义的自定义事件，按事件 key 列出，用来校验映射；也可写 {file: plan.yaml} 或 {file: plan.csv}。不写则不校验",
    "A file with the events, as YAML or as a table (CSV); or an event of this name": "存放事件定义的文件：YAML 或表格（CSV）；也可以是名为 file 的事件",
    "How long a stop may take; what is unsettled then is left to the next start": "停止最多用多久；届时未完成的留给下次启动",
    "${NAME}, ${NAME:-default}, ${NAME:?message}: the environment; ${file:/path}: a file's content": "${NAME}、${NAME:-默认值}、${NAME:?提示}：环境变量；${file:/path}：文件内容",
    # the mapping language
    "A value that is made of the record, step by step": "由记录一步步得到的值",
    "A reference, or a list of references: the first that is neither missing nor null nor blank.": "一个引用，或引用列表：取第一个存在、非 null、非空白的。",
    "Text with {reference} inside; {{ and }} are braces. If a part is missing or blank, the value is missing.": "带 {引用} 的文本；{{ 和 }} 表示花括号。任一部分缺失或空白，则整个值缺失。",
    "An object or a list that is sent as it stands; no other word stands beside it.": "原样发送的对象或列表；旁边不能有其他词。",
    "A reference to a list, or words that yield one: `value` is computed for each of its elements. What is missing is left out; a missing list is missing.": "指向列表的引用，或得到列表的词：对每个元素计算 `value`。缺失的元素略去；列表缺失则值缺失。",
    "With `each`: a value, or a table of values, lists and tables among them; `$item` is the element, `$index` its position from 0. A table is left out if it has references and all of them are missing.": "配合 `each`：一个值，或值的表（可含列表和表）；`$item` 是元素，`$index` 是从 0 起的位置。表中的引用全部缺失时，该表略去。",
    "The first group of a regular expression in the text form of the value, wherever it is found there; missing if it is not found. A list: of each element.": "在值的文本形式中查找正则表达式，取第一个分组；找不到则缺失。列表：逐个元素。",
    "Used if the value is missing, or is not in `map`. $skip: no item. $dead_letter: a dead letter.": "值缺失或不在 `map` 中时使用。$skip：不生成条目。$dead_letter：进入死信。",
    "true: a missing value sends the record to the dead letters. Otherwise the field is left out.": "true：值缺失则记录进入死信；否则略去该字段。",
    "A conversion, or a list of conversions that are applied one after the other. A list is converted element by element; where a field takes one value, it is refused. A value that can't be converted sends the record to the dead letters.": "一种转换，或依次进行的多种转换。列表逐个元素转换；字段只接受单个值时则拒绝列表。无法转换的值使记录进入死信。",
    "With `as: timestamp` and `as: date`: the unit of numbers, which otherwise follows from their size.": "配合 `as: timestamp` 和 `as: date`：数字的单位；不写则按大小判断。",
    "With `as: timestamp` and `as: date`: true: a number is not a time but what a clock in the zone showed, counted as if in UTC (a DATETIME column in Debezium).": "配合 `as: timestamp` 和 `as: date`：true 表示数字不是时刻，而是该时区钟面时间按 UTC 计数（Debezium 的 DATETIME 列）。",
    "With `as: timestamp` and `as: date`: the zone of text without an offset; default Asia/Shanghai.": "配合 `as: timestamp` 和 `as: date`：不带时差的文本所属时区；默认 Asia/Shanghai。",
    "Multiplies a number, or text that is one, in exact decimal arithmetic.": "把数字或数字文本相乘，精确的十进制运算。",
    "Rounds to this number of decimal places, 0 to 12; halves away from zero.": "四舍五入到这么多位小数，0 到 12。",
    "omit: a value that `as`, `multiply` or `round` can't convert is missing, and counted, instead of sending the record to the dead letters.": "omit：`as`、`multiply`、`round` 无法转换的值视为缺失并计数，记录不进入死信。",
    "Looks the value up in a table by its text form: 1 finds '1'. A value that is not in the table is missing.": "按文本形式在表中查找：1 可找到 '1'。表中没有的值视为缺失。",
    "Used for what is not in `map`, missing values included. $skip: no item. $dead_letter: a dead letter.": "用于 `map` 中没有的值，包括缺失的值。$skip：不生成条目。$dead_letter：进入死信。",
    "One that takes the option": "接受该选项的转换",
    "A value, or a table or a list of such": "一个值，或值的表、值的列表",
    "A table of values, or one value that yields an object": "值的表，或得到对象的一个值",
    "reference: condition, all of which must hold; any, all, not combine": "引用: 条件，必须全部成立；any、all、not 用于组合",
    "One of these must hold.": "其中之一成立。",
    "All of these must hold.": "全部成立。",
    "This must not hold.": "不成立。",
    "The value equals this.": "等于。",
    "The value does not equal this.": "不等于。",
    "The value equals one of these.": "等于其中之一。",
    "The value equals none of these.": "不等于其中任何一个。",
    "The value is greater.": "大于。",
    "The value is greater or equal.": "大于或等于。",
    "The value is less.": "小于。",
    "The value is less or equal.": "小于或等于。",
    "true: present and not null; false: missing or null.": "true：存在且非 null；false：缺失或为 null。",
    "The regular expression is found in the text form.": "在文本形式中能找到该正则表达式。",
    "A text with this in it, or a list of it.": "包含此内容的文本，或含有它的列表。",
    "One identity of the person that the record is about": "记录所涉及用户的一个身份",
    "phone, openid, unionid, uid; v2 endpoints: any type that is configured on the platform; older audience endpoints: audienceUserId, identityId": "phone、openid、unionid、uid；v2 接口：平台上配置的任意类型；旧版用户接口：audienceUserId、identityId",
    "A value of the record; missing, blank or not convertible counts as absent": "记录中的值；缺失、空白或无法转换都视为没有",
    "v2: the id of the official account or mini program": "v2：公众号或小程序的 id",
}
"""By the English description."""

_BEGINNINGS: Final = (
    ("A literal, a reference (", "字面值、引用（"),
    ("A scalar: equal; a list: one of; or an object of ", "标量：等于；列表：其中之一；或由以下操作符组成的对象："),
    ("v2: with mpid, by default true for the platforms ", "v2：配合 mpid；以下平台默认为 true："),
    ("v2: ", "v2："),
)
"""Of descriptions that list words of the language, whose names stay as they are."""
_ENDINGS: Final = {"; $$ for a literal $), or an object of words": "；$$ 表示字面的 $），或由词组成的对象"}
_OF_ENDPOINTS: Final = re.compile(r"^(event|audience)/\S+: ")
_KINDS: Final = {
    "boolean": "布尔",
    "integer": "整数",
    "milliseconds": "毫秒时间戳",
    "object": "对象",
    "objects": "对象列表",
    "text": "文本",
    "custom_fields": "自定义字段",
}


def in_chinese(text: str) -> str:
    """Return a description in Chinese. Raises KeyError if there is none."""
    if text in CHINESE:
        return CHINESE[text]
    if _OF_ENDPOINTS.match(text):
        words = re.sub(r"(?<=: )(\w+)(?=$|;|,| \()", lambda match: _KINDS[match[1]], text)
        return words.replace(", required", "，必填").replace("; ", "；")
    for beginning, chinese in _BEGINNINGS:
        if text.startswith(beginning):
            rest = text.removeprefix(beginning)
            for ending, chinese_ending in _ENDINGS.items():
                if rest.endswith(ending):
                    rest = rest.removesuffix(ending) + chinese_ending
            return chinese + rest
    raise KeyError(text)


def translated(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a schema whose descriptions are in Chinese."""
    if isinstance(schema, list):
        return [translated(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: in_chinese(each) if key == "description" and isinstance(each, str) else translated(each)
        for key, each in schema.items()
    }
