"""Midtrans' notifications: whether one is proven, and whose charge it is about.

The proof is a hash over order_id, status_code, gross_amount and the server key. It covers neither
transaction_status nor a time, so a captured notification can be altered and sent again. The three texts
stand in it with nothing between them, so they can even be cut in other places. So nothing that one says of a
charge is believed: it names the charge that Midtrans is then asked about.
"""

import hashlib
import hmac
import json
from types import MappingProxyType
from typing import Any, Final

from paygate import (
    Callback,
    CallbackRejected,
    CallbackReply,
    CallbackRequest,
    ChargeRef,
    Method,
    Secret,
    VirtualAccount,
)
from paygate_midtrans import codes, wire

PLAIN: Final = MappingProxyType({"Content-Type": "text/plain"})
TAKEN: Final = CallbackReply(200, PLAIN, b"OK")
AGAIN: Final = CallbackReply(502, PLAIN, b"Bad Gateway")
"""What Midtrans repeats five times, over hours; it does 500 once, 503 four times, 400 and 404 twice."""

UNPROVEN: Final = CallbackReply(401, PLAIN, b"Unauthorized")
MALFORMED: Final = CallbackReply(400, PLAIN, b"Bad Request")


class Callbacks:
    """Verifies Midtrans' notifications for one gateway. Pure: no requests, no state."""

    def __init__(self, gateway: str, server_key: Secret) -> None:
        self._gateway = gateway
        self._key = server_key.reveal()

    def parse(self, request: CallbackRequest) -> Callback:
        """Verify, then say which charge to ask about; raise CallbackRejected with the reply for Midtrans.

        A method that this adapter does not serve, such as a card, is acknowledged and is about no charge:
        some other program has made it with the same account, and repeats would help nobody here.
        """
        told = read(request.body)
        if not is_proven(told, self._key):
            raise CallbackRejected("signature", "the signature_key does not fit", UNPROVEN)
        order_id, method = wire.text(told.get("order_id")), method_of(told)
        confirm: tuple[ChargeRef, ...] = ()
        if method is not None and wire.ORDER_ID.fullmatch(order_id) is not None:
            # Without transaction_id, which the hash does not cover: only the reference is asked about.
            amount = wire.money(told.get("gross_amount"))
            confirm = (ChargeRef(self._gateway, order_id, method, None, amount),)
        return Callback(
            gateway=self._gateway,
            charges=(),
            confirm=confirm,
            reply=TAKEN,
            again=AGAIN,
            sent_at=None,
            raw=request.body,
        )


def read(body: bytes) -> dict[str, Any]:
    """A notification's fields. A name that stands twice is refused: two readers might read it differently."""
    try:
        told = json.loads(body.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise CallbackRejected("body", "the body cannot be read", MALFORMED) from None
    if type(told) is not dict:
        raise CallbackRejected("body", "the body is no object", MALFORMED)
    return told


def is_proven(told: dict[str, Any], server_key: str) -> bool:
    """Whether the hash fits over the texts exactly as received, compared in constant time.

    Nothing is proven without a key, or where one of the texts is missing or empty.
    """
    order_id, status_code, gross_amount, given = (
        wire.text(told.get(field)) for field in ("order_id", "status_code", "gross_amount", "signature_key")
    )
    if not all((server_key, order_id, status_code, gross_amount, given)):
        return False
    expected = signature_key(order_id + status_code + gross_amount, server_key)
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def signature_key(text: str, server_key: str) -> str:
    """What Midtrans writes under a notification: SHA-512 in hexadecimal."""
    return hashlib.sha512(f"{text}{server_key}".encode("utf-8", "replace")).hexdigest()


def method_of(told: dict[str, Any]) -> Method | None:
    """How a charge is paid, where this adapter serves that."""
    kind = wire.text(told.get("payment_type"))
    if kind != codes.BANK_TRANSFER:
        return codes.PAYMENT_TYPES.get(kind)
    if wire.text(told.get("permata_va_number")):
        return VirtualAccount("permata")
    banks = [wire.text(one.get("bank")).lower() for one in wire.entries(told.get("va_numbers"))]
    return next((VirtualAccount(bank) for bank in banks if bank in codes.BANKS), None)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(pairs)
    if len(told) < len(pairs):
        raise ValueError("a name stands twice")
    return told
