"""Whether the names in a test are those of its config: topics, targets, routes, fields, reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.letters import REASONS
from connector.language.message import message
from connector.settings.problems import did_you_mean
from connector.tuzhan.endpoints import DEFAULT_PARAMETERS, ENDPOINTS
from connector.workbench.testing.models import DeadLetterExpected, ItemExpected

if TYPE_CHECKING:
    from collections.abc import Collection

    from connector.language.message import Message
    from connector.settings.models import Target
    from connector.settings.problems import Path, Problems
    from connector.tuzhan.endpoints import Endpoint
    from connector.workbench.testing.mappings import TestedMapping

_OF_SENDING: Final = frozenset({"too_large", "refused", "server_error"})
"""The reasons that the platform gives, not the mapping."""
_MAX_LISTED: Final = 10


def check_topic(topic: str, at: Path, mapping: TestedMapping, problems: Problems) -> None:
    """Report a topic that no route reads."""
    if not mapping.compiled.routes_of(topic):
        _unknown_name(message("no route reads this topic"), topic, mapping.compiled.topics, at, problems)


def check_expected(
    expected: ItemExpected | DeadLetterExpected, at: Path, mapping: TestedMapping, problems: Problems
) -> None:
    """Report names that the config does not have, and fields that the endpoint does not have."""
    routes = {route.name: route.to for route in mapping.config.routes}
    targets = mapping.config.targets
    if expected.route and expected.route not in routes:
        _unknown_name(message("no such route"), expected.route, routes, (*at, "route"), problems)
    if expected.target and expected.target not in targets:
        _unknown_name(message("no such target"), expected.target, targets, (*at, "target"), problems)
    if isinstance(expected, DeadLetterExpected):
        _check_reason(expected.reason, (*at, "reason"), problems)
        return
    target = targets.get(expected.target or routes.get(expected.route or "", ""))
    if target is not None:
        _check_fields(expected, at, target, problems)


def _check_reason(reason: str | None, at: Path, problems: Problems) -> None:
    reasons = [each for each in REASONS if each not in _OF_SENDING]
    if reason in _OF_SENDING:
        told = message("the platform gives this reason: no mapping does, so no test can reach it")
        problems.add(at, told, "bad_value")
    elif reason is not None and reason not in reasons:
        _unknown_name(message("no such reason"), reason, reasons, at, problems)


def _check_fields(expected: ItemExpected, at: Path, target: Target, problems: Problems) -> None:
    endpoint = ENDPOINTS[target.endpoint]
    parameters = {parameter.name for parameter in endpoint.parameters} | DEFAULT_PARAMETERS.keys()
    if target.allow_unknown:
        return
    of_item = ("item", message("field"), expected.item, _fields(endpoint))
    of_request = ("public_params", message("parameter"), expected.public_params, parameters)
    for key, what, given, known in (of_item, of_request):
        for name in (given or {}).keys() - known:
            hint = did_you_mean(name, known) or message(": it has {names}", names=", ".join(sorted(known)))
            told = message(
                "{endpoint} has no {what} '{name}'{hint}", endpoint=endpoint.path, what=what, name=name, hint=hint
            )
            problems.add((*at, key, name), told, "not_for_this_endpoint", at_key=True)


def _fields(endpoint: Endpoint) -> set[str]:
    """Return the names of everything that an item may have, identities and the event key among them."""
    names = {field.name for field in endpoint.fields}
    if endpoint.kind == "event":
        names.add("eventKey")
    if endpoint.flat_identities is None:
        return names | {"identities"}
    return names | {"identityType"} | {identity.field for identity in endpoint.flat_identities.values()}


def _unknown_name(told: Message, name: str, known: Collection[str], at: Path, problems: Problems) -> None:
    listed = ", ".join(list(known)[:_MAX_LISTED]) + (", …" if len(known) > _MAX_LISTED else "")
    hint = did_you_mean(name, known) or message(": there are {names}", names=listed)
    problems.add(at, message("{told}{hint}", told=told, hint=hint), "unknown_name")
