"""Virtual accounts at the pretend Ayolinx (docs: "Create VA", "Inquiry Va"; fields as in SNAP BI)."""

from datetime import datetime, timedelta
from typing import Any, Final

from paygate import AccountNumber, Money, VirtualAccount
from paygate.sandbox import (
    Turned,
    addresses_of,
    amount_of,
    end_of,
    form_of,
    instant,
    jakarta,
    optional,
    text_of,
    words_of,
    wrong,
)
from paygate_ayolinx.simulator.books import AyolinxBooks, money
from paygate_ayolinx.simulator.channels import ACCOUNTS
from paygate_ayolinx.simulator.fields import EMAIL, PHONE, channel_in

LIFETIME: Final = timedelta(hours=24)
NUMBER_LENGTH: Final = 16
"""Digits of a number that Ayolinx makes, as in the sample of BNI; for the other banks it is a guess."""
PREFIX_LENGTH: Final = 8


def create(books: AyolinxBooks, body: dict[str, Any], _: str) -> dict[str, Any]:
    """Open an account for one closed amount, under Ayolinx's number or the merchant's."""
    channel = channel_in(body, ACCOUNTS)
    bank = ACCOUNTS[channel].brand
    prefix = _prefix(books, body, bank)
    customer = form_of(body, "customerNo", "[0-9]{1,20}")
    name = words_of(body, "virtualAccountName")
    email = optional(body, "virtualAccountEmail", EMAIL)
    phone = optional(body, "virtualAccountPhone", PHONE)
    reference = books.new_reference(body, "trxId")
    if text_of(body, "virtualAccountTrxType") != "C":
        raise wrong("virtualAccountTrxType")
    amount = Money(amount_of(body, "totalAmount"))
    ends = _end(books, body)
    addresses = addresses_of(body, ("NOTIFICATION",))
    own = _own_number(books, body, prefix + customer)
    account_number = own or books.account_number(prefix, NUMBER_LENGTH)
    books.write(
        body,
        reference=reference,
        number=books.number(),
        amount=amount,
        method=VirtualAccount(bank, own),
        instructions=AccountNumber(account_number, bank),
        expires_at=ends,
        addresses=addresses,
        details={"customer": name, "email": email, "phone": phone, "customer number": customer},
    )
    echoed = ("customerNo", "virtualAccountName", "virtualAccountEmail", "virtualAccountPhone", "trxId")
    return {
        "virtualAccountData": {
            **{field: body[field] for field in echoed if field in body},
            "partnerServiceId": padded(prefix),
            "virtualAccountNo": padded(prefix) + account_number.removeprefix(prefix),
            "virtualAccountTrxType": "C",
            "totalAmount": money(amount),
            "expiredDate": jakarta(ends),
            "additionalInfo": {"channel": channel},
        }
    }


def query(books: AyolinxBooks, body: dict[str, Any], _: str) -> dict[str, Any]:
    """Tell how it stands; asked by reference, not by number. The answer is inferred from the one for QRIS."""
    return books.standing(body, ACCOUNTS)


def padded(prefix: str) -> str:
    """A partnerServiceId as SNAP BI shows it: eight characters, filled with spaces from the left."""
    return prefix.rjust(PREFIX_LENGTH)


def _prefix(books: AyolinxBooks, body: dict[str, Any], bank: str) -> str:
    """The bank's prefix, padded or not; it must be the one that the merchant was given."""
    given = body.get("partnerServiceId")
    if isinstance(given, str) and len(given) <= PREFIX_LENGTH:
        given = given.strip(" ")
    prefix = form_of({"partnerServiceId": given}, "partnerServiceId", "[0-9]{1,8}")
    if prefix != books.account.partner_service_ids[bank]:
        raise wrong("partnerServiceId")
    return prefix


def _end(books: AyolinxBooks, body: dict[str, Any]) -> datetime:
    if body.get("expiredDate") in (None, ""):
        return books.now() + LIFETIME
    return end_of(body, "expiredDate", books.now(), instant)


def _own_number(books: AyolinxBooks, body: dict[str, Any], expected: str) -> str | None:
    """The number that the merchant brings, in full: prefix and customerNo. None where it brings none."""
    given = body.get("virtualAccountNo")
    if given in (None, ""):
        return None
    if not isinstance(given, str) or given.strip(" ") != expected:
        raise wrong("virtualAccountNo")
    if books.has_open_account(expected):
        # The docs name no code for it; it is not the reference that is used twice.
        raise Turned(404, "11", "Invalid Virtual Account. The number is in use")
    return expected
