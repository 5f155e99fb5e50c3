"""The services of SNAP BI, byte by byte and answer by answer, without a client."""

from datetime import timedelta
from typing import Any

import pytest

from paygate import (
    AccountNumber,
    AmountRejected,
    ChargeStatus,
    Conversation,
    DuplicateReference,
    EWallet,
    InvalidCharge,
    InvalidRequest,
    OutcomeUnknown,
    QrCode,
    Qris,
    Redirect,
    VirtualAccount,
)
from tests.snap.by_hand import HOST
from tests.snap.dompet import Dompet
from tests.snap.nusapay.paygate_nusapay import NusaPay
from tests.snap.talking import (
    AMOUNT,
    BACK,
    DRAWN,
    EXPIRY,
    NOW,
    NUMBER,
    PART,
    QR_REF,
    SHOWN,
    SITI,
    VA_REF,
    WALLET_REF,
    Body,
    asked,
    came,
    done,
    order,
)


def test_a_qris_is_asked_for_as_the_standard_has_it(nusapay: NusaPay) -> None:
    """Service 47, at NusaPay's own place: the merchant, the store, and the end in Jakarta's time."""
    verb, url, body = asked(nusapay.create_charge(order(Qris(), expires_at=EXPIRY)))
    assert ("POST", HOST + "/nusa/snap/v1.1/qr/qr-mpm-generate-dynamic") == (verb, url)
    assert {
        "partnerReferenceNo": "INV-1",
        "amount": AMOUNT,
        "merchantId": "M-0815",
        "storeId": "S-1",
        "validityPeriod": "2026-09-14T12:00:00+07:00",
        "additionalInfo": {"paymentChannel": "NP_QRIS"},
    } == body


def test_an_account_is_asked_for_as_the_standard_has_it(nusapay: NusaPay) -> None:
    """Service 27: the prefix fills eight places, and the number is prefix and customer number joined."""
    verb, url, body = asked(nusapay.create_charge(order(VirtualAccount("bni"), customer=SITI)))
    assert ("POST", HOST + "/nusa/snap/v1.0/transfer-va/create-va") == (verb, url)
    assert {
        "partnerServiceId": "   98810",
        "customerNo": DRAWN,
        "virtualAccountNo": f"   {NUMBER}",
        "virtualAccountName": "Siti",
        "virtualAccountEmail": "siti@shop.example",
        "virtualAccountPhone": "6281234567890",
        "trxId": "INV-1",
        "totalAmount": AMOUNT,
        "virtualAccountTrxType": "C",
        "additionalInfo": {"paymentChannel": "NP_VA_BNI"},
    } == body


def test_a_wallet_is_asked_for_as_the_standard_has_it(wallets: Dompet) -> None:
    """Service 54: where the payer goes back to, where to call, and which wallet pays how much."""
    request = order(EWallet("dana"), return_url="https://shop.example/thanks", expires_at=EXPIRY)
    verb, url, body = asked(wallets.create_charge(request))
    assert ("POST", "https://sandbox.dompet.example/v1.0/debit/payment-host-to-host") == (verb, url)
    assert {
        "partnerReferenceNo": "INV-1",
        "amount": AMOUNT,
        "urlParams": [
            {"url": "https://shop.example/thanks", "type": "PAY_RETURN", "isDeeplink": "N"},
            {"url": "https://shop.example/cb", "type": "PAY_NOTIFY", "isDeeplink": "N"},
        ],
        "payOptionDetails": [{"payMethod": "BALANCE", "payOption": "DANA", "transAmount": AMOUNT}],
        "validUpTo": "2026-09-14T12:00:00+07:00",
    } == body
    with pytest.raises(InvalidCharge, match="return_url"):
        Conversation(wallets.create_charge(order(EWallet("dana"))))


def test_what_follows_names_the_charge(nusapay: NusaPay, wallets: Dompet) -> None:
    """Query, cancel and refund go by both numbers; an account goes by its own number."""
    original = {
        "originalPartnerReferenceNo": "INV-1",
        "originalReferenceNo": "NP-1",
        "merchantId": "M-0815",
        "additionalInfo": {"paymentChannel": "NP_QRIS"},
    }
    base = HOST + "/nusa/snap/v1.0"
    account = {
        "partnerServiceId": "   98810",
        "customerNo": DRAWN,
        "virtualAccountNo": f"   {NUMBER}",
        "additionalInfo": {"paymentChannel": "NP_VA_BNI"},
    }
    reason = "Cancelled by the merchant"
    assert [
        ("POST", f"{base}/qr/qr-mpm-query", original | {"serviceCode": "47"}),
        ("POST", f"{base}/qr/qr-mpm-cancel", original | {"reason": reason, "amount": AMOUNT}),
        (
            "POST",
            f"{base}/qr/qr-mpm-refund",
            original | {"partnerRefundNo": "R-1", "reason": "Habis", "refundAmount": AMOUNT},
        ),
        ("POST", f"{base}/transfer-va/status", account | {"inquiryRequestId": "INV-1"}),
        ("DELETE", f"{base}/transfer-va/delete-va", account | {"trxId": "INV-1"}),
    ] == [
        asked(nusapay.query(QR_REF)),
        asked(nusapay.cancel(QR_REF)),
        asked(nusapay.refund(QR_REF, BACK)),
        asked(nusapay.query(VA_REF)),
        asked(nusapay.cancel(VA_REF)),
    ]
    assert "54" == asked(wallets.query(WALLET_REF))[2]["serviceCode"]
    assert asked(wallets.refund(WALLET_REF, PART))[1].endswith("/v1.0/debit/refund")


@pytest.mark.parametrize("shape", ["nusapay", "dompet"])
def test_what_is_made_is_told(nusapay: NusaPay, wallets: Dompet, shape: str) -> None:
    """The payload, the number without its padding, and the wallet's address."""
    if shape == "dompet":
        body = done(
            "54", partnerReferenceNo="INV-1", referenceNo="D-1", webRedirectUrl="https://dana.example/1"
        )
        request = order(EWallet("dana"), return_url="https://shop.example/thanks")
        charge = came(wallets.create_charge(request), body)
        assert (Redirect("https://dana.example/1"), "D-1") == (charge.instructions, charge.provider_reference)
        return
    charge = came(
        nusapay.create_charge(order(Qris(), expires_at=EXPIRY)), done("47", qrContent="000201", referenceNo=7)
    )
    assert (QrCode("000201"), "7", EXPIRY) == (
        charge.instructions,
        charge.provider_reference,
        charge.expires_at,
    )
    data = {**SHOWN, "trxId": "INV-1", "totalAmount": AMOUNT, "expiredDate": "2026-09-15T10:15:00+07:00"}
    charge = came(
        nusapay.create_charge(order(VirtualAccount("bni"), customer=SITI)),
        done("27", virtualAccountData=data),
    )
    assert (AccountNumber(NUMBER, "bni"), NUMBER, NOW + timedelta(days=1)) == (
        charge.instructions,
        charge.provider_reference,
        charge.expires_at,
    )
    assert ChargeStatus.PENDING is charge.status


@pytest.mark.parametrize(
    "body",
    [
        done("47", partnerReferenceNo="INV-2", qrContent="000201"),
        done("47", partnerReferenceNo="", qrContent="000201"),
        done("47"),
        done("47", qrContent=" "),
        {"responseCode": "2024700", "responseMessage": "In progress"},
        {"responseCode": "2004701", "responseMessage": "?"},
        {"responseCode": "0000", "responseMessage": "?"},
        {"qrContent": "000201"},
        [],
        b"",
        b"<html>",
    ],
)
def test_a_qris_that_nobody_can_be_sure_of_is_unknown(nusapay: NusaPay, body: Any) -> None:
    """Another reference, no payload, no clear success: it may have been made."""
    with pytest.raises(OutcomeUnknown):
        came(nusapay.create_charge(order(Qris())), body)


@pytest.mark.parametrize(
    "data",
    [
        {**SHOWN, "trxId": "INV-2"},
        {**SHOWN, "partnerServiceId": "   77777"},
        {**SHOWN, "virtualAccountNo": f"   77777{DRAWN}"},
        {**SHOWN, "virtualAccountNo": "   98810 1"},
        {**SHOWN, "virtualAccountNo": ""},
        {**SHOWN, "totalAmount": {"value": "25000.01", "currency": "IDR"}},
        {},
    ],
)
def test_an_account_that_nobody_can_be_sure_of_is_unknown(nusapay: NusaPay, data: Body) -> None:
    """Another charge, bank, number or amount: it may have been made."""
    with pytest.raises(OutcomeUnknown):
        came(
            nusapay.create_charge(order(VirtualAccount("bni"), customer=SITI)),
            done("27", virtualAccountData=data),
        )


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (404, "4044713", AmountRejected),
        (200, "4004701", OutcomeUnknown),
        (400, "2004700", OutcomeUnknown),
        (400, "4004701", InvalidRequest),
        (409, "4094701", DuplicateReference),
        (404, "4044718", OutcomeUnknown),
        (409, "4094700", OutcomeUnknown),
        (500, "5004700", OutcomeUnknown),
        (504, "5044700", OutcomeUnknown),
        (400, "4004799", OutcomeUnknown),
    ],
)
def test_a_refusal_is_believed_where_status_and_code_agree(
    nusapay: NusaPay, status: int, code: str, error: type[Exception]
) -> None:
    """HTTP status and responseCode are held against each other; what disagrees or is new is unknown."""
    with pytest.raises(error):
        came(nusapay.create_charge(order(Qris())), {"responseCode": code, "responseMessage": "No"}, status)


@pytest.mark.parametrize("operation", ["create_charge", "query", "cancel", "refund"])
def test_a_lost_answer_is_left_to_the_host(nusapay: NusaPay, operation: str) -> None:
    """Nothing is asked again by itself: the failure comes out as it is."""
    about = {"create_charge": (order(Qris()),), "refund": (QR_REF, BACK)}.get(operation, (QR_REF,))
    talk = Conversation(getattr(nusapay, operation)(*about))
    lost = OutcomeUnknown("the connection was cut")
    with pytest.raises(OutcomeUnknown) as raised:
        talk.fail(lost)
    assert lost is raised.value
