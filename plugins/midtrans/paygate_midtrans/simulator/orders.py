"""A charge as a merchant orders it: the body and headers of `POST /v2/charge`, read and checked."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import httpx
from msgspec import Struct

from paygate_midtrans.simulator.door import Turned
from paygate_midtrans.simulator.fields import ADDRESS, EMAIL, LINK, PHONE, VISIBLE, Form, Json
from paygate_midtrans.simulator.products import (
    ACQUIRERS,
    BANKS,
    ELSEWHERE,
    GOPAY,
    MANDIRI,
    PERMATA,
    SHOPEEPAY,
    SHORTEST,
    Product,
)

ORDER_ID: Final = "[A-Za-z0-9_~.-]+"
LARGEST: Final = 99_999_999_999
MOST_ADDRESSES: Final = 2
UNITS: Final = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
LONGEST_SPAN: Final = 366 * 24 * 3600
"""More units than any charge lives, whatever the unit."""


class Order(Struct, frozen=True, kw_only=True):
    """What is ordered. `own_number` is the merchant's part of an account number, empty where it brings none.

    `return_url` is where the payer's browser goes afterwards. `addresses` are told of the charge instead of
    the merchant's usual one, `more_addresses` beside it.
    """

    order_id: str
    amount: int
    product: Product
    ends: datetime
    own_number: str = ""
    acquirer: str = ""
    return_url: str = ""
    customer: Mapping[str, str] = {}
    addresses: tuple[str, ...] = ()
    more_addresses: tuple[str, ...] = ()


def order_of(body: Json, headers: httpx.Headers, now: datetime) -> Order:
    """Read an order; turn away what Midtrans would."""
    form = Form(body)
    details = form.inner("transaction_details", needed=True)
    order_id = details.text("order_id", ORDER_ID, 50, needed=True)
    amount = details.whole("gross_amount", 1, LARGEST)
    _check_items(form, amount)
    _check_free_fields(form)
    customer = _customer(form.inner("customer_details"))
    addresses = _addresses(form, headers, "X-Override-Notification")
    more = _addresses(form, headers, "X-Append-Notification")
    product = _product(form)
    form.check()
    return Order(
        order_id=order_id,
        amount=amount,
        product=product,
        ends=_end(form, product, now),
        own_number=_own_number(form, product),
        acquirer=next((name for name, known in ACQUIRERS.items() if known == product), ""),
        return_url=_return_url(form, product),
        customer=customer,
        addresses=addresses,
        more_addresses=more,
    )


def _product(form: Form) -> Product:
    """What is asked for; the objects of other payment types are not looked at."""
    payment_type = form.text("payment_type", VISIBLE, needed=True)
    if payment_type == "credit_card" and not form.inner("credit_card").has("token_id"):
        raise Turned(411)
    if payment_type in ELSEWHERE:
        raise Turned(402)
    found: Product | None = None
    if payment_type == "qris":
        found = ACQUIRERS.get(form.inner("qris").text("acquirer") or "gopay")
    elif payment_type == "bank_transfer":
        bank = form.inner("bank_transfer", needed=True).text("bank", needed=True)
        found = PERMATA["bank_transfer"] if bank == "permata" else BANKS.get(bank)
    elif payment_type == "echannel":
        bill = form.inner("echannel", needed=True)
        bill.text("bill_info1", longest=10, needed=True)
        bill.text("bill_info2", longest=30, needed=True)
        found = MANDIRI
    else:
        others = {"gopay": GOPAY, "shopeepay": SHOPEEPAY, "permata": PERMATA["permata"]}
        found = others.get(payment_type)
    if found is None:
        form.wrong("payment_type", "or what it asks for is not supported")
        form.check()
    assert found is not None
    return found


def _check_items(form: Form, amount: int) -> None:
    items = form.inners("item_details")
    if items is None:
        return
    total = 0
    for item in items:
        item.text("id", longest=50)
        item.text("name", longest=50, needed=True)
        total += item.whole("price", -LARGEST, LARGEST) * item.whole("quantity", 1, LARGEST)
    if total != amount:
        form.wrong("transaction_details.gross_amount", "is not equal to the sum of item_details")


def _check_free_fields(form: Form) -> None:
    for name in ("custom_field1", "custom_field2", "custom_field3"):
        form.text(name)
    form.inner("metadata")


def _customer(form: Form) -> dict[str, str]:
    """What a tester may want to see of the customer."""
    names = (form.text("first_name"), form.text("last_name"))
    return {
        "customer": " ".join(name for name in names if name),
        "email": form.text("email", EMAIL),
        "phone": form.text("phone", PHONE),
    }


def _end(form: Form, product: Product, now: datetime) -> datetime:
    """When the charge ends: so long after now, or after the time that the merchant says it was ordered at."""
    if not form.has("custom_expiry"):
        return now + product.lifetime
    wanted = form.inner("custom_expiry")
    count = wanted.whole("expiry_duration", 1, LONGEST_SPAN)
    unit = wanted.text("unit") or "minute"
    if unit not in UNITS:
        wanted.wrong("unit", f"must be one of {', '.join(UNITS)}")
    begins = _moment(wanted.text("order_time")) if wanted.has("order_time") else now
    if begins is None or abs(begins - now) > product.longest:
        wanted.wrong("order_time", "must be of these days, as in 2026-01-02 10:00:00 +0700")
    form.check()
    assert begins is not None
    span = UNITS[unit] * min(count, LONGEST_SPAN // int(UNITS[unit].total_seconds()))
    if not SHORTEST <= span <= product.longest:
        wanted.wrong("expiry_duration", f"must be between {SHORTEST} and {product.longest}")
    elif begins + span <= now:
        wanted.wrong("order_time", "is so long ago that the charge has expired")
    form.check()
    return begins + span


def _moment(text: str) -> datetime | None:
    """A time with its offset; None for another form."""
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}", text, re.ASCII):
        try:
            return datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z")
        except ValueError:
            pass
    return None


def _own_number(form: Form, product: Product) -> str:
    """The number that the merchant brings for an account; Mandiri makes its own."""
    if product is MANDIRI or product.payment_type not in ("bank_transfer", "permata"):
        return ""
    number = form.inner(product.payment_type).text("va_number", "[0-9]+")
    form.check()
    return number


def _return_url(form: Form, product: Product) -> str:
    """Where the payer goes back to. GoPay goes there only where the callback is enabled, too."""
    if product not in (GOPAY, SHOPEEPAY):
        return ""
    wanted = form.inner(product.payment_type)
    url = wanted.text("callback_url", LINK, 2048)
    is_wanted = wanted.flag("enable_callback") if product is GOPAY else True
    form.check()
    return url if is_wanted else ""


def _addresses(form: Form, headers: httpx.Headers, name: str) -> tuple[str, ...]:
    """The addresses of a header, at most two."""
    given = headers.get(name)
    if given is None:
        return ()
    found = tuple(one.strip() for one in given.split(","))
    if len(found) > MOST_ADDRESSES or not all(re.fullmatch(ADDRESS, one, re.ASCII) for one in found):
        form.wrong(name, f"must hold at most {MOST_ADDRESSES} URLs")
    return found
