"""What else the machine does: a benchmark of throughput says nothing while other processes need the processors."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class OthersLoad:
    """The CPU time of all processes but this one, its children and theirs, from when it is made."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._busy_s, self._own_s = _busy_s(), own_cpu_s()

    def share(self) -> float:
        """Return which part of all processors the others have needed since: 0 to 1."""
        others_s = (_busy_s() - self._busy_s) - (own_cpu_s() - self._own_s)
        share = others_s / (time.monotonic() - self._began) / (os.cpu_count() or 1)
        return min(max(share, 0.0), 1.0)  # the kernel counts in hundredths of a second


def _busy_s() -> float:
    user, nice, system, _idle, _iowait, irq, softirq, steal, *_ = map(int, _first_line("/proc/stat").split()[1:])
    return (user + nice + system + irq + softirq + steal) / _TICKS_PER_S


def own_cpu_s() -> float:
    """Return the CPU time of this process and of those that it or they have started, ended ones included."""
    children: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (line := _first_line(folder / "stat")):
            fields = line.rpartition(")")[2].split()
            children[int(fields[1])].append((int(folder.name), sum(map(int, fields[11:15]))))
    ticks, parents = sum(map(int, _first_line("/proc/self/stat").rpartition(")")[2].split()[11:15])), [os.getpid()]
    while parents:
        for pid, its_ticks in children[parents.pop()]:
            ticks += its_ticks
            parents.append(pid)
    return ticks / _TICKS_PER_S


def _first_line(path: str | Path) -> str:
    """Return the first line of a file; empty if the process that it speaks of has ended."""
    try:
        with Path(path).open() as file:
            return file.readline()
    except OSError:
        return ""
