"""Another config takes over in a connector that is built and has no broker. See also tests/kafka/test_reload.py."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from connector.app import build
from connector.config.loading import load
from connector.core.errors import ReloadRefusedError
from connector.core.ledger import Lease, TopicCounts
from connector.core.record import DEAD_LETTERS, TopicPartition
from connector.generations import MAX_RETIRING
from connector.kafka.bridge import Subscribe
from connector.runtime.web import bind
from tests.support.builders import TOPIC, item, record
from tests.unit.config.files import ENVIRON, SOUND

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from connector.app import App
    from connector.config.loading import Loaded

pytestmark = pytest.mark.usefixtures("restored_logging")


class Connector:
    """A connector that is built, and what makes other configs for it."""

    def __init__(self, app: App, loaded: Callable[[str], Loaded]) -> None:
        self.app = app
        self.loaded = loaded

    async def take_over(self, text: str) -> Any:  # noqa: ANN401 - a table of texts
        return await self.app.generations.take_over(self.loaded(text))

    def fill(self, name: str) -> None:
        """Put an item into a target, which can't be sent: there is no token."""
        lease = Lease(TopicPartition(TOPIC, 0), 0, TopicCounts())
        lease.track(0, 0.0, 1)
        self.app.generations.outlets.targets[name].put(item(record(0)), lease)


def run(folder: Path, scenario: Callable[[Connector], Coroutine[Any, Any, None]], *, answered: bool = True) -> None:
    """Run a scenario; unless `answered`, no broker ever has."""

    def loaded(text: str) -> Loaded:
        path = folder / "connector.yaml"
        path.write_text(text, encoding="utf-8")
        return load(path, ENVIRON)

    async def main() -> None:
        with bind("127.0.0.1:0") as sock:
            app = build(loaded(BASE), sock)
            running: asyncio.Future[object] = asyncio.get_running_loop().create_future()
            if answered:
                running = asyncio.ensure_future(app.pipeline.run(app.bridge, app.generations.begin("cluster")))
                await asyncio.sleep(0)
            try:
                await scenario(Connector(app, loaded))
            finally:
                running.cancel()
                await app.close()

    asyncio.run(main())


BASE = SOUND.replace("localhost:9092", "127.0.0.1:1") + 'admin: {listen: "127.0.0.1:0"}\n'
RENAMED = BASE.replace("purchases", "buys")


def test_a_config_that_takes_over_is_what_the_status_shows(tmp_path: Path) -> None:
    async def scenario(connector: Connector) -> None:
        told = await connector.take_over(RENAMED)
        assert told["targets_added"] == "buys"
        status = connector.app.status.read(0.0)
        assert [target.name for target in status.targets] == ["buys", DEAD_LETTERS]
        assert {route.target for route in status.routes} == {"buys"}

    run(tmp_path, scenario)


def test_a_target_that_goes_on_is_the_same_one(tmp_path: Path) -> None:
    async def scenario(connector: Connector) -> None:
        before = dict(connector.app.generations.outlets.targets)
        await connector.take_over(BASE + "log: {level: warning}\n")
        assert connector.app.generations.outlets.targets == before

    run(tmp_path, scenario)


def test_other_topics_are_subscribed_to_and_the_same_ones_are_not(tmp_path: Path) -> None:
    async def scenario(connector: Connector) -> None:
        commands = connector.app.bridge.commands
        await connector.take_over(RENAMED)
        assert not commands
        [topic] = connector.app.generations.loaded.mapping.topics
        await connector.take_over(BASE.replace(topic, "another"))
        assert list(commands) == [Subscribe(("another",))]
        assert list(connector.app.status.topics) == ["another"]

    run(tmp_path, scenario)


def test_a_config_that_needs_a_restart_changes_nothing(tmp_path: Path) -> None:
    async def scenario(connector: Connector) -> None:
        generations = connector.app.generations
        before = generations.loaded, dict(generations.outlets.targets)
        with pytest.raises(ReloadRefusedError, match=r"kafka\.bootstrap_servers: can't change .*restart") as refused:
            await connector.take_over(RENAMED.replace("127.0.0.1:1", "127.0.0.1:2"))
        assert not refused.value.is_temporary
        assert (generations.loaded, generations.outlets.targets) == before

    run(tmp_path, scenario)


def test_a_config_that_needs_a_restart_is_refused_also_while_no_broker_has_answered(tmp_path: Path) -> None:
    """That is when the address of the brokers is most likely to be corrected."""

    async def scenario(connector: Connector) -> None:
        async with asyncio.timeout(10):
            with pytest.raises(ReloadRefusedError, match=r"kafka\.bootstrap_servers: can't change .*restart"):
                await connector.take_over(BASE.replace("127.0.0.1:1", "127.0.0.1:2"))

    run(tmp_path, scenario, answered=False)


def test_too_many_targets_that_still_hold_something_are_waited_for(tmp_path: Path) -> None:
    async def scenario(connector: Connector) -> None:
        name = "purchases"
        for number in range(MAX_RETIRING):
            connector.fill(name)
            name = f"t{number}"
            await connector.take_over(BASE.replace("purchases", name))
        await connector.take_over(BASE.replace("purchases", "empty"))
        connector.fill("empty")
        with pytest.raises(ReloadRefusedError, match="9 targets of earlier configs still have items") as refused:
            await connector.take_over(BASE)
        assert refused.value.is_temporary
        assert connector.app.generations.loaded.config.targets.keys() == {"empty"}

    run(tmp_path, scenario)


def test_what_was_made_of_an_earlier_config_is_freed(tmp_path: Path) -> None:
    async def scenario(connector: Connector) -> None:
        await connector.take_over(RENAMED)
        mapping = weakref.ref(connector.app.generations.loaded.mapping)
        target = weakref.ref(connector.app.generations.outlets.targets["buys"])
        await connector.take_over(BASE)
        assert mapping() is None
        assert target() is None

    run(tmp_path, scenario)


def test_nothing_takes_over_while_the_process_stops(tmp_path: Path) -> None:
    async def scenario(connector: Connector) -> None:
        connector.app.generations.ended = True
        taking_over = asyncio.ensure_future(connector.take_over(RENAMED))
        await asyncio.sleep(0.3)
        assert not taking_over.done()
        taking_over.cancel()
        assert connector.app.generations.outlets.targets.keys() == {"purchases", DEAD_LETTERS}

    run(tmp_path, scenario)
