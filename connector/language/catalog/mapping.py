"""The mapping language: what is wrong with a route, and what a value of the file is not."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    # types of values
    "a boolean": "布尔值",
    "an object": "对象",
    "a list of texts": "文本列表",
    "a list of objects": "对象列表",
    "a list of {{configId, configName, values}}": "由 {{configId, configName, values}} 组成的列表",
    "epoch milliseconds: use `as: timestamp`": "毫秒时间戳：请用 `as: timestamp`",
    "a date, yyyy-MM-dd or epoch milliseconds": "日期（yyyy-MM-dd 或毫秒时间戳）",
    "a number with a fraction": "带小数的数字",
    "a number of a finer unit": "单位比毫秒更小的数字",
    "seconds": "秒",
    "text of another form": "其他形式的文本",
    # parts of sentences
    "{one} and {other}": "{one} 和 {other}",
    "{one} or {other}": "{one} 或 {other}",
    "{what} or {other}": "{what}或{other}",
    " ({values})": "（{values}）",
    ": {names}": "：可用的有 {names}",
    ": expected one of {names}": "：应为以下之一：{names}",
    ": use `{conversion}`": "：请用 `{conversion}`",
    ": use `as: joined`": "：请用 `as: joined`",
    ": use [split, joined]": "：请用 [split, joined]",
    ": quote it": "：请加引号",
    "`{word}` belongs to {others}": "`{word}` 只能与 {others} 一起使用",
    "expected one of {names}": "应为以下之一：{names}",
    "expected true or false": "应为 true 或 false",
    "expected a number": "应为数字",
    "not a regular expression": "不是正则表达式",
    # conversions
    "expected text, got {kind}": "应为文本，实际是{kind}",
    "expected text, got a list: `as: joined` makes text of a list": (
        "应为文本，实际是列表：`as: joined` 可以把列表变成文本"
    ),
    "an element contains a comma, which separates elements{hint}": "有元素含逗号，而逗号用来分隔元素{hint}",
    "it can't be encoded as JSON: a number exceeds 64 bits, or it nests too deep": (
        "无法编码为 JSON：有数字超出 64 位，或者嵌套太深"
    ),
    "expected a number, got {kind}": "应为数字，实际是{kind}",
    "expected a whole number, got {kind}": "应为整数，实际是{kind}",
    "expected true or false, got {kind}": "应为 true 或 false，实际是{kind}",
    "the number is too large": "数字太大",
    "expected a mainland mobile number of 11 digits, got {kind}": "应为 11 位中国大陆手机号，实际是{kind}",
    "expected a time, got {kind}": "应为时间，实际是{kind}",
    "{kind} is too large for a time": "{kind}太大，不是时间",
    "{kind} is a time outside of the years 1 to 9999": "{kind}所表示的时间超出公元 1 年到 9999 年",
    "a time outside of the years 1 to 9999": "时间超出公元 1 年到 9999 年",
    "{kind} of {number} digits is not {form}": "{number} 位的{kind}不符合 {form}",
    "text is not a time in any known form": "文本不是任何已知形式的时间",
    "no such time zone: names are like Asia/Shanghai": "没有这个时区：名称形如 Asia/Shanghai",
    "expected a conversion, got an empty list": "应为转换，实际是空列表",
    "no such conversion{hint}": "没有这种转换{hint}",
    "expected one value, got a list": "应为单个值，实际是列表",
    "expected a number of decimal places, 0 to {most}": "应为小数位数，0 到 {most}",
    "expected omit; without it, an impossible conversion sends the record to the dead letters": (
        "只能写 omit；不写时，无法转换的记录进入死信"
    ),
    # values and references
    "expected a JSON value: put it in quotes": "应为 JSON 值：请加引号",
    "expected one of the keys {names}": "应有以下键之一：{names}",
    "; write {{literal: …}} for an object that is a literal": "；要原样发送一个对象，请写 {{literal: …}}",
    "no other key may stand beside `literal`": "`literal` 旁边不能有其他键",
    "expected a reference, got an empty list": "应为引用，实际是空列表",
    "expected a reference, or a list of them{hint}": "应为引用或引用的列表{hint}",
    "expected a reference to a list, like $.items": "应为指向列表的引用，例如 $.items",
    "`value` belongs to `each`": "`value` 只能与 `each` 一起使用",
    "`otherwise` belongs to `map`": "`otherwise` 只能与 `map` 一起使用",
    "expected a regular expression": "应为正则表达式",
    "no group: put parentheses around the part to extract, as in ^SKU-(.+)$": (
        "没有分组：请用圆括号括住要提取的部分，例如 ^SKU-(.+)$"
    ),
    "expected a table of values and what becomes of them": "应为键值表：原值: 变成什么",
    "blank text counts as missing: use `otherwise`": "空白文本视为缺失：请用 `otherwise`",
    "the table has this key twice: keys are compared as text": "这个键在表中出现两次：键按文本比较",
    "unreachable: `as: {conversion}` never yields this": "永远用不到：`as: {conversion}` 不会得到这个值",
    "'{action}' is only allowed as the value of `default` and `otherwise`{hint}": (
        "'{action}' 只能写作 `default` 或 `otherwise` 的值{hint}"
    ),
    ": leave this value out, for `otherwise: {action}`": "：请去掉这个值，改写 `otherwise: {action}`",
    "text from a ${{…}}": "来自 ${{…}} 的文本",
    "{text} is not a reference{hint}": "{text} 不是引用{hint}",
    "{text} is not a reference: `$change` has {names}{hint}": "{text} 不是引用：`$change` 有 {names}{hint}",
    ": write an element of a list as $.items.0, all of them as $.items.*": (
        "：列表的一个元素写作 $.items.0，全部元素写作 $.items.*"
    ),
    ': put a name with blanks or dots in quotes, $."odd key".x': '：名称中有空格或点时请加引号，如 $."odd key".x',
    ", did you mean '{close}'? Write '${text}' for the literal '{text}'": (
        "，是否想写 '{close}'？如果就是文本 '{text}'，请写 '${text}'"
    ),
    ": references are {names}; write $$ for a literal that begins with $": ("：引用有 {names}；以 $ 开头的文本请写 $$"),
    "{word} has no meaning here, but in a route with `for_each`, and inside `each`": (
        "{word} 在这里没有意义，只能用在有 `for_each` 的路由里和 `each` 之内"
    ),
    "$change has no meaning here: no topic of the route has an `envelope` under `decode`": (
        "$change 在这里没有意义：这条路由的主题在 `decode` 下都没有写 `envelope`"
    ),
    "`$` is the row already, and what is around it `$change`: is this path too long?": (
        "`$` 已经是行本身，外层信息在 `$change` 里：路径是不是写长了？"
    ),
    "braces have a meaning in a template only: {{template: …}}": "花括号只在模板里有意义：请写 {{template: …}}",
    "expected text with {{references}} in it": "应为含有 {{引用}} 的文本",
    "a brace is not closed; write {{{{ and }}}} for braces themselves": ("花括号没有闭合；花括号本身请写 {{{{ 和 }}}}"),
    "what stands in braces must be a reference, which begins with $": "花括号里必须是以 $ 开头的引用",
    "the reference yields {kind}, expected {words}{hint}": "这个引用得到的是{kind}，应为{words}{hint}",
    "`{word}` yields {kind}, expected {words}{hint}": "`{word}` 得到的是{kind}，应为{words}{hint}",
    # conditions
    "expected a table of conditions, like {{$.status: PAID}}": "应为条件的键值表，例如 {{$.status: PAID}}",
    "expected a list of tables of conditions": "应为列表，其中每项是条件的键值表",
    "expected a reference, or any, all or not{hint}": "应为引用，或 any、all、not{hint}",
    "expected a condition: {names}": "应为条件：{names}",
    "expected a list of scalars": "应为标量的列表",
    "expected a scalar{hint}": "应为标量{hint}",
    ": write {{exists: false}} for a field that is null or missing": "：字段为 null 或缺失请写 {{exists: false}}",
    "a reference is not allowed here": "这里不能用引用",
    "unreachable: `where` lets no record with it through ({source})": (
        "永远用不到：`where` 不放行取这个值的记录（{source}）"
    ),
    # change data capture
    "{topic} is change data capture ({envelope}), and `where` has no condition on `$change.op`: a snapshot would send"
    " history as new events; add `$change.op: [insert, update]`": (
        "{topic} 是变更数据捕获（{envelope}），而 `where` 没有限定 `$change.op`：一次快照会把历史数据当作新事件发送；"
        "请加上 `$change.op: [insert, update]`"
    ),
    "this topic has no `envelope` under `decode`: `$change` is missing in its records": (
        "这个主题在 `decode` 下没有 `envelope`：它的记录里没有 `$change`"
    ),
    "no operation, so it is never found: {names}{hint}": "没有这种操作，永远不会匹配：可用的有 {names}{hint}",
    # identities
    "expected an identity rule, like {{type: phone, value: $.mobile}}": (
        "应为身份规则，例如 {{type: phone, value: $.mobile}}"
    ),
    "an identity rule needs a value": "身份规则必须有 value",
    "an identity rule needs a type: phone, openid, unionid, uid, …": (
        "身份规则必须有 type：phone、openid、unionid、uid 等"
    ),
    "expected the name of a type: phone, openid, unionid, uid, …": "应为身份类型的名称：phone、openid、unionid、uid 等",
    "{endpoint} does not take {types}: drop the rule": "{endpoint} 不接受 {types}：请去掉这条规则",
    "{endpoint} takes only the identity types {types}: drop the rule": (
        "{endpoint} 只接受这些身份类型：{types}；请去掉这条规则"
    ),
    "no type that the platform has by itself{hint}": "不是平台自带的身份类型{hint}",
    "{endpoint} has no '{key}' of an identity: drop it": "{endpoint} 的身份没有 '{key}'：请去掉",
    "not one of the documented platforms{hint}": "文档中没有这个 platform{hint}",
    "mpid requires isWeChatEcosystem, or a platform from which it follows": (
        "写了 mpid 就必须写 isWeChatEcosystem，或写可据以推断的 platform"
    ),
    "the same for every record, which would put them all on one customer{hint}": (
        "所有记录都相同，会把全部数据归到同一个用户{hint}"
    ),
    "a phone without `as: phone`: +86, blanks and masked digits would be sent as they stand": (
        "手机号没有写 `as: phone`：+86、空格、带星号的号码都会原样发送"
    ),
    # parameters and fields
    "only the public_params of a route may depend on the record": "只有路由的 public_params 可以按记录取值",
    "only fuzzy matching uses it: set matchingType: 2, or drop it": (
        "只有模糊匹配才用到它：请设置 matchingType: 2，或去掉它"
    ),
    "{endpoint} requires 'identifyWay' (1 or 2) for fuzzy matching (matchingType 2)": (
        "{endpoint} 在模糊匹配（matchingType 2）时必须有 'identifyWay'（1 或 2）"
    ),
    "{endpoint} requires '{name}'{values}, which has no default": "{endpoint} 必须有 '{name}'{values}，它没有默认值",
    "; route '{route}' does not set it": "；路由 '{route}' 没有写它",
    ": {endpoint} has {names}": "：{endpoint} 有 {names}",
    "{endpoint} has no field '{name}': drop it": "{endpoint} 没有字段 '{name}'：请去掉",
    "{endpoint} has no field '{name}', which belongs to {others}: drop it": (
        "{endpoint} 没有字段 '{name}'，它属于 {others}：请去掉"
    ),
    "{endpoint} has no parameter '{name}', which belongs to {others}: drop it": (
        "{endpoint} 没有参数 '{name}'，它属于 {others}：请去掉"
    ),
    "'{name}' is not a field: map it by `event_key` of the route, beside `fields`": (
        "'{name}' 不是字段：请写在路由的 `event_key` 里，与 `fields` 并列"
    ),
    "'{name}' is not a field: map it by `identity` of the route, beside `fields`": (
        "'{name}' 不是字段：请写在路由的 `identity` 里，与 `fields` 并列"
    ),
    "{field} {value} requires one of {others}": "{field} 为 {value} 时必须有以下之一：{others}",
    "without {name} an item says nothing": "没有 {name}，条目就没有内容",
    "not required: where {name} is missing, an item is sent that says nothing; add `required: true`": (
        "不是必填：{name} 缺失时，仍会发送没有内容的条目；请加上 `required: true`"
    ),
    "expected at most {number} characters": "最多 {number} 个字符",
    "expected a list of {{configId, configName, values}}, or a reference to one": (
        "应为由 {{configId, configName, values}} 组成的列表，或指向这种列表的引用"
    ),
    "expected a table of configId, configName and values": "应为含 configId、configName、values 的键值表",
    "expected a list of objects, got {kind}": "应为对象列表，实际是{kind}",
    "expected an object as an element, got {kind}": "元素应为对象，实际是{kind}",
    "expected an object, got {kind}": "应为对象，实际是{kind}",
    "expected epoch milliseconds, got {kind}: use `as: timestamp`": (
        "应为毫秒时间戳，实际是{kind}：请用 `as: timestamp`"
    ),
    # events
    "{endpoint} takes no events: drop `event_key`": "{endpoint} 不接受事件：请去掉 `event_key`",
    "{endpoint} requires an event key": "{endpoint} 必须有事件标识",
    "expected text for the event key": "事件标识应为文本",
    "{placeholder}… stands for an event that is still to be named": "{placeholder}… 只是占位，事件还没有命名",
    "no event of `events` has this key{hint}": "`events` 中没有这个事件{hint}",
    "no route makes this event": "没有路由产生这个事件",
    "no event of `events` has such an argument{hint}": "`events` 中没有事件有这个参数{hint}",
    "none of {keys} has such an argument in `events`{hint}": "在 `events` 中，{keys} 都没有这个参数{hint}",
    "{key} has no such argument in `events`{hint}": "在 `events` 中，{key} 没有这个参数{hint}",
    "{key} has no such argument in `events`, and this one is in every event": (
        "在 `events` 中，{key} 没有这个参数，而它会出现在每个事件里"
    ),
    "{key} has no such argument in `events`: with it, such an event becomes a dead letter": (
        "在 `events` 中，{key} 没有这个参数：带上它，这种事件会进入死信"
    ),
    "{key} requires this argument (`events`), and the route does not map it": (
        "{key} 必须有这个参数（`events`），而路由没有映射它"
    ),
    "missing, required (`events`)": "缺失，必填（`events`）",
    "expected at most {most} characters, got {length}": "最多 {most} 个字符，实际有 {length} 个",
    "{told} (`events`){remedy}": "{told}（`events`）{remedy}",
    "{told} (`events`: {key}){hint}": "{told}（`events`：{key}）{hint}",
    "{words} (`events`)": "{words}（`events`）",
    "{field}: {detail}": "{field}：{detail}",
    # functions
    "`for_each` and `transform` exclude each other: return a list, for one item each": (
        "`for_each` 和 `transform` 不能同时使用：请让函数返回列表，每个元素生成一条"
    ),
    "expected package.module:function": "应为 package.module:function",
    "no such module: put its directory on PYTHONPATH": "没有这个模块：请把它所在的目录加入 PYTHONPATH",
    "the import raised {kind}{place}": "导入时抛出 {kind}{place}",
    " ({file}, line {line})": "（{file} 第 {line} 行）",
    "the module has no such function{hint}": "模块中没有这个函数{hint}",
    "expected a plain function: it must not be async, and must return instead of yield": (
        "应为普通函数：不能是 async，必须用 return 而不是 yield"
    ),
}
