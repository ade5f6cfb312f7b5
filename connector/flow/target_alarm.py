"""Says in `/readyz` and in the log that a target is down or held, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.core.events import ReasonCleared, ReasonRaised
from connector.core.target_state import Condition
from connector.core.wording import counted
from connector.language.message import NOTHING, message

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.events import Emit, ReasonCode
    from connector.language.message import Message

_CODES: Final[dict[Condition, ReasonCode]] = {
    Condition.DOWN: "target_down",
    Condition.HELD: "target_held",
    Condition.REFUSING: "target_held",
}
RETIRED: Final = " (earlier config)"
"""What follows the name of a target that the config does not have any more, or has with another endpoint."""
RETIRED_REMEDY: Final = message(
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
    next_try_s: float | None
    """None: it is under way."""


class TargetAlarm:
    """Raises and clears the reason why one target is not up."""

    def __init__(self, target: str, emit: Emit, facts: Callable[[], AlarmFacts]) -> None:
        """`facts` returns those of now."""
        self._target = target
        self._emit = emit
        self._facts = facts
        self._condition = Condition.UP
        self._advice = NOTHING
        """The remedy of the verdict that holds the target."""
        self._raised: tuple[ReasonCode, Message] | None = None
        """The reason that stands, and its remedy as it was told last."""
        self._more = NOTHING
        """What each remedy ends with."""

    def update(self, condition: Condition, remedy: Message) -> None:
        """Called after each reply: raises the reason for this condition, with its present remedy; clears another.

        `remedy` is that of the verdict; empty if it has none.
        """
        code = _CODES.get(condition)
        if self._raised is not None and self._raised[0] != code:
            self._emit(ReasonCleared(self._raised[0], self._target))
            self._raised, self._advice = None, NOTHING
        self._condition, self._advice = condition, remedy or self._advice
        if code is not None and self._raised != (code, self._remedy()):
            self._raise(code)

    def retire(self) -> None:
        """Called when the target is no part of the config any more. It may have a successor of the same name."""
        raised = self._raised
        if raised is not None:
            self._emit(ReasonCleared(raised[0], self._target))
        self._target, self._more = self._target + RETIRED, RETIRED_REMEDY
        if raised is not None:
            self._raise(raised[0])

    def _raise(self, code: ReasonCode) -> None:
        self._raised = (code, self._remedy())
        self._emit(ReasonRaised(code, self._target, self._raised[1], present_remedy=self._remedy))

    def _remedy(self) -> Message:
        """Return what to do, with the facts of now: the next try comes nearer, and more items wait."""
        if self._condition is Condition.HELD:
            return message("{told}{more}", told=self._advice, more=self._more)
        facts = self._facts()
        if facts.next_try_s is None:
            next_try = message("under way")
        else:
            next_try = message("in {seconds:.0f} s", seconds=facts.next_try_s)
        tells = message(
            "last reply: {reply}; {tries}; {items}; next try {next_try}",
            reply=facts.last_reply,
            tries=counted(facts.tries, "try", "tries"),
            items=counted(facts.waiting, "item waits", "items wait"),
            next_try=next_try,
        )
        if self._condition is Condition.DOWN:
            told = message(
                "check whether the platform runs and can be reached: nothing is delivered ({tells}){more}",
                tells=tells,
                more=self._more,
            )
        else:
            told = message(
                "check what the platform says to this target's items: it refuses every one, so none is dead-lettered "
                "({tells}){more}",
                tells=tells,
                more=self._more,
            )
        return told
