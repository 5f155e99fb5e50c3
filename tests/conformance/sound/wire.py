"""Lontar's messages."""

from typing import Final

import msgspec
from msgspec import Struct


class Login(Struct, frozen=True):
    client_id: str
    client_secret: str


class Session(Struct, frozen=True):
    code: str
    token: str = ""
    expires_in: int = 0
    message: str = ""


class Order(Struct, frozen=True, omit_defaults=True):
    reference: str
    amount: str
    channel: str
    expires_at: str | None = None
    name: str | None = None
    phone: str | None = None
    return_url: str | None = None


class Named(Struct, frozen=True):
    reference: str


class MoneyBack(Struct, frozen=True, omit_defaults=True):
    reference: str
    refund_reference: str
    reason: str
    amount: str | None = None


class ToldRefund(Struct, frozen=True):
    reference: str
    amount: str
    status: str


class ToldCharge(Struct, frozen=True):
    id: str
    reference: str
    amount: str
    channel: str
    status: str
    expires_at: str
    qr: str = ""
    url: str = ""
    number: str = ""
    paid_at: str | None = None
    paid_amount: str | None = None
    refunds: tuple[ToldRefund, ...] = ()


class Answer(Struct, frozen=True):
    code: str
    message: str = ""
    charge: ToldCharge | None = None


class Call(Struct, frozen=True):
    """What Lontar calls back with."""

    event: str
    charge: ToldCharge


session: Final = msgspec.json.Decoder(Session)
answer: Final = msgspec.json.Decoder(Answer)
call: Final = msgspec.json.Decoder(Call)
encode: Final = msgspec.json.Encoder().encode
