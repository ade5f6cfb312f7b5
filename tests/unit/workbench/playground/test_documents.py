"""How the text of the page's records falls into records."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.workbench.playground.documents import MOST_RECORDS, read_documents

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text().filter(lambda name: name != "topic"), inner),
    max_leaves=8,
)


@given(st.lists(st.tuples(VALUES, st.sampled_from([None, 2]), st.sampled_from(["\n", "\n\n", " \r\n"])), max_size=6))
def test_documents_one_after_another_are_records_whatever_their_layout(
    parts: list[tuple[Any, int | None, str]],
) -> None:
    text = "".join(json.dumps(value, indent=indent) + end for value, indent, end in parts)
    givens, wrong, more = read_documents(text, "t")
    assert ([each.decoded for each in givens], wrong, more) == ([value for value, _, _ in parts], [], False)


def test_each_record_knows_the_line_in_which_it_begins() -> None:
    givens, _, _ = read_documents('\n{\n "a": 1\n}\n{"b": 2} {"c": 3}\n', "t")
    assert [each.line for each in givens] == [2, 5, 5]


def test_what_is_no_json_is_told_at_its_place_and_the_records_around_it_are_read() -> None:
    text = '{"a": 1}\n{\n  "b": 2,\n  oops\n}\n{"c": 3}\n'
    givens, [bad], _ = read_documents(text, "t")
    assert (bad.position, bad.message) == ((4, 3), "not JSON: expecting property name enclosed in double quotes")
    assert [each.decoded for each in givens if each.is_decoded] == [{"a": 1}, {"c": 3}]
    assert [each.record.value for each in givens if not each.is_decoded] == [b'{\n  "b": 2,\n  oops\n}']


def test_a_record_that_says_more_about_itself_is_one_of_kafka() -> None:
    givens, wrong, _ = read_documents('{"topic": "u", "key": "k", "value": {"a": 1}, "offset": 7}', None)
    assert wrong == []
    assert (givens[0].record.topic, givens[0].record.key, givens[0].record.offset) == ("u", b"k", 7)


@pytest.mark.parametrize("text", ['{"topic": "u", "value_file": "/etc/passwd"}', '{"topic": "u", "value": 1, "x": 2}'])
def test_a_wrong_record_is_told_and_no_file_is_read_for_it(text: str) -> None:
    givens, [bad], _ = read_documents(text, "t")
    assert givens == []
    assert bad.position == (1, 1)


def test_only_so_many_records_are_read() -> None:
    givens, _, more = read_documents("1\n" * (MOST_RECORDS + 1), "t")
    assert (len(givens), more) == (MOST_RECORDS, True)
    assert not read_documents("1\n" * MOST_RECORDS, "t")[2]
