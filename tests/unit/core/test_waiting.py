"""A queue whose entries may have to wait, against a sorted list."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from connector.core.waiting import WaitingQueue

TIMES = st.one_of(st.just(-math.inf), st.integers(0, 10).map(float))


@given(times=st.lists(TIMES), now=st.integers(0, 10))
def test_entries_are_taken_when_they_are_due_and_in_their_order(times: list[float], now: int) -> None:
    queue: WaitingQueue[int] = WaitingQueue()
    for number, not_before in enumerate(times):
        queue.put(number, not_before)
    assert queue.due_at() == min(times, default=math.inf)
    assert len(queue) == len(times)
    taken = []
    while (entry := queue.take(float(now))) is not None:
        taken.append(entry)
    by_time = sorted(range(len(times)), key=lambda number: times[number])
    assert taken == [number for number in by_time if times[number] <= now]
    assert len(queue) == len(times) - len(taken)


@given(times=st.lists(TIMES))
def test_all_entries_can_be_drained_with_their_times_and_put_again(times: list[float]) -> None:
    queue: WaitingQueue[int] = WaitingQueue()
    for number, not_before in enumerate(times):
        queue.put(number, not_before)
    drained = queue.drain()
    assert len(queue) == 0
    assert drained == sorted(enumerate(times), key=lambda entry: entry[1])


def test_an_entry_can_be_put_before_all_others() -> None:
    queue: WaitingQueue[str] = WaitingQueue()
    queue.put("second")
    queue.put_first("first")
    assert [queue.take(0.0), queue.take(0.0), queue.take(0.0)] == ["first", "second", None]
