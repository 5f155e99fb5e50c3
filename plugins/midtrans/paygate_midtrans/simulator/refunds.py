"""`POST /v2/{id}/refund`; for the ways to pay that are here `/refund/online/direct` does the same."""

from datetime import timedelta
from typing import Any, Final

from paygate import VirtualAccount
from paygate.sandbox import PretendCharge
from paygate_midtrans.simulator.books import REFUNDABLE, Books, PretendRefund, Sheet, rupiah
from paygate_midtrans.simulator.charges import Call
from paygate_midtrans.simulator.door import Turned
from paygate_midtrans.simulator.fields import Form
from paygate_midtrans.simulator.orders import LARGEST
from paygate_midtrans.simulator.standing import opening

KEY: Final = "[A-Za-z0-9_-]+"
SAME_KEY: Final = timedelta(days=7)
"""How long a refund may be asked for again under its key."""


def refund(books: Books, call: Call) -> dict[str, Any]:
    """Give a charge back, the whole of it or a part.

    The key of a refund that is here already, asked for again for the same charge and amount within seven
    days, gives nothing back and is answered as that one was. In every other case a known key is a
    duplicate. One that is left out is made here, so a merchant who tries again gives back twice. A reason
    is mandatory: the docs disagree, and this is the harder case.
    """
    charge = books.named(call.name)
    sheet = books.sheet(charge)
    form = Form(call.body)
    key = form.text("refund_key", KEY)
    reason = form.text("reason", needed=True)
    amount = form.whole("amount", 1, LARGEST) if form.has("amount") else None
    form.check()
    if isinstance(charge.method, VirtualAccount):
        raise Turned(412)
    known = _known(books, key) if key else None
    if known is not None:
        if known[0] is not charge or not _is_same(books, sheet, known[1], amount):
            raise Turned(406)
        return _answer(books, charge, known[1])
    _check(books, charge, amount)
    made = PretendRefund(
        number=next(books.refund_numbers),
        key=key or books.new_id(),
        amount=sheet.order.amount - sheet.given_back if amount is None else amount,
        reason=reason,
        created_at=books.now(),
        confirmed_at=None if books.refunds_wait else books.now(),
    )
    sheet.refunds.append(made)
    books.turn(charge, "refund" if sheet.given_back == sheet.order.amount else "partial_refund")
    return _answer(books, charge, made)


def confirm(books: Books, charge: PretendCharge, key: str) -> None:
    """Let the bank confirm a refund, and tell of it once more; KeyError for one that waits for nothing."""
    sheet = books.sheet(charge)
    waiting = next((one for one in sheet.refunds if one.key == key and one.confirmed_at is None), None)
    if waiting is None:
        raise KeyError(key)
    waiting.confirmed_at = books.now()
    books.turn(charge, sheet.status)


def _check(books: Books, charge: PretendCharge, amount: int | None) -> None:
    """Turn away what cannot be given back: not paid (412), more than there is, a part, or too late (414)."""
    sheet = books.sheet(charge)
    if sheet.status not in REFUNDABLE:
        raise Turned(412)
    product = sheet.order.product
    rest = sheet.order.amount - sheet.given_back
    wanted = rest if amount is None else amount
    is_part = wanted != sheet.order.amount
    assert sheet.settled_at is not None
    is_late = books.now() > sheet.settled_at + timedelta(days=product.refund_days)
    if wanted > rest or (is_part and not product.in_part) or is_late:
        raise Turned(414)


def _known(books: Books, key: str) -> tuple[PretendCharge, PretendRefund] | None:
    for charge in books.ledger.charges:
        for one in books.sheet(charge).refunds:
            if one.key == key:
                return charge, one
    return None


def _is_same(books: Books, sheet: Sheet, known: PretendRefund, amount: int | None) -> bool:
    """Whether it is asked for in time, for as much; without an amount that is the one that left nothing."""
    is_fresh = books.now() <= known.created_at + SAME_KEY
    if amount is None:
        return is_fresh and known is sheet.refunds[-1] and sheet.given_back == sheet.order.amount
    return is_fresh and amount == known.amount


def _answer(books: Books, charge: PretendCharge, made: PretendRefund) -> dict[str, Any]:
    """The answer to a refund: 200 where it is done, 201 where it waits for the bank."""
    is_done = made.confirmed_at is not None
    return {
        "status_code": "200" if is_done else "201",
        "status_message": "Success, refund request is approved",
        **opening(books, charge),
        "refund_chargeback_id": made.number,
        "refund_amount": rupiah(made.amount),
        "refund_key": made.key,
    }
