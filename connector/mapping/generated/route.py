"""The function of one route in generated code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.mapping.errors import MappingError
from connector.mapping.expressions import Object
from connector.mapping.generated.identities import Identities
from connector.mapping.generated.source import Block, is_struct
from connector.mapping.route import ENCODING
from connector.mapping.splitting import ForEach

if TYPE_CHECKING:
    from connector.mapping.expressions import Expression
    from connector.mapping.generated.source import TopicSource
    from connector.mapping.route import BoundRoute


def unusual(_kind: str) -> None:
    """Raise an error: called for an identity that is not convertible, where that must be counted for each element."""
    raise MappingError("identity_missing", "identity", "")


def write_route(source: TopicSource, route: BoundRoute, parameters: str, head: Block) -> str:
    """Append the function of a route, which has these parameters and begins with `head`; return its name."""
    split = route.route.split
    write = _write_for_each if isinstance(split, ForEach) else _write_plain
    return write(source, route, parameters, head)


def _write_plain(source: TopicSource, route: BoundRoute, parameters: str, head: Block) -> str:
    function = source.named(None, f"route_{route.route.name}")
    body = Block(2)
    writer = _Writer(source, route, body, body)
    writer.conditions("return ()")
    item = writer.item()
    body.add(f"return ({item},)", field=ENCODING)
    source.add("", "", f"def {function}({parameters}):")
    source.add_block(head)
    source.add("    try:")
    source.add_block(body)
    source.add("    except Exception as error:", f"        return {writer.without_item()}")
    return function


def _write_for_each(source: TopicSource, route: BoundRoute, parameters: str, head: Block) -> str:
    """What does not depend on the element is computed once; if it fails, the general way says so of each element.

    That way gets what is decoded already: what is not read, and can't be decoded, concerns it as little.
    """
    split = route.route.split
    assert isinstance(split, ForEach)  # noqa: S101 - the caller has looked
    function = source.named(None, f"route_{route.route.name}")
    generally = f"{source.named(route.map, 'generally')}(value, record)"
    once, each = Block(2), Block(3)
    once.comment("for_each")
    if split.where is not None:
        once.add(f"if not {source.expression(split.where.expression)}:", "    return ()")
    once.add(f"found = {source.expression(split.elements.expression)}")
    once.add("if found.__class__ is not list:", f"    return {generally}")
    source.elements = None if route.route.element is None else source.node_at(route.route.element)
    source.in_loop = True
    writer = _Writer(source, route, once, each)
    writer.conditions("continue")
    item = writer.item()
    each.add(f"items.append({item})", field=ENCODING)
    source.add("", "", f"def {function}({parameters}):")
    source.add_block(head)
    source.add("    try:")
    source.add_block(once)
    source.add("    except Exception:", f"        return {generally}", "    items = []")
    source.add("    for position, element in enumerate(found):")
    source.add("        if element is None:", "            continue", "        try:")
    source.add_block(each)
    source.add(
        "        except Exception as error:",
        f"            items += {writer.without_item('position')}",
        "    return items",
    )
    source.in_loop = False
    return function


class _Writer:
    """Writes what makes one item: to `each` what depends on an element of `for_each`, the rest to `once`."""

    def __init__(self, source: TopicSource, route: BoundRoute, once: Block, each: Block) -> None:
        self._source = source
        self._route = route
        self._once = once
        self._each = each

    def _block(self, field: str) -> Block:
        """Return where a field is computed."""
        if self._once is self._each:
            return self._each
        varies = field in self._route.route.varying
        self._source.in_loop = varies
        return self._each if varies else self._once

    def conditions(self, unwanted: str) -> None:
        """Append the conditions on each item."""
        where = self._route.route.where
        if where is not None:
            self._each.comment("where")
            self._each.add(f"if not {self._source.expression(where.expression)}:", f"    {unwanted}", field="where")

    def item(self) -> str:
        """Append what computes an item; return the source of the item."""
        source, route = self._source, self._route
        compiled = route.route
        params, exact = self._params()
        head, keys = self._identities(exact)
        self._each.comment("fields")
        found = [*head, *(self._entry(name, value.expression) for name, value in route.entries.items())]
        body = source.object(f"item_{compiled.name}", found)
        source.in_loop = self._once is not self._each
        if compiled.ordering == "key":
            keys = f"{source.bind(route.key_of)}(record)"
        target, name = source.named(compiled.target, "target"), source.named(compiled.name, "name")
        element = "" if self._once is self._each else ", None, position"
        return f"Item({target}, {name}, encode({body}), {params}, {keys}, record{element})"

    def _params(self) -> tuple[str, str]:
        source, fixed = self._source, self._route.fixed
        if fixed is not None:
            return source.named(fixed.json, "params"), repr(fixed.exact)
        block = self._block("public_params")
        block.comment("publicParams")
        getter = source.named(self._route.route.params, "public_params")
        block.add(f"params, exact = {getter}(value, {source.expression('record')})", field="public_params")
        return "params", "exact"

    def _identities(self, exact: str) -> tuple[list[tuple[str, str]], str]:
        source, route = self._source, self._route
        compiled = route.route
        block = self._block("identity")
        count = route.count_invalid if block is self._each else unusual
        identities = Identities(source, block, count)
        missing = f"{source.named(route.without_identity, 'without_identity')}(value, {source.expression('record')})"
        ordered = compiled.ordering == "identity"
        if compiled.endpoint.flat_identities is None:
            return identities.write_list(compiled.identity, missing, ordered=ordered)
        return identities.write_flat(compiled.identity, missing, exact, ordered=ordered)

    def _entry(self, name: str, expression: Expression) -> tuple[str, str]:
        if isinstance(expression, Object) and self._once is not self._each:
            return name, self._table(name, expression)
        field = "event_key" if name == "eventKey" else name
        always = name == "uuid"  # computed of the position
        block = self._each if always else self._block(field)
        if always:
            self._source.in_loop = self._once is not self._each
        return name, self._source.entry(block, name, expression, name)

    def _table(self, name: str, expression: Object) -> str:
        """Append what computes a table of values, each of them where it belongs."""
        self._source.in_loop = True
        local = self._source.local()
        if not is_struct(expression):
            return self._source.entry(self._each, name, expression, name)
        found = [
            (key, self._source.entry(self._block(f"{name}.{key}"), key, of, f"{name}.{key}"))
            for key, of in expression.entries
        ]
        self._each.add(f"{local} = {self._source.table(name, expression, found)}")
        return local

    def without_item(self, position: str = "None") -> str:
        """Return the source of what becomes of a record, or an element, without an item."""
        source = self._source
        field = f"{source.named(source.fields, 'fields')}.get(error.__traceback__.tb_lineno, '')"
        return f"{source.named(self._route.without_item, 'without_item')}(error, record, {field}, {position})"
