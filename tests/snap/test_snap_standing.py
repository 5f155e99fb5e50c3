"""How a charge of a SNAP provider stands: each answer to a query, a cancellation and a refund."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate import (
    AlreadyPaid,
    ChargeNotFound,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    ConfigurationError,
    Conversation,
    EWallet,
    InvalidCharge,
    Money,
    OutcomeUnknown,
    Qris,
    Refund,
    RefundRequest,
    RefundStatus,
    UnsupportedOperation,
    VirtualAccount,
)
from paygate.snap import drawn, messages
from paygate.snap.fields import Wire
from tests.snap.nusapay.paygate_nusapay import NusaPay
from tests.snap.talking import (
    AMOUNT,
    BACK,
    MONEY,
    NOW,
    NUMBER,
    PART,
    QR_REF,
    SHOWN,
    SITI,
    VA_REF,
    Body,
    asked,
    came,
    done,
    order,
)

HISTORY = {"partnerRefundNo": "R-1", "refundAmount": AMOUNT, "refundStatus": "00"}
SMALL = {"value": "5000.00", "currency": "IDR"}


@pytest.mark.parametrize(
    ("fields", "status", "refunded"),
    [
        ({"latestTransactionStatus": "00"}, ChargeStatus.PAID, None),
        ({"latestTransactionStatus": "01"}, ChargeStatus.PENDING, None),
        ({"latestTransactionStatus": "02"}, ChargeStatus.PENDING, None),
        ({"latestTransactionStatus": "03"}, ChargeStatus.PENDING, None),
        ({"latestTransactionStatus": "04"}, ChargeStatus.REFUNDED, None),
        ({"latestTransactionStatus": "05"}, ChargeStatus.CANCELLED, None),
        ({"latestTransactionStatus": "06"}, ChargeStatus.FAILED, None),
        ({"latestTransactionStatus": "08"}, ChargeStatus.EXPIRED, None),
        (
            {"latestTransactionStatus": "00", "refundHistory": [HISTORY | {"refundAmount": SMALL}]},
            ChargeStatus.PARTIALLY_REFUNDED,
            Money.idr(5_000),
        ),
        (
            {"latestTransactionStatus": "04", "refundHistory": [HISTORY | {"refundAmount": SMALL}]},
            ChargeStatus.PARTIALLY_REFUNDED,
            Money.idr(5_000),
        ),
        ({"latestTransactionStatus": "00", "refundHistory": [HISTORY]}, ChargeStatus.REFUNDED, MONEY),
        (
            {"latestTransactionStatus": "00", "refundHistory": [HISTORY | {"refundStatus": "06"}]},
            ChargeStatus.PAID,
            None,
        ),
        (
            {"latestTransactionStatus": "00", "refundHistory": [HISTORY | {"refundStatus": None}]},
            ChargeStatus.PAID,
            None,
        ),
    ],
)
def test_a_qris_stands_as_it_is_told(
    nusapay: NusaPay, fields: Body, status: ChargeStatus, refunded: Money | None
) -> None:
    """Each status of the standard, NusaPay's own one, and what the refunds make of a paid one."""
    body = done("51", originalPartnerReferenceNo="INV-1", amount=AMOUNT, paidTime="2026-09-14T10:15:00+07:00")
    charge = came(nusapay.query(QR_REF), body | fields)
    is_settled = fields["latestTransactionStatus"] in ("00", "04")
    assert (status, refunded, MONEY if is_settled else None, NOW if is_settled else None) == (
        charge.status,
        charge.refunded_amount,
        charge.paid_amount,
        charge.paid_at,
    )


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"latestTransactionStatus": "07"}, ChargeNotFound),
        ({"latestTransactionStatus": "09"}, OutcomeUnknown),
        ({"latestTransactionStatus": ""}, OutcomeUnknown),
        ({}, OutcomeUnknown),
        ({"latestTransactionStatus": "00", "originalPartnerReferenceNo": "INV-2"}, OutcomeUnknown),
        ({"latestTransactionStatus": "00", "refundHistory": [{"partnerRefundNo": "R-1"}]}, OutcomeUnknown),
        (
            {"latestTransactionStatus": "00", "refundHistory": [HISTORY | {"refundStatus": "?"}]},
            OutcomeUnknown,
        ),
    ],
)
def test_what_a_qris_is_not_told_as(nusapay: NusaPay, fields: Body, error: type[Exception]) -> None:
    """Not found is an error of its own; what nobody knows is never guessed."""
    with pytest.raises(error):
        came(nusapay.query(QR_REF), done("51") | fields)


def test_a_refund_of_no_told_status_is_on_its_way(nusapay: NusaPay) -> None:
    """A history that does not say how a refund stands does not say that it is done."""
    told = {"partnerRefundNo": "R-1", "refundAmount": AMOUNT}
    body = done("51", originalPartnerReferenceNo="INV-1", latestTransactionStatus="00", amount=AMOUNT)
    charge = came(nusapay.query(QR_REF), body | {"refundHistory": [told]})
    expected = Refund(reference="R-1", amount=MONEY, status=RefundStatus.PENDING)
    assert (ChargeStatus.PAID, (expected,), None) == (charge.status, charge.refunds, charge.refunded_amount)


OTHERS = {"originalPartnerReferenceNo": "INV-1", "originalReferenceNo": "NP-OTHER"}


@pytest.mark.parametrize(
    ("fields", "known", "is_ours"),
    [
        ({"originalPartnerReferenceNo": "INV-1"}, "NP-1", True),
        ({"originalReferenceNo": "NP-1"}, "NP-1", True),
        ({"originalPartnerReferenceNo": "INV-1", "originalReferenceNo": "NP-1"}, "NP-1", True),
        ({"originalPartnerReferenceNo": "INV-1", "originalReferenceNo": "NP-1"}, None, True),
        ({"originalReferenceNo": "NP-1"}, None, False),
        ({}, "NP-1", False),
        ({"originalReferenceNo": ""}, "NP-1", False),
        ({"originalReferenceNo": ["NP-1"]}, "NP-1", False),
        ({"originalReferenceNo": "NP-OTHER"}, "NP-1", False),
        (OTHERS, "NP-1", False),
        ({"originalPartnerReferenceNo": "INV-2", "originalReferenceNo": "NP-1"}, "NP-1", False),
    ],
)
@pytest.mark.parametrize("status", ["00", "04"])
def test_only_an_answer_that_names_the_charge_says_that_it_is_paid(
    nusapay: NusaPay, fields: Body, known: str | None, status: str, *, is_ours: bool
) -> None:
    """One of our two numbers stands in it, and none that is another charge's."""
    ref = ChargeRef("main", "INV-1", Qris(), known, MONEY)
    body = done("51", latestTransactionStatus=status, amount=AMOUNT) | fields
    if is_ours:
        assert ("NP-1" if "originalReferenceNo" in fields else known) == came(
            nusapay.query(ref), body
        ).provider_reference
        return
    with pytest.raises(OutcomeUnknown, match=r"which charge|another"):
        came(nusapay.query(ref), body)


def test_a_number_that_is_another_charge_s_is_never_ours(nusapay: NusaPay) -> None:
    """Open, cancelled or given back: an answer that tells another number than the charge's is about another."""
    for flow, service, fields in [
        (nusapay.query(QR_REF), "51", {"latestTransactionStatus": "03"}),
        (nusapay.cancel(QR_REF), "77", {}),
        (nusapay.refund(QR_REF, BACK), "78", {"partnerRefundNo": "R-1"}),
    ]:
        with pytest.raises(OutcomeUnknown, match="another number"):
            came(flow, done(service) | OTHERS | fields)


def test_an_open_charge_need_not_be_named(nusapay: NusaPay) -> None:
    """An answer that only says "not yet" is believed without a number: nothing follows from it."""
    assert (
        ChargeStatus.PENDING is came(nusapay.query(QR_REF), done("51", latestTransactionStatus="03")).status
    )


STANDING = {**SHOWN, "inquiryRequestId": "INV-1", "totalAmount": AMOUNT, "paymentFlagStatus": "00"}


@pytest.mark.parametrize(
    "body",
    [
        {"virtualAccountData": STANDING | {"paidAmount": AMOUNT}},
        {"virtualAccountData": STANDING | {"paymentFlagStatus": None, "latestTransactionStatus": "00"}},
        {"virtualAccountData": STANDING | {"paymentFlagStatus": ""}, "latestTransactionStatus": "00"},
        {
            "virtualAccountData": STANDING | {"paymentFlagStatus": None},
            "additionalInfo": {"paymentFlagStatus": "00"},
        },
    ],
)
def test_an_account_s_status_may_stand_in_several_places(nusapay: NusaPay, body: Body) -> None:
    """Wherever it is told, it means the same; an amount that is not told is not made up."""
    charge = came(nusapay.query(VA_REF), done("26") | body)
    told = "paidAmount" in body["virtualAccountData"]
    assert (ChargeStatus.PAID, MONEY if told else None, NUMBER) == (
        charge.status,
        charge.paid_amount,
        charge.provider_reference,
    )


@pytest.mark.parametrize(
    "data",
    [
        STANDING | {"latestTransactionStatus": "03"},
        STANDING | {"inquiryRequestId": "INV-2"},
        STANDING | {"trxId": "INV-2"},
        STANDING | {"virtualAccountNo": "   98810000000000001"},
        STANDING | {"partnerServiceId": "   77777"},
        STANDING | {"totalAmount": {"value": "1.00", "currency": "IDR"}},
        STANDING | {"paymentFlagStatus": "42"},
        {},
        {"paymentFlagStatus": "00", "paidAmount": AMOUNT},
        {"partnerServiceId": "   98810", "paymentFlagStatus": "00", "paidAmount": AMOUNT},
    ],
)
def test_an_answer_about_another_account_is_unknown(nusapay: NusaPay, data: Body) -> None:
    """Another inquiry, charge, number, bank or amount, two statuses or none, or nobody's: nothing of ours."""
    with pytest.raises(OutcomeUnknown):
        came(nusapay.query(VA_REF), done("26", virtualAccountData=data))


def test_a_number_of_the_merchant_s_must_be_named_in_the_answer(nusapay: NusaPay) -> None:
    """It may have served other charges: only an answer with the trxId is about this one."""
    ref = ChargeRef("main", "INV-1", VirtualAccount("bni", "9881042"), None, MONEY)
    data = STANDING | {"virtualAccountNo": "   9881042"}
    with pytest.raises(OutcomeUnknown, match="which charge of this number"):
        came(nusapay.query(ref), done("26", virtualAccountData=data))
    charge = came(nusapay.query(ref), done("26", virtualAccountData=data | {"trxId": "INV-1"}))
    assert ChargeStatus.PAID is charge.status


@pytest.mark.parametrize("number", ["98810", "7777742", "98810x", "98810" + "1" * 21])
def test_a_number_that_cannot_be_is_refused_unsent(nusapay: NusaPay, number: str) -> None:
    """It begins with the bank's prefix, and up to twenty digits follow."""
    with pytest.raises(InvalidCharge, match=r"method\.number"):
        Conversation(nusapay.create_charge(order(VirtualAccount("bni", number), customer=SITI)))


def test_a_prefix_that_is_not_the_charge_s_is_refused_unsent(nusapay: NusaPay) -> None:
    """A charge whose number has another prefix than the settings cannot be named any more."""
    ref = ChargeRef("main", "INV-1", VirtualAccount("bni"), "8888842")
    with pytest.raises(ConfigurationError, match=r"gateways\.main\.partner_service_ids\.bni"):
        Conversation(nusapay.query(ref))


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, ChargeStatus.CANCELLED),
        ({"latestTransactionStatus": "05"}, ChargeStatus.CANCELLED),
        ({"latestTransactionStatus": "00"}, None),
        ({"latestTransactionStatus": "07"}, None),
        ({"originalPartnerReferenceNo": "INV-2"}, None),
    ],
)
def test_a_cancelled_qris(nusapay: NusaPay, fields: Body, status: ChargeStatus | None) -> None:
    """A success says that it is void; one that tells another status or charge is unknown."""
    if status is not None:
        assert status is came(nusapay.cancel(QR_REF), done("77") | fields).status
        return
    with pytest.raises(OutcomeUnknown):
        came(nusapay.cancel(QR_REF), done("77") | fields)


@pytest.mark.parametrize(
    ("data", "more", "outcome"),
    [
        ({}, {}, ChargeStatus.CANCELLED),
        ({"paymentFlagStatus": "05"}, {}, ChargeStatus.CANCELLED),
        ({"paymentFlagStatus": "", "latestTransactionStatus": None}, {}, ChargeStatus.CANCELLED),
        ({"paymentFlagStatus": "00"}, {}, AlreadyPaid),
        ({"latestTransactionStatus": "00", "paidAmount": AMOUNT}, {}, AlreadyPaid),
        ({}, {"latestTransactionStatus": "00"}, AlreadyPaid),
        ({}, {"additionalInfo": {"paymentFlagStatus": "00"}}, AlreadyPaid),
        ({"paymentFlagStatus": "04"}, {}, OutcomeUnknown),
        ({"paymentFlagStatus": "03"}, {}, OutcomeUnknown),
        ({"paymentFlagStatus": "07"}, {}, OutcomeUnknown),
        ({"paymentFlagStatus": "42"}, {}, OutcomeUnknown),
        ({"paymentFlagStatus": "05"}, {"latestTransactionStatus": "00"}, OutcomeUnknown),
        ({"paidAmount": AMOUNT}, {}, OutcomeUnknown),
        ({"paidAmount": AMOUNT | {"value": "25,000"}}, {}, OutcomeUnknown),
        ({"paidAmount": AMOUNT | {"value": "0.00"}}, {}, ChargeStatus.CANCELLED),
        ({"trxId": "INV-2"}, {}, OutcomeUnknown),
    ],
)
def test_a_deleted_account(
    nusapay: NusaPay, data: Body, more: Body, outcome: ChargeStatus | type[Exception]
) -> None:
    """A success says that it is closed; one that says that it is paid, or anything else, is not believed."""
    body = done("31", virtualAccountData={**SHOWN, "trxId": "INV-1"} | data) | more
    if isinstance(outcome, ChargeStatus):
        assert outcome is came(nusapay.cancel(VA_REF), body).status
        return
    with pytest.raises(outcome):
        came(nusapay.cancel(VA_REF), body)


@pytest.mark.parametrize(
    ("refund", "fields", "status", "stands"),
    [
        (BACK, {}, ChargeStatus.REFUNDED, RefundStatus.DONE),
        (PART, {}, ChargeStatus.PARTIALLY_REFUNDED, RefundStatus.DONE),
        (PART, {"refundStatus": "03"}, ChargeStatus.PAID, RefundStatus.PENDING),
        (PART, {"refundStatus": "06"}, ChargeStatus.PAID, RefundStatus.FAILED),
    ],
)
def test_a_refund_is_told_as_it_stands(
    nusapay: NusaPay, refund: RefundRequest, fields: Body, status: ChargeStatus, stands: RefundStatus
) -> None:
    """Whole or in part, done or on its way: the charge stands accordingly."""
    charge = came(nusapay.refund(QR_REF, refund), done("78", partnerRefundNo="R-1") | fields)
    expected = Refund(reference="R-1", amount=refund.amount or MONEY, status=stands)
    assert (status, expected) == (charge.status, charge.refund("R-1"))


def test_a_part_of_an_unknown_whole_is_a_part(nusapay: NusaPay) -> None:
    """Where the charge is named without its amount, nobody claims that all of it was given back."""
    charge = came(nusapay.refund(ChargeRef("main", "INV-1", Qris()), PART), done("78"))
    assert (ChargeStatus.PARTIALLY_REFUNDED, PART.amount) == (charge.status, charge.refunded_amount)


@pytest.mark.parametrize(
    "fields", [{"partnerRefundNo": "R-2"}, {"refundAmount": SMALL}, {"refundStatus": "05"}]
)
def test_a_refund_that_nobody_can_be_sure_of_is_unknown(nusapay: NusaPay, fields: Body) -> None:
    """Another refund, amount or an unknown status: it may have been made."""
    with pytest.raises(OutcomeUnknown):
        came(nusapay.refund(QR_REF, BACK), done("78") | fields)


def test_what_cannot_be_given_back_is_refused_unsent(nusapay: NusaPay) -> None:
    """Without any amount nobody knows how much, and a transfer cannot be given back at all."""
    with pytest.raises(InvalidCharge, match=r"refund\.amount"):
        Conversation(nusapay.refund(ChargeRef("main", "INV-1", Qris()), BACK))
    with pytest.raises(UnsupportedOperation):
        Conversation(nusapay.refund(VA_REF, BACK))
    with pytest.raises(UnsupportedOperation):
        Conversation(nusapay.query(ChargeRef("main", "INV-1", EWallet("dana"))))


@given(st.decimals(min_value=Decimal("0.01"), max_value=Decimal(10**14) - 1, places=2))
def test_every_amount_survives_the_wire(nusapay: NusaPay, amount: Decimal) -> None:
    """It is sent with two decimals, and read back as the very same."""
    request = ChargeRequest(reference="INV-1", amount=Money(amount), method=Qris())
    sent = asked(nusapay.create_charge(request))[2]["amount"]
    assert f"{amount:.2f}" == sent["value"]
    body = done("51", originalReferenceNo="NP-1", latestTransactionStatus="00", amount=sent)
    assert Money(amount) == came(nusapay.query(QR_REF), body).paid_amount


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1), st.integers(1, 20))
def test_a_drawn_number_has_its_digits(reference: str, digits: int) -> None:
    """The same reference has the same number, of exactly so many digits."""
    assert drawn(reference, digits) == drawn(reference, digits)
    assert (True, digits) == (drawn(reference, digits).isdecimal(), len(drawn(reference, digits)))


@pytest.mark.parametrize(
    "kind", [one for one in vars(messages).values() if isinstance(one, type) and issubclass(one, Wire)]
)
def test_messages_show_nothing(kind: Callable[..., object]) -> None:
    """What stands in a message, a payer's name for one, is in no `repr`."""
    assert kind.__repr__ is Wire.__repr__  # type: ignore[comparison-overlap]
