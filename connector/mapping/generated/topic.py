"""The module of a topic: decoding, and the functions of its routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.mapping.generated.route import write_route
from connector.mapping.generated.source import Block, TopicSource
from connector.mapping.projection import Decode, after_mark, decoder, is_attribute, project
from connector.mapping.route import of_row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connector.decode.decoding import Body
    from connector.decode.envelopes import BuildOpen
    from connector.mapping.expressions import Expression
    from connector.mapping.projection import Node
    from connector.mapping.route import BoundRoute, MapTopic

FILE = "<mapping>"


def topic_source(
    routes: Sequence[BoundRoute], general: MapTopic, refused: MapTopic, body: Body | None = None
) -> TopicSource | None:
    """Return the module of a topic with these routes, which ends in `map_topic`; None if the general way is taken.

    `general` maps a record by all of them the general way, and `refused` one that msgspec has found to be no JSON.
    `body` returns the JSON of a record, if that is not the value as it stands.
    """
    root = _projected(routes)
    if root is None:
        return None
    source = TopicSource(root, _identities(routes))
    decode = _decoding(source, decoder(root), general, refused, _body(source, body))
    if len(routes) == 1:
        function = write_route(source, routes[0], "record", decode)
        source.add("", "", f"map_topic = {function}")
        return source
    calls = [f"{write_route(source, route, 'value, record', Block(0))}(value, record)" for route in routes]
    source.add("", "", "def map_topic(record):")
    source.add_block(decode)
    source.add(f"    return [{', '.join(f'*{call}' for call in calls)}]")
    return source


def _projected(routes: Sequence[BoundRoute]) -> Node | None:
    """Return what routes read of a record; None if that is all of it, or an item has a name that no struct can have."""
    root = project(path for route in routes for path in route.route.paths)
    return root if all(is_attribute(name) for route in routes for name in route.entries) else None


def _identities(routes: Sequence[BoundRoute]) -> Iterator[Expression]:
    return (rule.value.expression for route in routes for rule in route.route.identity)


def _decoding(source: TopicSource, decode: Decode, general: MapTopic, refused: MapTopic, body: str) -> Block:
    """Return what decodes a record to `value`."""
    block, generally = Block(1), f"    return {source.named(general, 'general')}(record)"
    block.add("try:", f"    value = {source.named(decode, 'decode')}({body})")
    block.add("except ValidationError:", generally)
    block.add("except NotJson:", f"    value = {source.named(after_mark(decode), 'decode_after_mark')}({body})")
    block.add("    if value is None:", f"        return {source.named(refused, 'refused')}(record)")
    block.add("except Exception:", generally)
    return block


def _body(source: TopicSource, body: Body | None) -> str:
    return "record.value" if body is None else f"{source.named(body, 'body')}(record)"


def change_source(
    routes: Sequence[BoundRoute], general: MapTopic, build_open: BuildOpen, body: Body | None = None
) -> TopicSource | None:
    """Return what `topic_source` returns, for a topic with an envelope.

    A route that makes several items of a row goes the general way, and all others of its topic with it.
    """
    root = _projected(routes)
    if root is None or any(route.route.split is not None for route in routes):
        return None
    source = TopicSource(root, _identities(routes), of_rows=True)
    root.type("row")
    with_before = any(route.route.reads_before for route in routes)
    open_rows = source.named(build_open(root.struct, with_before), "open_rows")
    functions = [write_route(source, route, "value, record, change, row", Block(0)) for route in routes]
    source.add("", "", "def map_topic(record):", "    try:", f"        rows = {open_rows}({_body(source, body)})")
    source.add("    except Exception:", f"        return {source.named(general, 'general')}(record)")
    calls = ", ".join(f"*{function}(value, record, change, 0)" for function in functions)
    source.add("    if len(rows) == 1:", "        [(value, change)] = rows", f"        return [{calls}]")
    source.add("    return [", f"        {source.bind(of_row)}(item, record, row)")
    source.add(f"        for map_row in ({', '.join(functions)},)")
    source.add("        for row, (value, change) in enumerate(rows)")
    source.add("        for item in map_row(value, record, change, row)", "    ]")
    return source


def load(source: TopicSource) -> MapTopic:
    """Return the topic's function."""
    exec(compile("\n".join(source.lines), FILE, "exec"), source.names)  # noqa: S102 - see the top of the package
    map_topic: MapTopic = source.names["map_topic"]  # type: ignore[assignment] # the source defines it
    return map_topic
