"""What commands say: results, wrong options, files that can't be used, and what is wrong with files of tests."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    "{file}: sound ({targets}, {routes})": "{file}: 检查通过（{targets}，{routes}）",
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
    "not JSON: {why}": "不是 JSON：{why}",
    "it has a topic, so it must be a record in the form of mapping tests: {found}": (
        "写了 topic，就必须是映射测试中那种形式的记录：{found}"
    ),
    "{file} is empty: {expected}": "{file} 是空的：{expected}",
    "interrupted: {records} went into the topic before": "已中断：在此之前有{records}已写入主题",
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
    # a config that can't take over
    "the config could not be checked: {error}": "无法检查这份配置：{error}",
    "can't change while the connector runs: restart it": "运行中不能改变：请重启",
    "{file}: {number} targets of earlier configs still have items to send ({names}): it is tried again until they are"
    " done; a restart does not wait": (
        "{file}: 之前配置的 {number} 个目标还有条目没有发完（{names}）：会一直重试到发完为止；重启则不用等"
    ),
    "say of which topic the record is: {topics}": "请写明记录属于哪个主题：{topics}",
    "{topic} has no partition {number}: it has 0 to {last}": "{topic} 没有分区 {number}：它的分区是 0 到 {last}",
    "no record at {at}: the partition holds {first} to {last}": "{at} 没有记录：这个分区现有 {first} 到 {last}",
    "no record at {at}: the partition is empty": "{at} 没有记录：这个分区是空的",
    "the dead letter lacks a part of its record, which no longer exists": (
        "这条死信缺少原记录的一部分，而原记录已不存在"
    ),
    "expected text for topic and key, and a table for headers": "topic 和 key 应为文本，headers 应为键值表",
    "expected whole numbers for partition, offset and timestamp (milliseconds)": (
        "partition、offset 和 timestamp（毫秒）应为整数"
    ),
    "{told} on {brokers}; give its name as it is there, or records of it by --file": (
        "{told}（{brokers}）；请写那里实际的主题名，或用 --file 给出记录"
    ),
    "{topic} is empty: there is no record to look at; produce one, or give some by --file records.jsonl": (
        "{topic} 是空的，没有记录可看；请先写入一条，或用 --file records.jsonl 给出记录"
    ),
    "the file has no record of it, but of {topics}": "文件里没有它的记录，只有 {topics} 的",
    "name a topic, or give records by --file": "请指定主题，或用 --file 给出记录",
    "{file}: its name must end in .yaml or .yml": "{file}：文件名必须以 .yaml 或 .yml 结尾",
    "{file}: its name must end in .yaml, or in .csv for a spreadsheet": (
        "{file}：文件名必须以 .yaml 结尾；给表格软件用则以 .csv 结尾"
    ),
    "{file} exists: --force replaces it, --output names another": (
        "{file} 已存在：加 --force 覆盖，或用 --output 换一个名字"
    ),
    "{file} exists: --force replaces it": "{file} 已存在：加 --force 覆盖",
    "{file} exists, and is not overwritten: choose another name": "{file} 已存在，不会覆盖：请换一个名字",
    "{file}: no route makes events, so there is nothing to plan": "{file}：没有路由产生事件，无从生成埋点方案",
    "there is no directory {folder}": "没有目录 {folder}",
    "personal data would be shown, and there is no terminal to ask on: add --yes": (
        "将显示个人信息，而这里没有终端可以确认：请加 --yes"
    ),
    "not shown; without --unmask, personal data is masked": "没有显示；不加 --unmask 时个人信息会打码",
    "expected a time such as 30s, 5m or 1h, got '{given}'": "应为时长，例如 30s、5m 或 1h，实际是 '{given}'",
    "expected the value to look for, such as an openid": "请输入要找的值，例如 openid",
    # the tap
    "expected the admin port's address, such as http://127.0.0.1:8080, got '{given}'": (
        "应为管理端口的地址，例如 http://127.0.0.1:8080，实际是 '{given}'"
    ),
    "can't reach {place} ({reason}): does the connector run, and is that its admin.listen (--url)?": (
        "连不上 {place}（{reason}）：连接器在运行吗？这是它的 admin.listen（--url）吗？"
    ),
    "{place} has said nothing for {seconds:.0f} s: is that a connector's admin port?": (
        "{place} 已有 {seconds:.0f} 秒没有应答：这是连接器的管理端口吗？"
    ),
    "the connection to {place} ended ({reason}): has the connector ended?": (
        "与 {place} 的连接已断开（{reason}）：连接器是不是退出了？"
    ),
    "the connection to {place} ended: has the connector ended?": "与 {place} 的连接已断开：连接器是不是退出了？",
    "{place} is not the admin port of a connector with a tap (it answered HTTP {status}): look at admin.listen, and at"
    " the connector's version": (
        "{place} 不是带 tap 的连接器的管理端口（应答为 HTTP {status}）：请检查 admin.listen 和连接器的版本"
    ),
    # dead letters
    "there is no topic {topic}: `run` creates it with the first dead letter": (
        "主题 {topic} 不存在：出现第一条死信时由 `run` 创建"
    ),
    "no such dead letter; {why}": "没有这条死信；{why}",
    "no dead letters: {why}": "没有死信：{why}",
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
