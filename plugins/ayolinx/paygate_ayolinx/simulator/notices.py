"""What the pretend Ayolinx tells of a charge, method by method, with the fields of the docs and no other."""

from datetime import datetime
from typing import Any, Final

from paygate import AccountNumber, EWallet, Method, PaymentLink, Qris, Retail
from paygate.sandbox import PretendCharge, jakarta
from paygate_ayolinx.simulator.accounts import padded
from paygate_ayolinx.simulator.books import AyolinxBooks
from paygate_ayolinx.simulator.channels import channel_of
from paygate_ayolinx.simulator.wallets import DESCRIBED

ENDED: Final = ("00", "04", "05", "06")


def notice(books: AyolinxBooks, charge: PretendCharge, status: str) -> dict[str, Any]:
    """The body of a notice: that of the method; a link's is that of the paying one and the link's hash.

    Which number names a link's charge the docs do not say: the merchant's own or, if the books say so,
    the hash that "Create payment link" answers with.
    """
    method = _payer(charge)
    is_link = isinstance(charge.method, PaymentLink)
    is_hashed = is_link and books.link_reference == "hash"
    body: dict[str, Any] = {
        "amount": books.paid(charge),
        "originalReferenceNo": books.sheet(charge).number,
        "latestTransactionStatus": status,
        "originalPartnerReferenceNo": charge.provider_reference if is_hashed else charge.reference,
    }
    if isinstance(method, EWallet | Retail):
        body["transactionStatusDesc"] = DESCRIBED[status]
    else:
        body["finishedTime"] = jakarta(_finished(books, charge, status))
        body["additionalInfo"] = {"channel": channel_of(method)}
    if isinstance(method, Qris):
        body |= {"callbackType": "QRIS", "customerNumber": "0812******45"}
        body["additionalInfo"] |= {"RRN": "612300000001", "paymentNtb": "1"}
    if is_link:
        body["additionalInfo"] = {**body.get("additionalInfo", {}), "plh": charge.provider_reference}
    return body


def transfer(books: AyolinxBooks, charge: PretendCharge) -> dict[str, Any]:
    """The body of a virtual account's payment in SNAP BI's own form (docs: "Payment")."""
    order = books.sheet(charge).order
    assert isinstance(charge.instructions, AccountNumber)
    prefix = books.account.partner_service_ids[charge.instructions.bank]
    return {
        "partnerServiceId": padded(prefix),
        "customerNo": order["customerNo"],
        "virtualAccountNo": padded(prefix) + charge.instructions.number.removeprefix(prefix),
        "virtualAccountName": order["virtualAccountName"],
        "trxId": charge.reference,
        "paymentRequestId": books.sheet(charge).number,
        "paidAmount": books.paid(charge),
        "virtualAccountTrxType": "C",
        "additionalInfo": {
            "paymentTimeIso8601": jakarta(charge.finished_at or books.now()),
            "paymentNtb": "612300000001",
        },
    }


def _finished(books: AyolinxBooks, charge: PretendCharge, status: str) -> datetime | None:
    """When the charge ended, as far as the status tells of an end."""
    return (charge.finished_at or books.now()) if status in ENDED else None


def _payer(charge: PretendCharge) -> Method:
    """The method that pays: of a link the one it was paid by, else the first it offers."""
    if isinstance(charge.method, PaymentLink):
        return charge.paid_by or charge.method.offered[0]
    return charge.method
