"""The fast way of a topic: one generated module, with a function for each route and one for the topic.

It decodes only what the routes read, to structs (see projection.py), and computes conditions, identities, fields and
the uuid in straight Python over their attributes. A record of an odd shape is decoded as a whole instead and mapped by
`CompiledRoute.bind`, the general way, which gives the same items for every record.

As in codegen.py, nothing from the config file is executed: names from the file appear as literals or in comments that
hold nothing but letters and digits, and every object is bound to a generated name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from connector.core.record import Item, Record
from connector.mapping.codegen import Constant, Object, Reference, Source
from connector.mapping.errors import MappingError
from connector.mapping.identity import add_extra, as_text, count_failed
from connector.mapping.json_values import encode
from connector.mapping.projection import Node, decoder, project

if TYPE_CHECKING:
    from connector.mapping.codegen import Expression
    from connector.mapping.route import BoundRoute

MapTopic = Callable[[Record], Sequence[Item]]
"""Returns the items of a record that is no tombstone. Never raises."""

_FILE = "<mapping>"
_NOT_IN_COMMENTS = re.compile(r"[^\w.$ -]")


class TopicSource(Source):
    """The source of a topic's module, written line by line."""

    def __init__(self, root: Node) -> None:
        super().__init__({"MappingError": MappingError, "encode": encode, "new": tuple.__new__, "Item": Item})
        self._root = root
        self.lines: list[str] = []
        self.fields: dict[int, str] = {}
        """The field that a line computes, by the number of the line: a failure is reported with it."""

    def add(self, *lines: str, field: str = "") -> None:
        """Append lines, which compute a field."""
        for line in lines:
            self.lines.append(line)
            if field:
                self.fields[len(self.lines)] = field

    def comment(self, text: str) -> None:
        """Append a comment inside a function."""
        self.add(f"        # {_NOT_IN_COMMENTS.sub('_', text)}")

    def named(self, thing: object, name: str) -> str:
        """Return a name, made of `name`, that is bound to an object."""
        name = f"{re.sub(r'[^A-Za-z0-9_]', '_', name)}_{len(self.names)}"
        name = name if name[0].isalpha() else f"k_{name}"
        self.names[name] = thing
        return name

    def bind(self, thing: object) -> str:
        """Return a name that is bound to an object, and resembles its own if it is a function."""
        return self.named(thing, getattr(thing, "__name__", "k").strip("<>"))

    def reference(self, reference: Reference) -> str:
        """Return the source of a reference into a projected record: attributes, each behind a look at the class."""
        node: Node | None = self._root
        found = "value"
        for depth, name in enumerate(reference.names):
            known = node is not None and not node.whole
            attribute = node.struct.attributes[name] if node is not None and known else ""
            if depth == 0 and node is not None:
                found = f"value.{attribute}"
                node = node.names[name]
                continue
            local = self.local()
            if name.isdecimal():
                test, read = f"is list and len({local}) > {int(name)}", f"{local}[{int(name)}]"
            elif node is not None and known:
                test, read = f"is {self.bind(node.struct)}", f"{local}.{attribute}"
            else:
                test, read = "is dict", f"{local}.get({name!r})"
            found = f"({read} if ({local} := {found}).__class__ {test} else step({local}, {name!r}))"
            if node is not None:
                node = (node.elements if name.isdecimal() else node.names[name]) if known else None
        return found

    def entry(self, name: str, expression: Expression, field: str) -> str:
        """Append what computes a value, and return the local variable that holds it."""
        local = f"{re.sub(r'[^A-Za-z0-9_]', '_', name)}_{len(self.names)}_{self._locals}"
        local = f"v_{local}"
        self._locals += 1
        if isinstance(expression, Object):
            self.object(local, expression.entries, field)
        else:
            self.add(f"        {local} = {self.expression(expression)}", field=field)
        return local

    def object(self, local: str, entries: Sequence[tuple[str, Expression]], field: str, head: str = "") -> None:
        """Append what makes an object of values without those that are None; one without `head` is None if empty."""
        found = [(name, self.entry(name, each, f"{field}.{name}" if field else name)) for name, each in entries]
        pairs = ", ".join(f"{name!r}: {each}" for name, each in found)
        made = f"{{{head}{', ' if head and pairs else ''}{pairs}}}"
        doubtful = [each for (_, each), (_, of) in zip(found, entries, strict=True) if not _always_there(of)]
        if not found:
            self.add(f"        {local} = {'{' + head + '}' if head else None}")
            return
        if not doubtful:
            self.add(f"        {local} = {made}")
            return
        self.add(f"        if {' or '.join(f'{each} is None' for each in doubtful)}:")
        some = f"{{k: v for k, v in {made}.items() if v is not None}}"
        self.add(f"            {local} = {some}{'' if head else ' or None'}")
        self.add("        else:", f"            {local} = {made}")


def _always_there(expression: Expression) -> bool:
    return isinstance(expression, Constant) and expression.literal is not None


def _route_function(source: TopicSource, route: BoundRoute) -> str:
    """Append the function of a route, which returns its items for a projected record; return its name."""
    compiled = route.route
    function = source.named(None, f"route_{compiled.name}")
    source.add("", "", f"def {function}(value, record):", "    try:")
    if compiled.where is not None:
        source.comment("where")
        source.add(
            f"        if not {source.expression(compiled.where.expression)}:", "            return []", field="where"
        )
    source.comment("publicParams")
    if route.fixed is not None:
        params, exact = source.named(route.fixed.json, "params"), repr(route.fixed.exact)
    else:
        source.add(f"        params, exact = {source.named(compiled.params, 'public_params')}(value, record)")
        params, exact = "params", "exact"
    missing = f"            raise {source.named(route.without_identity, 'without_identity')}(value, record)"
    if compiled.endpoint.flat_identities is None:
        _identities(source, route)
        source.add("        if not identities:", missing)
        head = "'identities': identities"
        keys = "tuple([f\"{i['identityType']}={i['identityValue']}\" for i in identities])"
        keys = keys if compiled.ordering == "identity" else "()"
    else:
        source.comment("identity")
        source.add("        head = {}", f"        keys = {source.bind(route.identify)}(value, record, head, {exact})")
        source.add("        if keys is None:", missing)
        head, keys = "**head", "keys"
    source.comment("fields")
    source.object("body", [(name, entry.expression) for name, entry in route.entries.items()], "", head)
    if compiled.ordering == "key":
        keys = f"{source.bind(route.key_of)}(record)"
    target, name = source.named(compiled.target, "target"), source.named(compiled.name, "name")
    source.add(f"        return [new(Item, ({target}, {name}, encode(body), {params}, {keys}, record, None))]")
    fields = source.named(source.fields, "fields")
    source.add("    except Exception as error:")
    source.add(f"        field = {fields}.get(error.__traceback__.tb_lineno, '')")
    source.add(f"        return {source.named(route.without_item, 'without_item')}(error, record, field)")
    return function


def _identities(source: TopicSource, route: BoundRoute) -> None:
    """Append what makes the list of a record's identities, as `identity_writer` does."""
    source.add("        identities = []")
    for rule in route.route.identity:
        field = f"identity.{rule.type}"
        source.comment(field)
        kind, count = source.named(rule.type, "type"), source.named(route.count_invalid, "count_invalid")
        source.add("        try:", f"            got = {source.expression(rule.value.expression)}", field=field)
        source.add("        except MappingError as failed:")
        source.add(f"            {source.bind(count_failed)}(failed, {kind}, {count})", "            got = None")
        source.add("        if got.__class__ is not str or not got or got.isspace():")
        source.add(f"            got = {source.bind(as_text)}(got, {kind}, {count})")
        source.add("        if got is not None:")
        source.add(f"            identity = {{'identityValue': got, 'identityType': {kind}}}")
        if rule.extra:
            extra = source.named(rule.extra, "extra")
            source.add(f"            {source.bind(add_extra)}(identity, {extra}, value, record)", field=field)
        source.add("            identities.append(identity)")


def topic_source(routes: Sequence[BoundRoute], general: MapTopic) -> TopicSource | None:
    """Return the module of a topic with these routes, which ends in `map_topic`; None if the general way is taken."""
    root = project(path for route in routes for path in route.route.paths)
    if root is None:
        return None
    source = TopicSource(root)
    decode = source.named(decoder(root), "decode")
    calls = []
    for route in routes:
        function = _route_function(source, route)
        if route.route.split is not None:
            split = source.named(route.split_by, "split")
            source.add(
                "", "", f"def {function}_of_each(value, record):", f"    return {split}(value, record, {function})"
            )
            function += "_of_each"
        calls.append(f"{function}(value, record)")
    source.add("", "", "def map_topic(record):", "    try:", f"        value = {decode}(record.value)")
    source.add("    except Exception:", f"        return {source.named(general, 'general')}(record)")
    source.add(
        f"    return {calls[0]}" if len(calls) == 1 else f"    return [{', '.join(f'*{call}' for call in calls)}]"
    )
    return source


def load(source: TopicSource) -> MapTopic:
    """Return the topic's function."""
    exec(compile("\n".join(source.lines), _FILE, "exec"), source.names)  # noqa: S102 - see the top of the file
    map_topic: MapTopic = source.names["map_topic"]  # type: ignore[assignment] # the source defines it
    return map_topic
