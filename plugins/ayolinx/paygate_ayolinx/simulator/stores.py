"""Convenience stores at the pretend Ayolinx (docs: "Create retail transaction", "retail query")."""

from typing import Any, Final

from paygate import Money, PaymentCode
from paygate.sandbox import (
    addresses_of,
    amount_of,
    end_of,
    form_of,
    instant,
    jakarta,
    optional,
    page_of,
    words_of,
)
from paygate_ayolinx.simulator.books import AyolinxBooks
from paygate_ayolinx.simulator.channels import STORES
from paygate_ayolinx.simulator.fields import EMAIL, PHONE, channel_in, seconds

CODE_PREFIX: Final = "8808"


def create(books: AyolinxBooks, body: dict[str, Any], base: str) -> dict[str, Any]:
    """Make a code to pay with at a till. The end may be unix seconds or ISO: the docs do not say."""
    reference = books.new_reference(body, "partnerReferenceNo")
    ends = end_of(body, "validUpTo", books.now(), seconds, instant)
    name = words_of(body, "customerName")
    email = form_of(body, "customerEmail", EMAIL)
    phone = optional(body, "customerPhone", PHONE)
    amount = Money(amount_of(body))
    addresses = addresses_of(body, ("NOTIFICATION",))
    store = STORES[channel_in(body, STORES)]
    number = books.number()
    code = books.account_number(CODE_PREFIX, 16)
    url = page_of(base, number)
    books.write(
        body,
        reference=reference,
        number=number,
        amount=amount,
        method=store,
        instructions=PaymentCode(code, store.brand, url),
        expires_at=ends,
        addresses=addresses,
        details={"customer": name, "email": email, "phone": phone},
    )
    return {
        "partnerReferenceNo": reference,
        "expiryDate": jakarta(ends),
        "vaNumber": code,
        "paymentUrl": url,
    }


def query(books: AyolinxBooks, body: dict[str, Any], _: str) -> dict[str, Any]:
    """Tell how it stands; the answer is inferred from the one for QRIS."""
    return books.standing(body, STORES)
