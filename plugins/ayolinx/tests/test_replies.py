"""What Ayolinx's answers about a QRIS mean, without a client."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paygate_ayolinx import Ayolinx
from paygate_ayolinx.door import SandboxAccount

from paygate import (
    AuthenticationFailed,
    Charge,
    ChargeNotFound,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    DuplicateReference,
    Flow,
    InvalidRequest,
    LimitExceeded,
    Money,
    OutcomeUnknown,
    PaygateError,
    PermissionDenied,
    QrCode,
    Qris,
    RateLimited,
    Refused,
    StateConflict,
)
from tests.ayolinx import adapter_of
from tests.flows import ended

EXPIRY = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
ORDER = ChargeRequest(reference="INV-1", amount=Money.idr(25_000), method=Qris(), expires_at=EXPIRY)
REF = ChargeRef("main", "INV-1", Qris(), None, Money.idr(25_000))
MADE = {
    "responseCode": "2004700",
    "responseMessage": "Successful",
    "partnerReferenceNo": "INV-1",
    "qrContent": "000201",
    "expiredDate": "1893553446",
}
TOLD = {
    "responseCode": "2005100",
    "responseMessage": "Successful",
    "originalReferenceNo": "AYO-1",
    "originalPartnerReferenceNo": "INV-1",
    "latestTransactionStatus": "00",
    "finishedTime": "2026-09-14T10:15:00+07:00",
    "amount": {"currency": "IDR", "value": "20000.00"},
}
VOIDED = {"responseCode": "2007700", "responseMessage": "Successful", "originalPartnerReferenceNo": "INV-1"}
GOOD: dict[str, dict[str, Any]] = {"create_charge": MADE, "query": TOLD, "cancel": VOIDED}
RIGHT: dict[str, int] = {"create_charge": 2004700, "query": 2005100, "cancel": 2007700}


@pytest.fixture(scope="session")
def adapter(account: SandboxAccount) -> Ayolinx:
    """The account's adapter."""
    return adapter_of(account)


def flow(adapter: Ayolinx, operation: str) -> Flow[Charge]:
    """A flow of this operation."""
    asked: Flow[Charge] = getattr(adapter, operation)(ORDER if operation == "create_charge" else REF)
    return asked


def test_a_charge_that_was_made(adapter: Ayolinx) -> None:
    """The answer's payload and expiry are the charge's; unknown fields do no harm."""
    reply = MADE | {"referenceNo": "AYO-1", "qrUrl": "https://qr.example/1", "new": [{"x": None}]}
    charge = ended(adapter.create_charge(ORDER), reply)
    assert (QrCode("000201"), "AYO-1") == (charge.instructions, charge.provider_reference)
    assert datetime(2030, 1, 2, 3, 4, 6, tzinfo=UTC) == charge.expires_at
    assert json.dumps(reply).encode() == charge.raw


@pytest.mark.parametrize("operation", GOOD)
@pytest.mark.parametrize("number", [True, False])
def test_a_code_may_be_a_number(adapter: Ayolinx, operation: str, number: bool) -> None:
    """responseCode is read as text and as a number."""
    code = RIGHT[operation]
    charge = ended(
        flow(adapter, operation), GOOD[operation] | {"responseCode": code if number else str(code)}
    )
    assert "INV-1" == charge.reference


def test_what_may_be_missing(adapter: Ayolinx) -> None:
    """Only code, payload and status are needed; what is missing is taken from the request or is None."""
    made = ended(adapter.create_charge(ORDER), {"responseCode": "2004700", "qrContent": "000201"})
    assert (EXPIRY, None) == (made.expires_at, made.provider_reference)
    told = ended(adapter.query(REF), {"responseCode": "2005100", "latestTransactionStatus": "00"})
    assert (ChargeStatus.PAID, None, None) == (told.status, told.paid_at, told.paid_amount)
    assert Money.idr(25_000) == told.amount
    voided = ended(adapter.cancel(REF), {"responseCode": "2007700"})
    assert ChargeStatus.CANCELLED is voided.status


@pytest.mark.parametrize(
    ("given_expiry", "expected"),
    [
        ("1726120500", datetime(2024, 9, 12, 5, 55, tzinfo=UTC)),
        (1726120500, datetime(2024, 9, 12, 5, 55, tzinfo=UTC)),
        ("1726120500000", datetime(2024, 9, 12, 5, 55, tzinfo=UTC)),
        (1726120500000, datetime(2024, 9, 12, 5, 55, tzinfo=UTC)),
        ("2024-09-12T12:55:00+07:00", datetime(2024, 9, 12, 5, 55, tzinfo=UTC)),
        ("2024-09-12T05:55:00Z", datetime(2024, 9, 12, 5, 55, tzinfo=UTC)),
    ],
)
def test_an_expiry_in_any_form(adapter: Ayolinx, given_expiry: Any, expected: datetime) -> None:
    """An expiry is read in seconds, milliseconds or ISO 8601 with its offset."""
    charge = ended(adapter.create_charge(ORDER), MADE | {"expiredDate": given_expiry})
    assert expected == charge.expires_at


@pytest.mark.parametrize("rubbish", ["", None, "2024-09-12T12:55:00", "soon", "17261205", "9" * 40, -1])
def test_an_expiry_that_cannot_be_read(adapter: Ayolinx, rubbish: Any) -> None:
    """An expiry in no known form costs no charge: the one asked for stands."""
    assert EXPIRY == ended(adapter.create_charge(ORDER), MADE | {"expiredDate": rubbish}).expires_at


@pytest.mark.parametrize("rubbish", [True, 1726120500.5, {}, ["1726120500"]], ids=repr)
def test_an_expiry_of_another_kind(adapter: Ayolinx, rubbish: Any) -> None:
    """Nor does one that is no text and no whole number: a time is not worth losing a payload for."""
    assert EXPIRY == ended(adapter.create_charge(ORDER), MADE | {"expiredDate": rubbish}).expires_at


@pytest.mark.parametrize("operation", GOOD)
def test_an_answer_about_another_charge(adapter: Ayolinx, operation: str) -> None:
    """An answer that names another reference says nothing about this one."""
    name = "partnerReferenceNo" if operation == "create_charge" else "originalPartnerReferenceNo"
    with pytest.raises(OutcomeUnknown):
        ended(flow(adapter, operation), GOOD[operation] | {name: "INV-2"})


@pytest.mark.parametrize(
    "reply", [MADE | {"qrContent": ""}, {"responseCode": "2004700"}, MADE | {"qrContent": None}]
)
def test_a_charge_without_a_payload(adapter: Ayolinx, reply: dict[str, Any]) -> None:
    """A charge that was accepted without a payload to show is of unknown outcome."""
    with pytest.raises(OutcomeUnknown):
        ended(adapter.create_charge(ORDER), reply)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("00", ChargeStatus.PAID),
        ("01", ChargeStatus.PENDING),
        ("02", ChargeStatus.PENDING),
        ("03", ChargeStatus.PENDING),
        ("04", ChargeStatus.REFUNDED),
        ("05", ChargeStatus.CANCELLED),
        ("06", ChargeStatus.FAILED),
    ],
)
def test_each_status(adapter: Ayolinx, code: str, status: ChargeStatus) -> None:
    """Each documented status has its word; only a paid charge has a payment."""
    charge = ended(adapter.query(REF), TOLD | {"latestTransactionStatus": code})
    payment = (datetime(2026, 9, 14, 3, 15, tzinfo=UTC), Money.idr(20_000)) if code == "00" else (None, None)
    assert (status, "AYO-1", *payment) == (
        charge.status,
        charge.provider_reference,
        charge.paid_at,
        charge.paid_amount,
    )


def test_a_status_that_says_not_found(adapter: Ayolinx) -> None:
    """Status 07 is a charge that the provider does not know."""
    with pytest.raises(ChargeNotFound):
        ended(adapter.query(REF), TOLD | {"latestTransactionStatus": "07"})


@given(
    status=st.one_of(
        st.text().filter(lambda text: text not in {f"0{n}" for n in range(8)}), st.integers(0, 7), st.none()
    )
)
def test_an_unknown_status_is_never_guessed(adapter: Ayolinx, status: Any) -> None:
    """Any other status, a number included, leaves the outcome unknown."""
    with pytest.raises(OutcomeUnknown):
        ended(adapter.query(REF), TOLD | {"latestTransactionStatus": status})


@pytest.mark.parametrize("value", ["20.000,00", "Rp20000", "2e4", "", "20000.005", "20,000.00", " 20000"])
def test_an_amount_that_cannot_be_read(adapter: Ayolinx, value: str) -> None:
    """A paid amount in another form than plain decimal text is left out, and the charge is still paid."""
    charge = ended(adapter.query(REF), TOLD | {"amount": {"currency": "IDR", "value": value}})
    assert (ChargeStatus.PAID, None) == (charge.status, charge.paid_amount)


@pytest.mark.parametrize("operation", GOOD)
@pytest.mark.parametrize("code", ["581000001", 581000001])
def test_the_odd_code(adapter: Ayolinx, operation: str, code: str | int) -> None:
    """The platform's own code for an unauthorised call is believed under HTTP 401."""
    with pytest.raises(AuthenticationFailed):
        ended(flow(adapter, operation), {"responseCode": code, "responseMessage": "UNAUTHORIZED"}, 401)


@pytest.mark.parametrize("operation", GOOD)
@pytest.mark.parametrize("status", [200, 202, 302, 500])
def test_the_odd_code_elsewhere(adapter: Ayolinx, operation: str, status: int) -> None:
    """Under any other HTTP status than a refusal's the same code says nothing."""
    with pytest.raises(OutcomeUnknown):
        ended(flow(adapter, operation), GOOD[operation] | {"responseCode": "581000001"}, status)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("4004700", InvalidRequest),
        ("4004701", InvalidRequest),
        ("4004702", InvalidRequest),
        ("4014700", AuthenticationFailed),
        ("4014701", AuthenticationFailed),
        ("4034702", Refused),
        ("4034706", PermissionDenied),
        ("4034714", LimitExceeded),
        ("4044701", ChargeNotFound),
        ("4044708", PermissionDenied),
        ("4044718", OutcomeUnknown),
        ("4054701", StateConflict),
        ("4094700", OutcomeUnknown),
        ("4094701", DuplicateReference),
        ("4294700", RateLimited),
        ("4184700", OutcomeUnknown),
        ("4004799", OutcomeUnknown),
        ("5004700", OutcomeUnknown),
        ("5004701", OutcomeUnknown),
        ("5044700", OutcomeUnknown),
        ("2024700", OutcomeUnknown),
        ("2004701", OutcomeUnknown),
    ],
)
def test_each_code(adapter: Ayolinx, code: str, error: type[PaygateError]) -> None:
    """Each code of the standard's has its error; one that is not known leaves the outcome unknown."""
    for operation, good in GOOD.items():
        reply = good | {"responseCode": code, "responseMessage": "Sorry"}
        with pytest.raises(error) as raised:
            ended(flow(adapter, operation), reply, int(code[:3]), **{"Retry-After": "7"})
        told = raised.value
        assert int(code[:3]) == told.http_status
        if not code.startswith("5"):
            assert (code, "Sorry") == (told.provider_code, told.provider_message)
        if isinstance(told, RateLimited):
            assert 7.0 == told.retry_after


@given(
    operation=st.sampled_from(sorted(GOOD)),
    code=st.one_of(
        st.integers(0, 9_999_999), st.text(max_size=9), st.integers(2_000_000, 6_000_000).map(str)
    ),
    status=st.integers(200, 599),
)
def test_success_needs_code_and_status(adapter: Ayolinx, operation: str, code: Any, status: int) -> None:
    """Whatever the body says, a charge comes of HTTP 200 with a code of success alone."""
    try:
        ended(flow(adapter, operation), GOOD[operation] | {"responseCode": code}, status)
    except Refused:
        assert str(code)[:3] == str(status)
        assert 400 <= status < 500
    except OutcomeUnknown:
        pass
    else:
        assert (200, "200", "00") == (status, str(code)[:3], str(code)[-2:])


@given(operation=st.sampled_from(sorted(GOOD)), body=st.one_of(st.binary(), st.text().map(str.encode)))
@pytest.mark.parametrize("status", [200, 400, 401, 503])
def test_an_unreadable_answer(adapter: Ayolinx, operation: str, body: bytes, status: int) -> None:
    """A body that is not Ayolinx's leaves the outcome unknown, whatever the HTTP status."""
    with pytest.raises(OutcomeUnknown):
        ended(flow(adapter, operation), body, status)
