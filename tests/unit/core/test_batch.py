"""The search for culprits in a batch: exactly these are found, in order, with few requests."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from connector.core.batch import Batch
from connector.core.evidence import Evidence


class Search:
    """Searches a batch of numbers; requests with a culprit fail."""

    def __init__(self, size: int, culprits: frozenset[int]) -> None:
        self.requests: list[tuple[int, ...]] = []
        self.delivered: list[int] = []
        self.found: list[int] = []
        self._culprits = culprits
        batch: Batch[int] | None = Batch(tuple(range(size)))
        while batch is not None:
            batch = self._exchange(batch)

    def _exchange(self, batch: Batch[int]) -> Batch[int] | None:
        request = batch.next_request
        self.requests.append(request)
        if self._culprits.isdisjoint(request):
            self.delivered += request
            batch_after = batch.after_delivery()
        else:
            batch_after = batch.suspect(Evidence(), 0.0)
        if batch_after is None or not batch_after.is_alone:
            return batch_after
        culprit, rest = batch_after.separate()
        self.found += culprit.items
        return rest


SIZES = st.integers(1, 500)


@given(size=SIZES, culprits=st.frozensets(st.integers(0, 499), max_size=8))
def test_all_culprits_are_found_in_order_and_all_others_delivered_in_order(size: int, culprits: frozenset[int]) -> None:
    search = Search(size, culprits)
    assert search.found == sorted(culprits & set(range(size)))
    assert search.delivered == [number for number in range(size) if number not in culprits]


@given(size=SIZES, culprits=st.frozensets(st.integers(0, 499), max_size=8))
def test_a_culprit_costs_its_logarithm_and_one_more_request(size: int, culprits: frozenset[int]) -> None:
    search = Search(size, culprits)
    assert len(search.requests) <= 1 + len(search.found) * (math.ceil(math.log2(size)) + 1)


@given(size=st.integers(2, 60), suspected=st.integers(1, 60), gone=st.frozensets(st.integers(0, 59)))
def test_items_that_leave_a_suspect_leave_its_suspected_part_too(
    size: int, suspected: int, gone: frozenset[int]
) -> None:
    suspected = min(suspected, size)
    batch = Batch(tuple(range(size)), suspected=suspected, evidence=Evidence(blamed_at=1, failures=2))
    kept = batch.keep(lambda number: number not in gone)
    left = [number for number in range(size) if number not in gone]
    if not left:
        assert kept is None
    elif len(left) == size:
        assert kept is batch
    else:
        assert kept is not None
        assert kept.items == tuple(left)
        assert kept.suspected == len([number for number in left if number < suspected])
        assert kept.evidence == Evidence(failures=2), "no item is blamed for a request of others"


def test_what_stands_behind_a_culprit_has_a_clean_record() -> None:
    evidence = Evidence(failed_at=3, failures=9, counted=9, blamed_at=5)
    suspect = Batch(tuple("abc"), suspected=1, by_failure=True, evidence=evidence, backoffs=4, alone_since=1.0)
    culprit, rest = suspect.separate()
    assert (culprit.items, culprit.evidence, culprit.is_alone) == (("a",), evidence, True)
    assert rest == Batch(("b", "c"), by_failure=True, evidence=Evidence(failed_at=3))
    assert culprit.separate() == (culprit, None)


def test_a_probe_that_fails_is_in_turns_all_of_its_batch_and_one_item_each_time_another() -> None:
    batch = Batch(tuple("abc"), suspected=2)
    requests = []
    for _ in range(6):
        batch = batch.next_sample(ordered=False)
        requests.append("".join(batch.next_request))
    assert requests == ["a", "bca", "b", "cab", "c", "abc"]
    assert batch.is_ordinary
    assert not Batch(("a",)).next_sample(ordered=False).is_sample


def test_where_order_is_kept_the_first_item_is_the_sample() -> None:
    batch = Batch(tuple("abc"))
    requests = []
    for _ in range(4):
        batch = batch.next_sample(ordered=True)
        requests.append("".join(batch.next_request))
    assert requests == ["a", "abc", "a", "abc"]
    rest = batch.next_sample(ordered=True).after_delivery()
    assert rest is not None
    assert (rest.items, rest.next_request, rest.suspected) == (("b", "c"), ("b", "c"), 0)


def test_a_search_starts_with_a_backoff_of_its_own() -> None:
    batch = Batch(tuple("ab"), backoffs=7, token_refusals=1)
    suspect = batch.suspect(Evidence(), 5.0)
    assert (suspect.backoffs, suspect.token_refusals, suspect.alone_since) == (0, 0, None)
    alone = suspect.suspect(Evidence(), 6.0)
    assert (alone.suspected, alone.alone_since) == (1, 6.0)
    again = alone.separate()[0].suspect(Evidence(failures=1), 7.0)
    assert (again.alone_since, again.evidence.failures) == (6.0, 1)
