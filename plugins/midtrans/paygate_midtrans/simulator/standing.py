"""What Midtrans tells of a charge: in the answer to a new one, to a question, and when it calls back."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from paygate.sandbox import PretendCharge
from paygate_midtrans.simulator.books import Books, PretendRefund, Sheet, jakarta, rupiah
from paygate_midtrans.simulator.products import BANKS, GOPAY

TOLD: Final[Mapping[str, str]] = {
    "pending": "201",
    "deny": "202",
    "failure": "202",
    "cancel": "202",
    "expire": "202",
}
"""The status_code of a callback; all others are 200."""
FOUND: Final[Mapping[str, str]] = {**TOLD, "expire": "407"}
"""The status_code of an answer to a question. Which codes there are is told; which is whose is inferred."""
ISSUERS: Final[Mapping[str, tuple[str, str]]] = {
    "gopay": ("gopay", "on-us"),
    "airpay shopee": ("dana", "off-us"),
}


def opening(books: Books, charge: PretendCharge) -> dict[str, Any]:
    """The fields that every answer about a charge has."""
    sheet = books.sheet(charge)
    return {
        "transaction_id": charge.provider_reference,
        "order_id": charge.reference,
        "merchant_id": books.merchant_id,
        "gross_amount": rupiah(sheet.order.amount),
        "currency": "IDR",
        "payment_type": sheet.order.product.payment_type,
        "transaction_time": jakarta(charge.created_at),
        "transaction_status": sheet.status,
        "fraud_status": "accept",
        **sheet.shown,
    }


def standing(books: Books, charge: PretendCharge) -> dict[str, Any]:
    """All that is known of how a charge stands, but for the code and the signature, which go together."""
    sheet = books.sheet(charge)
    told = opening(books, charge)
    if sheet.settled_at is not None:
        told |= {"settlement_time": jakarta(sheet.settled_at), **_payer(charge, sheet)}
    if sheet.order.product in BANKS.values():
        told["payment_amounts"] = _amounts(sheet)
    if sheet.refunds:
        told["refund_amount"] = rupiah(sheet.given_back)
        told["refunds"] = [shown(refund) for refund in sheet.refunds]
    return told


def shown(refund: PretendRefund) -> dict[str, Any]:
    """One refund of the list. Once the bank has confirmed it, it says when."""
    told: dict[str, Any] = {
        "refund_chargeback_id": refund.number,
        "refund_amount": rupiah(refund.amount),
        "refund_key": refund.key,
        "reason": refund.reason,
        "created_at": jakarta(refund.created_at),
    }
    if refund.confirmed_at is not None:
        told["bank_confirmed_at"] = jakarta(refund.confirmed_at)
    return told


def signature(told: Mapping[str, Any], server_key: str) -> str:
    """SHA-512 of order_id, status_code, gross_amount and the server key, in hexadecimal."""
    text = f"{told['order_id']}{told['status_code']}{told['gross_amount']}{server_key}"
    return hashlib.sha512(text.encode()).hexdigest()


def _payer(charge: PretendCharge, sheet: Sheet) -> dict[str, Any]:
    """What is known of who has paid."""
    if sheet.order.product == GOPAY:
        return {"payment_option_type": "GOPAY_WALLET"}
    if not sheet.order.acquirer:
        return {}
    issuer, side = ISSUERS[sheet.order.acquirer]
    reference = charge.provider_reference.replace("-", "")
    return {"issuer": issuer, "transaction_type": side, "merchant_cross_reference_id": reference}


def _amounts(sheet: Sheet) -> list[dict[str, str]]:
    """The transfers to an account: the whole amount in one."""
    settled: datetime | None = sheet.settled_at
    return [] if settled is None else [{"paid_at": jakarta(settled), "amount": rupiah(sheet.order.amount)}]
