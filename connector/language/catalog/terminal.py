"""The live summary of `run` on a terminal. The words at the beginning of a line take nine columns."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    "READY": "就绪",
    "NOT READY": "未就绪",
    "  {file}, {state}, up {time}; Ctrl-C stops": "  {file}，{state}，已运行 {time}；按 Ctrl-C 停止",
    "starting": "启动中",
    "running": "运行中",
    "draining": "正在停止",
    "{name}, for {time}: ": "{name}，已持续 {time}：",
    "  and {more}: GET /readyz": "  还有{more}：GET /readyz",
    "records  consumed {consumed:,}, delivered {delivered:,}, skipped {skipped:,}, "
    "dead-lettered {dead_lettered:,}, released {released:,}, in-flight {in_flight:,}": (
        "记录     消费 {consumed:,}，投递 {delivered:,}，跳过 {skipped:,}，死信 {dead_lettered:,}，"
        "释放 {released:,}，在途 {in_flight:,}"
    ),
    "speed    {speed}; {lag}": "速度     {speed}；{lag}",
    "not known yet": "尚不清楚",
    "{consumed:,.0f} records/s consumed, {settled:,.0f}/s settled": (
        "每秒消费 {consumed:,.0f} 条记录，处理完 {settled:,.0f} 条"
    ),
    "no partition assigned": "没有分配到分区",
    "{partitions}, lag not known yet": "{partitions}，积压尚不清楚",
    "lag {lag:,} in {partitions}{told}": "{partitions}共积压 {lag:,} 条{told}",
    ", caught up": "，已追平",
    ", not getting less": "，没有减少",
    ", caught up in {time}": "，预计 {time}后追平",
    "target   ": "目标     ",
    "up": "正常",
    "down": "不可用",
    "held": "已暂停",
    "         and {more}": "         还有{more}",
    "{in_flight} of {requests} under way, {queued:,} queued": "在途 {in_flight}（上限 {requests}），排队 {queued:,} 条",
    "{told}, next try in {time}": "{told}，{time}后重试",
    "{told}; last reply: {reply}": "{told}；最近的应答：{reply}",
    "dead letters: {listed}. Look at them: dead-letters list -c {file}": (
        "死信：{listed}。查看：dead-letters list -c {file}"
    ),
    # progress of long work
    "{done:,} of {total}": "{done:,} / 共 {total}",
    "no progress for {time}": "已停滞 {time}",
    "{time} left": "还需 {time}",
    "reading": "读取",
    "schemas": "读取 schema",
    "mapping": "映射",
    "mapping as before": "按旧配置映射",
    "checking": "检查",
    "producing": "写入",
    "looking at": "查看",
    "replaying": "重放",
}
