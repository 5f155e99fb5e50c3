"""Payment links at the pretend Ayolinx (docs: "Create payment link"; the page has an example and no table).

Every field of the example is taken for mandatory, `urlParams` excepted.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from paygate import Money, PaymentLink, Redirect
from paygate.sandbox import Turned, addresses_of, end_of, form_of, instant, list_of, page_of, words_of, wrong
from paygate_ayolinx.simulator.books import AyolinxBooks
from paygate_ayolinx.simulator.channels import CHANNELS
from paygate_ayolinx.simulator.fields import EMAIL

COUNTRY: Final = r"\+[1-9][0-9]{0,3}"
LOCAL_NUMBER: Final = "[1-9][0-9]{4,14}"
PRICE: Final = "0|[1-9][0-9]{0,12}"
TOO_MUCH: Final = 10**14
QUANTITY: Final = "[1-9][0-9]{0,5}"


def create(books: AyolinxBooks, body: dict[str, Any], base: str) -> dict[str, Any]:
    """Make a link. As in the sample the answer goes by its hash, and expiryDate is seven hours off."""
    reference = books.new_reference(body, "partnerReferenceNo")
    details = _customer(body)
    amount, details["items"] = _items(body)
    offered = _offered(body)
    details["description"] = _description(body)
    ends = end_of(body, "expiryTime", books.now(), instant)
    addresses = addresses_of(body, ("NOTIFICATION",))
    link_hash = books.link_hash()
    url = page_of(base, link_hash)
    books.write(
        body,
        reference=reference,
        number=books.number(),
        link_hash=link_hash,
        amount=amount,
        method=offered,
        instructions=Redirect(url),
        expires_at=ends,
        addresses=addresses,
        details=details,
    )
    return {
        "paymentLink": url,
        "partnerReferenceNo": link_hash,
        "expiryDate": _sample_time(ends),
    }


def _customer(body: dict[str, Any]) -> dict[str, str]:
    name = words_of(body, "customerName")
    email = form_of(body, "customerEmail", EMAIL)
    phone = form_of(body, "customerPhoneNumber", LOCAL_NUMBER)
    country = form_of(body, "customerPhoneNumberCountryCode", COUNTRY)
    return {"customer": name, "email": email, "phone": country + phone}


def _items(body: dict[str, Any]) -> tuple[Money, str]:
    """What is bought: the sum, for there is no amount field, and a line to show."""
    total = Decimal(0)
    lines = []
    for item in list_of(body, "listItem"):
        if not isinstance(item, dict):
            raise wrong("listItem")
        name = words_of(item, "name")
        price = form_of(item, "price", PRICE)
        quantity = form_of(item, "qty", QUANTITY)
        total += Decimal(price) * int(quantity)
        lines.append(f"{quantity} x {name} at {price}")
    if not 0 < total < TOO_MUCH:
        raise Turned(404, "13", "Invalid Amount")
    return Money(f"{total}.00"), ", ".join(lines)


def _offered(body: dict[str, Any]) -> PaymentLink:
    channels = list_of(body, "listPaymentChannel")
    known = all(isinstance(channel, str) and channel in CHANNELS for channel in channels)
    if not known or len(set(channels)) < len(channels):
        raise wrong("listPaymentChannel")
    return PaymentLink(tuple(CHANNELS[channel] for channel in channels))


def _description(body: dict[str, Any]) -> str:
    """It may be empty, but is there."""
    if body.get("description") == "":
        return ""
    return words_of(body, "description")


def _sample_time(moment: datetime) -> str:
    """The wall time of UTC with Jakarta's offset behind it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}+07:00"
