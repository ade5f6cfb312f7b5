"""Dockerfiles as data: stages of instructions. Heredocs and other escape characters than the default are not read."""

from __future__ import annotations

from typing import NamedTuple


class Instruction(NamedTuple):
    """One instruction: its keyword in capitals, and all that follows with continued lines joined."""

    keyword: str
    value: str


def parse_dockerfile(text: str) -> list[list[Instruction]]:
    """Return the instructions before the first FROM, then those of each stage, which begins with its FROM.

    Example: `"ARG V=3\\nFROM a\\nRUN b \\\\\\n c"` gives `[[ARG V=3], [FROM a, RUN b c]]`.
    """
    stages: list[list[Instruction]] = [[]]
    pending: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if not line or line.startswith("#"):
            continue  # comments and blank lines may stand between continued lines too
        pending.append(line.removesuffix("\\").strip())
        if line.endswith("\\"):
            continue
        keyword, _, value = " ".join(pending).partition(" ")
        pending = []
        if keyword.upper() == "FROM":
            stages.append([])
        stages[-1].append(Instruction(keyword.upper(), value.strip()))
    return stages
