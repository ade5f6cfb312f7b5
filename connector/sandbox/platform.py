"""The platform's stand-in: what it answers, from a request to a reply.

In this order, as a server would: the faults that are switched on, the token, the body's size and form, the
envelope, each item. A request of which anything is refused stores nothing.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

from connector.sandbox.checking import check_envelope, check_item
from connector.sandbox.documents import REPLIES, TOKEN_ENDPOINT, Endpoint
from connector.sandbox.faults import Fault, Faults
from connector.sandbox.store import Store
from connector.sandbox.switches import Switches
from connector.sandbox.tokens import Tokens
from connector.sandbox.wire import Hang, Reset, Truncated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

APP_ID = "sandbox"
APP_SECRET = "sandbox"  # noqa: S105  of the stand-in, printed when it starts
_FIRST_BATCH_ID = 15_314_513_451_345_123
"""Beyond 2**53, like the documents' example: who reads it as a double loses digits."""
_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
_NO_REPLY = frozenset({"reset", "hang", "truncate"})


class Sandbox:
    """One platform with one self-built app; lives in one event loop, holds everything in memory."""

    def __init__(self, app_id: str = APP_ID, app_secret: str = APP_SECRET) -> None:
        self.app_id = app_id
        self.switches = Switches()
        self.faults = Faults()
        self.store = Store()
        self.tokens = Tokens(app_id, app_secret)
        self.closing = asyncio.Event()
        """Set when the server stops: whoever hangs, lets go."""
        self._batch_ids = itertools.count(_FIRST_BATCH_ID)

    def reset(self) -> None:
        """Forget what was stored and counted, the faults and the switches; tokens stay alive."""
        self.switches = Switches()
        self.faults.put([])
        self.store = Store()

    async def token(self, request: Request) -> Response:
        """GET app/getOrgAccessToken."""
        self.tokens.requests += 1
        fault = await self._misfortune(TOKEN_ENDPOINT, ())
        if fault is not None:
            return self._unlucky(fault)
        query = request.query_params
        if not self.tokens.admits(query.get("instanceAppid", ""), query.get("instanceSecrect", "")):
            self.tokens.refused += 1
            return reply("100100")
        life_s = self.switches.token_ttl_s
        now = time.monotonic()
        token = self.tokens.issue(life_s, now, kill_old=self.switches.new_token_kills_old)
        expire = 0 if self.switches.token_expire_zero else int(life_s)
        return _json(
            {
                "code": "200",
                "data": {"expire": expire, "orgAccessToken": token, "orgRefreshToken": self.tokens.refresh()},
                "errorCode": "0",
                "msg": "操作成功",
            }
        )

    async def imports(self, endpoint: Endpoint, request: Request) -> Response:
        """POST to one of the import endpoints."""
        self.store.counts[endpoint.path].requests += 1
        body = await request.body()
        items = _items(body) if self.faults.needs_items(endpoint.path) else ()
        fault = await self._misfortune(endpoint.path, items)
        if fault is None:
            return self._answer(endpoint, request.headers, body)
        if fault.kind in _NO_REPLY and self.switches.broken_reply_stores:
            self._answer(endpoint, request.headers, body)
        return self._unlucky(fault)

    async def _misfortune(self, endpoint: str, items: Sequence[object]) -> Fault | None:
        for fault in self.faults.hit(endpoint, items):
            if fault.kind != "latency":
                return fault
            await self._pause((fault.ms or 0) / 1000)
        return None

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.closing.wait(), seconds)
        except TimeoutError:
            return

    def _unlucky(self, fault: Fault) -> Response:
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        match fault.kind:
            case "status":
                status = fault.status or 500
                return Response(f"fault: {status}", status, headers, media_type="text/plain")
            case "html":
                return Response(_PAGE, fault.status or 200, headers, media_type="text/html")
            case "reset":
                return Reset()
            case "hang":
                return Hang(self.closing)
            case "truncate":
                return Truncated(orjson.dumps(_words("200")), media_type="application/json")
        response = reply(str(fault.code), status=fault.status or 200)
        response.headers.update(headers)
        return response

    def _answer(self, endpoint: Endpoint, headers: Mapping[str, str], body: bytes) -> Response:
        switches = self.switches
        if not self.tokens.valid(headers.get("x-token", ""), time.monotonic()):
            return reply("100200", status=switches.token_refused_status)
        if switches.max_body_bytes and len(body) > switches.max_body_bytes:
            return Response(f"more than {switches.max_body_bytes} bytes", 413, media_type="text/plain")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return self._refused(endpoint, "Content-Type must be application/json")
        try:
            request: Any = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            return self._refused(endpoint, f"the body is not JSON: {error}")
        complaint = check_envelope(endpoint, request, switches)
        if complaint is not None:
            return self._refused(endpoint, complaint)
        return self._judge(endpoint, request["publicParams"], request["data"])

    def _judge(self, endpoint: Endpoint, params: dict[str, Any], items: list[Any]) -> Response:
        counts = self.store.counts[endpoint.path]
        counts.items += len(items)
        chosen = self.faults.refused(endpoint.path, items)
        complaints: dict[int, str] = {}
        for position, item in enumerate(items):
            complaint = check_item(endpoint, params, item, self.switches)
            if complaint is not None:
                complaints[position] = complaint
            elif position in chosen:
                complaints[position] = f".{next(iter(chosen[position].match or ['*']))} is refused"
        if not complaints or self.switches.refused_stores_rest:
            accepted = [item for position, item in enumerate(items) if position not in complaints]
            self.store.add(endpoint, params, accepted, time.time_ns() // 1_000_000)
        if complaints:
            position, complaint = min(complaints.items())
            return self._refused(endpoint, f"data[{position}]{complaint}", chosen.get(position))
        if endpoint.batch_id and self.switches.import_batch_id:
            return _json({**_words("200"), "data": next(self._batch_ids)})
        return reply("200")

    def _refused(self, endpoint: Endpoint, message: str, fault: Fault | None = None) -> Response:
        self.store.counts[endpoint.path].refused += 1
        code = "400" if fault is None or fault.code is None else str(fault.code)
        status = self.switches.refused_status if fault is None or fault.status is None else fault.status
        return _json({"code": code, "errorCode": "PARAM_ERROR", "msg": message}, status)


def reply(code: str, status: int = 200) -> Response:
    """Make a reply with a code, in the documented form."""
    return _json(_words(code), status)


def _words(code: str) -> dict[str, str]:
    error_code, message = REPLIES.get(code, ("ERROR", f"fault: code {code}"))
    return {"code": code, "errorCode": error_code, "msg": message}


def _json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


def _items(body: bytes) -> Sequence[object]:
    try:
        items: object = orjson.loads(body)["data"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ()
    return items if isinstance(items, list) else ()
