"""The token in the config and the token in a file, on virtual time and real files."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connector.core.events import Event, Notice
from connector.tuzhan.stored_tokens import MAX_FILE_BYTES, StaticToken, TokenFile
from tests.support.clock import run_virtual
from tests.unit.tuzhan.token_harness import A, B, deliver, last_remedy, reasons, refuse, running, token_of

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_refused_static_token_is_tried_again_and_a_delivery_clears_the_reason() -> None:
    events: list[Event] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        tokens = StaticToken(" fixed\n", events.append, 30.0)
        async with running(tokens):
            assert await token_of(tokens) == "fixed"
            begun_s = loop.time()
            while loop.time() < begun_s + 300:
                refuse(tokens)
                assert await token_of(tokens) == "fixed"
            assert reasons(events) == [("raised", "no_token")]
            deliver(tokens)
            deliver(tokens)
            assert tokens.expires_in_s is None

    run_virtual(main())
    assert reasons(events) == [("raised", "no_token"), ("cleared", "no_token")]


def test_an_invalid_static_token_is_reported_and_never_sent() -> None:
    events: list[Event] = []

    async def main() -> None:
        tokens = StaticToken("to ken", events.append, 30.0)
        async with running(tokens):
            await asyncio.sleep(1000)
            assert tokens.token_for(A) is None

    run_virtual(main())
    assert reasons(events) == [("raised", "no_token")]


@pytest.mark.parametrize("first", ["fixed", "to ken"])
def test_a_refused_static_token_out_of_a_file_is_replaced_when_the_file_is(first: str) -> None:
    events: list[Event] = []
    found: list[str | None] = [None, "", first, "t w o", " second\n"]

    async def main() -> None:
        tokens = StaticToken(first, events.append, 30.0, lambda: found.pop(0) if len(found) > 1 else found[0])
        async with running(tokens):
            if first == "fixed":
                await token_of(tokens)
                assert len(found) == 5, "it is read again only if it is refused"
                refuse(tokens)
            await asyncio.sleep(10)
            assert tokens.token_for(A) == "second"

    run_virtual(main())
    assert reasons(events) == [("raised", "no_token"), ("cleared", "no_token")]
    assert "second" not in repr(events)


def test_a_static_token_that_another_target_uses_is_not_to_blame() -> None:
    events: list[Event] = []

    async def main() -> None:
        tokens = StaticToken("fixed", events.append, 30.0)
        async with running(tokens):
            await token_of(tokens, B)
            for _ in range(1000):
                deliver(tokens, B)
                assert refuse(tokens, A) is True
                await asyncio.sleep(1)

    run_virtual(main())
    assert reasons(events) == []


def test_a_token_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    events: list[Event] = []
    file = tmp_path / "token"

    async def main() -> None:
        tokens = TokenFile(str(file), events.append, 30.0)
        async with running(tokens):
            await asyncio.sleep(10)
            assert reasons(events) == [("raised", "no_token")]
            file.write_text("one\n")
            assert await token_of(tokens) == "one"
            assert reasons(events)[-1] == ("cleared", "no_token")
            other = tmp_path / "other"
            other.write_text("two\n")
            status = file.stat()
            os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
            other.replace(file)
            await asyncio.sleep(2)
            assert tokens.current == "two", "another inode of the same size and time is another file"
            file.unlink()
            await asyncio.sleep(10)
            assert tokens.token_for(A) == "two", "a missing file does not take away a token that works"

    run_virtual(main())
    assert len(reasons(events)) == 2


def test_a_symbolic_link_that_is_swapped_as_kubernetes_does_it_is_followed(tmp_path: Path) -> None:
    """The file is a link through `..data`, a link to a folder, which is replaced as a whole."""
    events: list[Event] = []
    for number in (1, 2, 3):
        (tmp_path / f"..v{number}").mkdir()
        (tmp_path / f"..v{number}" / "token").write_text(f"tok{number}")
    (tmp_path / "..data").symlink_to("..v1")
    (tmp_path / "token").symlink_to("..data/token")

    def swap(number: int) -> None:
        (tmp_path / "..data_tmp").symlink_to(f"..v{number}")
        (tmp_path / "..data_tmp").replace(tmp_path / "..data")

    async def main() -> None:
        tokens = TokenFile(str(tmp_path / "token"), events.append, 30.0)
        async with running(tokens):
            assert await token_of(tokens) == "tok1"
            for number in (2, 3, 1):
                swap(number)
                await asyncio.sleep(2)
                assert tokens.current == f"tok{number}"

    run_virtual(main())
    assert reasons(events) == []
    assert len([event for event in events if isinstance(event, Notice)]) == 4


def test_a_refused_token_file_is_read_at_once_and_the_same_token_later(tmp_path: Path) -> None:
    events: list[Event] = []
    file = tmp_path / "token"
    file.write_text("one")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        tokens = TokenFile(str(file), events.append, 30.0)
        async with running(tokens):
            assert await token_of(tokens) == "one"
            refuse(tokens)
            assert tokens.token_for(A) is None
            assert await token_of(tokens) == "one", "the refusal may have been a mistake"
            refuse(tokens)
            assert reasons(events) == [("raised", "no_token")], "the reason stays until a delivery"
            await asyncio.sleep(40)
            assert tokens.token_for(A) == "one"
            status = file.stat()
            file.write_text("two")
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
            refuse(tokens)
            refused_s = loop.time()
            assert await token_of(tokens) == "two", "though nothing but its content tells"
            assert loop.time() - refused_s < 1
            assert reasons(events)[-1] == ("cleared", "no_token")

    run_virtual(main())


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (Path.resolve, "can't be read (No such file"),
        (lambda file: file.write_bytes(b""), "holds no token"),
        (lambda file: file.write_bytes(b" \n"), "holds no token"),
        (lambda file: file.write_bytes(b"\xff\xfe\x00"), "holds no token"),
        (lambda file: file.write_text("tok", "utf-16"), "holds no token"),
        (lambda file: file.write_bytes(b"two words"), "holds no token"),
        (lambda file: file.write_bytes(b"x" * (MAX_FILE_BYTES + 1)), "holds no token"),
        (lambda file: file.mkdir(), "is not a file"),
        (os.mkfifo, "is not a file"),
        (lambda file: file.symlink_to(file.name), "can't be read (Too many levels"),
        (lambda file: (file.parent / "plain").touch() or file.symlink_to("plain/x"), "can't be read (Not a directory"),
    ],
    ids=["missing", "empty", "blank", "bytes", "utf-16", "words", "too-large", "folder", "pipe", "loop", "not-folder"],
)
def test_a_file_without_a_token_is_reported_by_name_and_its_repair_is_noticed(
    make: Callable[[Path], object], problem: str, tmp_path: Path
) -> None:
    events: list[Event] = []
    file = tmp_path / "token"
    make(file)

    async def main() -> None:
        tokens = TokenFile(str(file), events.append, 30.0)
        async with running(tokens):
            await asyncio.sleep(10)
            assert tokens.token_for(A) is None
            assert str(file) in last_remedy(events)
            assert problem in last_remedy(events)
            if file.is_dir():
                file.rmdir()
            repaired = tmp_path / "repaired"
            repaired.write_text("\ufefftok\r\n")
            repaired.replace(file)
            await asyncio.sleep(2)
            assert tokens.token_for(A) == "tok"
            if file.is_symlink():
                file.unlink()
            file.unlink()
            make(file)
            await asyncio.sleep(10)
            assert tokens.token_for(A) == "tok", "it does not take away a token that works"

    run_virtual(main())
    assert reasons(events) == [("raised", "no_token"), ("cleared", "no_token")]


def test_a_file_that_may_not_be_read_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests may run as root, who may read everything."""
    events: list[Event] = []
    file = tmp_path / "token"
    file.write_text("tok")

    def refuse_open(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    async def main() -> None:
        tokens = TokenFile(str(file), events.append, 30.0)
        with monkeypatch.context() as patch:
            patch.setattr("pathlib.Path.open", refuse_open)
            async with running(tokens):
                await asyncio.sleep(2)
                assert "Permission denied" in last_remedy(events)
                patch.undo()
                await asyncio.sleep(2)
                assert tokens.token_for(A) == "tok", "the mode alone has changed, which the stat does not tell"

    run_virtual(main())


def test_a_path_that_is_none_is_reported() -> None:
    events: list[Event] = []

    async def main() -> None:
        async with running(TokenFile("a\0b", events.append, 30.0)):
            await asyncio.sleep(2)

    run_virtual(main())
    assert "not a path" in last_remedy(events)
