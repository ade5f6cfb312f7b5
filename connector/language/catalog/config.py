"""What is wrong with a config: settings, `${…}`, tracking plans, checks across sections."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    # types
    "text": "文本",
    "a table": "键值表",
    "a list": "列表",
    "nothing": "空值",
    "true or false": "布尔值（true 或 false）",
    "a number": "数字",
    "an integer": "整数",
    "an integer or auto": "整数或 auto",
    "text, a number, true or false": "文本、数字、true 或 false",
    "a type, such as string, or a table": "类型（如 string）或键值表",
    "the path of a file": "文件路径",
    "expected {what}, got {kind}": "应为{what}，实际是{kind}",
    "expected {what}": "应为{what}",
    "expected {what}{hint}": "应为{what}{hint}",
    "expected {what}: {remedy}": "应为{what}：{remedy}",
    "{names} or {last}": " {names} 或 {last}",
    "{names} and {last}": "{names} 和 {last}",
    "{told}; quote it": "{told}；请加引号",
    "{quoted}: {told}": "{quoted}：{told}",
    ": {remedy}": "：{remedy}",
    "{refusal}": "不符合要求（{refusal}）",
    "expected one of {names}{hint}": "应为以下之一：{names}{hint}",
    "did you mean '{name}'?": "是否想写 '{name}'？",
    "must be at least {ge}": "不能小于 {ge}",
    "must be at most {le}": "不能大于 {le}",
    "must be more than zero": "必须大于 0",
    "must not be empty": "不能为空",
    "must not be blank": "不能为空白",
    "missing, required": "缺失，必填",
    "missing, required together with {name}": "缺失：写了 {name} 就必须同时写它",
    "given twice, first in line {line}": "重复，第一次出现在第 {line} 行",
    "expected a duration, such as 250ms, 10s, 5m or 1h": "应为时长，例如 250ms、10s、5m 或 1h",
    "expected a size, such as 512KiB or 1MiB": "应为大小，例如 512KiB 或 1MiB",
    "expected a rate above zero, such as 50/s or 600/m": "应为大于 0 的速率，例如 50/s 或 600/m",
    "expected earliest, latest or a time such as 2024-01-31T00:00:00+08:00 (without an offset: {zone})": (
        "应为 earliest、latest 或一个时间，例如 2024-01-31T00:00:00+08:00（不写偏移量时按 {zone}）"
    ),
    "a setting can't refer to the record: write ${{NAME}} for an environment variable, or $$ for text that begins with"
    " $": "设置项不能引用记录：环境变量请写 ${{NAME}}；以 $ 开头的文本请写 $$",
    "gb18030 reads it too": "gb18030 也能读它",
    "have it produced as avro or json_schema: docs/formats.md says why": (
        "请让生产方改用 avro 或 json_schema，原因见 docs/formats.md"
    ),
    "write UTF-8 where it is produced": "请在生产方改写为 UTF-8",
    # ${…}
    "write ${{NAME}}, ${{NAME:-default}}, ${{NAME:?message}} or ${{file:/path}}; $${{ for a literal ${{": (
        "可以写 ${{NAME}}、${{NAME:-默认值}}、${{NAME:?提示}} 或 ${{file:/路径}}；要原样写出 ${{ 请写 $${{"
    ),
    "not a ${{…}} that can be replaced: {forms}": "无法替换的 ${{…}}：{forms}",
    "a ${{ is never closed: {forms}": "有一个 ${{ 没有闭合：{forms}",
    "the environment variable {name} is not set{remedy}": "环境变量 {name} 没有设置{remedy}",
    "the environment variable {name} is empty{remedy}": "环境变量 {name} 为空{remedy}",
    ": export {name}=…, or give a default: ${{{name}:-…}}": "：请执行 export {name}=…，或写默认值：${{{name}:-…}}",
    "no environment variable is read here: give a default, ${{{name}:-…}}": (
        "这里不读取环境变量：请写默认值 ${{{name}:-…}}"
    ),
    "no file is read here: write a value in its place": "这里不读取文件：请直接写出它的值",
    "the file of ${{{expression}}} can't be read: {reason}": "无法读取 ${{{expression}}} 指向的文件：{reason}",
    "the file of ${{{expression}}} is larger than 1 MiB: not a setting": (
        "${{{expression}}} 指向的文件超过 1 MiB：不像是设置项的值"
    ),
    "the file of ${{{expression}}} is not UTF-8 text": "${{{expression}}} 指向的文件不是 UTF-8 文本",
    "not a file": "不是文件",
    "no file is read here: write the events into the config": "这里不读取文件：请把事件直接写进配置",
    "no function is called here, since it would run on the server: preview on the command line does": (
        "这里不调用函数，因为它会在服务器上运行：请在命令行使用 preview"
    ),
    # across sections
    "the connector sets this property itself; {remedy}": "这个属性由连接器自己设置：{remedy}",
    "remove it: the connector commits an offset only after the platform has accepted the record": (
        "请删除，只有平台接受了记录之后，连接器才提交位点"
    ),
    "use kafka.bootstrap_servers": "请改用 kafka.bootstrap_servers",
    "use kafka.group_id": "请改用 kafka.group_id",
    "use kafka.start_from: the connector resolves the start offsets itself and never skips records silently": (
        "请改用 kafka.start_from，起始位点由连接器自己确定，绝不悄悄跳过记录"
    ),
    "remove it: the connector does not use it": "请删除，连接器用不到它",
    "not allowed with group.protocol: consumer, where the broker decides it: remove it": (
        "与 group.protocol: consumer 不能同时使用，此时由 broker 决定：请删除"
    ),
    "app_id with app_secret, or token, or token_file": "app_id 加 app_secret、token、token_file 三者之一",
    "no credentials: give {credentials}": "没有凭据：请写 {credentials}",
    "{names} exclude each other: give {credentials}": "{names} 不能同时使用：请写 {credentials}",
    "expected an address such as {example}": "应为地址，例如 {example}",
    "must not contain a user or a password: the platform takes a token (platform.auth)": (
        "不能带用户名或密码：平台用 token 认证（platform.auth）"
    ),
    "must not contain a user or a password: use properties, basic.auth.user.info": (
        "不能带用户名或密码：请写在 properties 的 basic.auth.user.info 里"
    ),
    "must not have a query or a fragment ('?', '#')": "不能带查询串或片段（'?'、'#'）",
    "must begin with https://, because requests carry the app secret (allow_http: true in a trusted network)": (
        "必须以 https:// 开头，因为请求里带有应用密钥（可信的内网可以写 allow_http: true）"
    ),
    "first ({first} by default) must not exceed max ({longest} by default)": (
        "first（默认 {first}）不能超过 max（默认 {longest}）"
    ),
    "expected host:port, such as 127.0.0.1:8080 or [::1]:8080": "应为 host:port，例如 127.0.0.1:8080 或 [::1]:8080",
    "expected host:port, host:port, … in ASCII": "应为 host:port, host:port, …，只能用 ASCII 字符",
    "expected host:port, host:port": "应为 host:port, host:port",
    "expected a name without scheme and port, such as connector.example.com, or *.example.com": (
        "应为不带协议和端口的主机名，例如 connector.example.com 或 *.example.com"
    ),
    "must not contain full-width punctuation": "不能含有全角标点",
    "this name is reserved for the dead letters: choose another": "这个名称保留给死信：请换一个",
    "no such endpoint; the endpoints are {names}{hint}": "没有这个接口；可用的接口有 {names}{hint}",
    "no such target{hint}": "没有这个目标{hint}",
    "no route reads this topic{hint}": "没有路由读取这个主题{hint}",
    "no route feeds this target": "没有路由指向这个目标",
    "{topic} matches '{first}' too, which stands before and counts; an entry by name would win": (
        "{topic} 也匹配写在前面的 '{first}'，以那一项为准；按主题名写的项优先"
    ),
    "routes[{index}] has the same name, which must be unique in metrics and dead letters": (
        "与 routes[{index}] 同名；指标和死信靠名称区分，必须唯一"
    ),
    "not a regular expression: {why} at position {position}": "不是正则表达式：位置 {position} 处 {why}",
    "not a topic name (letters, digits, '.', '_', '-'); a regular expression begins with ^": (
        "不是主题名（只能用字母、数字、'.'、'_'、'-'）；正则表达式以 ^ 开头"
    ),
    "not a topic name (letters, digits, '.', '_', '-')": "不是主题名（只能用字母、数字、'.'、'_'、'-'）",
    "this is the dead-letter topic, which is never consumed: its records would fail again": (
        "这是死信主题，从不消费：其中的记录还会再次失败"
    ),
    "matches the dead-letter topic {name} too, which is never consumed: narrow the pattern": (
        "也匹配死信主题 {name}，它从不消费：请缩小匹配范围"
    ),
    "must not be empty: without `events`, nothing is checked": "不能为空：不写 `events` 则什么都不核对",
    "an event key must not be blank": "事件标识不能为空白",
    "the name of an argument must not be blank": "参数名不能为空白",
    "only a string has a max_length; this is of type {type}": "只有 string 才有 max_length，这里的类型是 {type}",
    "a secret in clear: keep it out of the file, with ${{NAME}} or ${{file:/path}}": (
        "密钥以明文写在文件里：请改用 ${{NAME}} 或 ${{file:/路径}}"
    ),
    # the schema registry
    "remove it: the connector asks again, with growing waits, for as long as it takes": (
        "请删除，连接器会一直重试，等待时间逐渐加长"
    ),
    "remove it: a schema never changes, so the connector keeps each": "请删除，schema 不会变化，连接器会一直保存",
    "use kafka.schema_registry.url": "请改用 kafka.schema_registry.url",
    "no topic has a format that needs it ({formats})": "没有主题的格式需要它（{formats}）",
    "remove it: {format} has an encoding of its own": "请删除：{format} 自带编码",
    "missing, required for the format of decode.{topic}, {format}: {{url: https://…}}": (
        "缺失：decode.{topic} 的格式 {format} 需要它，请写 {{url: https://…}}"
    ),
    "{format} needs an extra that is not installed (no module {missing}): {install}": (
        "{format} 需要的附加组件没有安装（缺少模块 {missing}）：{install}"
    ),
    "can't read this file": "无法读取这个文件",
    "expected a number of seconds": "应为秒数",
    "the registry's client does not know it": "Schema Registry 的客户端不认识它",
    "the registry's client refuses them: {why}": "Schema Registry 的客户端拒绝这些属性：{why}",
    # properties of the Kafka client
    "the Kafka client refuses it: {refusal}": "Kafka 客户端拒绝它：{refusal}",
    "expected at least {least}, got {given}: a revocation may take {seconds:.0f} s, and the member must not be"
    " removed": ("至少应为 {least}，实际是 {given}：收回分区最多要 {seconds:.0f} 秒，其间成员不能被移出消费组"),
    "session.timeout.ms ({session}) must be longer than heartbeat.interval.ms ({heartbeat}): best three times as"
    " long": ("session.timeout.ms（{session}）必须大于 heartbeat.interval.ms（{heartbeat}），最好是它的三倍"),
    # the file of a tracking plan
    "`file` has all events: move this there, or drop `file`": (
        "写了 `file`，全部事件就都在那个文件里：请移过去，或去掉 `file`"
    ),
    "a workbook can't be read: save it as CSV (CSV UTF-8) and name that file": (
        "不能读取工作簿：请另存为 CSV（CSV UTF-8），再写那个文件"
    ),
    "expected a file that ends in .yaml or .csv": "应为以 .yaml 或 .csv 结尾的文件",
    "event keys": "事件标识",
    "larger than 1 MiB: this is not a tracking plan": "超过 1 MiB：这不是埋点方案",
    "this is a workbook, not a CSV file: in the spreadsheet, save it as CSV (CSV UTF-8)": (
        "这是工作簿，不是 CSV 文件：请在表格软件里另存为 CSV（CSV UTF-8）"
    ),
    "this is not text in UTF-8, UTF-16 or GBK: in the spreadsheet, save it as CSV (CSV UTF-8)": (
        "不是 UTF-8、UTF-16 或 GBK 文本：请在表格软件里另存为 CSV（CSV UTF-8）"
    ),
    "not a CSV file: {why}; is a quotation mark not closed?": "不是 CSV 文件：{why}；是否有引号没有闭合？",
    "no column '{column}' (or '{chinese}'){hint}": "没有 '{column}' 列（或 '{chinese}'）{hint}",
    ": did you mean '{name}' to be it?": "：'{name}' 是不是这一列？",
    "missing: no row above has an event key either": "缺失：上面的行也没有事件标识",
    "missing: this row has a type": "缺失：这一行写了类型",
    "row {row} has another name of this event": "第 {row} 行给了这个事件另一个名称",
    "{event} has this argument already, in row {row}": "{event} 在第 {row} 行已经有这个参数",
    "expected yes or no (是 or 否)": "应为 yes 或 no（是 或 否）",
    "expected an integer": "应为整数",
}
