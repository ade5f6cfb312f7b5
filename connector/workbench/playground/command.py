"""`preview --web`: the playground with a config and a file of records, for the browser on this machine."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import threading
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from connector.config.documents import UnreadableError, read_document
from connector.config.loading import CONFIG_KEYS, UNUSED_BY_MAPPING
from connector.config.secrets import is_secret, without_secrets
from connector.core.errors import ConfigError, StartError, UsageError
from connector.runtime import web
from connector.runtime.process import stop_on_signals
from connector.workbench.playground.routes import Texts, playground

if TYPE_CHECKING:
    from connector.config.documents import Document

_HOST: Final = "127.0.0.1"
_PORT: Final = 9101
_MOST_BYTES: Final = 256 << 10
"""Of the file of records, of which the page shows the beginning."""
_VARIABLE: Final = re.compile(r"""["']?\$\{(?:file:)?[^}:]*\}["']?""")
"""A value that is a variable or a file and nothing else, and so no secret itself."""
_REFERENCE: Final = re.compile(r"""["']?\$[\w.]""")
_COMMENT: Final = re.compile(r"(?:^|\s)#.*")
_HIDDEN_SETTING: Final = '"${HIDDEN}"'
"""Of a section that the page does not read: a variable, since `check` warns of a secret in clear."""
_HIDDEN_VALUE: Final = '"***"'


def run_web(config: Path, file: str | None, topic: str | None) -> int:
    """Serve the page until Ctrl-C; return the exit code, 0. `file`: `-` is standard input; None: no records yet.

    Raises:
        ConfigError: the config can't be read, or is not YAML.
        UsageError: the file of records can't be read.
        StartError: no port can be had.

    """
    texts = Texts(config_text(config), "" if file is None else _records_text(file), topic or "")
    asyncio.run(_serve(texts))
    return 0


async def _serve(texts: Texts) -> None:
    stop_requested = stop_on_signals()
    try:
        sock = web.bind(f"{_HOST}:{_PORT}")
    except StartError:  # another playground
        sock = web.bind(f"{_HOST}:0")
    url = web.base_url(sock)
    async with playground("/", texts) as routes:
        # A page from elsewhere whose host name leads to this machine must not read the config.
        guard = Middleware(TrustedHostMiddleware, allowed_hosts=[_HOST, "localhost"])
        async with web.running_server(Starlette(routes=routes, middleware=[guard]), sock):
            _say(f"playground: {url}/  (Ctrl-C ends it)")
            if _has_browser():
                # Some browsers do not return before they are closed, and Ctrl-C does not wait for that.
                threading.Thread(target=webbrowser.open, args=(url,), name="browser", daemon=True).start()
            await stop_requested.wait()


def _has_browser() -> bool:
    """Whether there is a browser with a window; one for terminals would take this one."""
    return sys.platform == "darwin" or any(os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))


def config_text(path: Path) -> str:
    """Return a config's text without the values of its secrets, which the page does not need."""
    try:
        document = read_document(path, CONFIG_KEYS)
    except UnreadableError as error:
        raise ConfigError([error.problem.line(str(path))]) from error
    lines = _hidden(document).splitlines()
    return "\n".join([*(_COMMENT.sub(lambda found: without_secrets(found[0]), line) for line in lines), ""])


def _hidden(document: Document) -> str:
    read, text = document.read, document.source.text
    found = {read.values[path]: path for path in read.scalars if is_secret(path)}
    for (start, end), path in sorted(found.items(), reverse=True):
        written = text[start:end].strip()
        is_harmless = _REFERENCE.match(written) or _VARIABLE.fullmatch(written)
        if not is_harmless:
            hidden = _HIDDEN_SETTING if path[0] in UNUSED_BY_MAPPING else _HIDDEN_VALUE
            text = text[:start] + hidden + text[end:]
    return text


def _records_text(file: str) -> str:
    try:
        if file == "-":
            if sys.stdin.isatty():
                _say("reading records from the terminal; Ctrl-D ends them")
            content = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with Path(file).open("rb") as stream:
                content = stream.read(_MOST_BYTES + 1)
        text = content[:_MOST_BYTES].decode("utf-8-sig", "strict" if len(content) <= _MOST_BYTES else "ignore")
    except (OSError, ValueError) as error:
        reason = (error.strerror or "").lower() if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError("--file", f"can't read {file}: {reason or 'not a file'}") from error
    if len(content) > _MOST_BYTES:
        text = text[: text.rfind("\n") + 1]
        _say(f"{file} is larger than {_MOST_BYTES >> 10} KiB: the page shows its beginning")
    return text


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - stderr is for what is not a result
