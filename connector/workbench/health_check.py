"""The `health` command: asks the connector that runs with a config whether it is live, or ready.

For health checks of containers. It reads the address from the config, so that it follows `admin.listen`, and nothing
else of it: it runs every few seconds, and needs no secret. The image has no other HTTP client.
"""

from __future__ import annotations

import http.client
import os
import sys
from typing import TYPE_CHECKING, Final

import orjson

from connector.config.documents import UnreadableError, read_document
from connector.config.interpolation import interpolate
from connector.core.addresses import HostPort, parse_host_port
from connector.core.errors import CommandError, ConfigError
from connector.core.wording import why_not
from connector.language.message import message
from connector.settings.problems import Problems

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT_S: Final = 3.0
_MAX_BODY_BYTES: Final = 1 << 20
_EVERY_INTERFACE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - it is looked up, not listened on


def check_health(file: Path, *, ready: bool) -> int:
    """Ask `/livez`, or `/readyz` with `ready`, and print the answer. Return the exit code: 1 if it is no.

    Raises:
        ConfigError: the file does not say where the admin port is.
        CommandError: no connector answers there.

    """
    address = admin_address(file)
    document = _ask(address, "/readyz" if ready else "/livez", file)
    yes, word = document.get("ready" if ready else "live") is True, "ready" if ready else "live"
    lines = [word] if yes else [f"not {word}", *(_reasons(document) if ready else _silent(document))]
    print(*lines, sep="\n", file=sys.stdout)  # noqa: T201 - the result of this command
    return 0 if yes else 1


def admin_address(file: Path) -> HostPort:
    """Return where the admin port of a config is reached from this machine.

    Raises:
        ConfigError: the file can't be read, or `admin.listen` has no address that can be known from it.

    """
    try:
        document = read_document(file, ("kafka", "platform", "targets", "routes"))
    except UnreadableError as error:
        raise ConfigError([error.problem.line(str(file))]) from error
    problems = Problems()
    address = _address(document.read.data.get("admin"), problems)
    if address is None or problems.errors:
        raise ConfigError([problem.line(str(file)) for problem in document.located(problems.errors)])
    return HostPort(_EVERY_INTERFACE.get(address.host, address.host), address.port)


def _address(admin: object, problems: Problems) -> HostPort | None:
    section = interpolate({"admin": admin}, os.environ, problems)
    admin = section["admin"] if isinstance(section, dict) else None
    listen = admin.get("listen") if isinstance(admin, dict) else None
    if listen is None:
        from connector.settings.models import Admin  # noqa: PLC0415 - pydantic costs more than all the rest

        listen = Admin().listen
    address = parse_host_port(listen) if isinstance(listen, str) else None
    if address is None and not problems.errors:
        told = message("expected host:port, such as 127.0.0.1:8080 or [::1]:8080")
        problems.add(("admin", "listen"), told, "bad_value")
    elif address is not None and address.port == 0:
        told = message("port 0 is any free port, which is known only to the process")
        problems.add(("admin", "listen"), told, "bad_value")
    return address


def _ask(address: HostPort, path: str, file: Path) -> dict[str, object]:
    connection = http.client.HTTPConnection(address.host, address.port, timeout=_TIMEOUT_S)
    where = f"[{address.host}]:{address.port}" if ":" in address.host else f"{address.host}:{address.port}"
    try:
        connection.request("GET", path, headers={"accept": "application/json"})
        body = connection.getresponse().read(_MAX_BODY_BYTES)
    except (OSError, http.client.HTTPException) as error:
        reason = (str(error) or type(error).__name__).lower()
        if isinstance(error, OSError) and error.strerror:
            reason = why_not(error)
        raise CommandError(
            message(
                "no connector answers at {where} (admin.listen of {file}): {reason}; "
                "start it with this config, or name the config that it runs with",
                where=where,
                file=file,
                reason=reason,
            )
        ) from error
    finally:
        connection.close()
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict) or not {"live", "ready"} & set(document):
        raise CommandError(
            message(
                "what answers at {where} (admin.listen of {file}) is not a connector: another process has taken the"
                " port",
                where=where,
                file=file,
            )
        )
    return document


def _reasons(document: dict[str, object]) -> list[str]:
    reasons = document.get("reasons")
    return [
        " ".join(filter(None, (str(reason.get("code")), str(reason.get("target", ""))))) + f": {reason.get('remedy')}"
        for reason in (reasons if isinstance(reasons, list) else [])
        if isinstance(reason, dict)
    ]


def _silent(document: dict[str, object]) -> list[str]:
    silent = document.get("silent")
    return [
        f"{part.get('part')}: no sign of life for {part.get('seconds')} s"
        for part in (silent if isinstance(silent, list) else [])
        if isinstance(part, dict)
    ]
