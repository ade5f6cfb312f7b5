"""Numbers with their nouns, and times."""

from __future__ import annotations

from typing import Final

TEXTS: Final = {
    "{number:,} {noun}": "{number:,} {noun}",
    "{number} d": "{number} 天",
    "{number} h": "{number} 小时",
    "{number} min": "{number} 分钟",
    "{number} s": "{number} 秒",
}
