"""Numbers with their nouns, times, and what many parts say."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    "{number:,} {noun}": "{number:,} {noun}",
    "{number} d": "{number} 天",
    "{number} h": "{number} 小时",
    "{number} min": "{number} 分钟",
    "{number} s": "{number} 秒",
    "no such file or directory": "文件或目录不存在",
    "permission denied": "没有权限",
    "operation not permitted": "不允许该操作",
    "is a directory": "是一个目录",
    "not a directory": "不是目录",
    "file exists": "文件已存在",
    "file name too long": "文件名过长",
    "too many levels of symbolic links": "符号链接层数过多",
    "read-only file system": "文件系统只读",
    "no space left on device": "磁盘空间不足",
    "input/output error": "输入/输出错误",
    "connection refused": "连接被拒绝",
    "connection reset by peer": "连接被对端重置",
    "timed out": "超时",
    "network is unreachable": "网络不可达",
    "no route to host": "没有到主机的路由",
    "not a path": "不是有效的路径",
    "unknown key{hint}": "未知的键{hint}",
    ", did you mean '{close}'?": "，是否想写 '{close}'？",
    "{option}: {told}": "{option}: {told}",
    "there is no topic {topic}": "主题 {topic} 不存在",
}
