"""One callback verified and read by paygate beside the same by hand."""

import base64
import hashlib
import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from cryptography.exceptions import InvalidSignature

from benchmarks.charge import ACCOUNT, CALLBACK_PATH, NOWHERE, RUPIAH, configuration
from benchmarks.handwritten import HASH, JAKARTA, PADDING, read_notice
from benchmarks.rounds import Broken, Row, alternate, repeated
from paygate import CallbackRejected, CallbackRequest, Money, Paygate

GATEWAY: Final = "gateway0"
BODY: Final = json.dumps(
    {
        "callbackType": "QRIS",
        "amount": {"currency": "IDR", "value": f"{RUPIAH}.00"},
        "customerNumber": "0812******45",
        "latestTransactionStatus": "00",
        "transactionStatusDesc": "Success",
        "originalPartnerReferenceNo": "PG-0000000000000001",
        "originalReferenceNo": "AYO2026010200000001",
        "finishedTime": "2026-01-02T10:15:00+07:00",
        "additionalInfo": {"channel": "BNC_QRIS", "RRN": "612300000001", "paymentNtb": "1"},
    }
).encode()


def parsing(rounds: int) -> Row:
    """A QRIS notice, from a web framework's headers and bytes to our words."""
    headers = signed_headers()
    public_key = ACCOUNT.provider_key.public_key()
    with Paygate.from_mapping(configuration(NOWHERE)) as paygate:
        _prove(paygate, headers)
        result = alternate(
            repeated(
                lambda: paygate.parse_callback(GATEWAY, CallbackRequest("POST", CALLBACK_PATH, headers, BODY))
            ),
            repeated(lambda: read_notice(public_key, CALLBACK_PATH, headers, BODY)),
            rounds,
        )
    return Row(
        name="callback",
        subject="Paygate.parse_callback",
        baseline="hand-written verify and decode",
        bar=1.20,
        result=result,
        note=f"{len(BODY)} bytes, {len(headers)} headers; paygate also checks the clock, reads the times "
        "and makes a Charge, which the hand-written one leaves out",
    )


def signed_headers() -> dict[str, str]:
    """A web framework's headers of a true notice of now."""
    stamp = datetime.fromtimestamp(time.time(), UTC).astimezone(JAKARTA).isoformat(timespec="seconds")
    text = f"POST:{CALLBACK_PATH}:{hashlib.sha256(BODY).hexdigest()}:{stamp}"
    signature = base64.b64encode(ACCOUNT.provider_key.sign(text.encode(), PADDING, HASH)).decode()
    return {
        "Host": "shop.example",
        "User-Agent": "okhttp/4.9.3",
        "Accept-Encoding": "gzip",
        "Connection": "Keep-Alive",
        "Content-Type": "application/json; charset=utf-8",
        "Content-Length": str(len(BODY)),
        "X-TIMESTAMP": stamp,
        "X-SIGNATURE": signature,
        "X-Forwarded-For": "203.0.113.7",
    }


def _prove(paygate: Paygate, headers: dict[str, str]) -> None:
    """Both sides read the true notice alike and refuse one that was changed."""
    public_key = ACCOUNT.provider_key.public_key()
    ours = paygate.parse_callback(GATEWAY, CallbackRequest("POST", CALLBACK_PATH, headers, BODY)).charges[0]
    theirs = read_notice(public_key, CALLBACK_PATH, headers, BODY)
    if ours.paid_amount != Money.idr(RUPIAH) or theirs.amount.value != Decimal(RUPIAH):
        raise Broken("a true callback was misread")
    changed = BODY.replace(b'"00"', b'"06"')
    try:
        paygate.parse_callback(GATEWAY, CallbackRequest("POST", CALLBACK_PATH, headers, changed))
    except CallbackRejected:
        pass
    else:
        raise Broken("paygate believed a changed callback")
    try:
        read_notice(public_key, CALLBACK_PATH, headers, changed)
    except InvalidSignature:
        pass
    else:
        raise Broken("the hand-written side believed a changed callback")
