"""The platform's behaviour: what it replies to each request, and the tokens that it issues.

In this order, as on a real server: the faults that are switched on, the token, the body's size and form, the envelope,
each item. A request of which anything is refused stores nothing.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

from connector.sandbox.customers import Customers
from connector.sandbox.documents import TOKEN_ENDPOINT, Endpoint
from connector.sandbox.fault_list import FaultList
from connector.sandbox.store import Store
from connector.sandbox.switches import Switches
from connector.sandbox.validation import RefusalError, validate_envelope, validate_item
from connector.sandbox.wire import json_response, reply_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp

APP_ID = "sandbox"
APP_SECRET = "sandbox"  # noqa: S105 - of the stand-in, not of an account
_FIRST_BATCH_ID = 15_314_513_451_345_123
"""Beyond 2**53, like the documents' example: a client that reads it as a double loses digits."""
_TOKEN_BYTES = 20
"""The documents' sample tokens are 20 bytes, base64url."""


class Tokens:
    """The access tokens of one self-built app. `now` is in seconds of a monotonic clock."""

    def __init__(self, app_id: str, app_secret: str) -> None:
        self._credentials = (app_id, app_secret)
        self._expiry_s: dict[str, float] = {}
        self.requests = 0
        self.refused = 0

    def authenticate(self, app_id: str, app_secret: str) -> bool:
        """Whether these are the app's credentials."""
        return (app_id, app_secret) == self._credentials

    def issue(self, life_s: float, now: float, *, kill_old: bool) -> str:
        """Issue a token that lives `life_s` seconds; remove expired tokens, or with `kill_old` all others."""
        alive = {} if kill_old else {old: end for old, end in self._expiry_s.items() if end > now}
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._expiry_s = {**alive, token: now + life_s}
        return token

    def is_valid(self, token: str, now: float) -> bool:
        """Whether `token` was issued and is still alive."""
        return self._expiry_s.get(token, now) > now

    def expire_all(self) -> int:
        """Invalidate every token; return how many there were."""
        count = len(self._expiry_s)
        self._expiry_s = {}
        return count


class Sandbox:
    """One platform with one self-built app. Belongs to one event loop and holds everything in memory."""

    def __init__(self, app_id: str = APP_ID, app_secret: str = APP_SECRET) -> None:
        self.app_id = app_id
        self.switches = Switches()
        self.faults = FaultList()
        self.store = Store()
        self.customers = Customers()
        self.tokens = Tokens(app_id, app_secret)
        self.closing = asyncio.Event()
        """Set when the server stops, so that delayed and hanging requests end."""
        self._batch_ids = itertools.count(_FIRST_BATCH_ID)

    def reset(self) -> None:
        """Remove stored items, counts and faults and restore the default switches; tokens stay valid."""
        self.switches = Switches()
        self.faults.replace([])
        self.store = Store()
        self.customers = Customers()

    def stats(self) -> dict[str, Any]:
        """Return the counts of the store and of the token endpoint."""
        return {**self.store.report(), "tokens": {"requests": self.tokens.requests, "refused": self.tokens.refused}}

    async def handle_token(self, request: Request) -> ASGIApp:
        """Handle GET app/getOrgAccessToken (page 986242)."""
        self.tokens.requests += 1
        for fault in self.faults.hit(TOKEN_ENDPOINT):
            response = await fault.respond(self.closing)
            if response is not None:
                return response
        query = request.query_params
        if not self.tokens.authenticate(query.get("instanceAppid", ""), query.get("instanceSecrect", "")):
            self.tokens.refused += 1
            return json_response(reply_body("100100"))
        life_s = self.switches.token_ttl_s
        token = self.tokens.issue(life_s, time.monotonic(), kill_old=self.switches.new_token_kills_old)
        data = {
            "expire": 0 if self.switches.token_expire_zero else int(life_s),
            "orgAccessToken": token,
            "orgRefreshToken": secrets.token_urlsafe(_TOKEN_BYTES),  # no document says where it could be used
        }
        return json_response({"code": "200", "data": data, "errorCode": "0", "msg": "操作成功"})

    async def handle_import(self, endpoint: Endpoint, request: Request) -> ASGIApp:
        """Handle POST to one of the import endpoints (documents 000 to 004)."""
        self.store.counts[endpoint.path].requests += 1
        body = await request.body()
        for fault in self.faults.hit(endpoint.path, body):
            if fault.breaks_reply and self.switches.broken_reply_stores:
                self._import(endpoint, request.headers, body)
            response = await fault.respond(self.closing)
            if response is not None:
                return response
        return self._import(endpoint, request.headers, body)

    def _import(self, endpoint: Endpoint, headers: Mapping[str, str], body: bytes) -> Response:
        switches = self.switches
        if not self.tokens.is_valid(headers.get("x-token", ""), time.monotonic()):
            return json_response(reply_body("100200"), switches.token_refused_status)
        if switches.max_body_bytes and len(body) > switches.max_body_bytes:
            return Response(f"more than {switches.max_body_bytes} bytes", 413, media_type="text/plain")
        try:
            content = _parse(headers.get("content-type", ""), body)
            validate_envelope(endpoint, content, switches)
            self._store_items(endpoint, content["publicParams"], content["data"])
        except RefusalError as error:
            self.store.counts[endpoint.path].refused += 1
            reply = {"code": error.code, "errorCode": "PARAM_ERROR", "msg": str(error)}  # no document shows one
            return json_response(reply, error.status or switches.refused_status)
        if endpoint.batch_id and switches.import_batch_id:
            return json_response({**reply_body("200"), "data": next(self._batch_ids)})
        return json_response(reply_body("200"))

    def _store_items(self, endpoint: Endpoint, params: dict[str, Any], items: list[Any]) -> None:
        """Store the items. Raise the RefusalError of the first that is refused."""
        self.store.counts[endpoint.path].items += len(items)
        refused = self.faults.refuse_items(endpoint.path, items)
        for position, item in enumerate(items):
            try:
                validate_item(endpoint, params, f"data[{position}]", item, self.switches)
            except RefusalError as error:
                refused.setdefault(position, error)
        if not refused or self.switches.refused_stores_rest:
            accepted = [item for position, item in enumerate(items) if position not in refused]
            self.store.add(endpoint, params, accepted, time.time_ns() // 1_000_000)
        if refused:
            raise refused[min(refused)]


def _parse(content_type: str, body: bytes) -> Any:  # noqa: ANN401 - any JSON
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise RefusalError("Content-Type must be application/json")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RefusalError(f"the body is not JSON: {error}") from error
