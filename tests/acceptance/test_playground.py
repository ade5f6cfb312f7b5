"""The playground as a server: its worker, its limits, and `preview --web`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from connector.workbench.playground import evaluator as evaluator_module
from connector.workbench.playground.evaluator import Evaluator, NoAnswerError
from connector.workbench.playground.routes import MOST_BYTES, example, playground
from tests.acceptance.test_cli_check import command
from tests.kafka.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = example()
ENDLESS = EXAMPLE.config.replace("where: {$.status: PAID}", "where: {$.status: {matches: '(a+)+$'}}")
SLOW = {"config": ENDLESS, "records": json.dumps({"status": "a" * 40 + "b"})}
SOUND = {"config": EXAMPLE.config, "records": EXAMPLE.records}


async def ask(evaluator: Evaluator, question: object) -> Any:  # noqa: ANN401 - JSON
    full = {"topic": "", **question} if isinstance(question, dict) else question
    return json.loads(await evaluator.ask(json.dumps(full).encode()))


def test_what_takes_too_long_is_stopped_and_the_next_question_is_answered() -> None:
    async def scenario() -> None:
        async with Evaluator() as evaluator:
            assert (await ask(evaluator, SOUND))["counts"]["items"] == 1
            evaluator._timeout_s = 0.3  # noqa: SLF001 - starting takes longer than that
            with pytest.raises(NoAnswerError, match="too_slow"):
                await ask(evaluator, SLOW)
            evaluator._timeout_s = 30  # noqa: SLF001
            assert (await ask(evaluator, SOUND))["counts"]["items"] == 1

    asyncio.run(scenario())


def test_a_question_that_is_given_up_does_not_leave_its_answer_to_the_next() -> None:
    async def scenario() -> None:
        async with Evaluator(60) as evaluator:
            await ask(evaluator, SOUND)
            task = asyncio.create_task(ask(evaluator, SLOW))
            await asyncio.sleep(0.1)
            task.cancel()
            assert (await ask(evaluator, SOUND))["counts"]["items"] == 1

    asyncio.run(scenario())


def test_too_many_questions_at_once_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluator_module, "_MOST_WAITING", 2)

    async def scenario() -> None:
        async with Evaluator(60) as evaluator:
            answers = await asyncio.gather(*(ask(evaluator, SOUND) for _ in range(3)), return_exceptions=True)
            assert [isinstance(each, NoAnswerError) and each.code for each in answers] == [False, False, "busy"]

    asyncio.run(scenario())


CONFINED = """
import ctypes, os, socket, subprocess, sys
from pathlib import Path
from connector.workbench.playground.confinement import confine

confine()
import zoneinfo, json.tool, wave
zoneinfo.ZoneInfo("America/Bogota")
def tries():
    yield lambda: open(sys.argv[1])
    yield lambda: Path(sys.argv[1]).read_text()
    yield lambda: open(os.path.dirname(os.__file__) + "/.." * 9 + sys.argv[1])
    yield lambda: open(os.__file__, "a")
    yield lambda: os.open(sys.argv[1], os.O_RDONLY)
    yield lambda: os.listdir("/")
    yield lambda: os.system("true")
    yield lambda: subprocess.run(["true"])
    yield lambda: os.remove(sys.argv[1])
    yield lambda: os.rename(sys.argv[1], sys.argv[1] + "2")
    yield lambda: socket.create_connection(("127.0.0.1", 9))
    yield lambda: ctypes.CDLL(None)
    yield lambda: bytearray(3 << 30)
for number, attempt in enumerate(tries()):
    try:
        attempt()
    except (RuntimeError, MemoryError, Exception) as error:
        print(number, type(error).__name__)
    else:
        print(number, "done")
"""


def test_the_worker_can_do_nothing_but_compute(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret", encoding="utf-8")
    environ = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path / "cache")}  # no module that it loads late is compiled
    arguments = [sys.executable, "-c", CONFINED, str(secret)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, env=environ)
    answers = [line.split()[1] for line in done.stdout.splitlines()]
    assert answers == ["ConfinedError"] * 12 + ["MemoryError"]


def test_the_worker_has_no_variable_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUZHAN_APP_SECRET", "of-the-server")

    async def scenario() -> None:
        async with Evaluator() as evaluator:
            await ask(evaluator, SOUND)
            process = evaluator._process  # noqa: SLF001 - whose environment is looked at
            assert process is not None
            environ = await asyncio.to_thread(Path(f"/proc/{process.pid}/environ").read_bytes)
            assert b"of-the-server" not in environ

    asyncio.run(scenario())


# -- over HTTP ------------------------------------------------------------------------------------------------------


def over_http(*requests: tuple[bytes, str]) -> list[Any]:
    """Return the replies to requests, each with its body and content type; none of them reaches the worker."""

    async def scenario() -> list[Any]:
        async with playground() as routes:
            client = TestClient(Starlette(routes=routes))
            return [
                client.post("/playground/preview", content=body, headers={"content-type": kind})
                for body, kind in requests
            ]

    return asyncio.run(scenario())


def test_a_request_that_is_none_is_refused_with_the_reason() -> None:
    body = json.dumps(SOUND).encode()
    replies = over_http(
        (body, "text/plain"),
        (b"{", "application/json"),
        (b'{"config": 1, "records": ""}', "application/json"),
        (json.dumps({**SOUND, "path": "x"}).encode(), "application/json"),
        (b" " * (MOST_BYTES + 1), "application/json; charset=utf-8"),
    )
    assert [reply.status_code for reply in replies] == [415, 400, 400, 400, 413]
    assert all("error" in reply.json() for reply in replies)


# -- preview --web --------------------------------------------------------------------------------------------------

CONFIG = EXAMPLE.config.replace(
    """auth: {app_id: "${TUZHAN_APP_ID}", app_secret: "${TUZHAN_APP_SECRET}"}""",
    """auth:
    app_id: ${TUZHAN_APP_ID}
    app_secret: 'written-into-the-config'
    # app_secret: an-old-one""",
)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`preview --web` with a browser that notes which address it is to show, and the address that it prints."""
    (tmp_path / "c.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "r.jsonl").write_text(EXAMPLE.records, encoding="utf-8")
    browser = tmp_path / "browser.sh"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/shown\nexec sleep 30 2>/dev/null\n', encoding="utf-8")
    browser.chmod(0o755)
    arguments = [sys.executable, "-m", "connector", "preview", "-c", "c.yaml", "--file", "r.jsonl", "--web"]
    environ = {**os.environ, "BROWSER": f"{browser} %s"}
    with subprocess.Popen(arguments, cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        try:
            yield process, line.split()[1]
        finally:
            process.kill()


def test_preview_web_shows_config_and_records_on_this_machine_until_ctrl_c(
    web: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    process, url = web
    assert url.startswith("http://127.0.0.1:")
    texts = httpx.get(f"{url}playground/start").json()
    assert texts["records"] == EXAMPLE.records
    assert "topics: [shop.orders]" in texts["config"]
    for secret in ("written-into-the-config", "an-old-one"):
        assert secret in CONFIG
        assert secret not in texts["config"]
    answer = httpx.post(
        f"{url}playground/preview", json={"config": texts["config"], "records": texts["records"]}
    ).json()
    assert answer["problems"] == []
    assert answer["counts"]["items"] == 1
    until(lambda: (tmp_path / "shown").exists() and (tmp_path / "shown").read_text("utf-8"), "the browser")
    assert (tmp_path / "shown").read_text(encoding="utf-8").strip() == url.rstrip("/")
    elsewhere = httpx.get(f"{url}playground/start", headers={"host": "rebound.example"})
    assert (elsewhere.status_code, "shop.orders" in elsewhere.text) == (400, False)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    assert process.stderr is not None
    assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-c", "absent.yaml"], "absent.yaml:1:1: can't read the file"),
        (["-c", "c.yaml", "--json"], "goes with --config, --file and --topic only"),
        (["-c", "c.yaml", "--file", "absent.jsonl"], "can't read absent.jsonl"),
        (["-c", "broken.yaml"], "[yaml_syntax]"),
    ],
)
def test_preview_web_tells_what_it_can_not_read(arguments: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "broken.yaml").write_text("a: [", encoding="utf-8")
    done = command(tmp_path, "preview", "--web", *arguments, COLUMNS="200")
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
