"""What is wrong with a file: it can't be read, is not text, or not YAML."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    # the file
    "can't read {file}: {reason}": "无法读取 {file}：{reason}",
    "can't read the file: {reason}": "无法读取文件：{reason}",
    "larger than {size} MiB: this is not a config": "超过 {size} MiB：这不是配置文件",
    "this is UTF-16: save the file as UTF-8": "这是 UTF-16：请把文件另存为 UTF-8",
    "this is not a text file": "这不是文本文件",
    "not UTF-8 (byte 0x{byte:02x}, as in GBK): save the file as UTF-8": (
        "不是 UTF-8（字节 0x{byte:02x}，像是 GBK）：请把文件另存为 UTF-8"
    ),
    "a control character (U+{number:04X}): this is not a text file": "控制字符（U+{number:04X}）：这不是文本文件",
    "the file is empty: {keys} are required": "文件是空的：必须有 {keys}",
    "expected a table with the keys {keys}": "应为含有这些键的键值表：{keys}",
    # YAML
    "not YAML: {found}": "不是 YAML：{found}",
    "not YAML: an escape like \\U that stands for no character, or a wrong %YAML": (
        "不是 YAML：\\U 之类的转义不对应任何字符，或者 %YAML 写错了"
    ),
    "a tab is not allowed here: use spaces": "这里不能用制表符（Tab）：请用空格",
    "a ':' is not allowed here: quote the text, or begin a new line": "这里不能有 ':'：请给文本加引号，或另起一行",
    "a ':' is missing after this key, or the line before it is not complete": "这个键后面缺少 ':'，或者上一行不完整",
    "this does not fit what stands above: look at the indentation and the quotes": "与上文接不上：请检查缩进和引号",
    "a table in {{…}} is not complete here: a ',' or the '}}' is missing, or quotes": (
        "{{…}} 中的键值表到这里不完整：缺少 ',' 或 '}}'，或者缺少引号"
    ),
    "a list in […] is not complete here: a ',' or the ']' is missing, or quotes": (
        "[…] 中的列表到这里不完整：缺少 ',' 或 ']'，或者缺少引号"
    ),
    "{told} (it opens in line {line})": "{told}（从第 {line} 行开始）",
    "inside double quotes a backslash begins an escape: use single quotes": "双引号里的反斜杠表示转义：请改用单引号",
    "text can't begin with this character: quote it": "文本不能以这个字符开头：请加引号",
    "text that begins with * or & needs quotes": "以 * 或 & 开头的文本需要加引号",
    "a value is missing here, or it needs quotes": "这里缺少值，或者值需要加引号",
    "a file is one document: remove the '---'": "一个文件只能有一个文档：请删除 '---'",
    "the quote that opens here is never closed": "从这里开始的引号没有闭合",
    "the '{bracket}' that opens here is never closed": "从这里开始的 '{bracket}' 没有闭合",
    "no anchor &{name} stands above; text that begins with * needs quotes": (
        "上文没有锚点 &{name}；以 * 开头的文本需要加引号"
    ),
    "a line that begins with % is a directive of YAML: quote the text": "以 % 开头的行是 YAML 指令：请给文本加引号",
    "write {quoted} in quotes": "请带引号写成 {quoted}",
    "this needs quotes": "这里需要加引号",
    "{what}: {shown}": "{what}：{shown}",
    "tags are not allowed: remove '{tag}', or quote the text": "不允许使用标签：请删除 '{tag}'，或给文本加引号",
    "a key must be text: quote it if it begins with {{ or [": "键必须是文本：以 {{ 或 [ 开头时请加引号",
    "a key is missing before the ':'": "':' 前面缺少键",
    "an integer beyond 64 bits: quote it if it is text": "整数超出 64 位：如果是文本请加引号",
    "not a number in JSON: quote it if it is text": "JSON 里没有这样的数字：如果是文本请加引号",
    "half a character (\\ud800 to \\udfff): write the character itself": (
        "半个字符（\\ud800 到 \\udfff）：请直接写出这个字符"
    ),
    "'<<' takes a table or a list of tables: <<: *anchor": "'<<' 后面应为键值表或键值表的列表：<<: *anchor",
    "nested deeper than {depth} levels": "嵌套超过 {depth} 层",
    "the anchor &{name} holds an alias of itself": "锚点 &{name} 引用了它自己",
    "more than {number:,} values, aliases expanded": "展开别名后超过 {number:,} 个值",
    # full-width punctuation
    "'{character}' is {name} (U+{number:04X}): write {instead}": (
        "'{character}' 是{name}（U+{number:04X}）：请改成{instead}"
    ),
    "the Chinese colon": "中文冒号",
    "the Chinese comma": "中文逗号",
    "the Chinese enumeration comma": "中文顿号",
    "the Chinese opening quote": "中文左引号",
    "the Chinese closing quote": "中文右引号",
    "the Chinese full stop": "中文句号",
    "the full-width brace": "全角花括号",
    "the full-width bracket": "全角方括号",
    "the full-width dollar": "全角美元符号",
    "the full-width hyphen": "全角连字符",
    "the full-width slash": "全角斜杠",
    "the full-width number sign": "全角井号",
    "the full-width blank": "全角空格",
    "the no-break space": "不间断空格",
    "{sign}": "半角的 {sign}",
    "a blank": "半角空格",
    "{instead} and a blank": "{instead}，后面再加一个空格",
}
