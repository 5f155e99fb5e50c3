"""What people type for a charge: amounts, methods, times and items. What is ambiguous is refused."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from paygate.errors import InvalidCharge
from paygate.methods import EWallet, Method, PaymentLink, Qris, Retail, VirtualAccount
from paygate.model import Item
from paygate.money import Money

CURRENCY: Final = re.compile(r"(?:rp\.?|idr)\s*", re.IGNORECASE)
PLAIN: Final = re.compile(r"(0|[1-9][0-9]{0,13})(\.[0-9]{2})?")
POINTS_GROUP: Final = re.compile(r"[0-9]{1,3}(\.[0-9]{3})+(,[0-9]{1,2})?")
COMMAS_GROUP: Final = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]{1,2})?")
COMMA_DIVIDES: Final = re.compile(r"[0-9]+,[0-9]+")
POINT_DIVIDES: Final = re.compile(r"[0-9]+\.[0-9]+")
SIGNS_GROUP: Final = re.compile(r"[0-9][0-9_' ]*")
SCIENTIFIC: Final = re.compile(r"[0-9]{1,9}e[0-9]", re.IGNORECASE)
COUNTED: Final = re.compile(r"([0-9]{1,9})(?:[.,]([0-9]{1,3}))?\s*([a-z]+)", re.IGNORECASE)
COUNTS: Final = {
    "k": (3,),
    "rb": (3,),
    "ribu": (3,),
    "jt": (6,),
    "juta": (6,),
    "m": (6, 9),  # million, and miliar
}
LOCAL_PHONE: Final = re.compile(r"0[1-9][0-9]{6,12}", re.ASCII)
WAIT: Final = re.compile(r"([1-9][0-9]{0,5})([smhd])")
UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
KINDS: Final = "qris, e_wallet:dana, virtual_account:bni, retail:alfamart or payment_link"


def amount_of(text: str, field: str = "amount") -> Money:
    """Rupiah as people write them: 25000, 25000.00, Rp25000 or IDR 25000.

    Raises InvalidCharge for whatever could be read in two ways, and says what it could mean.
    """
    given = text.strip()
    number = CURRENCY.sub("", given, count=1) if CURRENCY.match(given) else given
    if PLAIN.fullmatch(number):
        return Money.idr(number)
    if number.startswith(("-", "+", "(")):
        raise InvalidCharge(field, f"{text!r} has a sign: write digits alone, as in 25000")
    meanings = _meanings(number)
    if not meanings:
        raise InvalidCharge(field, f"{text!r} is no amount: write digits alone, as in 25000 or 25000.00")
    either = " or ".join(meanings)
    raise InvalidCharge(field, f"{text!r} may mean {either}: write it with digits alone, as in {meanings[0]}")


def _meanings(number: str) -> list[str]:
    """What a number may mean, each as it is to be written: the likeliest in Indonesia first."""
    number = number.removesuffix(",-")  # as on price tags
    found = []
    if POINTS_GROUP.fullmatch(number):
        found.append(number.replace(".", "").replace(",", "."))
    if COMMAS_GROUP.fullmatch(number):
        found.append(number.replace(",", ""))
    if COMMA_DIVIDES.fullmatch(number):
        found.append(number.replace(",", "."))
    if POINT_DIVIDES.fullmatch(number) or SCIENTIFIC.fullmatch(number):
        found.append(number)
    counted = COUNTED.fullmatch(number)
    if counted:
        whole, part, unit = counted.groups()
        found += [f"{whole}.{part or 0}e{power}" for power in COUNTS.get(unit.lower(), ())]
    if SIGNS_GROUP.fullmatch(number):
        found.append(re.sub(r"[_' ]", "", number))
    return list(dict.fromkeys(_written(Decimal(one)) for one in found))


def _written(exact: Decimal) -> str:
    if exact == exact.to_integral_value():
        return f"{exact:.0f}"
    return f"{exact:.2f}" if exact == round(exact, 2) else f"{exact:f}"


def method_of(text: str, offered: tuple[str, ...] = ()) -> Method:
    """A method as it is typed: KIND, KIND:BRAND, or virtual_account:BANK:NUMBER for a number of your own."""
    kind, *rest = text.strip().split(":")
    if offered and kind != PaymentLink.kind:
        raise InvalidCharge("offer", "only a payment_link offers methods")
    if kind == VirtualAccount.kind and len(rest) in (1, 2) and all(rest):
        return VirtualAccount(*rest)
    if kind == EWallet.kind and len(rest) == 1 and rest[0]:
        return EWallet(rest[0])
    if kind == Retail.kind and len(rest) == 1 and rest[0]:
        return Retail(rest[0])
    if kind == Qris.kind and not rest:
        return Qris()
    if kind == PaymentLink.kind and not rest:
        return PaymentLink(tuple(_offered(one) for one in offered))
    raise InvalidCharge("method", f"{text!r} is no method: use {KINDS}")


def _offered(text: str) -> Qris | EWallet | VirtualAccount | Retail:
    method = method_of(text)
    if isinstance(method, PaymentLink):
        raise InvalidCharge("offer", "a payment_link cannot offer another one")
    return method


def typed(method: Method) -> str:
    """A method as `method_of` reads it; what a link offers is not part of it."""
    number = method.number if isinstance(method, VirtualAccount) else None
    return ":".join(part for part in (method.kind, method.brand, number) if part)


def moment_of(text: str, now: datetime | None = None) -> datetime:
    """A time from now, as in 15m, 2h or 1d, or an ISO 8601 time with its offset."""
    wait = WAIT.fullmatch(text.strip())
    if wait:
        unit = UNITS[wait[2]]
        try:
            return (now or datetime.now(UTC)) + timedelta(**{unit: int(wait[1])})
        except OverflowError:
            raise InvalidCharge("expires", f"{text!r} is beyond what a calendar holds") from None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidCharge(
            "expires", f"{text!r} is no time: write 15m, 2h, 1d or 2026-01-31T17:00:00+07:00"
        ) from None
    if moment.utcoffset() is None:
        raise InvalidCharge("expires", f"{text!r} names no time zone: add one, as in +07:00 for Jakarta")
    return moment


def phone_of(text: str | None) -> str | None:
    """A phone's number in its international form; one that begins with a zero is Indonesian."""
    if text is None or LOCAL_PHONE.fullmatch(text.strip()) is None:
        return text
    return f"+62{text.strip()[1:]}"


def item_of(text: str) -> Item:
    """A line of what is bought, NAME:PRICE:QUANTITY; the name may have colons itself."""
    parts = text.rsplit(":", 2)
    if len(parts) != 3 or not re.fullmatch(r"[0-9]{1,6}", parts[2]):
        raise InvalidCharge("item", f"{text!r} is no item: write NAME:PRICE:QUANTITY, as in Kopi:15000:2")
    return Item(parts[0], amount_of(parts[1], "item"), int(parts[2]))
