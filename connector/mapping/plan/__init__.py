"""The tracking plan: the events that are defined on the platform, against which routes are held.

What is known at start is reported at start, with its place in the file; what depends on the record is checked by steps
behind the event key (`event_key.py`) and behind the arguments (`arguments.py`), which a mapping without `events` does
not have.
"""

from connector.mapping.plan.route import RoutePlan, TrackingPlan

__all__ = ["RoutePlan", "TrackingPlan"]
