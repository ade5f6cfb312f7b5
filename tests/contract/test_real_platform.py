"""The real client, sink and token provider against the sandbox: faults over real HTTP, and token renewal."""

from __future__ import annotations

import asyncio

import pytest

from connector.core.events import ReasonCleared, ReasonRaised, TokenRenewed
from connector.core.sink import VerdictKind
from connector.sandbox.faults import (
    CodeFault,
    Fault,
    HangFault,
    HtmlFault,
    LatencyFault,
    ResetFault,
    StatusFault,
    TruncateFault,
)
from tests.contract.platforms import PATH, RealPlatform, batch, real, uuid_of

VERDICT_OF_NUMBER = {
    400: "refused",
    401: "token",
    403: "held",
    404: "held",
    405: "held",
    408: "again",
    409: "refused",
    413: "split",
    422: "refused",
    425: "again",
    429: "again",
    500: "again",
    502: "again",
    503: "again",
    504: "again",
}
VERDICT_OF_CODE = {"100200": "token", "100100": "held", "100300": "held", "777": "refused", "SOMETHING": "refused"}


async def send(platform: RealPlatform) -> tuple[str, str]:
    await platform.sink.ready()
    verdict = await platform.sink.send(batch(1))
    return verdict.kind.value, verdict.detail


async def deliver(platform: RealPlatform, size: int = 1) -> list[str]:
    """Send until the verdict is delivered, as a target does."""
    items = batch(size)
    for _ in range(50):
        await platform.sink.ready()
        verdict = await platform.sink.send(items)
        if verdict.kind is VerdictKind.DELIVERED:
            return [uuid_of(item) for item in items]
        assert verdict.kind in {VerdictKind.TOKEN, VerdictKind.AGAIN}
        await asyncio.sleep(0.01)
    raise AssertionError(verdict.detail)


def renewals(platform: RealPlatform, result: str = "ok") -> int:
    return sum(isinstance(event, TokenRenewed) and event.result == result for event in platform.events)


@pytest.mark.parametrize(
    ("fault", "name"),
    [(StatusFault(status=number), name) for number, name in VERDICT_OF_NUMBER.items()]
    + [(CodeFault(code=str(number)), name) for number, name in VERDICT_OF_NUMBER.items()]
    + [(CodeFault(code=code), name) for code, name in VERDICT_OF_CODE.items()]
    + [(CodeFault(code=100200, status=status), "token") for status in (400, 401, 403, 500)]
    + [(StatusFault(status=status), "held") for status in (301, 302, 307, 308)]
    + [(HtmlFault(), "again"), (HtmlFault(status=502), "again")],
    ids=lambda value: "-".join(map(str, value.to_json().values())) if isinstance(value, Fault) else value,
)
def test_every_row_of_the_verdict_table_over_the_wire(fault: Fault, name: str) -> None:
    async def main() -> None:
        async with real() as platform:
            platform.sandbox.faults.replace([fault.model_copy(update={"count": 1})])
            assert (await send(platform))[0] == name
            assert platform.stored() == []
            await deliver(platform)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (HangFault(), "within 0.3 s"),
        (LatencyFault(ms=5000), "within 0.3 s"),
        (ResetFault(), "127.0.0.1"),
        (TruncateFault(), "broke off"),
    ],
    ids=["hang", "slow", "reset", "truncate"],
)
def test_a_broken_response_is_again_and_the_next_request_works(fault: Fault, message: str) -> None:
    async def main() -> None:
        async with real(timeout_s=0.3) as platform:
            await platform.sink.ready()
            platform.sandbox.faults.replace([fault.model_copy(update={"count": 1})])
            name, detail = await send(platform)
            assert name == "again"
            assert message in detail
            platform.sandbox.faults.replace([])
            await deliver(platform)

    asyncio.run(main())


@pytest.mark.parametrize("status", [200, 401])
def test_64_refused_requests_renew_the_token_once_and_all_are_sent_again(status: int) -> None:
    async def main() -> None:
        async with real(connections=64) as platform:
            await platform.sink.ready()
            platform.sandbox.switches = platform.sandbox.switches.model_copy(update={"token_refused_status": status})
            assert platform.sandbox.tokens.expire_all() == 1
            # All carry the expired token: the first reply arrives after the last request was sent.
            platform.sandbox.faults.replace([LatencyFault(ms=500, count=64)])
            results = await asyncio.gather(*(deliver(platform) for _ in range(64)))
            assert platform.sandbox.store.counts[PATH].requests == 128
            assert platform.sandbox.tokens.requests == 2
            assert sorted(platform.stored()) == sorted(uuid for uuids in results for uuid in uuids)

    asyncio.run(main())


def test_a_token_is_renewed_before_it_expires() -> None:
    async def main() -> None:
        async with real() as platform:
            await platform.sink.ready()
            platform.sandbox.switches = platform.sandbox.switches.model_copy(update={"token_ttl_s": 4.0})
            platform.tokens.on_refused(platform.tokens.current or "", platform.sink)
            seen: set[str] = set()
            while len(seen) < 2:
                await platform.sink.ready()
                verdict = await platform.sink.send(batch(1))
                assert verdict.kind is VerdictKind.DELIVERED, "an expired token is never sent"
                seen.add(platform.tokens.current or "")
                await asyncio.sleep(0.02)

    asyncio.run(main())


def test_an_unexpected_expiry_costs_one_refusal() -> None:
    async def main() -> None:
        async with real() as platform:
            await deliver(platform)
            for _ in range(2):
                platform.sandbox.tokens.expire_all()
                assert (await send(platform))[0] == "token"
                assert (await send(platform))[0] == "delivered"
            assert platform.sandbox.tokens.requests == 3

    asyncio.run(main())


@pytest.mark.parametrize("fault", ["status", "hang", "reset", "truncate", "html", "code"])
def test_while_the_token_endpoint_is_down_requests_wait_and_nothing_is_lost(fault: str) -> None:
    endpoint = "app/getOrgAccessToken"
    faults = {
        "status": StatusFault(status=503, endpoint=endpoint),
        "hang": HangFault(endpoint=endpoint),
        "reset": ResetFault(endpoint=endpoint),
        "truncate": TruncateFault(endpoint=endpoint),
        "html": HtmlFault(endpoint=endpoint),
        "code": CodeFault(code="100100", endpoint=endpoint),
    }

    async def main() -> None:
        # A short timeout would make slow requests be sent twice on a busy machine.
        async with real(timeout_s=1.0 if fault == "hang" else 5.0) as platform:
            await deliver(platform)
            platform.sandbox.faults.replace([faults[fault]])
            platform.sandbox.tokens.expire_all()
            work = [asyncio.create_task(deliver(platform)) for _ in range(8)]
            for _ in range(1000):
                await asyncio.sleep(0.01)
                if renewals(platform, "failed") >= 3:
                    break
            assert not any(task.done() for task in work)
            assert len(platform.stored()) == 1
            assert any(isinstance(event, ReasonRaised) and event.code == "no_token" for event in platform.events[2:])
            platform.sandbox.faults.replace([])
            results = await asyncio.gather(*work)
            assert set(platform.stored()[1:]) == {uuid for uuids in results for uuid in uuids}
            assert platform.events[-1] == ReasonCleared("no_token", "")

    asyncio.run(main())


def test_the_secret_and_the_token_are_in_no_event() -> None:
    async def main() -> None:
        async with real() as platform:
            await deliver(platform)
            platform.sandbox.faults.replace([ResetFault(endpoint="app/getOrgAccessToken", count=2)])
            token = platform.tokens.current or ""
            platform.tokens.on_refused(token, platform.sink)
            await deliver(platform)
            for secret in ("sandbox-secret", token, platform.tokens.current or ""):
                assert secret
                assert secret not in repr(platform.events)

    asyncio.run(main())
