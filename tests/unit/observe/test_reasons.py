"""Each reason of `/readyz` has a test in which a real process meets the fault, and in which the remedy clears it."""

from __future__ import annotations

from pathlib import Path
from typing import Final, get_args

import pytest

from connector.core.events import ReasonCode

ROOT: Final = Path(__file__).parents[3]
TESTS: Final[dict[ReasonCode, dict[str, list[str]]]] = {
    "starting": {
        "kafka/test_leaders.py": [
            "partitions_without_a_leader_hold_up_no_other_neither_running_nor_starting",
        ],
        "kafka/test_readiness.py": [
            "a_member_that_the_group_has_removed_is_not_ready_until_it_is_dealt_in_again",
        ],
    },
    "kafka_unreachable": {
        "kafka/test_readiness.py": [
            "a_broker_that_hangs_or_ends_is_reported_within_seconds_and_cleared_when_it_is_back",
        ],
        "kafka/test_start.py": [
            "a_broker_that_is_down_at_start_is_waited_for",
        ],
        "acceptance/test_wrong_broker.py": [
            "a_broker_that_is_none_is_told_in_plain_words_and_few_lines",
        ],
    },
    "topic_missing": {
        "kafka/test_start.py": [
            "an_unknown_topic_is_reported_and_consumed_when_it_appears",
        ],
    },
    "kafka_not_authorized": {
        "kafka/test_reasons.py": [
            "a_login_that_is_refused_is_told_and_a_start_with_the_right_password_is_ready",
            "a_group_that_may_not_be_joined_is_told_and_joined_once_the_right_is_given",
        ],
        "kafka/test_topics.py": [
            "a_topic_that_may_be_read_again_is_ready_without_a_new_record",
        ],
    },
    "no_token": {
        "kafka/test_token.py": [
            "a_token_endpoint_that_is_down_at_start_is_waited_for",
            "a_wrong_secret_is_mended_while_the_connector_runs_and_is_written_nowhere",
            "a_token_file_is_followed_and_its_absence_reported",
        ],
    },
    "token_contested": {
        "kafka/test_reasons.py": [
            "another_fetcher_of_tokens_is_told_until_it_fetches_no_more",
        ],
    },
    "target_down": {
        "kafka/test_reasons.py": [
            "a_platform_that_is_down_is_told_with_its_reply_its_tries_and_what_waits",
        ],
    },
    "target_held": {
        "kafka/test_token.py": [
            "an_endpoint_that_refuses_the_token_holds_its_target_alone",
        ],
    },
    "dead_letter_unavailable": {
        "kafka/test_dead_letters.py": [
            "while_the_dead_letter_topic_refuses_writes_nothing_settles_and_readiness_reports_it",
        ],
        "kafka/test_dead_letter_rights.py": [
            "while_writing_is_denied_nothing_settles_and_afterwards_nothing_is_lost",
        ],
        "kafka/test_reasons.py": [
            "dead_letters_that_left_with_their_partition_are_no_reason_any_more",
        ],
    },
    "registry_unavailable": {
        "kafka/test_formats.py": [
            "a_registry_that_hangs_or_refuses_is_a_reason_and_records_wait_until_it_answers",
        ],
    },
    "commits_refused": {
        "kafka/test_reasons.py": [
            "commits_that_stay_refused_are_told_and_cleared_once_the_right_is_given",
        ],
    },
    "records_lost": {
        "kafka/test_gaps.py": [
            "a_gap_counts_once_although_the_process_is_killed_before_anything_else_was_sent",
        ],
    },
    "config_refused": {
        "kafka/test_reload.py": [
            "a_config_that_is_refused_changes_nothing_and_is_told_until_it_is_mended",
        ],
    },
    "draining": {
        "kafka/test_reasons.py": [
            "a_stop_is_told_until_what_is_on_the_wire_is_answered",
        ],
    },
}
"""By reason and file: the tests' names."""


@pytest.mark.parametrize("code", get_args(ReasonCode))
def test_each_reason_has_a_test_with_its_fault_and_its_remedy(code: ReasonCode) -> None:
    assert TESTS[code]
    for file, names in TESTS[code].items():
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        for name in names:
            _, found, rest = text.partition(f"\ndef test_{name}(")
            assert found, f"{file} has no {name}"
            body = rest.partition("\ndef ")[0]
            assert code in body or "the group is dealing out its partitions" in body, f"{name} is not about {code}"
