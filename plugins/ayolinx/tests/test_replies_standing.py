"""What Ayolinx's answers to a query mean, for each method that can be asked about, without a client."""

import json
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paygate_ayolinx import Ayolinx
from paygate_ayolinx.door import SandboxAccount

from paygate import (
    Charge,
    ChargeNotFound,
    ChargeRef,
    ChargeStatus,
    Money,
    OutcomeUnknown,
    PaygateError,
)
from tests.ayolinx import METHODS, TOLD, adapter_of, ref, standing
from tests.flows import ended

FINISHED: Final = datetime(2026, 9, 14, 3, 15, tzinfo=UTC)
STATUSES: Final[dict[str, ChargeStatus | None]] = {
    "00": ChargeStatus.PAID,
    "01": ChargeStatus.PENDING,
    "02": ChargeStatus.PENDING,
    "03": ChargeStatus.PENDING,
    "04": ChargeStatus.REFUNDED,
    "05": ChargeStatus.CANCELLED,
    "06": ChargeStatus.FAILED,
    "07": None,
}
OTHER_STATUSES: Final[list[Any]] = [
    "",
    "0",
    "7",
    "08",
    "99",
    "000",
    "0 0",
    " 00",
    "00 ",
    "０0",
    "success",
    "PAID",
]
OTHER_KINDS: Final[list[Any]] = [0, 3, True, 0.0, ["00"], {"code": "00"}]


@pytest.fixture(scope="session")
def adapter(account: SandboxAccount) -> Ayolinx:
    """The account's adapter."""
    return adapter_of(account)


def told(adapter: Ayolinx, kind: str, **other: Any) -> Charge:
    """What comes of a query that is answered so; None leaves a field out."""
    return ended(adapter.query(ref(kind)), standing(kind, **other))


def rupiah(value: Any, currency: Any = "IDR") -> dict[str, Any]:
    """An amount on the wire."""
    return {"value": value, "currency": currency}


@pytest.mark.parametrize("kind", TOLD)
def test_a_paid_charge(adapter: Ayolinx, kind: str) -> None:
    """A paid charge has its time, its amount and Ayolinx's number; unknown fields do no harm."""
    reply = standing(kind, transactionStatusDesc="SUCCESS", new=[{"x": None}])
    charge = ended(adapter.query(ref(kind)), reply)
    assert ("main", "INV-1", ChargeStatus.PAID) == (charge.gateway, charge.reference, charge.status)
    assert (METHODS[kind], Money.idr(25_000)) == (charge.method, charge.amount)
    assert ("AYO-1", FINISHED, Money.idr(25_000)) == (
        charge.provider_reference,
        charge.paid_at,
        charge.paid_amount,
    )
    assert json.dumps(reply).encode() == charge.raw


@pytest.mark.parametrize("kind", TOLD)
@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("code", STATUSES)
def test_each_status(adapter: Ayolinx, kind: str, code: str, inside: bool) -> None:
    """Each status means the same for each method and in either place, and only a paid one has a payment."""
    fields = {"virtualAccountData": {"latestTransactionStatus": code}} if inside else {}
    expected = STATUSES[code]
    top = None if inside else code
    if expected is None:
        with pytest.raises(ChargeNotFound):
            told(adapter, kind, latestTransactionStatus=top, **fields)
        return
    charge = told(adapter, kind, latestTransactionStatus=top, **fields)
    payment = (FINISHED, Money.idr(25_000)) if code == "00" else (None, None)
    assert (expected, *payment) == (charge.status, charge.paid_at, charge.paid_amount)


@pytest.mark.parametrize("kind", TOLD)
@pytest.mark.parametrize("status", [None, *OTHER_STATUSES, *OTHER_KINDS], ids=repr)
def test_another_status(adapter: Ayolinx, kind: str, status: Any) -> None:
    """A status that is missing, unknown or no text is never guessed, wherever it stands."""
    with pytest.raises(OutcomeUnknown):
        told(adapter, kind, latestTransactionStatus=status)
    with pytest.raises(OutcomeUnknown):
        told(
            adapter,
            kind,
            latestTransactionStatus=None,
            virtualAccountData={"latestTransactionStatus": status},
        )
    if status in OTHER_KINDS:
        with pytest.raises(OutcomeUnknown):
            told(adapter, kind, virtualAccountData={"latestTransactionStatus": status})


@pytest.mark.parametrize("kind", TOLD)
@pytest.mark.parametrize("top", [*STATUSES, "", "99"])
@pytest.mark.parametrize("inner", [*STATUSES, "", "99"])
def test_two_statuses(adapter: Ayolinx, kind: str, top: str, inner: str) -> None:
    """Two statuses that contradict each other are none; an empty one says nothing."""
    say = {"latestTransactionStatus": top, "virtualAccountData": {"latestTransactionStatus": inner}}
    agreed = top or inner
    if (top and inner and top != inner) or agreed not in STATUSES:
        with pytest.raises(OutcomeUnknown):
            told(adapter, kind, **say)
    elif agreed == "07":
        with pytest.raises(ChargeNotFound):
            told(adapter, kind, **say)
    else:
        assert STATUSES[agreed] is told(adapter, kind, **say).status


@pytest.mark.parametrize("kind", TOLD)
@pytest.mark.parametrize("reference", ["INV-2", "", "inv-1", "INV-1 "])
def test_an_answer_about_another_charge(adapter: Ayolinx, kind: str, reference: str) -> None:
    """An answer that names another reference says nothing about this one, wherever it stands."""
    for fields in ({"originalPartnerReferenceNo": reference}, {"virtualAccountData": {"trxId": reference}}):
        with pytest.raises(OutcomeUnknown, match="another reference"):
            told(adapter, kind, **fields)


@pytest.mark.parametrize("kind", TOLD)
def test_what_may_be_missing(adapter: Ayolinx, kind: str) -> None:
    """Only code and status are needed; what else is missing is None, or as it was known before."""
    known = ChargeRef("main", "INV-1", METHODS[kind], "AYO-0", Money.idr(25_000))
    reply = {"responseCode": TOLD[kind], "latestTransactionStatus": "00"}
    charge = ended(adapter.query(known), reply)
    assert (ChargeStatus.PAID, "AYO-0") == (charge.status, charge.provider_reference)
    assert (None, None) == (charge.paid_at, charge.paid_amount)


@pytest.mark.parametrize("kind", TOLD)
@pytest.mark.parametrize("code", ["00", 0, "0000", "2005500", 2005500, "2000000"])
def test_the_codes_of_success(adapter: Ayolinx, kind: str, code: Any) -> None:
    """Seven digits of success are one, whatever the service; "00" is one for stores alone."""
    if code in (0, "0000") or (code == "00" and kind != "alfamart"):
        with pytest.raises(OutcomeUnknown):
            told(adapter, kind, responseCode=code)
    else:
        assert ChargeStatus.PAID is told(adapter, kind, responseCode=code).status


@pytest.mark.parametrize("status", [201, 202, 302, 400, 401, 404, 500])
def test_the_success_of_a_store_under_another_status(adapter: Ayolinx, status: int) -> None:
    """A store's "00" is a success under HTTP 200 alone."""
    with pytest.raises(OutcomeUnknown):
        ended(adapter.query(ref("alfamart")), standing("alfamart"), status)


@pytest.mark.parametrize(
    ("fields", "paid"),
    [
        ({}, 25_000),
        ({"amount": rupiah("20000.00")}, 20_000),
        ({"amount": None, "transAmount": rupiah("20000.00")}, 20_000),
        ({"amount": None, "paidAmount": rupiah("20000.00")}, 20_000),
        ({"amount": None, "virtualAccountData": {"paidAmount": rupiah("20000.00")}}, 20_000),
        ({"transAmount": rupiah("20000.00")}, 20_000),
        ({"paidAmount": rupiah("20000.00"), "transAmount": rupiah("19000.00")}, 20_000),
        ({"virtualAccountData": {"paidAmount": rupiah("20000.00")}}, 20_000),
        ({"paidAmount": rupiah("20000"), "virtualAccountData": {"paidAmount": rupiah("20000.00")}}, 20_000),
        ({"paidAmount": rupiah("1.00"), "virtualAccountData": {"paidAmount": rupiah("2.00")}}, None),
        ({"amount": None, "virtualAccountData": {"totalAmount": rupiah("25000.00")}}, None),
        ({"amount": None}, None),
        ({"paidAmount": rupiah("20.000,00")}, None),
        ({"paidAmount": rupiah("0.00")}, None),
        ({"paidAmount": rupiah("-20000.00")}, None),
        ({"paidAmount": rupiah("")}, None),
        ({"paidAmount": rupiah("20000.00", "rupiah")}, None),
        ({"amount": rupiah("2e4")}, None),
        ({"amount": rupiah("20,000.00")}, None),
        ({"amount": rupiah("20000.005")}, None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", TOLD)
def test_amounts_under_their_names(
    adapter: Ayolinx, kind: str, fields: dict[str, Any], paid: int | None
) -> None:
    """What was paid goes before what was asked for; one that cannot be read is left out, not replaced."""
    charge = told(adapter, kind, **fields)
    expected = Money.idr(paid) if paid is not None else None
    assert (ChargeStatus.PAID, expected) == (charge.status, charge.paid_amount)


@pytest.mark.parametrize("kind", TOLD)
@pytest.mark.parametrize("amount", ["25000.00", 25000, {}, {"value": 25000}, {"value": None}, [], True])
@pytest.mark.parametrize("name", ["amount", "transAmount", "paidAmount"])
def test_an_amount_of_another_shape(adapter: Ayolinx, kind: str, amount: Any, name: str) -> None:
    """An amount that is no object of texts is no known shape, and nothing of such an answer is believed."""
    with pytest.raises(OutcomeUnknown):
        told(adapter, kind, **{name: amount})


@pytest.mark.parametrize("kind", TOLD)
def test_another_currency(adapter: Ayolinx, kind: str) -> None:
    """An amount in another currency is told as such: it is no rupiah."""
    charge = told(adapter, kind, amount=rupiah("25000.00", "USD"))
    assert Money("25000.00", "USD") == charge.paid_amount


@pytest.mark.parametrize("kind", TOLD)
@pytest.mark.parametrize(
    ("fields", "paid_at"),
    [
        ({}, FINISHED),
        ({"finishedTime": None}, None),
        ({"finishedTime": None, "paidTime": "2026-09-14T03:15:00Z"}, FINISHED),
        ({"finishedTime": "", "paidTime": "1789355700"}, FINISHED),
        ({"finishedTime": 1789355700000}, FINISHED),
        ({"finishedTime": "2026-09-14T10:15:00"}, None),
        ({"finishedTime": "yesterday"}, None),
        ({"finishedTime": {"at": 1}, "paidTime": [1]}, None),
    ],
)
def test_times(adapter: Ayolinx, kind: str, fields: dict[str, Any], paid_at: datetime | None) -> None:
    """A time is read under either name in any form; one that cannot be read costs no paid charge."""
    charge = told(adapter, kind, **fields)
    assert (ChargeStatus.PAID, paid_at) == (charge.status, charge.paid_at)


@pytest.mark.parametrize("kind", TOLD)
@pytest.mark.parametrize(
    ("given_number", "expected"), [(17, "17"), ("", "AYO-0"), (True, "AYO-0"), ([1], "AYO-0")]
)
def test_numbers_of_the_provider(adapter: Ayolinx, kind: str, given_number: Any, expected: str) -> None:
    """Ayolinx's number is kept as text; where there is none that can be read the known one stays."""
    known = ChargeRef("main", "INV-1", METHODS[kind], "AYO-0")
    charge = ended(adapter.query(known), standing(kind, originalReferenceNo=given_number))
    assert expected == charge.provider_reference


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["00", "03", "2005500", "INV-1"]) | st.text(),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=9), children, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = ("responseCode", "latestTransactionStatus", "virtualAccountData", "amount", "originalReferenceNo")


@given(kind=st.sampled_from(sorted(TOLD)), fields=st.dictionaries(st.sampled_from(FIELDS), JSON), whole=JSON)
def test_any_json(adapter: Ayolinx, kind: str, fields: dict[str, Any], whole: Any) -> None:
    """JSON of any shape has a status of the table, or is an error of paygate's; nothing else."""
    body = {**standing(kind), **fields}
    for answer in (whole, body):
        try:
            charge = ended(adapter.query(ref(kind)), json.dumps(answer).encode())
        except PaygateError:
            continue
        inner = answer.get("virtualAccountData") or {}
        code = answer["latestTransactionStatus"] or inner["latestTransactionStatus"]
        assert STATUSES[code] is charge.status
