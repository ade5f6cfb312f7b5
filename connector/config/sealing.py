"""A config from someone who must not learn what this machine holds, such as the text on a page.

Its text alone is checked: no environment variable and no file is read, and no code is imported. Three places of a
config lead outside: `${…}`, `events: {file: …}`, and the `transform` of a route. There is no fourth, because the Kafka
client and the registry's are not asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.config.interpolation import interpolate_sealed
from connector.language.message import message

if TYPE_CHECKING:
    from connector.settings.problems import Problems


def sealed(data: object, problems: Problems) -> object:
    """Return a config's data without what leads outside; each such place is reported."""
    closed = interpolate_sealed(data, problems)
    if not isinstance(closed, dict):
        return closed
    closed = dict(closed)
    events, routes = closed.get("events"), closed.get("routes")
    if isinstance(events, dict) and "file" in events and not isinstance(events["file"], dict):
        told = message("no file is read here: write the events into the config")
        problems.add(("events", "file"), told, "unreadable_file")
        del closed["events"]
    if isinstance(routes, list):
        closed["routes"] = [_without_code(index, route, problems) for index, route in enumerate(routes)]
    return closed


def _without_code(index: int, route: Any, problems: Problems) -> Any:  # noqa: ANN401 - whatever the file has
    if not isinstance(route, dict) or "transform" not in route:
        return route
    told = message("no function is called here, since it would run on the server: preview on the command line does")
    problems.add(("routes", index, "transform"), told, "bad_value")
    return {name: each for name, each in route.items() if name != "transform"}
