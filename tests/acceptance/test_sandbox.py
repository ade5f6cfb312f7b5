from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from connector.core.errors import StartError
from connector.runtime import web
from connector.sandbox.platform import APP_ID, APP_SECRET, Sandbox
from connector.sandbox.server import running_sandbox
from tests.unit.sandbox import examples

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

V2 = "/api/open/event/v2/batchAdd"
SUCCESS = {"code": "200", "errorCode": "SUCCESS", "msg": "ok"}


class SandboxClient:
    """Sends requests to a sandbox over a real socket, as the connector does."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.headers = {"X-Token": ""}

    async def fetch_token(self, secret: str = APP_SECRET, root: str = "/api/open") -> dict[str, Any]:
        query = {"instanceAppid": APP_ID, "instanceSecrect": secret}
        reply = await self.http.get(f"{root}/app/getOrgAccessToken", params=query)
        body: dict[str, Any] = reply.json()
        if body["code"] == "200":
            self.headers = {"X-Token": body["data"]["orgAccessToken"]}
        return body

    async def post(self, path: str = V2, body: object = examples.DOCUMENT_004) -> httpx.Response:
        return await self.http.post(path, json=body, headers=self.headers)

    async def put(self, what: str, body: object) -> httpx.Response:
        return await self.http.put(f"/_sandbox/{what}", json=body)

    async def get(self, what: str, **query: str) -> Any:  # noqa: ANN401 - any JSON
        reply = await self.http.get(f"/_sandbox/{what}", params=query)
        assert reply.status_code == 200, reply.text
        return reply.json()


@asynccontextmanager
async def _client(timeout_s: float = 20) -> AsyncIterator[SandboxClient]:
    async with (
        running_sandbox(Sandbox()) as base_url,
        httpx.AsyncClient(base_url=base_url, timeout=timeout_s) as http,
    ):
        client = SandboxClient(http)
        await client.fetch_token()
        yield client


def _run(scenario: Callable[[SandboxClient], Awaitable[None]], timeout_s: float = 20) -> None:
    async def main() -> None:
        async with _client(timeout_s) as client:
            await scenario(client)

    asyncio.run(main())


def _events(count: int, first: int = 0) -> dict[str, Any]:
    item = examples.DOCUMENT_004["data"][0]
    numbered = [
        {**item, "uuid": f"uuid-{number}", "eventargs": {"c_goods": f"goods-{number}", "seq": number}}
        for number in range(first, first + count)
    ]
    return {"publicParams": {"matchingType": 1}, "data": numbered}


@pytest.mark.parametrize("name", examples.ACCEPTED)
@pytest.mark.parametrize("root", ["/api/open", "/api/integrate"])
def test_every_documented_example_is_stored_under_both_addresses(name: str, root: str) -> None:
    path, body = examples.ACCEPTED[name]

    async def scenario(client: SandboxClient) -> None:
        reply = (await client.post(f"{root}/{path}", body)).json()
        batch_id = reply.pop("data", None)
        assert reply == SUCCESS
        assert (batch_id is not None) == path.startswith("audience/")
        assert batch_id is None or batch_id > 2**53
        (stored,) = await client.get("items", endpoint=path)
        assert stored["item"] == body["data"][0]
        assert stored["publicParams"] == body["publicParams"]

    _run(scenario)


def test_the_example_of_document_000_is_refused_and_nothing_is_stored() -> None:
    async def scenario(client: SandboxClient) -> None:
        reply = await client.post("/api/open/event/batchAdd", examples.DOCUMENT_000)
        assert reply.status_code == 200
        assert reply.json() == {
            "code": "400",
            "errorCode": "PARAM_ERROR",
            "msg": "data[0].eventId is retired: send eventKey",
        }
        stats = (await client.get("stats"))["by_endpoint"]["event/batchAdd"]
        assert (stats["requests"], stats["refused"], stats["stored"]) == (1, 1, 0)

    _run(scenario)


def test_the_token_endpoint_answers_as_documented() -> None:
    async def scenario(client: SandboxClient) -> None:
        body = await client.fetch_token(root="/api/integrate")
        assert set(body["data"]) == {"expire", "orgAccessToken", "orgRefreshToken"}
        assert (body["errorCode"], body["msg"], body["data"]["expire"]) == ("0", "操作成功", 7200)
        wrong = await client.fetch_token(secret="wrong")  # noqa: S106 - a wrong one
        assert wrong == {"code": "100100", "errorCode": "APPID_SECRET_ERROR", "msg": "appid、secret错误"}
        await client.put("switches", {"token_expire_zero": True})
        assert (await client.fetch_token())["data"]["expire"] == 0
        assert (await client.get("stats"))["tokens"] == {"requests": 4, "refused": 1}

    _run(scenario)


def test_a_token_that_is_missing_wrong_or_expired_is_refused() -> None:
    refused = {"code": "100200", "errorCode": "TOKEN_ERROR", "msg": "token错误"}

    async def scenario(client: SandboxClient) -> None:
        assert (await client.post()).json() == SUCCESS
        assert (await client.http.post("/_sandbox/expire-tokens")).json() == {"expired": 1}
        reply = await client.post()
        assert (reply.status_code, reply.json()) == (200, refused)
        await client.put("switches", {"token_refused_status": 401})
        client.headers = {}
        reply = await client.post()
        assert (reply.status_code, reply.json()) == (401, refused)
        assert (await client.get("stats"))["stored"] == 1

    _run(scenario)


def test_a_token_expires_and_if_switched_a_new_token_invalidates_it() -> None:
    async def scenario(client: SandboxClient) -> None:
        await client.put("switches", {"token_ttl_s": 0.000001})
        await client.fetch_token()
        assert (await client.post()).json()["code"] == "100200"
        await client.put("switches", {"token_ttl_s": 60, "new_token_kills_old": True})
        await client.fetch_token()
        old = client.headers
        await client.fetch_token()
        assert (await client.post()).json() == SUCCESS
        client.headers = old
        assert (await client.post()).json()["code"] == "100200"

    _run(scenario)


def test_a_body_that_is_not_json_or_too_long_is_refused() -> None:
    async def scenario(client: SandboxClient) -> None:
        for content, kind in ((b"{", "application/json"), (b"{}", "text/plain"), (b"\xff", "application/json")):
            headers = {**client.headers, "Content-Type": kind}
            reply = await client.http.post(V2, content=content, headers=headers)
            assert (reply.status_code, reply.json()["code"]) == (200, "400")
        await client.put("switches", {"max_body_bytes": 100})
        assert (await client.post()).status_code == 413
        assert (await client.get("stats"))["refused"] == 3

    _run(scenario)


def test_fields_that_are_ignored_may_have_any_type() -> None:
    async def scenario(client: SandboxClient) -> None:
        await client.put("switches", {"unknown_fields": "ignore"})
        body = {**examples.DOCUMENT_003, "data": [{"audienceUserId": "1", "uuid": 5, "time": "never"}]}
        assert (await client.post("/api/open/audience/tag/batchAdd", body)).json()["code"] == "200"
        assert len(await client.get("items", uuid="5")) == 1

    _run(scenario)


def test_501_items_are_refused_and_500_are_not() -> None:
    async def scenario(client: SandboxClient) -> None:
        assert "at most 500" in (await client.post(body=_events(501))).json()["msg"]
        assert (await client.post(body=_events(500))).json() == SUCCESS
        assert (await client.get("stats"))["stored"] == 500

    _run(scenario)


def test_an_unknown_endpoint_and_a_wrong_method_are_http_errors() -> None:
    async def scenario(client: SandboxClient) -> None:
        assert (await client.post("/api/open/audience/group/batchAdd")).status_code == 404
        assert (await client.http.get(V2)).status_code == 405

    _run(scenario)


def test_one_refused_item_refuses_its_whole_request_unless_switched() -> None:
    async def scenario(client: SandboxClient) -> None:
        await client.put("faults", [{"kind": "refuse", "match": {"eventargs.c_goods": "goods-1"}}])
        reply = (await client.post(body=_events(3))).json()
        assert (reply["code"], reply["msg"]) == ("400", "data[1].eventargs.c_goods is refused")
        assert (await client.get("stats"))["stored"] == 0
        await client.put("switches", {"refused_stores_rest": True, "refused_status": 400})
        answer = await client.post(body=_events(3))
        assert (answer.status_code, answer.json()["code"]) == (400, "400")
        assert [found["item"]["uuid"] for found in await client.get("items")] == ["uuid-0", "uuid-2"]

    _run(scenario)


@pytest.mark.parametrize(
    ("fault", "status", "headers", "text"),
    [
        ({"kind": "status", "status": 503, "retry_after": 7}, 503, {"retry-after": "7"}, "fault: 503"),
        ({"kind": "status", "status": 302}, 302, {}, "fault: 302"),
        ({"kind": "html"}, 200, {"content-type": "text/html; charset=utf-8"}, "<html>"),
        ({"kind": "html", "status": 502}, 502, {}, "<html>"),
        ({"kind": "code", "code": 100200}, 200, {"content-type": "application/json"}, '"code":"100200"'),
        ({"kind": "code", "code": "429", "status": 201}, 201, {}, '"code":"429"'),
        ({"kind": "status", "status": 204, "retry_after": "7"}, 204, {"retry-after": "7"}, ""),
        ({"kind": "code", "code": 1, "status": 304}, 304, {}, ""),
        ({"kind": "refuse", "status": 204}, 204, {}, ""),
    ],
)
def test_a_fault_replaces_the_reply_and_stores_nothing(
    fault: dict[str, object], status: int, headers: dict[str, str], text: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(client: SandboxClient) -> None:
        await client.put("faults", [{**fault, "count": 1}])
        reply = await client.post()
        assert reply.status_code == status
        assert headers.items() <= dict(reply.headers).items()
        assert text in reply.text
        assert (await client.get("stats"))["stored"] == 0
        assert (await client.post()).json() == SUCCESS

    _run(scenario)
    assert not [record for record in caplog.records if record.name == "uvicorn.error"]


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("reset", httpx.ReadError, None),
        ("truncate", httpx.RemoteProtocolError, "without sending complete message body"),
        ("hang", httpx.ReadTimeout, None),
    ],
)
@pytest.mark.parametrize("stores", [False, True])
def test_a_broken_response_breaks_the_connection_and_is_stored_only_if_switched(
    kind: str, error: type[Exception], message: str | None, *, stores: bool
) -> None:
    async def scenario(client: SandboxClient) -> None:
        await client.put("switches", {"broken_reply_stores": stores})
        await client.put("faults", [{"kind": kind, "count": 1}])
        with pytest.raises(error, match=message):
            await client.post()
        assert (await client.get("stats"))["stored"] == stores
        assert (await client.post()).json() == SUCCESS

    _run(scenario, timeout_s=0.5 if kind == "hang" else 20)


def test_a_reset_is_a_reset_on_the_wire() -> None:
    async def scenario(client: SandboxClient) -> None:
        await client.put("faults", [{"kind": "reset"}])
        reader, writer = await asyncio.open_connection(client.http.base_url.host, client.http.base_url.port)
        writer.write(f"POST {V2} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()

    _run(scenario)


def test_latency_delays_a_request_that_is_then_stored() -> None:
    async def scenario(client: SandboxClient) -> None:
        await client.put("faults", [{"kind": "latency", "ms": 150, "count": 1}])
        begin = time.monotonic()
        assert (await client.post()).json() == SUCCESS
        assert time.monotonic() - begin >= 0.15

    _run(scenario)


def test_a_fault_can_hit_the_token_endpoint() -> None:
    async def scenario(client: SandboxClient) -> None:
        await client.put("faults", [{"kind": "status", "status": 500, "endpoint": "app/getOrgAccessToken"}])
        reply = await client.http.get("/api/open/app/getOrgAccessToken")
        assert reply.status_code == 500
        assert (await client.post()).json() == SUCCESS
        assert [fault["hits"] for fault in await client.get("faults")] == [1]
        assert (await client.http.delete("/_sandbox/faults")).json() == []

    _run(scenario)


def test_a_sandbox_stops_while_requests_hang() -> None:
    async def main() -> None:
        async with _client() as client:
            await client.put("faults", [{"kind": "hang"}])
            hanging = asyncio.create_task(client.post())
            while not (await client.get("faults"))[0]["hits"]:  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.01)
        with pytest.raises(httpx.HTTPError):
            await hanging

    asyncio.run(main())


@pytest.mark.parametrize(
    ("what", "body", "error"),
    [
        ("faults", [{"kind": "status"}], "0: a fault of kind 'status' needs 'status'"),
        ("faults", {"kind": "hang"}, "faults: Input should be a valid array"),
        ("switches", {"no_such": 1}, "no_such: Extra inputs are not permitted"),
        ("switches", {"seconds": "maybe"}, "seconds: Input should be 'refuse' or 'ignore'"),
    ],
)
def test_an_invalid_control_changes_nothing(what: str, body: object, error: str) -> None:
    async def scenario(client: SandboxClient) -> None:
        before = await client.get(what)
        reply = await client.put(what, body)
        assert (reply.status_code, reply.json()) == (400, {"errors": [error]})
        assert await client.get(what) == before

    _run(scenario)


def test_stats_count_stored_repeated_and_out_of_order_items() -> None:
    async def scenario(client: SandboxClient) -> None:
        await client.post(body=_events(10))
        await client.post(body=_events(4, first=8))
        stats = await client.get("stats")
        assert {name: stats[name] for name in stats if name not in {"by_endpoint", "tokens"}} == {
            "requests": 2,
            "items": 14,
            "stored": 14,
            "repeated": 2,
            "out_of_order": 1,
            "refused": 0,
        }
        assert stats["by_endpoint"]["event/v2/batchAdd"]["stored"] == 14
        assert stats["by_endpoint"]["event/batchAdd"]["stored"] == 0
        assert len(await client.get("items", uuid="uuid-9")) == 2
        assert len(await client.get("items", identity="18888888888", limit="5")) == 5
        assert len(await client.get("items", identity="phone:18888888888", limit="5")) == 5
        assert await client.get("items", identity="openid:18888888888") == []
        for wrong in ({"limit": "many"}, {"limit": "-1"}, {"endpoint": "event"}, {"phone": "1"}):
            assert (await client.http.get("/_sandbox/items", params=wrong)).status_code == 400
        assert len(await client.get("items", endpoint="", uuid="", identity="", limit="")) == 14
        assert len(await client.get("items", limit="9" * 20)) == 14
        assert (await client.http.post("/_sandbox/reset")).json()["items"] == 0
        assert await client.get("items") == []
        assert (await client.post()).json() == SUCCESS

    _run(scenario)


def test_a_fault_is_added_and_removed_by_itself_and_the_others_keep_their_hits() -> None:
    async def scenario(client: SandboxClient) -> None:
        await client.put("faults", [{"kind": "html", "count": 1}])
        await client.post()
        refuse = {"kind": "refuse", "match": {"eventKey": "c_buy"}, "code": "409", "status": 409}
        added = await client.http.post("/_sandbox/faults", json=refuse)
        assert [fault["hits"] for fault in added.json()] == [1, 0]
        reply = await client.post()
        assert (reply.status_code, reply.json()["msg"]) == (409, "data[0].eventKey is refused")
        left = await client.http.delete("/_sandbox/faults/0")
        assert left.json() == [{**refuse, "hits": 1}]
        assert (await client.http.delete("/_sandbox/faults/1")).status_code == 404
        assert await client.get("faults") == left.json()

    _run(scenario)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ('{"kind": "html", "status": 9}', "status: Input should be"),
        (r'{"kind": "\\1"}', "kind: Input should be"),
        ("{}", "kind: Field required"),
        ("no json", "faults: Invalid JSON"),
        ("[]", "Input should be"),
        ('{"kind": "hang"}, {"kind": "hang"}', "expected one fault"),
        ("", "expected one fault"),
    ],
)
def test_a_fault_that_is_none_is_refused_with_the_reason(body: str, error: str) -> None:
    async def scenario(client: SandboxClient) -> None:
        reply = await client.http.post("/_sandbox/faults", content=body)
        assert reply.status_code == 400
        assert error in "".join(reply.json()["errors"])
        assert await client.get("faults") == []

    _run(scenario)


def test_the_overview_and_the_customers_are_what_was_stored() -> None:
    async def scenario(client: SandboxClient) -> None:
        body = _events(3)
        body["data"][2]["eventargs"]["c_order"] = 9007199254740993
        await client.post(body=body)
        await client.post(body=_events(1))
        overview = await client.get("overview")
        assert {name: overview["stats"][name] for name in ("stored", "repeated", "out_of_order")} == {
            "stored": 4,
            "repeated": 1,
            "out_of_order": 1,
        }
        assert overview["latest"][0]["event_key"] == "c_buy"
        assert '"c_order": 9007199254740993' in overview["latest"][1]["item"]
        found = await client.get("customers", search="188")
        assert (found["total"], found["behind"], len(found["customers"])) == (1, 0, 1)
        customer = await client.get(f"customers/{found['customers'][0]['number']}")
        assert (customer["identities"], customer["events"]) == (["phone:18888888888"], 4)
        assert json.loads(customer["latest"][0]["public_params"]) == body["publicParams"]
        assert (await client.get("customers", limit="0"))["customers"] == []
        assert (await client.http.get("/_sandbox/customers/99")).status_code == 404
        assert (await client.http.get("/_sandbox/customers", params={"limit": "x"})).status_code == 400
        await client.http.post("/_sandbox/reset")
        assert (await client.get("customers"))["total"] == 0

    _run(scenario)


def test_an_item_that_is_huge_is_cut_in_what_the_page_asks_for_every_second() -> None:
    async def scenario(client: SandboxClient) -> None:
        body = _events(1)
        body["data"][0]["eventargs"]["c_goods"] = "x" * 500_000
        for _ in range(3):
            await client.post(body=body)
        assert (await client.get("overview"))["stats"]["stored"] == 3
        assert len(str(await client.get("overview"))) < 50_000

    _run(scenario)


def test_each_look_at_the_customers_does_a_part_of_the_work() -> None:
    async def scenario(client: SandboxClient) -> None:
        for first in range(0, 3000, 500):
            await client.post(body=_events(500, first))
        behind = [(await client.get("customers"))["behind"] for _ in range(2)]
        assert behind == [500, 0]
        assert (await client.get("customers"))["customers"][0]["events"] == 3000

    _run(scenario)


def test_a_port_in_use_is_an_error_before_anything_starts() -> None:
    async def main() -> None:
        async with running_sandbox(Sandbox()) as base_url:
            with pytest.raises(StartError, match="in use"):
                async with running_sandbox(Sandbox(), base_url.removeprefix("http://")):
                    pass

    asyncio.run(main())


def _serve(listen: str) -> subprocess.Popen[str]:
    code = f"from connector.sandbox.server import serve; raise SystemExit(serve({listen!r}, 'me', 'mine'))"
    return subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_the_process_prints_its_address_and_exits_with_0_on_a_signal(signum: signal.Signals) -> None:
    with _serve("127.0.0.1:0") as process:
        assert process.stderr is not None
        printed = re.match(r"sandbox listening on (http://127\.0\.0\.1:\d+)$", process.stderr.readline())
        assert printed
        query = {"instanceAppid": "me", "instanceSecrect": "mine"}
        reply = httpx.get(f"{printed[1]}/api/open/app/getOrgAccessToken", params=query)
        assert reply.json()["code"] == "200"
        process.send_signal(signum)
        assert process.wait(20) == 0


def test_the_process_exits_with_1_if_its_port_is_in_use() -> None:
    with web.bind("127.0.0.1:0") as sock:
        listen = web.base_url(sock).removeprefix("http://")
        with _serve(listen) as process:
            _, error = process.communicate(timeout=20)
            assert process.returncode == 1
            assert error.startswith(f"cannot listen on {listen}: ")
            assert error.count("\n") == 1
