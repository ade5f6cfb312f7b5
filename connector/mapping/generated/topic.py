"""The module of a topic: decoding, and the functions of its routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.mapping.elements import at_row
from connector.mapping.generated.route import write_route
from connector.mapping.generated.source import Block, TopicSource
from connector.mapping.projection import decoder, is_attribute, project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.decode.envelopes import BuildOpen
    from connector.mapping.route import BoundRoute, MapTopic

FILE = "<mapping>"


def topic_source(routes: Sequence[BoundRoute], general: MapTopic) -> TopicSource | None:
    """Return the module of a topic with these routes, which ends in `map_topic`; None if the general way is taken.

    `general` maps a record by all of them the general way.
    """
    root = project(path for route in routes for path in route.route.paths)
    if root is None or not all(is_attribute(name) for route in routes for name in route.entries):
        return None
    source = TopicSource(root, (rule.value.expression for route in routes for rule in route.route.identity))
    decode = Block(1)
    decode.add("try:", f"    value = {source.named(decoder(root), 'decode')}(record.value)")
    decode.add("except Exception:", f"    return {source.named(general, 'general')}(record)")
    if len(routes) == 1:
        function = write_route(source, routes[0], decode)
        source.add("", "", f"map_topic = {function}")
        return source
    calls = [f"{write_route(source, route, Block(0))}(value, record)" for route in routes]
    source.add("", "", "def map_topic(record):")
    source.add_block(decode)
    source.add(f"    return [{', '.join(f'*{call}' for call in calls)}]")
    return source


def change_source(routes: Sequence[BoundRoute], general: MapTopic, build_open: BuildOpen) -> TopicSource | None:
    """Return what `topic_source` returns, for a topic with an envelope.

    A record of one row goes the fast way, any other the general way; so does each record of a route that makes several
    items of a row.
    """
    compiled = [route.route for route in routes]
    root = project(path for route in compiled for path in route.paths)
    if root is None or any(route.split is not None for route in compiled):
        return None
    if not all(is_attribute(name) for route in routes for name in route.entries):
        return None
    source = TopicSource(root, (rule.value.expression for route in compiled for rule in route.identity))
    root.type("row")
    opened = source.named(build_open(root.struct, any(route.reads_before for route in compiled)), "open_row")
    calls = [f"*{write_route(source, route, Block(0))}(row, part)" for route in routes]
    source.add("", "", "def map_topic(record):", "    try:", f"        opened = {opened}(record.value)")
    source.add("    except Exception:", f"        return {source.named(general, 'general')}(record)")
    source.add("    if opened is None:", "        return []", "    row, change = opened")
    source.add(f"    part = {source.bind(at_row)}(record, change, 0)")
    source.add(f"    return [item.replace(record=record) for item in ({', '.join(calls)},)]")
    return source


def load(source: TopicSource) -> MapTopic:
    """Return the topic's function."""
    exec(compile("\n".join(source.lines), FILE, "exec"), source.names)  # noqa: S102 - see the top of the package
    map_topic: MapTopic = source.names["map_topic"]  # type: ignore[assignment] # the source defines it
    return map_topic
