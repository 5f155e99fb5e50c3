"""Virtual accounts at a pretend SNAP provider: services 27, 26 and 31, and the flag of a payment, 25."""

from datetime import timedelta
from typing import Any, Final

from paygate.methods import AccountNumber, VirtualAccount
from paygate.model import ChargeStatus
from paygate.money import Money
from paygate.sandbox.ledger import PretendCharge
from paygate.sandbox.snap.books import SnapBooks, money
from paygate.sandbox.snap.calling import jakarta
from paygate.sandbox.snap.fields import (
    Turned,
    amount_of,
    end_of,
    form_of,
    instant,
    optional,
    text_of,
    words_of,
    wrong,
)

LIFETIME: Final = timedelta(hours=24)
"""How long an account lives that names no end; the standard does not say."""

WIDTH: Final = 8
EMAIL: Final = r"[!-?A-~]+@[!-?A-~]+"
PHONE: Final = "62[0-9]{5,28}"
ECHOED: Final = (
    "partnerServiceId",
    "customerNo",
    "virtualAccountNo",
    "virtualAccountName",
    "trxId",
    "paymentRequestId",
    "paidAmount",
)
"""What the standard's answer to a flag repeats."""


def create(books: SnapBooks, body: dict[str, Any], _: str) -> dict[str, Any]:
    """Open an account for one closed amount, under the number that the merchant gives (27)."""
    bank = _bank(books, body)
    number = _number(books, body, bank)
    name = words_of(body, "virtualAccountName")
    email = optional(body, "virtualAccountEmail", EMAIL)
    phone = optional(body, "virtualAccountPhone", PHONE)
    reference = books.new_reference(body, "trxId")
    if text_of(body, "virtualAccountTrxType") != "C":
        raise wrong("virtualAccountTrxType")
    amount = Money(amount_of(body, "totalAmount"))
    now = books.now()
    ends = end_of(body, "expiredDate", now, instant) if "expiredDate" in body else now + LIFETIME
    if books.refuse_duplicates and _open(books, number) is not None:
        raise Turned(404, "11", "Invalid Virtual Account. The number is in use")
    books.write(
        body,
        reference=reference,
        number=books.number(),
        amount=amount,
        method=VirtualAccount(bank, number),
        instructions=AccountNumber(number, bank),
        expires_at=ends,
        details={"customer": name, "email": email, "phone": phone},
    )
    echoed = ("virtualAccountName", "virtualAccountEmail", "virtualAccountPhone", "trxId")
    return {
        "virtualAccountData": {
            **_numbers(body),
            **{field: body[field] for field in echoed if field in body},
            "totalAmount": money(amount),
            "virtualAccountTrxType": "C",
            "expiredDate": jakarta(ends),
        }
    }


def status(books: SnapBooks, body: dict[str, Any], _: str) -> dict[str, Any]:
    """Tell how the newest account of a number stands (26)."""
    inquiry = text_of(body, "inquiryRequestId", 128)
    charge = _named(books, body)
    data: dict[str, Any] = {
        **_numbers(body),
        "inquiryRequestId": inquiry,
        "totalAmount": money(charge.amount),
        "paymentFlagStatus": books.told[charge.status],
        "paymentFlagReason": {"english": charge.status.value, "indonesia": charge.status.value},
    }
    if charge.status is ChargeStatus.PAID:
        data |= {"paidAmount": books.paid(charge), "transactionDate": jakarta(charge.finished_at)}
    return {"virtualAccountData": data}


def delete(books: SnapBooks, body: dict[str, Any], _: str) -> dict[str, Any]:
    """Close an open account (31)."""
    charge = _named(books, body)
    if text_of(body, "trxId") != charge.reference:
        raise Turned(404, "01", "Transaction Not Found")
    if charge.status is ChargeStatus.PAID:
        raise Turned(404, "14", "Paid Bill")
    if charge.status is not ChargeStatus.PENDING:
        raise Turned(405, "01", "Requested Operation Is Not Allowed")
    charge.status = ChargeStatus.CANCELLED
    charge.finished_at = books.now()
    return {"virtualAccountData": {**_numbers(body), "trxId": charge.reference}}


def flag(books: SnapBooks, charge: PretendCharge) -> dict[str, Any]:
    """What a payment's flag tells (25)."""
    order = books.sheet(charge).order
    return {
        **_numbers(order),
        "virtualAccountName": order["virtualAccountName"],
        "trxId": charge.reference,
        "paymentRequestId": charge.provider_reference,
        "paidAmount": books.paid(charge),
        "totalAmount": money(charge.amount),
        "trxDateTime": jakarta(charge.finished_at or books.now()),
        "flagAdvise": "N",
        "additionalInfo": books.channel(charge),
    }


def _numbers(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in ("partnerServiceId", "customerNo", "virtualAccountNo")}


def _bank(books: SnapBooks, body: dict[str, Any]) -> str:
    """The bank of a body, by its channel or else by its prefix."""
    method = books.method_in(body, VirtualAccount)
    if method is not None:
        return method.brand
    prefix = str(body.get("partnerServiceId")).lstrip(" ")
    banks = (bank for bank, own in books.account.partner_service_ids.items() if own == prefix)
    return next(banks, "")


def _number(books: SnapBooks, body: dict[str, Any], bank: str) -> str:
    """The whole number of a body, plain; the prefix must be the bank's, padded to its width."""
    given = body.get("partnerServiceId")
    if not isinstance(given, str) or len(given) != WIDTH:
        raise wrong("partnerServiceId")
    if given.lstrip(" ") != books.account.partner_service_ids.get(bank):
        raise Turned(404, "16", "Partner Not Found")
    customer = form_of(body, "customerNo", "[0-9]{1,20}")
    if body.get("virtualAccountNo") != given + customer:
        raise wrong("virtualAccountNo")
    return given.lstrip(" ") + customer


def _named(books: SnapBooks, body: dict[str, Any]) -> PretendCharge:
    charges = _having(books, _number(books, body, _bank(books, body)))
    if not charges:
        raise Turned(404, "01", "Transaction Not Found")
    return charges[-1]


def _open(books: SnapBooks, number: str) -> PretendCharge | None:
    charges = (one for one in _having(books, number) if one.status is ChargeStatus.PENDING)
    return next(charges, None)


def _having(books: SnapBooks, number: str) -> list[PretendCharge]:
    """The charges of a number, the newest last."""
    return [
        books.settled(one)
        for one in books.ledger.charges
        if isinstance(one.instructions, AccountNumber) and one.instructions.number == number
    ]
