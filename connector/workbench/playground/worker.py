"""The process that evaluates the texts of the page: questions on standard input, answers on standard output.

Both are JSON with its length in front: four bytes, the highest first. The first answer, `{}`, says that it is ready.
"""

from __future__ import annotations

import struct
import sys
from typing import BinaryIO, Final

import orjson

from connector.workbench.playground.confinement import confine, limit_cpu
from connector.workbench.playground.evaluation import evaluate

LENGTH: Final = struct.Struct(">I")
MOST_BYTES: Final = 4 << 20
"""Of an answer."""
_MOST_CPU_S: Final = 20
_TOO_MUCH: Final = b'{"error": "too_much"}'
_CRASHED: Final = b'{"error": "crashed"}'
_WARM_UP: Final = "kafka: {}\nroutes: [{name: a}]\n"


def main() -> None:
    """Answer until standard input ends."""
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    evaluate(_WARM_UP, "{}", "")  # loads what is loaded late
    confine()
    _write(answers, b"{}")
    while (question := _read(questions)) is not None:
        limit_cpu(_MOST_CPU_S)
        _write(answers, answer(question))


def answer(question: bytes) -> bytes:
    """Return the answer to a question: what `evaluate` returns, or `{"error": …}`."""
    try:
        encoded = orjson.dumps(evaluate(**orjson.loads(question)))
    except (RecursionError, MemoryError):
        return _TOO_MUCH
    except Exception:  # noqa: BLE001 - a fault of the mapping's is the answer to this question, and not the end
        return _CRASHED
    return encoded if len(encoded) <= MOST_BYTES else _TOO_MUCH


def _read(stream: BinaryIO) -> bytes | None:
    head = stream.read(LENGTH.size)
    return stream.read(*LENGTH.unpack(head)) if len(head) == LENGTH.size else None


def _write(stream: BinaryIO, content: bytes) -> None:
    stream.write(LENGTH.pack(len(content)) + content)
    stream.flush()


if __name__ == "__main__":
    main()
