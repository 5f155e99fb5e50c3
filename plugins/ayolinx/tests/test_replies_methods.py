"""What Ayolinx's answers to a new charge mean, for each method but QRIS, without a client."""

import json
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paygate_ayolinx import Ayolinx
from paygate_ayolinx.door import SandboxAccount

from paygate import (
    AccountNumber,
    Charge,
    ChargeStatus,
    Instructions,
    Method,
    Money,
    OutcomeUnknown,
    PaygateError,
    PaymentCode,
    QrCode,
    Redirect,
    VirtualAccount,
)
from tests.ayolinx import KINDS, MADE, METHODS, adapter_of, order
from tests.flows import ended

OURS: Final = datetime(2030, 1, 1, 3, 4, 5, tzinfo=UTC)
"""When the charge was asked to end."""

THEIRS: Final = datetime(2030, 1, 2, 3, 4, 6, tzinfo=UTC)
"""When the answers say that it does."""

RIGHT: Final[dict[str, tuple[Instructions, str | None, datetime]]] = {
    "qris": (QrCode("000201"), None, THEIRS),
    "dana": (Redirect("https://m.dana.example/pay?id=1"), "AYO-1", OURS),
    "bni": (AccountNumber("9882917200000001", "bni"), None, THEIRS),
    "alfamart": (PaymentCode("8808000000000001", "alfamart", "https://pay.example/code"), None, THEIRS),
    "link": (Redirect("https://pay.example/4DrzTTeCn9Z"), "4DrzTTeCn9Z", OURS),
}
NEEDED: Final = {
    "qris": "qrContent",
    "dana": "webRedirectUrl",
    "bni": "virtualAccountNo",
    "alfamart": "vaNumber",
    "link": "paymentLink",
}
"""The one field that each answer cannot do without, besides its code."""

RUBBISH: Final = ["", None, 0, 25000, -1, 2.5, True, [], ["INV-1"], {}, {"value": "1"}, "INV-2", "x" * 3000]


@pytest.fixture(scope="session")
def adapter(account: SandboxAccount) -> Ayolinx:
    """The account's adapter."""
    return adapter_of(account)


def made(adapter: Ayolinx, kind: str, reply: Any, status: int = 200, method: Method | None = None) -> Charge:
    """What comes of a new charge that is answered so."""
    return ended(adapter.create_charge(order(method or kind, expires_at=OURS)), reply, status)


def but(kind: str, field: str, value: Any = ...) -> dict[str, Any]:
    """A right answer with another value somewhere, or without it."""
    reply = json.loads(json.dumps(MADE[kind]))
    place = reply if field in reply or "virtualAccountData" not in reply else reply["virtualAccountData"]
    if value is ...:
        place.pop(field, None)
    else:
        place[field] = value
    whole: dict[str, Any] = reply
    return whole


@pytest.mark.parametrize("kind", KINDS)
def test_a_charge_that_was_made(adapter: Ayolinx, kind: str) -> None:
    """The answer's instructions, number and end are the charge's; unknown fields do no harm."""
    reply = {**MADE[kind], "new": [{"x": None}], "additionalInfo": {"channel": "X"}}
    charge = made(adapter, kind, reply)
    assert RIGHT[kind] == (charge.instructions, charge.provider_reference, charge.expires_at)
    assert ("main", "INV-1", ChargeStatus.PENDING) == (charge.gateway, charge.reference, charge.status)
    assert (METHODS[kind], Money.idr(25_000)) == (charge.method, charge.amount)
    assert json.dumps(reply).encode() == charge.raw


@pytest.mark.parametrize("kind", KINDS)
def test_all_but_the_needed_may_be_missing(adapter: Ayolinx, kind: str) -> None:
    """With nothing but a code and what the payer needs it is a charge, which ends when it was asked to."""
    needed = RIGHT[kind][0]
    field, value = NEEDED[kind], next(iter(_texts(needed)))
    inner = {field: value}
    body = {"virtualAccountData": inner} if kind == "bni" else inner
    charge = made(adapter, kind, {"responseCode": MADE[kind]["responseCode"], **body})
    if isinstance(needed, PaymentCode):
        needed = PaymentCode(needed.code, needed.store)
    assert (needed, None, OURS) == (charge.instructions, charge.provider_reference, charge.expires_at)


def _texts(instructions: Instructions) -> list[str]:
    return [getattr(instructions, name) for name in instructions.__struct_fields__]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [..., "", " ", None, 0, True, [], {}], ids=repr)
def test_what_the_payer_needs_must_be_there(adapter: Ayolinx, kind: str, value: Any) -> None:
    """An accepted charge without a code, number or address to show is of unknown outcome."""
    with pytest.raises(OutcomeUnknown):
        made(adapter, kind, but(kind, NEEDED[kind], value))


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_of_another_kind(adapter: Ayolinx, kind: str) -> None:
    """Whatever stands in any field, the charge has the right instructions, or its outcome is unknown."""
    fields = [*MADE[kind], *MADE[kind].get("virtualAccountData", {})]
    seen = set()
    for field in fields:
        for value in [..., *RUBBISH]:
            try:
                charge = made(adapter, kind, but(kind, field, value))
            except OutcomeUnknown:
                seen.add("unknown")
                continue
            seen.add("made")
            instructions = charge.instructions
            if field == "paymentUrl":
                assert isinstance(instructions, PaymentCode)
                assert instructions.url is None
                instructions = PaymentCode(instructions.code, instructions.store, "https://pay.example/code")
            if field in (NEEDED[kind], "responseCode"):
                assert field in ("qrContent", "vaNumber"), "no other is a text of any form"
                assert isinstance(value, str)
                assert "" != value
            else:
                assert RIGHT[kind][0] == instructions
            assert charge.expires_at in (OURS, THEIRS)
    assert {"unknown", "made"} == seen


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "link"])
@pytest.mark.parametrize("reference", ["INV-2", "", "inv-1", " INV-1"])
def test_an_answer_about_another_charge(adapter: Ayolinx, kind: str, reference: str) -> None:
    """An answer that names another reference says nothing about this one."""
    field = "trxId" if kind == "bni" else "partnerReferenceNo"
    with pytest.raises(OutcomeUnknown, match="another reference"):
        made(adapter, kind, but(kind, field, reference))


@pytest.mark.parametrize(
    ("code", "status"), [("00", 201), ("00", 202), ("00", 302), ("00", 400), ("00", 401), ("00", 500)]
    + [(code, 200) for code in ("0", "000", " 00", "00 ", "０0", 0, "", None, "01", "03", "2", "200")],
)  # fmt: skip
def test_nearly_the_success_of_a_store(adapter: Ayolinx, code: Any, status: int) -> None:
    """A store's "00" is a success under HTTP 200, and no other status or short code is."""
    with pytest.raises(OutcomeUnknown):
        made(adapter, "alfamart", but("alfamart", "responseCode", code), status)


@pytest.mark.parametrize("code", ["00", "2005400", 2005400, "2000000", "200US00"])
def test_the_success_of_a_store(adapter: Ayolinx, code: Any) -> None:
    """It is "00", as documented, or seven digits, whose service nobody knows."""
    charge = made(adapter, "alfamart", but("alfamart", "responseCode", code))
    assert RIGHT["alfamart"][0] == charge.instructions


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "alfamart"])
def test_the_success_of_a_store_elsewhere(adapter: Ayolinx, kind: str) -> None:
    """For everything but a store "00" is nothing to rely on."""
    with pytest.raises(OutcomeUnknown, match="no form that we know"):
        made(adapter, kind, but(kind, "responseCode", "00"))


@pytest.mark.parametrize(
    ("number", "prefix"),
    [
        ("  9882917200000001", "98829172"),
        ("9882917200000001 ", " 98829172"),
        ("9882917200000001", "98829172  "),
        ("9882917200000001", ""),
        ("9882917200000001", None),
    ],
)
def test_padding(adapter: Ayolinx, number: str, prefix: str | None) -> None:
    """SNAP BI's padding is taken off the number, and off the prefix before it is compared."""
    reply = but("bni", "virtualAccountNo", number)
    reply["virtualAccountData"]["partnerServiceId"] = prefix
    assert AccountNumber("9882917200000001", "bni") == made(adapter, "bni", reply).instructions


@pytest.mark.parametrize("prefix", ["2056", "98828222", "9882917", "988291720", "98829172 0"])
def test_another_prefix(adapter: Ayolinx, prefix: str) -> None:
    """An account under another prefix than the bank's may be somebody else's."""
    with pytest.raises(OutcomeUnknown, match="another prefix"):
        made(adapter, "bni", but("bni", "partnerServiceId", prefix))


@pytest.mark.parametrize(
    "number", ["98829172 00000001", "98829172-1", "98829172x", "٩٨٨", "+9882917200000001", "988.1"]
)
def test_a_number_that_is_none(adapter: Ayolinx, number: str) -> None:
    """A number has digits alone: anything else cannot be typed in at a bank's machine."""
    with pytest.raises(OutcomeUnknown):
        made(adapter, "bni", but("bni", "virtualAccountNo", number))


@pytest.mark.parametrize(("told", "right"), [
    ("9882917200000001", True), ("  9882917200000001", True), ("9882917200000002", False), ("00000001", False),
])  # fmt: skip
def test_a_number_of_ones_own(adapter: Ayolinx, told: str, right: bool) -> None:
    """A charge under another number than the one given is not the charge that was asked for."""
    own = VirtualAccount("bni", "9882917200000001")
    reply = but("bni", "virtualAccountNo", told)
    if right:
        assert (
            AccountNumber("9882917200000001", "bni") == made(adapter, "bni", reply, method=own).instructions
        )
        return
    with pytest.raises(OutcomeUnknown, match="another number"):
        made(adapter, "bni", reply, method=own)


@pytest.mark.parametrize(
    "amount",
    [
        {"value": "25000.01", "currency": "IDR"},
        {"value": "2500000", "currency": "IDR"},
        {"value": "25000.00", "currency": "USD"},
        {"value": "25.000,00", "currency": "IDR"},
        {"value": "25,000.00", "currency": "IDR"},
        {"value": "0.00", "currency": "IDR"},
        {"value": "-25000.00", "currency": "IDR"},
        {"value": "", "currency": "IDR"},
        {"value": 25000, "currency": "IDR"},
        {"value": "25000.00", "currency": None},
        {"currency": "IDR"},
        "25000.00",
        25000,
    ],
)
def test_another_amount(adapter: Ayolinx, amount: Any) -> None:
    """An account that takes another amount, or one that cannot be read, is not what was asked for."""
    with pytest.raises(OutcomeUnknown):
        made(adapter, "bni", but("bni", "totalAmount", amount))


@pytest.mark.parametrize("value", ["25000", "25000.0", "25000.00", "025000.00"])
def test_the_same_amount(adapter: Ayolinx, value: str) -> None:
    """The same amount in fewer or more digits is the same amount."""
    charge = made(adapter, "bni", but("bni", "totalAmount", {"value": value, "currency": "IDR"}))
    assert Money.idr(25_000) == charge.amount


def test_a_link_keeps_reference_and_end(adapter: Ayolinx) -> None:
    """A link's answer names the link, not the charge, and tells an end that is seven hours off: ours stay."""
    expiries: list[Any] = ["2025-08-22T11:30:00+07:00", "1724310000", "", None, {}]
    for expiry in expiries:
        charge = made(adapter, "link", but("link", "expiryDate", expiry))
        assert ("INV-1", "4DrzTTeCn9Z", OURS) == (
            charge.reference,
            charge.provider_reference,
            charge.expires_at,
        )
    assert "INV-1" == made(adapter, "link", but("link", "partnerReferenceNo", "INV-1")).provider_reference
    assert made(adapter, "link", but("link", "partnerReferenceNo", "")).provider_reference is None


@pytest.mark.parametrize("kind", ["dana", "link", "alfamart"])
@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "//pay.example/1", "pay.example/1", "https://", "ftp://pay.example/1",
     "https://pay.example/a b", "https://pay.example/\n", " https://pay.example/1", "https://päy.example/1"],
)  # fmt: skip
def test_an_address_that_is_none(adapter: Ayolinx, kind: str, address: str) -> None:
    """A browser is sent to a plain http address or nowhere; a store's page is left out, its code is enough."""
    if kind == "alfamart":
        charge = made(adapter, kind, but(kind, "paymentUrl", address))
        assert PaymentCode("8808000000000001", "alfamart") == charge.instructions
        return
    with pytest.raises(OutcomeUnknown, match="address is missing"):
        made(adapter, kind, but(kind, NEEDED[kind], address))


@pytest.mark.parametrize("kind", ["bni", "alfamart"])
@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("2030-01-02T10:04:06+07:00", THEIRS),
        ("2030-01-02T03:04:06Z", THEIRS),
        ("1893553446", THEIRS),
        (1893553446, THEIRS),
        ("1893553446000", THEIRS),
        ("2030-01-02T10:04:06", OURS),
        ("02/01/2030 10:04", OURS),
        ("...", OURS),
        ("", OURS),
        (None, OURS),
        (True, OURS),
        ([], OURS),
    ],
)
def test_an_end_in_any_form(adapter: Ayolinx, kind: str, told: Any, expected: datetime) -> None:
    """An end is read in seconds, milliseconds or ISO 8601 with its offset; else the one asked for stands."""
    field = "expiredDate" if kind == "bni" else "expiryDate"
    assert expected == made(adapter, kind, but(kind, field, told)).expires_at


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (b"", 200),
        (b"<html>", 502),
        (b"{}", 200),
        ({**MADE["link"], "responseCode": "5000100"}, 500),
        ({**MADE["link"], "responseCode": "4090100"}, 409),
        ({**MADE["link"], "responseCode": "4000100"}, 200),
        (but("link", "paymentLink"), 200),
    ],
)
def test_a_link_whose_answer_is_lost(adapter: Ayolinx, reply: Any, status: int) -> None:
    """Nobody can ask about a link, so the error says what to do instead, and keeps all that it knew."""
    with pytest.raises(OutcomeUnknown) as lost:
        made(adapter, "link", reply, status)
    told = lost.value
    assert "cannot be asked about a link" in told.what
    assert "under a new reference" in told.what
    if isinstance(reply, dict) and status != 500 and "paymentLink" in reply:
        assert (reply["responseCode"], "Successful", status) == (
            told.provider_code,
            told.provider_message,
            told.http_status,
        )


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "link"])
def test_no_other_charge_says_so(adapter: Ayolinx, kind: str) -> None:
    """The others can be asked about, and their errors do not tell of links."""
    with pytest.raises(OutcomeUnknown) as lost:
        made(adapter, kind, b"", 200)
    assert "link" not in lost.value.what


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.text(max_size=20)
    | st.floats(allow_nan=False),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=9), children, max_size=3)
    ),
    max_leaves=6,
)


@given(kind=st.sampled_from(KINDS), reply=JSON, code=JSON, data=JSON, status=st.sampled_from([200, 400, 401]))
def test_any_json(adapter: Ayolinx, kind: str, reply: Any, code: Any, data: Any, status: int) -> None:
    """JSON of any shape is a charge with its instructions, or an error of paygate's; nothing else."""
    body = {**MADE[kind], "responseCode": code, NEEDED[kind]: data, "virtualAccountData": data}
    for answer in (reply, body):
        try:
            charge = made(adapter, kind, json.dumps(answer).encode(), status)
        except PaygateError:
            continue
        assert 200 == status
        assert charge.instructions is not None
