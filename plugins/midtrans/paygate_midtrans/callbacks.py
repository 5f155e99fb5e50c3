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
    ChargeStatus,
    OutcomeUnknown,
    Secret,
)
from paygate_midtrans import answers, codes, methods, wire

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

        A method that is known and not served here, such as a card, is acknowledged and is about no charge:
        some other program has made it with the same account, and repeats would help nobody here. One that is
        not known is asked about: the order may be ours.
        """
        told = read(request.body)
        if not is_proven(told, self._key):
            raise CallbackRejected("signature", "the signature_key does not fit", UNPROVEN)
        order_id = wire.text(told.get("order_id"))
        kind, accounts = told.get("payment_type"), told.get("va_numbers")
        confirm: tuple[ChargeRef, ...] = ()
        if wire.ORDER_ID.fullmatch(order_id) is not None and not methods.is_foreign(kind, accounts):
            # Without transaction_id, which the hash does not cover: only the reference is asked about.
            method = methods.method_of(kind, accounts, told.get("permata_va_number")) or methods.ANY
            amount = wire.money(told.get("gross_amount"))
            confirm = (methods.Claimed(self._gateway, order_id, method, None, amount),)
        return Callback(
            gateway=self._gateway,
            charges=(),
            confirm=confirm,
            claimed=(claimed(told),) if confirm else (),
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


def claimed(told: dict[str, Any]) -> ChargeStatus | None:
    """How the charge stands by what is not proven; None where that has no word, or contradicts its code."""
    code = wire.text(told.get("status_code"))
    allowed = codes.FOUND.get(int(code), ()) if answers.CODE.fullmatch(code) is not None else ()
    answer = wire.Answer(
        transaction_status=told.get("transaction_status"), fraud_status=told.get("fraud_status")
    )
    try:
        return answers.status_of(answer, allowed)
    except OutcomeUnknown:
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(pairs)
    if len(told) < len(pairs):
        raise ValueError("a name stands twice")
    return told
