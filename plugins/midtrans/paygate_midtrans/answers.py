"""What Midtrans' answers mean: a message, a definite no, or nothing that can be relied on."""

import re
from collections.abc import Container
from decimal import Decimal
from typing import Any, Final

import httpx

from paygate import (
    AccountNumber,
    AlreadyPaid,
    ChargeRequest,
    ChargeStatus,
    EWallet,
    Instructions,
    Method,
    Money,
    OutcomeUnknown,
    QrCode,
    Qris,
    RateLimited,
    Redirect,
    Refund,
    RefundStatus,
    read,
    retry_after,
    scrub,
)
from paygate_midtrans import codes, wire

CODE: Final = re.compile(r"[0-9]{3}", re.ASCII)
DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)
LINK: Final = re.compile(r"(?!javascript|vbscript|data)[a-z][a-z0-9+.-]*://[!-~]+", re.ASCII | re.IGNORECASE)
"""An address, or a deep link into a wallet's app."""

DEEPLINK: Final = "deeplink-redirect"


def judged(
    reply: httpx.Response, good: Container[int], *, cancelling: bool = False
) -> tuple[int, wire.Answer]:
    """The code and the message of an answer that is no refusal; raise what any other one means.

    Midtrans says no under HTTP 200 as well, so the code in the body decides. An HTTP status that is neither
    200 nor that code contradicts it: then the outcome is unknown, as for a code that is in no table.
    """
    told = read(reply, wire.answer)
    given, http = str(told.status_code), reply.status_code
    code = int(given) if CODE.fullmatch(given) is not None else None
    if code is not None and code in good and http in (200, code):
        return code, told
    message = scrub(_said(told))
    shown = given if code is not None else scrub(given)
    context: dict[str, Any] = {"provider_code": shown, "provider_message": message, "http_status": http}
    if code is None:
        raise OutcomeUnknown("the status code has no form that we know", **context)
    if http not in (200, code):
        raise OutcomeUnknown("HTTP status and status code disagree", **context)
    kind = codes.ERRORS.get(code)
    if kind is None:
        raise OutcomeUnknown("the status code is not one that we know", **context)
    if kind is RateLimited:
        raise RateLimited(message, retry_after=retry_after(reply), **context)
    if cancelling and code == codes.UNCHANGEABLE and _status(told) is ChargeStatus.PAID:
        kind = AlreadyPaid
    raise kind(message, **context)


def status_of(told: wire.Answer, allowed: Container[ChargeStatus]) -> ChargeStatus:
    """How the charge stands; status_code, transaction_status and fraud_status must agree."""
    status = _status(told)
    if status is None:
        raise OutcomeUnknown("the transaction status is not one that we know")
    if status not in allowed:
        raise OutcomeUnknown("status code and transaction status disagree")
    if status is not ChargeStatus.PAID:
        return status
    verdict = codes.FRAUD.get(_fraud(told))
    if verdict is None:
        raise OutcomeUnknown("the fraud status is not one that we know")
    return verdict


def check_made(told: wire.Answer, request: ChargeRequest) -> None:
    """See that an answer is about the very charge that we asked for; raise OutcomeUnknown.

    An order_id that is used again may bring the answer to an older request.
    """
    check_about(told, request.reference, request.amount)
    if wire.money(told.gross_amount) is None:
        raise OutcomeUnknown("the answer tells no amount")
    if wire.text(told.payment_type).lower() != codes.payment_type_of(request.method):
        raise OutcomeUnknown("the answer is about another method")


def check_about(
    told: wire.Answer, reference: str, amount: Money | None, transaction_id: str | None = None
) -> None:
    """See that an answer is about our charge, as far as we know it; raise OutcomeUnknown."""
    if told.order_id != reference:
        raise OutcomeUnknown("the answer is about another reference")
    if amount is not None and told.gross_amount is not None and wire.money(told.gross_amount) != amount:
        raise OutcomeUnknown("the answer is about another amount")
    if told.currency not in (None, "IDR"):
        raise OutcomeUnknown("the answer is about another currency")
    if transaction_id is not None and told.transaction_id not in (None, transaction_id):
        raise OutcomeUnknown("the answer is about another transaction than that of the charge")


def instructions_of(told: wire.Answer, method: Method) -> Instructions | None:
    """What the payer needs, where it is told."""
    if isinstance(method, Qris):
        payload = wire.text(told.qr_string)
        return QrCode(payload) if payload.strip() else None
    if isinstance(method, EWallet):
        links = (
            wire.text(one.get("url")) for one in wire.entries(told.actions) if one.get("name") == DEEPLINK
        )
        url = next(links, "")
        return Redirect(url) if LINK.fullmatch(url) is not None else None
    number = _number_of(told, method.brand)
    return AccountNumber(number, method.brand) if number is not None else None


def paid_amount_of(told: wire.Answer) -> Money | None:
    """What was paid: the sum of payment_amounts, where a bank tells them; else the amount of the charge.

    None where one of them cannot be read: how much came in is not guessed.
    """
    if not told.payment_amounts:
        return wire.money(told.gross_amount)
    entries = wire.every(told.payment_amounts)
    parts = [wire.money(one.get("amount")) for one in entries or ()]
    known = [one.amount for one in parts if one is not None]
    return Money.idr(sum(known, Decimal(0))) if known and len(known) == len(parts) else None


def refunds_of(told: wire.Answer) -> tuple[Refund, ...]:
    """The refunds that an answer lists, each once. One is done when the bank or wallet has confirmed it.

    Midtrans tells a refund twice, first without and later with bank_confirmed_at, and advises to count on the
    later one. A refund without a key of the merchant's goes by Midtrans' own number. Raises OutcomeUnknown
    for one that cannot be read: left out, it might be made again.
    """
    entries = wire.every(told.refunds or [])
    if entries is None:
        raise OutcomeUnknown("the refunds in the answer cannot be read")
    found: dict[str, Refund] = {}
    for one in entries:
        amount = wire.money(one.get("refund_amount"))
        reference = wire.name(one.get("refund_key")) or wire.name(one.get("refund_chargeback_id"))
        if amount is None or reference is None:
            raise OutcomeUnknown("a refund in the answer cannot be read")
        before = found.get(reference)
        if before is not None and before.amount != amount:
            raise OutcomeUnknown("the answer tells two amounts of one refund")
        is_done = wire.text(one.get("bank_confirmed_at")) or (before and before.status is RefundStatus.DONE)
        status = RefundStatus.DONE if is_done else RefundStatus.PENDING
        found[reference] = Refund(reference=reference, amount=amount, status=status)
    return tuple(found.values())


def given_back(
    told: wire.Answer, status: ChargeStatus, refunds: tuple[Refund, ...], amount: Money | None
) -> tuple[ChargeStatus, Money | None]:
    """How the charge stands and what of it was given back: Midtrans' own sum, or that of what it lists.

    The sum at the top of the answer to a refund is all that was given back so far, by the docs; some answers
    have that one refund's amount there. No more is told than the amounts say: "refund" beside less than the
    whole is a part. More than the whole raises OutcomeUnknown. `amount` is the charge's, where it is known.
    """
    whole, told_sum = wire.money(told.gross_amount) or amount, wire.money(told.refund_amount)
    listed = sum((one.amount.amount for one in refunds), Decimal(0))
    known = max(listed, told_sum.amount if told_sum is not None else Decimal(0))
    if whole is not None and known > whole.amount:
        raise OutcomeUnknown("the answer tells of more refunds than there was to give back")
    if status is ChargeStatus.REFUNDED and whole is not None:
        if known in (0, whole.amount):
            return status, whole
        status = ChargeStatus.PARTIALLY_REFUNDED
    return status, Money.idr(known) if known else None


def check_refund(told: wire.Answer, key: str, amount: Money | None) -> None:
    """See that an answer is about our refund; its amount is all that was refunded so far, with ours in it."""
    if told.refund_key not in (None, key):
        raise OutcomeUnknown("the answer is about another refund")
    total = wire.money(told.refund_amount)
    if total is not None and amount is not None and total.amount < amount.amount:
        raise OutcomeUnknown("the answer tells a smaller refund than was asked for")


def _number_of(told: wire.Answer, bank: str) -> str | None:
    """The account number; Mandiri's is its biller code and its bill key, with a blank between."""
    if bank == codes.MANDIRI.bank:
        parts = (wire.text(told.biller_code), wire.text(told.bill_key))
        return " ".join(parts) if all(map(DIGITS.fullmatch, parts)) else None
    listed = [
        wire.text(one.get("va_number"))
        for one in wire.entries(told.va_numbers)
        if wire.text(one.get("bank")).lower() == bank
    ]
    number = wire.text(told.permata_va_number) if bank == "permata" and not listed else next(iter(listed), "")
    return number if DIGITS.fullmatch(number) is not None else None


def _status(told: wire.Answer) -> ChargeStatus | None:
    return codes.STATUS.get(wire.text(told.transaction_status).lower())


def _fraud(told: wire.Answer) -> str:
    """fraud_status in lower case; what is no text is none that we know."""
    given = told.fraud_status
    return given.lower() if type(given) is str else "" if given is None else "?"


def _said(told: wire.Answer) -> str:
    """What Midtrans says, with what it has against the fields."""
    against = told.validation_messages if type(told.validation_messages) is list else []
    return "; ".join(filter(None, map(wire.text, (told.status_message, *against))))
