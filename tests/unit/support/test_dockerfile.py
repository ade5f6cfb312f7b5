"""The reader of Dockerfiles that the repository's tests use."""

from __future__ import annotations

from tests.support.dockerfile import parse_dockerfile

TEXT = """\
# pip install is only a comment here
ARG VERSION=3
FROM python:${VERSION} AS builder
RUN make \\
    # a comment between continued lines
 && make install
from scratch
CMD ["run", "-c"]
"""


def test_instructions_are_grouped_by_stage_and_continued_lines_are_joined() -> None:
    assert parse_dockerfile(TEXT) == [
        [("ARG", "VERSION=3")],
        [("FROM", "python:${VERSION} AS builder"), ("RUN", "make && make install")],
        [("FROM", "scratch"), ("CMD", '["run", "-c"]')],
    ]
