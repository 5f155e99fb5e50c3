"""`POST /v2/charge`: a charge of every kind is made, with what its payer needs."""

from typing import Any, Final

import httpx
from msgspec import Struct

from paygate import AccountNumber, Money, QrCode, Redirect, VirtualAccount
from paygate.sandbox import PretendCharge, page_of, qris_payload
from paygate_midtrans.simulator.books import Books, jakarta
from paygate_midtrans.simulator.door import Turned
from paygate_midtrans.simulator.fields import Json
from paygate_midtrans.simulator.orders import Order, order_of
from paygate_midtrans.simulator.products import GOPAY, SHOPEEPAY
from paygate_midtrans.simulator.standing import opening

BILLER_CODE: Final = "70012"
NUMBERS: Final = {
    "bca": ("12345", 11),
    "bni": ("9881", 16),
    "bri": ("26215", 18),
    "cimb": ("5919", 16),
    "permata": ("8562", 16),
    "mandiri": ("", 12),
}
"""The prefix and the length of an account number. Only that of BCA has a sample; the others are guesses."""
DOMAINS: Final = {"gopay": "COM.GO-JEK.WWW", "airpay shopee": "ID.CO.SHOPEE.WWW"}


class Call(Struct, frozen=True, kw_only=True):
    """A request that was let in: the name in its path, its body, and the address it came to."""

    name: str
    body: Json
    headers: httpx.Headers
    base: str


def create(books: Books, call: Call) -> dict[str, Any]:
    """Make a charge."""
    order = order_of(call.body, call.headers, books.now())
    books.check_new(order.order_id)
    number = books.new_id()
    if isinstance(order.product.method, VirtualAccount):
        charge = _account(books, order, number)
        own: dict[str, Any] = {}
    elif order.product in (GOPAY, SHOPEEPAY):
        page = page_of(call.base, number)
        charge = books.write(order, number, Redirect(page), qr=_payload(order))
        own = {"actions": _actions(order, number, call.base, page)}
    else:
        charge, own = _qris(books, order, number, call.base)
    return {
        "status_code": "201",
        "status_message": order.product.message,
        **opening(books, charge),
        **own,
        "expiry_time": jakarta(order.ends),
    }


def _qris(books: Books, order: Order, number: str, base: str) -> tuple[PretendCharge, dict[str, Any]]:
    payload = _payload(order)
    charge = books.write(order, number, QrCode(payload), shown={"acquirer": order.acquirer}, qr=payload)
    return charge, {"actions": _pictures("qris", number, base), "qr_string": payload}


def _account(books: Books, order: Order, number: str) -> PretendCharge:
    assert isinstance(order.product.method, VirtualAccount)
    bank = order.product.method.bank
    prefix, length = NUMBERS[bank]
    if len(order.own_number) > length - len(prefix):
        raise Turned(400, [f"bank_transfer.va_number must not exceed {length - len(prefix)} digits"])
    account = books.new_number(prefix, length)
    if order.own_number:
        account = prefix + order.own_number.zfill(length - len(prefix))
        if books.is_open(account):
            # What Midtrans does with a number in use is not told; to refuse is the harder case.
            raise Turned(400, ["bank_transfer.va_number is in use"])
    shown: dict[str, object] = {"va_numbers": [{"bank": bank, "va_number": account}]}
    details: dict[str, str] = {}
    if bank == "permata":
        shown = {"permata_va_number": account}
    elif bank == "mandiri":
        shown = {"biller_code": BILLER_CODE, "bill_key": account}
        details = {"biller code": BILLER_CODE, "bill key": account}
        account = f"{BILLER_CODE} {account}"
    return books.write(order, number, AccountNumber(account, bank), shown=shown, details=details)


def _actions(order: Order, number: str, base: str, page: str) -> list[dict[str, str]]:
    to_page = _action("deeplink-redirect", "GET", page)
    if order.product == SHOPEEPAY:
        return [to_page]
    here = f"{base}/v2/{number}"
    return [
        *_pictures("gopay", number, base),
        to_page,
        _action("get-status", "GET", f"{here}/status"),
        _action("cancel", "POST", f"{here}/cancel"),
    ]


def _pictures(kind: str, number: str, base: str) -> list[dict[str, str]]:
    return [
        _action("generate-qr-code", "GET", f"{base}/v2/{kind}/{number}/qr-code"),
        _action("generate-qr-code-v2", "GET", f"{base}/v4/{kind}/{number}/qr-code"),
    ]


def _action(name: str, method: str, url: str) -> dict[str, str]:
    return {"name": name, "method": method, "url": url}


def _payload(order: Order) -> str:
    return qris_payload(
        Money.idr(order.amount),
        acquirer=DOMAINS[order.acquirer or "gopay"],
        merchant="WARUNG PAYGATE",
        city="JAKARTA",
        label=order.order_id,
    )
