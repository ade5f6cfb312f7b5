"""What commands say: results, wrong options, files that can't be used, and what is wrong with files of tests."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    "{file}: sound ({targets}, {routes})": "{file}: 检查通过（{targets}，{routes}）",
    "target": "个目标",
    "targets": "个目标",
    "route": "条路由",
    "routes": "条路由",
    "record": "条记录",
    "records": "条记录",
    "can't write {file}: {reason}": "无法写入 {file}：{reason}",
    "standard input": "标准输入",
    # records
    "expected JSON lines, a record per line": "应为 JSON Lines，每行一条记录",
    "it is UTF-16, save the file as UTF-8": "这是 UTF-16，请把文件另存为 UTF-8",
    "only in a file of tests: give value or value_text": "只能用在测试文件里：请写 value 或 value_text",
    "it does not say its topic, and the config reads several: name one here": (
        "没有写明主题，而配置读取多个主题：请在这里指定一个"
    ),
    "{name}: {number:,} of its records have more than {size} MiB: choose fewer by --newest or --oldest": (
        "{name}：其中 {number:,} 条记录超过 {size} MiB：请用 --newest 或 --oldest 少取一些"
    ),
    "{name}: line {line} is larger than {size} MiB: no record": "{name}：第 {line} 行超过 {size} MiB，不是记录",
    "{name}: line {line} is not text: {hint}": "{name}：第 {line} 行不是文本：{hint}",
    "{name}: line {line} is not JSON: {expected}": "{name}：第 {line} 行不是 JSON：{expected}",
    "{name}: line {line}: {told}": "{name}：第 {line} 行：{told}",
    "it has a topic, so it must be a record in the form of mapping tests: {found}": (
        "写了 topic，就必须是映射测试中那种形式的记录：{found}"
    ),
    "{file} is empty: {expected}": "{file} 是空的：{expected}",
    "{told}; {records} before it went into the topic": "{told}；在它之前有{records}已写入主题",
    "{why}; --raw produces lines as they are": "{why}；加 --raw 则每行原样写入",
    # topics and options
    "name the topic: {file} reads {topics}": "请指定主题：{file} 读取 {topics}",
    "'{topic}' is a pattern: name one of the topics that it matches": "'{topic}' 是匹配模式：请写它匹配的某个主题",
    "no route of {file} reads '{topic}'{hint}": "{file} 中没有路由读取 '{topic}'{hint}",
    "no route reads {topic}{hint}": "没有路由读取 {topic}{hint}",
    ": it reads {topics}": "：它读取 {topics}",
    ": they read {topics}": "：它们读取 {topics}",
    "no source is generated for {topic}: its records are decoded as a whole, and mapped step by step": (
        "没有为 {topic} 生成源码：它的记录整体解码，再逐步映射"
    ),
    "say one of FILE, --letter, or --topic with --partition and --offset": (
        "FILE、--letter、--topic 加 --partition 和 --offset，只能写其中一种"
    ),
    "say which record: FILE (- is standard input), --letter, or --topic, --partition, --offset": (
        "请指明是哪条记录：FILE（- 表示标准输入）、--letter，或 --topic、--partition、--offset"
    ),
    "a place in Kafka is --topic, --partition and --offset": "Kafka 中的位置要写全 --topic、--partition 和 --offset",
    "the name of one topic: letters, digits, dots, dashes, and _": "应为一个主题名：字母、数字、点、连字符和 _",
    "the name of one topic: letters, digits, dots, dashes, and _; no pattern": (
        "应为一个主题名：字母、数字、点、连字符和 _；不能是匹配模式"
    ),
    "expected NAME=VALUE, such as security.protocol=SASL_SSL": "应为 NAME=VALUE，例如 security.protocol=SASL_SSL",
    "no such reason: '{reason}'; {hint}The reasons are {reasons}": (
        "没有这种原因：'{reason}'；{hint}可用的原因有 {reasons}"
    ),
    "did you mean '{name}'? ": "是否想写 '{name}'？",
    "expected 30m, 2h, 7d or a time such as 2024-01-31T08:00 (without an offset: {zone}), got '{given}'": (
        "应为 30m、2h、7d 或一个时间，例如 2024-01-31T08:00（不写偏移量时按 {zone}），实际是 '{given}'"
    ),
    "expected a place such as 0:12, or a record such as shop.orders[3]@41, got '{given}'": (
        "应为位置，例如 0:12，或者记录，例如 shop.orders[3]@41；实际是 '{given}'"
    ),
    # health
    "port 0 is any free port, which is known only to the process": "端口 0 表示任意空闲端口，只有进程自己知道是哪个",
    "no connector answers at {where} (admin.listen of {file}): {reason}; start it with this config, or name the config"
    " that it runs with": (
        "{where}（{file} 的 admin.listen）没有连接器应答：{reason}；请用这份配置启动它，或指定它正在使用的配置"
    ),
    "what answers at {where} (admin.listen of {file}) is not a connector: another process has taken the port": (
        "在 {where}（{file} 的 admin.listen）应答的不是连接器：端口被别的进程占用了"
    ),
    # what is written
    "{file} is not written: {why}": "没有写入 {file}：{why}",
    "nothing is written, because the config would not be sound: {why}": "什么都没有写入，因为写出的配置会有问题：{why}",
    "nothing is written, because the config would not be sound with the plan: {why}": (
        "什么都没有写入，因为配置加上这份埋点方案会有问题：{why}"
    ),
    "the plan": "埋点方案",
    # tests of mappings
    "a table of names and texts": "由名称和文本组成的键值表",
    "expected a time such as 2024-01-31T08:00:00+08:00, or epoch milliseconds": (
        "应为时间，例如 2024-01-31T08:00:00+08:00，或毫秒时间戳"
    ),
    "no route reads this topic": "没有路由读取这个主题",
    "no such route": "没有这条路由",
    "no such target": "没有这个目标",
    "no such reason": "没有这种原因",
    ": there are {names}": "：可用的有 {names}",
    ": it has {names}": "：它有 {names}",
    "field": "字段",
    "parameter": "参数",
    "{endpoint} has no {what} '{name}'{hint}": "{endpoint} 没有{what} '{name}'{hint}",
    "the platform gives this reason: no mapping does, so no test can reach it": (
        "这种原因由平台给出，映射不会产生它，所以测试到不了"
    ),
    "no test has '{name}' in its name": "没有测试的名称含有 '{name}'",
    "there is no such file or directory": "没有这个文件或目录",
    "no mapping tests here: they are YAML files with the keys config and tests": (
        "这里没有映射测试：测试文件是带有 config 和 tests 两个键的 YAML"
    ),
    "`{one}` and `{other}` exclude each other": "`{one}` 和 `{other}` 不能同时使用",
    "`expect` and `expect_dead_letter` exclude each other; `expect` may hold `dead_letter` entries": (
        "`expect` 和 `expect_dead_letter` 不能同时使用；`expect` 里可以有 `dead_letter` 项"
    ),
    "a record needs one of {names}; `value: null` is a tombstone": "记录需要 {names} 之一；`value: null` 表示墓碑",
    "this is the config of a connector, not a file of its tests, which has the keys config and tests": (
        "这是连接器的配置，不是测试文件；测试文件有 config 和 tests 两个键"
    ),
    "there is no such config: looked for {file}": "没有这份配置：找过 {file}",
    "{expected}: all items in the order of the routes, [] for a record that is skipped": (
        "{expected}：按路由顺序写出全部条目；跳过的记录写 []"
    ),
    "expected what the dead letter says, such as {{route: orders, reason: identity_missing}}": (
        "应为死信的内容，例如 {{route: orders, reason: identity_missing}}"
    ),
    "expected an item: {{target: …, item: {{…}}}}": "应为条目：{{target: …, item: {{…}}}}",
    "tests[{index}] has the same name": "与 tests[{index}] 同名",
    "{file} can't be read: {reason}": "无法读取 {file}：{reason}",
    "larger than 16 MiB: this is not a record": "超过 16 MiB：这不是记录",
    "a test needs `expect` or `expect_dead_letter`; `test --update` writes what comes out": (
        "测试需要 `expect` 或 `expect_dead_letter`；`test --update` 会写入实际结果"
    ),
    "the new text would not be YAML: {why}": "新的文本将不是 YAML：{why}",
}
