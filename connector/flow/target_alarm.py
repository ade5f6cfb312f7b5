"""Says in `/readyz` and in the log that a target is down or held, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.core.events import ReasonCleared, ReasonRaised
from connector.core.target_state import Condition
from connector.core.wording import counted

if TYPE_CHECKING:
    from connector.core.events import Emit, ReasonCode

_CODES: Final[dict[Condition, ReasonCode]] = {
    Condition.DOWN: "target_down",
    Condition.HELD: "target_held",
    Condition.REFUSING: "target_held",
}
RETIRED: Final = " (earlier config)"
"""What follows the name of a target that the config does not have any more, or has with another endpoint."""
RETIRED_REMEDY: Final = (
    "; the config has changed since: what waits here is still sent as it was mapped. To give that up, restart: then its"
    " records are mapped anew"
)


@dataclass(frozen=True, slots=True)
class AlarmFacts:
    """What a reason tells of its target."""

    last_reply: str
    tries: int
    """Requests in a row that delivered nothing."""
    waiting: int
    """Items."""
    next_try_s: float
    remedy: str
    """That of the last verdict; empty if it has none."""


class TargetAlarm:
    """Raises and clears the reason why one target is not up."""

    def __init__(self, target: str, emit: Emit) -> None:
        self._target = target
        self._emit = emit
        self._raised: tuple[ReasonCode, str] | None = None
        """The reason that stands, and its remedy."""
        self._more = ""
        """What each remedy ends with."""

    def update(self, condition: Condition, facts: AlarmFacts) -> None:
        """Called after each reply: raises the reason for this condition, with its present remedy; clears another."""
        code = _CODES.get(condition)
        if self._raised is not None and self._raised[0] != code:
            self._emit(ReasonCleared(self._raised[0], self._target))
            self._raised = None
        if code is None:
            return
        raised = (code, self._remedy(condition, facts))
        if raised != self._raised:
            self._raised = raised
            self._emit(ReasonRaised(code, self._target, raised[1] + self._more))

    def retire(self) -> None:
        """Called when the target is no part of the config any more. It may have a successor of the same name."""
        raised = self._raised
        if raised is not None:
            self._emit(ReasonCleared(raised[0], self._target))
        self._target, self._more = self._target + RETIRED, RETIRED_REMEDY
        if raised is not None:
            self._emit(ReasonRaised(raised[0], self._target, raised[1] + self._more))

    def _remedy(self, condition: Condition, facts: AlarmFacts) -> str:
        if condition is Condition.HELD:
            standing = self._raised[1] if self._raised is not None else ""
            return facts.remedy or standing
        tells = (
            f"last reply: {facts.last_reply}; {counted(facts.tries, 'try', 'tries')}; "
            f"{counted(facts.waiting, 'item waits', 'items wait')}; next try in {facts.next_try_s:.0f} s"
        )
        if condition is Condition.DOWN:
            return f"check whether the platform runs and can be reached: nothing is delivered ({tells})"
        return (
            "check what the platform says to this target's items: it refuses every one, so none is dead-lettered "
            f"({tells})"
        )
