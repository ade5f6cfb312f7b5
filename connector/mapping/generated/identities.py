"""The identities of a record in generated code: the same as `identity_writer` makes.

Only what is usual is inlined: text from a conversion or a reference. For anything else, `identity_of` applies the
rule again, and counts what can't be converted.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from connector.core.record import Record
from connector.mapping.errors import MappingError
from connector.mapping.expressions import RECORD, Constant, Step
from connector.mapping.generated.source import conversion_key
from connector.mapping.identity import add_extra, as_text, count_failed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.mapping.expressions import Value
    from connector.mapping.generated.source import Block, TopicSource
    from connector.mapping.identity import CountInvalid, IdentityRule
    from connector.mapping.json_values import Json
    from connector.mapping.lookup import Getter

Entries = list[tuple[str, str]]
"""Entries of an item: names, and the source of what they hold."""

NO_RECORD: Final = Record("", 0, 0, None, None, None, ())
"""Stands for the record where only constants are computed."""


def identity_of(rule: IdentityRule, count_invalid: CountInvalid) -> Getter:
    """Return the getter of a rule's identity as text; None if it is absent or can't be converted."""
    kind, get = rule.type, rule.get

    def identity(value: Json, record: Record) -> Json:
        try:
            got = get(value, record)
        except MappingError as error:
            count_failed(error, kind, count_invalid)
            return None
        if got.__class__ is str and got and not got.isspace():
            return got
        return as_text(got, kind, count_invalid)

    return identity


def not_converted(kind: str, count_invalid: CountInvalid) -> Callable[[str], None]:
    """Return what is done with text that can't be converted: it is counted, unless it is blank, which is absent."""

    def refuse(text: str) -> None:
        if text and not text.isspace():
            count_invalid(kind)

    return refuse


class Identities:
    """Writes the identities of one route; `count_invalid` is called for each that can't be converted."""

    def __init__(self, source: TopicSource, block: Block, count_invalid: CountInvalid) -> None:
        self._source = source
        self._block = block
        self._count_invalid = count_invalid

    def write_text(self, rule: IdentityRule, local: str, *, unless: str = "") -> None:
        """Append what sets a local variable to the text of an identity, or None."""
        source, block, field = self._source, self._block, f"identity.{rule.type}"
        block.comment(field)
        if unless:
            block.add(f"{local} = None", f"if {unless} is None:")
        indent = "    " if unless else ""
        again = source.call(identity_of(rule, self._count_invalid), RECORD)
        expression = rule.value.expression
        if isinstance(expression, Constant):
            block.add(f"{indent}{local} = {again}", field=field)
            return
        if isinstance(expression, Step) and expression.usual.may_fail and expression.usual.text:
            operand = source.local()
            test, result = source.usual(self._shared(expression), operand)
            block.add(f"{indent}try:", f"{indent}    {local} = {result} if {test} else {again}", field=field)
            refused = source.bind(not_converted(rule.type, self._count_invalid))
            block.add(f"{indent}except ConversionError:", f"{indent}    {local} = {refused}({operand})", field=field)
            block.add(f"{indent}except Exception:", f"{indent}    {local} = {again}", field=field)
            return
        block.add(f"{indent}try:", f"{indent}    {local} = {source.expression(expression)}", field=field)
        block.add(f"{indent}except Exception:", f"{indent}    {local} = {again}", field=field)
        check = f"{local} is not None and ({local}.__class__ is not str or not {local} or {local}.isspace())"
        block.add(f"{indent}if {check}:", f"{indent}    {local} = {again}", field=field)

    def _shared(self, step: Step) -> Step:
        """Return the step with a conversion that remembers its last result, if several routes have it."""
        key = conversion_key(step)
        if key is None or self._source.conversions[key] <= 1:
            return step
        if key not in self._source.remembering:
            self._source.remembering[key] = _remembering(key.convert)
        return step._replace(usual=step.usual._replace(bound=self._source.remembering[key]))

    def write_list(self, rules: Sequence[IdentityRule], missing: str, *, ordered: bool) -> tuple[Entries, str]:
        """Append what makes the list of identities; return the item's first entries, and the order keys' source."""
        source, block = self._source, self._block
        only = rules[0] if len(rules) == 1 else None
        if only is None:
            block.add("identities = []", *(["keys = []"] if ordered else []))
        for rule in rules:
            local = source.local()
            self.write_text(rule, local)
            if only is not None:
                block.add(f"if {local} is None:", f"    raise {missing}")
                block.add(f"identities = ({self._made(rule, local)},)", field=f"identity.{rule.type}")
                keys = f"({self._key(rule, local)},)"
                continue
            block.add(f"if {local} is not None:")
            block.add(f"    identities.append({self._made(rule, local)})", field=f"identity.{rule.type}")
            if ordered:
                block.add(f"    keys.append({self._key(rule, local)})")
            keys = "tuple(keys)"
        if only is None:
            block.add("if not identities:", f"    raise {missing}")
        return [("identities", "identities")], keys if ordered else "()"

    def _made(self, rule: IdentityRule, local: str) -> str:
        """Return the source of one entry of the list."""
        source, kind = self._source, self._source.named(rule.type, "type")
        fixed: dict[str, Json] = {"identityType": rule.type}
        if all(value.constant for _, value in rule.extra):
            with contextlib.suppress(MappingError):  # a constant that is not possible fails for each record
                add_extra(fixed, rule.extra, None, NO_RECORD)
                more = [(name, source.named(each, name)) for name, each in fixed.items()]
                return source.object("identity", [("identityValue", local), *more])
        made = f"{{'identityValue': {local}, 'identityType': {kind}}}"
        record = ", ".join(source.expression(each) for each in RECORD)
        return f"{source.bind(with_extra)}({made}, {source.named(rule.extra, 'extra')}, {record})"

    def _key(self, rule: IdentityRule, local: str) -> str:
        return f"f'{{{self._source.named(rule.type, 'type')}}}={{{local}}}'"

    def write_flat(
        self, rules: Sequence[IdentityRule], missing: str, exact: str, *, ordered: bool
    ) -> tuple[Entries, str]:
        """Append what finds the flat fields; return the item's first entries, and the order keys' source."""
        source, block = self._source, self._block
        fields: dict[str, str] = {}
        found: list[tuple[IdentityRule, str, str]] = []
        for rule in rules:
            assert rule.flat is not None  # noqa: S101 - a rule of an endpoint with flat identities
            local, field = source.local(), rule.flat.field
            self.write_text(rule, local, unless=fields.get(field, ""))
            found.append((rule, local, field))
            if field in fields:  # a later rule for the same field, applied only where the first ones found nothing
                block.add(f"if {fields[field]} is None:", f"    {fields[field]} = {local}")
            else:
                fields[field] = source.local()
                block.add(f"{fields[field]} = {local}")
        kinds = [
            f"{source.named(rule.flat.identity_type, 'type')} if {local} is not None else"
            for rule, local, _ in found
            if rule.flat is not None
        ]
        block.add(f"if {' and '.join(f'{local} is None' for local in fields.values())}:", f"    raise {missing}")
        block.add(f"kind = {' '.join(kinds)} None")
        if ordered:
            block.add("keys = []")
            for rule, local, _ in found:
                block.add(f"if {local} is not None:", f"    keys.append({self._key(rule, local)})")
        entries = [("identityType", f"kind if {exact} else None"), *fields.items()]
        return entries, "tuple(keys)" if ordered else "()"


def _remembering(convert: Callable[[Json], Json]) -> Callable[[Json], Json]:
    last = made = None

    def remember(value: Json) -> Json:
        nonlocal last, made
        if value is not last:
            last, made = None, convert(value)
            last = value
        return made

    return remember


def with_extra(
    identity: dict[str, Json], extra: Sequence[tuple[str, Value]], value: Json, record: Record
) -> dict[str, Json]:
    """Return an identity with what its rule writes beside it."""
    add_extra(identity, extra, value, record)
    return identity
