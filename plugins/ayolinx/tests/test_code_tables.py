"""Every row of Ayolinx's code tables, and what it becomes for each operation, without a client.

The tables are copied from the docs and from merchants' code, not from the adapter.
"""

from typing import Any, Final

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paygate_ayolinx import Ayolinx, codes
from paygate_ayolinx.door import SandboxAccount

from paygate import (
    AlreadyPaid,
    AmountRejected,
    AuthenticationFailed,
    Charge,
    ChargeExpired,
    ChargeNotFound,
    ChargeStatus,
    Conversation,
    DuplicateReference,
    InvalidRequest,
    LimitExceeded,
    OutcomeUnknown,
    PaygateError,
    PermissionDenied,
    RateLimited,
)
from tests.ayolinx import KINDS, MADE, TOLD, adapter_of, order, ref, standing
from tests.flows import ended

VOIDED: Final = {
    "responseCode": "2007700",
    "responseMessage": "Successful",
    "originalPartnerReferenceNo": "INV-1",
}
CREDENTIAL: Final = {
    "responseCode": "2007300",
    "responseMessage": "Successful",
    "accessToken": "91838ba37d8f14bfc72345fd54132e6d",
    "tokenType": "Bearer",
    "expiresIn": "3600",
}
SERVICES: Final = {
    "authorize": "73",
    "create_charge qris": "47",
    "create_charge dana": "54",
    "create_charge bni": "27",
    "create_charge alfamart": "54",
    "create_charge link": "01",
    "query qris": "51",
    "query dana": "55",
    "query bni": "30",
    "query alfamart": "55",
    "cancel qris": "77",
}
"""All eleven calls, and the service in their codes; a store's is not known."""

NO: Final[dict[str, type[PaygateError]]] = {
    "400XX00": InvalidRequest,
    "400XX01": InvalidRequest,
    "400XX02": InvalidRequest,
    "401XX00": AuthenticationFailed,
    "401XX01": AuthenticationFailed,
    "403XX02": LimitExceeded,
    "403XX05": PermissionDenied,
    "403XX06": PermissionDenied,
    "403XX14": LimitExceeded,
    "403XX18": PermissionDenied,
    "404XX01": ChargeNotFound,
    "404XX08": PermissionDenied,
    "404XX11": InvalidRequest,
    "404XX12": InvalidRequest,
    "404XX13": AmountRejected,
    "404XX14": AlreadyPaid,
    "404XX16": PermissionDenied,
    "404XX17": PermissionDenied,
    "404XX18": OutcomeUnknown,
    "404XX19": ChargeExpired,
    "409XX00": OutcomeUnknown,
    "409XX01": DuplicateReference,
    "429XX00": RateLimited,
    "500XX00": OutcomeUnknown,
    "500XX01": OutcomeUnknown,
    "500XX02": OutcomeUnknown,
    "504XX00": OutcomeUnknown,
}
"""The generic cases: nothing was done, or nobody can say. They mean the same for every call."""

SEEN: Final[dict[str, dict[str, type[PaygateError] | None]]] = {
    "2007300": {},
    "2004700": {},
    "2005400": {},
    "2002700": {},
    "2000100": {},
    "00": dict.fromkeys(SERVICES, OutcomeUnknown) | {"create_charge alfamart": None, "query alfamart": None},
    "2005600": {},
    "2002500": {},
    "581000001": dict.fromkeys(SERVICES, AuthenticationFailed),
    "4007300": dict.fromkeys(SERVICES, InvalidRequest),
    "4017300": dict.fromkeys(SERVICES, AuthenticationFailed),
    "4012501": dict.fromkeys(SERVICES, AuthenticationFailed),
}
"""The codes with evidence: None is a success. Seven digits are one for every call, whatever the service."""

Outcome = ChargeStatus | type[PaygateError]
STATUSES: Final[dict[str, tuple[Outcome, Outcome, Outcome]]] = {
    "00": (ChargeStatus.PENDING, ChargeStatus.PAID, OutcomeUnknown),
    "01": (ChargeStatus.PENDING, ChargeStatus.PENDING, OutcomeUnknown),
    "02": (ChargeStatus.PENDING, ChargeStatus.PENDING, OutcomeUnknown),
    "03": (ChargeStatus.PENDING, ChargeStatus.PENDING, OutcomeUnknown),
    "04": (ChargeStatus.PENDING, ChargeStatus.REFUNDED, OutcomeUnknown),
    "05": (ChargeStatus.PENDING, ChargeStatus.CANCELLED, ChargeStatus.CANCELLED),
    "06": (ChargeStatus.PENDING, ChargeStatus.FAILED, OutcomeUnknown),
    "07": (ChargeStatus.PENDING, ChargeNotFound, OutcomeUnknown),
    "08": (ChargeStatus.PENDING, OutcomeUnknown, OutcomeUnknown),
    "": (ChargeStatus.PENDING, OutcomeUnknown, ChargeStatus.CANCELLED),
}
"""A status in the answer to a new charge, which has none in the docs and is not read; a query; a cancellation."""


@pytest.fixture(scope="session")
def adapter(account: SandboxAccount) -> Ayolinx:
    """The account's adapter."""
    return adapter_of(account)


def answered(adapter: Ayolinx, call: str, status: int, **other: Any) -> Charge | None:
    """What comes of a call whose right answer has other fields; None is a credential."""
    operation, _, kind = call.partition(" ")
    if operation == "authorize":
        talk = Conversation(adapter.authorize())
        talk.answer(httpx.Response(status, json={**CREDENTIAL, **other}))
        assert talk.result.expires_at > 0
        return None
    if operation == "create_charge":
        return ended(adapter.create_charge(order(kind)), {**MADE[kind], **other}, status)
    if operation == "query":
        return ended(adapter.query(ref(kind)), {**standing(kind), **other}, status)
    return ended(adapter.cancel(ref(kind)), {**VOIDED, **other}, status)


@pytest.mark.parametrize("call", SERVICES)
@pytest.mark.parametrize("code", SEEN)
def test_each_code_with_evidence(adapter: Ayolinx, code: str, call: str) -> None:
    """Each code that was seen is a success or a certain no, under the HTTP status that it belongs to."""
    status = {"581000001": 401}.get(code, 200 if code == "00" else int(code[:3]))
    error = SEEN[code].get(call)
    if error is None:
        answered(adapter, call, status, responseCode=code)
        return
    with pytest.raises(error) as raised:
        answered(adapter, call, status, responseCode=code)
    assert error is type(raised.value)
    assert (code, status) == (raised.value.provider_code, raised.value.http_status)


@pytest.mark.parametrize("call", SERVICES)
@pytest.mark.parametrize("row", NO)
def test_each_generic_code(adapter: Ayolinx, row: str, call: str) -> None:
    """Each generic case has one meaning for every call, under its HTTP status and under no other."""
    code = row.replace("XX", SERVICES[call])
    with pytest.raises(NO[row]) as raised:
        answered(adapter, call, int(code[:3]), responseCode=code, responseMessage="Sorry")
    assert NO[row] is type(raised.value)
    if not code.startswith("5"):
        assert (code, "Sorry") == (raised.value.provider_code, raised.value.provider_message)
    for other in (200, 202, 302, 403 if code.startswith("400") else 400, 502):
        with pytest.raises(OutcomeUnknown):
            answered(adapter, call, other, responseCode=code)


@pytest.mark.parametrize("code", STATUSES)
def test_each_status(adapter: Ayolinx, code: str) -> None:
    """Each status has one meaning for a query, and only that of a cancelled charge fits a cancellation."""
    created, queried, cancelled = STATUSES[code]
    for call in SERVICES:
        operation = call.partition(" ")[0]
        expected = {"create_charge": created, "query": queried, "cancel": cancelled}.get(operation)
        if expected is None:
            continue
        if isinstance(expected, ChargeStatus):
            charge = answered(adapter, call, 200, latestTransactionStatus=code)
            assert charge is not None
            assert expected is charge.status
        else:
            with pytest.raises(expected) as raised:
                answered(adapter, call, 200, latestTransactionStatus=code)
            assert expected is type(raised.value)


@given(
    call=st.sampled_from(sorted(SERVICES)),
    http=st.integers(200, 599),
    service=st.from_regex("[0-9A-Za-z]{2}", fullmatch=True),
    case=st.from_regex("[0-9]{2}", fullmatch=True),
)
def test_a_code_of_no_table(adapter: Ayolinx, call: str, http: int, service: str, case: str) -> None:
    """A code that is in no table leaves the outcome unknown; one that is means the same for every service."""
    known = codes.ERRORS.get((http, case), OutcomeUnknown)
    expected = None if (http, case) == (200, "00") else known
    error: type[PaygateError] | None = None
    try:
        answered(adapter, call, http, responseCode=f"{http}{service}{case}")
    except PaygateError as raised:
        error = type(raised)
    assert expected is error


def test_the_tables_are_whole() -> None:
    """The generic cases, the statuses and the calls of these tables are all known to the adapter."""
    for row in NO:
        assert NO[row] is codes.ERRORS[int(row[:3]), row[-2:]]
    assert {f"0{number}" for number in range(8)} == set(codes.STATUS)
    assert {f"create_charge {kind}" for kind in KINDS} | {f"query {kind}" for kind in TOLD} == {
        call for call in SERVICES if call not in ("authorize", "cancel qris")
    }
