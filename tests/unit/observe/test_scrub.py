from __future__ import annotations

import urllib.parse

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some

from connector.core.errors import BackgroundTaskError, StartError
from connector.observe.scrub import MAX_TEXT, describe, scrub
from tests.unit.observe.examples import MOBILE, SECRET


@pytest.mark.parametrize(
    "text",
    [
        f"GET https://integrate.rabbitpre.com/api/open/app/getOrgAccessToken?instanceAppid=a&instanceSecrect={SECRET}",
        f"HTTP Request: GET https://x/y?{SECRET} 'HTTP/1.1 401'",
        f'"GET /app/getOrgAccessToken?instanceSecrect={SECRET} HTTP/1.1" 200',
        f"400, message='Bad', url='https://x/y?a=1&instanceSecrect=it%27s'{SECRET}'",
        f"https://user:{SECRET}@broker.example/path",
        f"instanceSecrect={SECRET}",
        f'{{"accessToken": "{SECRET}"}}',
        f"sasl.password={SECRET}, more",
        str(httpx.URL("https://x/y", params={"instanceSecrect": SECRET})),
        repr(httpx.Request("GET", "https://x/y", params={"instanceSecrect": SECRET}).url),
    ],
)
def test_a_secret_is_removed_from_every_usual_place(text: str) -> None:
    assert SECRET not in scrub(text)


@given(some.text(min_size=1, max_size=40), some.text(max_size=40), some.booleans())
def test_no_value_of_a_query_survives(secret: str, before: str, relative: bool) -> None:  # noqa: FBT001 - generated
    written = urllib.parse.quote(f"<<{secret}>>", safe="'()*!~")
    place = "/app/token" if relative else "https://x/app/token"
    assert written not in scrub(f"{before} {place}?first=1&instanceSecrect={written} done")


@given(some.text(), some.from_regex(r"\A1[3-9][0-9]{9}\Z"), some.text())
def test_no_mobile_number_survives(before: str, mobile: str, after: str) -> None:
    padded = f"{before} {mobile} {after}"
    assert f" {mobile} " not in scrub(padded)


@given(some.text(some.characters()))
def test_the_result_is_one_short_line_that_can_be_encoded(text: str) -> None:
    clean = scrub(text * 3)
    assert len(clean) <= MAX_TEXT
    assert len(clean.splitlines()) <= 1
    assert clean.isprintable() or not any(ord(letter) < 32 for letter in clean)
    clean.encode()


@pytest.mark.parametrize(
    "text",
    [
        "no token: the endpoint answered 503; tried again in 4 s",
        "is the broker up? ask kafka:9092",
        "shop.orders[3]: 1605490615673 lies before 2000-01-01",
        "用户标签: 频率超限",
    ],
)
def test_a_text_without_secrets_is_unchanged(text: str) -> None:
    assert scrub(text) == text


def raise_from(error: Exception, cause: Exception | None = None) -> None:
    raise error from cause


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise_from(error, cause)
    except Exception as caught:  # noqa: BLE001 - any error may be described
        return caught
    return AssertionError("nothing was raised")


def test_a_foreign_error_is_described_by_type_and_place_without_its_text() -> None:
    described = describe(raised(KeyError(MOBILE), raised(ValueError(SECRET))))
    assert MOBILE not in described
    assert SECRET not in described
    assert described.startswith("KeyError at test_scrub.py:")
    assert " from ValueError at test_scrub.py:" in described


def test_an_error_raised_while_handling_another_is_described_with_both() -> None:
    orders: dict[str, list[str]] = {}
    described = ""
    try:
        try:
            orders[MOBILE]
        except KeyError:
            int(SECRET)
    except ValueError as error:
        described = describe(error)
    assert described.startswith("ValueError at")
    assert " from KeyError at " in described
    assert MOBILE not in described


def test_the_texts_of_own_errors_and_of_the_operating_system_are_kept() -> None:
    assert describe(StartError("port 8080 is taken")) == "connector.core.errors.StartError (port 8080 is taken)"
    assert describe(OSError(28, "No space left on device")) == "OSError (No space left on device)"


def test_a_task_that_died_is_named_without_the_text_of_the_cause() -> None:
    cause = KeyError(MOBILE)
    described = describe(raised(BackgroundTaskError("commit", cause), cause))
    assert described.startswith("connector.core.errors.BackgroundTaskError ('commit') at ")
    assert " from KeyError" in described
    assert MOBILE not in described


def test_a_cycle_of_causes_ends() -> None:
    one, other = KeyError(), ValueError()
    one.__cause__, other.__cause__ = other, one
    assert describe(one) == "KeyError from ValueError"
