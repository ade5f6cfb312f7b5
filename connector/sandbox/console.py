"""What the page at `/` shows and does, as JSON under `/_sandbox`.

Each look at the customers unifies some of what was stored since the last one (`customers`), so that neither the page
nor the platform waits for the other: 100,000 items take forty looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.routing import Route

from connector.pages.files import page_routes
from connector.sandbox.controls import ControlError, fault_kinds, parse_fault
from connector.sandbox.customers import cut
from connector.sandbox.switches import Switches
from connector.sandbox.wire import json_response

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

    from connector.sandbox.platform import Sandbox
    from connector.sandbox.store import StoredItem

_UNIFIED_PER_LOOK: Final = 2500
_MOST_SHOWN: Final = 200
_LATEST: Final = 10
_MOST_OF_A_NAME: Final = 200
_MOST_OF_AN_ITEM: Final = 10_000
"""In characters: the page asks every second."""


def console_routes(sandbox: Sandbox, *, has_playground: bool) -> list[BaseRoute]:
    """Return the routes of the page, and of what it asks."""
    console = _Console(sandbox, has_playground=has_playground)
    return [
        *page_routes("connector.sandbox", {"/": "sandbox.html"}),
        Route("/_sandbox/overview", console.overview, methods=["GET"]),
        Route("/_sandbox/customers", console.customers, methods=["GET"]),
        Route("/_sandbox/customers/{number:int}", console.customer, methods=["GET"]),
        Route("/_sandbox/faults", console.add_fault, methods=["POST"]),
        Route("/_sandbox/faults/kinds", console.kinds, methods=["GET"]),
        Route("/_sandbox/faults/{index:int}", console.remove_fault, methods=["DELETE"]),
        Route("/_sandbox/switches/schema", console.switches_schema, methods=["GET"]),
    ]


class _Console:
    """The handlers of one sandbox's page."""

    def __init__(self, sandbox: Sandbox, *, has_playground: bool) -> None:
        self._sandbox = sandbox
        self._has_playground = has_playground

    async def overview(self, _: Request) -> Response:
        """Return the counts, the faults with their hits, the switches, and the latest items."""
        sandbox = self._sandbox
        return json_response(
            {
                "app_id": sandbox.app_id,
                "has_playground": self._has_playground,
                "stats": sandbox.stats(),
                "faults": [_fault(sandbox.faults.number_at(at), one) for at, one in enumerate(sandbox.faults.report())],
                "switches": sandbox.switches.model_dump(),
                "latest": [_item(stored) for stored in sandbox.store.latest(_LATEST)],
            }
        )

    async def customers(self, request: Request) -> Response:
        """Return the customers that changed last and match `search`, at most `limit`; `behind`: items not unified."""
        query = request.query_params
        try:
            limit = min(int(query.get("limit", "50")), _MOST_SHOWN)
        except ValueError as error:
            raise ControlError(["limit: expected a number"]) from error
        sandbox = self._sandbox
        sandbox.customers.take(sandbox.store.take_unread(_UNIFIED_PER_LOOK))
        found = sandbox.customers.search(query.get("search", ""), max(limit, 0))
        return json_response(
            {
                "total": len(sandbox.customers) + sandbox.customers.forgotten,
                "forgotten": sandbox.customers.forgotten,
                "behind": sandbox.store.unread,
                "customers": [customer.summary() for customer in found],
            }
        )

    async def customer(self, request: Request) -> Response:
        """Return one customer with the latest items, the newest first; 404 if there is none of that number."""
        customer = self._sandbox.customers.get(request.path_params["number"])
        if customer is None:
            return json_response({"errors": ["there is no such customer, or not any more"]}, 404)
        return json_response({**customer.summary(), "latest": [_item(each) for each in reversed(customer.latest)]})

    async def add_fault(self, request: Request) -> Response:
        """Append one fault; the hits of the others stay. Return the list."""
        self._sandbox.faults.add(parse_fault(await request.body()))
        return json_response(self._sandbox.faults.report())

    async def remove_fault(self, request: Request) -> Response:
        """Remove the fault at a place of the list, counted from 0; the hits of the others stay. Return the list.

        `number`: only if it is that fault, as the overview says; else 409, since the list has changed.
        """
        faults, index = self._sandbox.faults, request.path_params["index"]
        number = request.query_params.get("number")
        try:
            if number is not None and number != str(faults.number_at(index)):
                return json_response({"errors": ["another fault has its place now"]}, 409)
            faults.remove(index)
        except IndexError:
            return json_response({"errors": ["there is no such fault"]}, 404)
        return json_response(faults.report())

    async def kinds(self, _: Request) -> Response:
        return json_response(fault_kinds())

    async def switches_schema(self, _: Request) -> Response:
        return json_response(Switches.model_json_schema())


def _fault(number: int, reported: dict[str, Any]) -> dict[str, Any]:
    """Return a fault for people: `text` is what was put."""
    text = {name: value for name, value in reported.items() if name != "hits"}
    count = reported.get("count")
    return {
        "number": number,
        "kind": reported["kind"],
        "text": orjson.dumps(text).decode(),
        "hits": reported["hits"],
        "is_used_up": count is not None and reported["hits"] >= count,
    }


def _item(stored: StoredItem) -> dict[str, Any]:
    """Return an item for people: JSON as text, because a browser's numbers can't hold every one of JSON's."""
    item = orjson.loads(stored.body)
    return {
        "endpoint": stored.endpoint,
        "at_ms": stored.at_ms,
        "event_key": cut(str(item.get("eventKey") or ""), _MOST_OF_A_NAME),
        "time": item.get("time"),
        "item": cut(_pretty(item), _MOST_OF_AN_ITEM),
        "public_params": cut(stored.params.decode(), _MOST_OF_AN_ITEM),
    }


def _pretty(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
