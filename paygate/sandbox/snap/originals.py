"""QRIS and wallets at a pretend SNAP provider: services 47, 51, 77, 78 and 54, 55, 57, 58."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from paygate.methods import EWallet, Method, QrCode, Qris, Redirect
from paygate.model import ChargeStatus
from paygate.money import Money
from paygate.refunds import Refund, RefundStatus
from paygate.sandbox.addresses import page_of
from paygate.sandbox.ledger import PretendCharge
from paygate.sandbox.qris import qris_payload
from paygate.sandbox.snap.books import SnapBooks, money
from paygate.sandbox.snap.calling import jakarta
from paygate.sandbox.snap.fields import (
    Turned,
    addresses_of,
    amount_of,
    end_of,
    instant,
    list_of,
    missing,
    optional,
    text_of,
    words_of,
    wrong,
)

ACQUIRER: Final = "ID.CO.SANDBOX.WWW"
LIFETIME: Final = timedelta(minutes=30)
"""How long a charge lives that names no end; the standard does not say."""

VISIBLE: Final = "[!-~]+"
GIVES_BACK: Final = (ChargeStatus.PAID, ChargeStatus.PARTIALLY_REFUNDED)
REFUNDED: Final = "00"
Answering = Callable[[SnapBooks, dict[str, Any], str], dict[str, Any]]
"""Answers the body of a request; the text is where the payer's pages are."""


def generate(books: SnapBooks, body: dict[str, Any], _: str) -> dict[str, Any]:
    """Make a QR code (47)."""
    reference = books.new_reference(body, "partnerReferenceNo")
    amount = Money(amount_of(body))
    books.check_merchant(body)
    method = books.method_in(body, Qris) or Qris()
    for name in ("storeId", "terminalId"):
        optional(body, name, VISIBLE)
    ends = _end(books, body, "validityPeriod")
    try:
        payload = qris_payload(
            amount, acquirer=ACQUIRER, merchant="WARUNG PAYGATE", city="JAKARTA", label=reference
        )
    except ValueError:
        raise Turned(404, "13", "Invalid Amount") from None
    number = books.number()
    books.write(
        body,
        reference=reference,
        number=number,
        amount=amount,
        method=method,
        instructions=QrCode(payload),
        expires_at=ends,
    )
    return {"referenceNo": number, "partnerReferenceNo": reference, "qrContent": payload}


def debit(books: SnapBooks, body: dict[str, Any], base: str) -> dict[str, Any]:
    """Make a page of a wallet to pay on (54)."""
    reference = books.new_reference(body, "partnerReferenceNo")
    amount = amount_of(body)
    books.check_merchant(body)
    method = books.method_in(body, EWallet) or books.first(EWallet)
    addresses = addresses_of(body, ("PAY_RETURN", "PAY_NOTIFY"))
    if "PAY_RETURN" not in addresses:
        raise missing("urlParams")
    [option] = list_of(body, "payOptionDetails")
    if not isinstance(option, dict) or amount_of(option, "transAmount") != amount:
        raise wrong("payOptionDetails")
    text_of(option, "payMethod")
    text_of(option, "payOption")
    ends = _end(books, body, "validUpTo")
    number = books.number()
    url = page_of(base, number)
    books.write(
        body,
        reference=reference,
        number=number,
        amount=Money(amount),
        method=method,
        instructions=Redirect(url),
        expires_at=ends,
        addresses=addresses,
    )
    return {"referenceNo": number, "partnerReferenceNo": reference, "webRedirectUrl": url}


def asking(kind: type[Method], created: str) -> Answering:
    """Tell how a charge stands (51, 55), to those who say which service made it."""

    def answer(books: SnapBooks, body: dict[str, Any], _: str) -> dict[str, Any]:
        if text_of(body, "serviceCode") != created:
            raise wrong("serviceCode")
        charge = _named(books, body, kind)
        told = {
            **_originals(charge),
            "serviceCode": created,
            "latestTransactionStatus": books.told[charge.status],
            "transactionStatusDesc": charge.status.value,
            "amount": books.paid(charge),
        }
        if charge.status in (*GIVES_BACK, ChargeStatus.REFUNDED):
            told["paidTime"] = jakarta(charge.finished_at)
        if charge.refunds:
            told["refundHistory"] = [
                {
                    "refundNo": f"R-{one.reference}",
                    "partnerRefundNo": one.reference,
                    "refundAmount": money(one.amount),
                    "refundStatus": REFUNDED,
                }
                for one in charge.refunds
            ]
        return told

    return answer


def cancelling(kind: type[Method]) -> Answering:
    """Make an open charge void (77, 57)."""

    def answer(books: SnapBooks, body: dict[str, Any], _: str) -> dict[str, Any]:
        charge = _named(books, body, kind)
        words_of(body, "reason", 256)
        if body.get("amount") is not None and Money(amount_of(body)) != charge.amount:
            raise Turned(404, "13", "Invalid Amount")
        if charge.status in GIVES_BACK:
            raise Turned(404, "14", "Paid Bill")
        if charge.status is not ChargeStatus.PENDING:
            raise Turned(405, "01", "Requested Operation Is Not Allowed")
        charge.status = ChargeStatus.CANCELLED
        charge.finished_at = books.now()
        return {**_originals(charge), "cancelTime": jakarta(charge.finished_at)}

    return answer


def refunding(kind: type[Method]) -> Answering:
    """Give a paid charge back, or a part of it (78, 58). A refund's number is used once."""

    def answer(books: SnapBooks, body: dict[str, Any], _: str) -> dict[str, Any]:
        charge = _named(books, body, kind)
        number = text_of(body, "partnerRefundNo")
        amount = Money(amount_of(body, "refundAmount"))
        words_of(body, "reason", 256)
        earlier = next((one for one in charge.refunds if one.reference == number), None)
        if earlier is not None and books.refuse_duplicates:
            if earlier.amount != amount:
                raise Turned(404, "18", "Inconsistent Request")
            raise Turned(409, "01", "Duplicate partnerRefundNo")
        if charge.status not in GIVES_BACK:
            raise Turned(404, "00", "Invalid Transaction Status")
        before = books.given_back(charge)
        total = amount.amount + (before.amount if before is not None else 0)
        if total > charge.amount.amount:
            raise Turned(404, "13", "Invalid Amount")
        refund = Refund(reference=number, amount=amount, status=RefundStatus.DONE)
        charge.refunds = (*charge.refunds, refund)
        is_all = total == charge.amount.amount
        charge.status = ChargeStatus.REFUNDED if is_all else ChargeStatus.PARTIALLY_REFUNDED
        return {
            **_originals(charge),
            "refundNo": f"R-{number}",
            "partnerRefundNo": number,
            "refundAmount": money(amount),
            "refundTime": jakarta(books.now()),
        }

    return answer


def notice(books: SnapBooks, charge: PretendCharge, status: str) -> dict[str, Any]:
    """What a notice tells of a charge (52, 56)."""
    merchant = books.account.merchant_id
    return {
        **_originals(charge),
        **({"merchantId": merchant} if merchant is not None else {}),
        "latestTransactionStatus": status,
        "transactionStatusDesc": charge.status.value,
        "amount": books.paid(charge),
        "additionalInfo": books.channel(charge),
    }


def _originals(charge: PretendCharge) -> dict[str, Any]:
    return {
        "originalReferenceNo": charge.provider_reference,
        "originalPartnerReferenceNo": charge.reference,
    }


def _named(books: SnapBooks, body: dict[str, Any], kind: type[Method]) -> PretendCharge:
    """The charge that a body names by the merchant's number, and by the provider's where that is given."""
    books.check_merchant(body)
    method = books.method_in(body, kind)
    charge = books.current(text_of(body, "originalPartnerReferenceNo"))
    number = body.get("originalReferenceNo")
    if charge is None or not isinstance(charge.method, kind):
        raise Turned(404, "01", "Transaction Not Found")
    if method is not None and method.brand != charge.method.brand:
        raise Turned(404, "01", "Transaction Not Found")
    if number is not None and number != charge.provider_reference:
        raise Turned(404, "01", "Transaction Not Found")
    return charge


def _end(books: SnapBooks, body: dict[str, Any], name: str) -> datetime:
    return end_of(body, name, books.now(), instant) if name in body else books.now() + LIFETIME
