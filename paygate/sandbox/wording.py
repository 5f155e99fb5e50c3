"""How the sandbox's pages write things for people: amounts, times, methods, states, faults."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from paygate.methods import EWallet, Method, PaymentLink, Qris, Retail, VirtualAccount
from paygate.model import ChargeStatus
from paygate.money import Money
from paygate.sandbox.deliveries import Deliveries
from paygate.sandbox.delivery import Delivery
from paygate.sandbox.faults import Fault
from paygate.sandbox.ledger import PretendCharge

KINDS: Final[Mapping[type[Method], str]] = {
    Qris: "QRIS",
    EWallet: "E-wallet",
    VirtualAccount: "Virtual account",
    Retail: "Store",
    PaymentLink: "Payment link",
}
TONES: Final[Mapping[ChargeStatus, str]] = {
    ChargeStatus.PENDING: "waiting",
    ChargeStatus.PAID: "good",
    ChargeStatus.FAILED: "bad",
}
WALLETS: Final[Mapping[str, str]] = {
    "gopay": "GoPay",
    "linkaja": "LinkAja",
    "shopeepay": "ShopeePay",
}
"""Those that write themselves as no rule would."""
FAULTS: Final[Mapping[Fault, str]] = {
    Fault.LOSE: "cut the connection before the request is read",
    Fault.RATE_LIMIT: "answer “too many requests”",
    Fault.REVOKE: "revoke every token first",
    Fault.SLOW: "answer late",
    Fault.HANG: "never answer",
    Fault.CLOSE: "do it, cut the connection before the reply",
    Fault.CUT: "do it, cut the connection in the middle of the reply",
    Fault.ERROR: "do it, answer HTTP 500",
    Fault.GARBAGE: "do it, answer what nobody can read",
    Fault.STATUS_DISAGREES: "do it, answer success with the HTTP status of a refusal",
    Fault.CODE_DISAGREES: "do it, answer a refusal with the HTTP status of success",
}


class State(Struct, frozen=True):
    """How something stands, in words, and the tone in which to show it: good, bad, waiting or over."""

    words: str
    tone: str


def rupiah(money: Money) -> str:
    """An amount as Indonesians read it: Rp 25.000, and Rp 25.000,50 where there are sen."""
    whole, _, cents = f"{money.amount:,.2f}".partition(".")
    written = whole.replace(",", ".") + (f",{cents}" if cents != "00" else "")
    return f"Rp\N{NO-BREAK SPACE}{written}"


def moment(time: datetime | float) -> str:
    """A time by the clock of this machine: 14:03:22, and 7 Nov 2025, 14:03:22 where it is not today."""
    local = _local(time)
    day = "" if local.date() == datetime.now(UTC).astimezone().date() else f"{local.day} {local:%b %Y}, "
    return f"{day}{local:%H:%M:%S}"


def instant(time: datetime | float) -> str:
    """The same for machines, with its offset."""
    return _local(time).isoformat(timespec="seconds")


def zone() -> str:
    """The name of this machine's time zone."""
    return f"{datetime.now(UTC).astimezone():%Z}"


def _local(time: datetime | float) -> datetime:
    when = time if isinstance(time, datetime) else datetime.fromtimestamp(time, UTC)
    return when.astimezone()


def span(seconds: float) -> str:
    """A length of time, rounded up: 59 s, 5 min, 2 h."""
    whole = int(-(-seconds // 1))
    if whole < 100:
        return f"{whole} s"
    minutes = -(-whole // 60)
    return f"{minutes} min" if minutes < 100 else f"{-(-minutes // 60)} h"


def brand(name: str) -> str:
    """A bank, wallet or store as it writes itself: short names are initials, as in BNI or DANA."""
    by_rule = name.upper() if len(name) <= 4 else name.replace("_", " ").title()
    return WALLETS.get(name, by_rule)


def method(given: Method) -> str:
    """A method with its brand: Virtual account BNI."""
    return f"{KINDS[type(given)]} {brand(given.brand)}".strip()


def is_open(charge: PretendCharge) -> bool:
    """Whether the payer can still do something; a simulator notes that time is up only when it is asked."""
    return charge.status is ChargeStatus.PENDING and datetime.now(UTC) < charge.expires_at


def charge_state(charge: PretendCharge) -> State:
    """How a charge stands."""
    if charge.status is ChargeStatus.PENDING and not is_open(charge):
        return State("expired", "over")
    return State(charge.status.value.replace("_", " "), TONES.get(charge.status, "over"))


def delivery_state(deliveries: Deliveries, delivery: Delivery) -> State:
    """How a callback stands."""
    if delivery.under_way:
        return State("on its way", "waiting")
    if delivery.done:
        return _end_of(delivery)
    wait = deliveries.wait(delivery)
    if wait:
        return State(f"next attempt in {span(wait)}", "waiting")
    return State("held" if deliveries.held else "due", "waiting")


def _end_of(delivery: Delivery) -> State:
    last = delivery.attempts[-1]
    if delivery.corrupted and last.accepted:
        return State("accepted, though corrupted", "bad")
    if delivery.corrupted and last.status is not None and 400 <= last.status < 500:
        return State("refused, as it must be", "good")
    if last.accepted:
        return State("accepted", "good")
    return State("not accepted" if delivery.corrupted else "given up", "bad")
