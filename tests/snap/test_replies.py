"""What a reply means: success by HTTP status and code together, a definite no, or an unknown outcome."""

import json
import subprocess
import sys
import textwrap
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import Struct

from paygate import (
    AuthenticationFailed,
    ChargeNotFound,
    InvalidRequest,
    OutcomeUnknown,
    PaygateError,
    RateLimited,
)
from paygate.snap import GENERAL, read_reply


class Reply(Struct, frozen=True, rename="camel"):
    response_code: str | int = ""
    response_message: str = ""
    reference_no: str = ""


DECODER = msgspec.json.Decoder(Reply)
ODD = {"A1": AuthenticationFailed, "00": InvalidRequest, "2004700": InvalidRequest}
BELOW_500 = [row for row in GENERAL if row[0] < 500]
FROM_500 = [row for row in GENERAL if row[0] >= 500]


def reply(status: int, code: Any, message: str = "Told so", **headers: str) -> httpx.Response:
    body = {"responseCode": code, "responseMessage": message, "referenceNo": "R-1"}
    return httpx.Response(status, content=json.dumps(body).encode(), headers=headers)


def failure(response: httpx.Response, **options: Any) -> PaygateError:
    with pytest.raises(PaygateError) as caught:
        read_reply(response, DECODER, **options)
    return caught.value


@pytest.mark.parametrize("code", ["2004700", 2004700, "200US00"])
def test_a_success_gives_its_message(code: str | int) -> None:
    """HTTP 200 and case 00 are done, whatever the service and its text."""
    assert Reply(code, "Nicht erfolgreich", "R-1") == read_reply(
        reply(200, code, "Nicht erfolgreich"), DECODER
    )


@pytest.mark.parametrize(("http", "case"), BELOW_500)
def test_a_code_of_the_table_is_raised_as_the_table_says(http: int, case: str) -> None:
    """With code, text and HTTP status, to look it up at the provider."""
    error = failure(reply(http, f"{http}47{case}"))
    assert GENERAL[http, case] is type(error)
    assert (f"{http}47{case}", "Told so", http) == (
        error.provider_code,
        error.provider_message,
        error.http_status,
    )


@pytest.mark.parametrize(("http", "case"), FROM_500)
def test_a_server_error_leaves_the_outcome_unknown(http: int, case: str) -> None:
    """Nobody knows how far the provider came."""
    error = failure(reply(http, f"{http}47{case}"))
    assert type(error) is OutcomeUnknown
    assert http == error.http_status


@given(st.integers(500, 599), st.binary())
def test_a_server_error_is_not_read(status: int, body: bytes) -> None:
    """Its body may be a proxy's page, or say 2004700: no difference."""
    for content in (body, b'{"responseCode":"2004700"}'):
        assert type(failure(httpx.Response(status, content=content))) is OutcomeUnknown


@given(st.integers(200, 499), st.sampled_from([(200, "00"), *GENERAL]))
def test_where_status_and_code_disagree_the_outcome_is_unknown(status: int, row: tuple[int, str]) -> None:
    """Neither of the two is believed, and the words Success or Not Found change nothing."""
    assume(status != row[0])
    for message in ("Successful", "Transaction Not Found"):
        error = failure(reply(status, f"{row[0]}47{row[1]}", message))
        assert type(error) is OutcomeUnknown
        assert status == error.http_status


@given(st.integers(100, 499), st.integers(0, 99))
def test_a_code_outside_the_table_leaves_the_outcome_unknown(http: int, case: int) -> None:
    """It is never taken for its neighbour, nor for its HTTP status."""
    pair = (http, f"{case:02d}")
    assume(pair not in GENERAL and pair != (200, "00"))
    assert type(failure(reply(http, f"{http}47{case:02d}"))) is OutcomeUnknown


@pytest.mark.parametrize("code", ["", "00", "OK", "20047", "2004700 ", 0, 200, "200470000"])
@pytest.mark.parametrize("status", [200, 401, 404])
def test_a_code_without_form_leaves_the_outcome_unknown(status: int, code: str | int) -> None:
    """Also under HTTP 200, and also under a 4xx."""
    assert type(failure(reply(status, code, "Successful"))) is OutcomeUnknown


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"OK",
        b"<html>",
        b"{",
        b"[]",
        b"null",
        b'"2004700"',
        b"{}",
        b'{"responseCode":null}',
        b'{"responseCode":2004700.5}',
        b'{"responseCode":["2004700"]}',
        b'{"responseCode":"2004700","responseMessage":1}',
        b'{"responseCode":"\xff"}',
        b'{"responseCode":"\\ud800"}',
        b'{"x":' + b"[" * 100_000,
        b'{"responseCode":' + b"9" * 4_000 + b"}",
        b'{"responseCode":' + b"9" * 100_000 + b"}",
        b"\xef\xbb\xbf{}",
        b"\x1f\x8b\x08",
    ],
)
@pytest.mark.parametrize("status", [200, 404])
def test_a_body_that_nobody_can_read_leaves_the_outcome_unknown(status: int, body: bytes) -> None:
    """No text, no JSON, another shape, nothing at all."""
    assert type(failure(httpx.Response(status, content=body))) is OutcomeUnknown


@given(st.integers(200, 599), st.binary() | st.binary().map(lambda raw: b'{"responseCode":"' + raw + b'"}'))
def test_any_reply_is_a_message_or_an_error_of_ours(status: int, body: bytes) -> None:
    """A stranger's bytes cannot choose the exception."""
    try:
        message = read_reply(httpx.Response(status, content=body), DECODER)
    except PaygateError:
        return
    assert status == 200
    assert str(message.response_code).endswith("00")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("1", 1.0),
        ("30", 30.0),
        ("86400", 86_400.0),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("1e3", None),
        ("soon", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("\N{SUPERSCRIPT TWO}", None),
        ("100000", None),
        ("9" * 5000, None),
        ("86401", None),
    ],
)
def test_retry_after_is_a_number_of_at_most_a_day(header: str, seconds: float | None) -> None:
    """Anything else is no advice at all."""
    response = reply(429, "4294700")
    response.headers = httpx.Headers([(b"Retry-After", header.encode("latin-1"))])
    error = failure(response)
    assert isinstance(error, RateLimited)
    assert seconds == error.retry_after


def test_without_retry_after_there_is_no_advice() -> None:
    """RateLimited is raised all the same."""
    error = failure(reply(429, "4294700"))
    assert isinstance(error, RateLimited)
    assert error.retry_after is None


@pytest.mark.parametrize("status", [400, 401, 404, 499])
def test_an_odd_code_is_believed_under_a_client_error(status: int) -> None:
    """A refusal whose code has not the form of SNAP BI, as the plugin says that it is one."""
    assert type(failure(reply(status, "A1"), odd=ODD)) is AuthenticationFailed
    assert type(failure(reply(status, "00"), odd=ODD)) is InvalidRequest


@pytest.mark.parametrize("status", [200, 202, 302, 500, 503])
def test_an_odd_code_is_not_believed_elsewhere(status: int) -> None:
    """Under any other HTTP status the two disagree."""
    assert type(failure(reply(status, "A1"), odd=ODD)) is OutcomeUnknown


def test_an_odd_code_of_many_digits_is_believed_too() -> None:
    """A code is looked up as it was sent: what is hidden in messages must not hide it from the table."""
    odd = {"581000001": AuthenticationFailed}
    assert type(failure(reply(401, "581000001"), odd=odd)) is AuthenticationFailed
    assert type(failure(reply(401, 581000001), odd=odd)) is AuthenticationFailed


def test_a_code_with_the_right_form_is_never_odd() -> None:
    """The general rules come first: an odd table cannot turn a success into a refusal."""
    assert read_reply(reply(200, "2004700"), DECODER, odd=ODD).reference_no == "R-1"


def test_a_table_of_the_plugin_takes_the_general_one_s_place() -> None:
    """A provider may mean something else by a code, and what it leaves out is unknown."""
    own = {(404, "01"): InvalidRequest}
    assert type(failure(reply(404, "4044701"), errors=own)) is InvalidRequest
    assert type(failure(reply(404, "4044714"), errors=own)) is OutcomeUnknown
    assert type(failure(reply(404, "4044701"))) is ChargeNotFound


def test_secrets_in_the_provider_s_words_are_not_repeated() -> None:
    """A provider that echoes token, key or payer must not bring them into our logs."""
    token = "eyJhbGciOiJIUzI1NiJ9abcdefghijklmnopqrstuvwxyz"
    words = f"Unauthorized. Bearer {token} of budi@example.com 081234567890"
    error = failure(reply(401, "4014700", words))
    told = str(error) + repr(error.context)
    assert token not in told
    assert "budi@example.com" not in told
    assert "081234567890" not in told
    assert "Unauthorized." in told


@pytest.mark.parametrize(("status", "code"), [(200, "2004700"), (404, "4044701")])
def test_a_very_long_message_does_not_stop_the_program(status: int, code: str) -> None:
    """200 kB of letters are read in a process that is given 20 seconds; by the square it takes minutes."""
    program = """
        import sys, httpx
        from paygate import PaygateError
        from paygate.snap import read_reply
        from paygate.snap.credential import _token
        status, code = sys.argv[1:]
        body = b'{"responseCode":"%s","responseMessage":"%s"}' % (code.encode(), b"a" * 200_000)
        try:
            read_reply(httpx.Response(int(status), content=body), _token)
        except PaygateError:
            pass
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(status), code]
    subprocess.run(command, check=True, timeout=20)
