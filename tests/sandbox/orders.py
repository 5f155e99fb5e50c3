"""Signed requests to the pretend Ayolinx, made by hand: what a plain HTTP client sends. And what comes back."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import httpx
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import Money, QrCode, Qris
from paygate.sandbox import Fault, PretendCharge
from paygate.snap import request_string, sign_hmac, sign_rsa, token_string

LOGIN: Final = "/v1.0/access-token/b2b"
HERE: Final = "http://127.0.0.1"
ORDER: Final = "/v1.0/qr/qr-mpm-generate"
_numbers: Final = itertools.count(1)


class Suffered(NamedTuple):
    """A fault, what the client sees of it, and how many charges exist afterwards."""

    fault: Fault
    seen: str
    charges: int


SUFFERED: Final = [
    Suffered(Fault.LOSE, "RemoteProtocolError", 0),
    Suffered(Fault.RATE_LIMIT, "429 4294700", 0),
    Suffered(Fault.REVOKE, "401 4014701", 0),
    Suffered(Fault.SLOW, "200 2004700", 1),
    Suffered(Fault.HANG, "ReadTimeout", 1),
    Suffered(Fault.CLOSE, "RemoteProtocolError", 1),
    Suffered(Fault.CUT, "RemoteProtocolError", 1),
    Suffered(Fault.ERROR, "500 Internal Server Error", 1),
    Suffered(Fault.GARBAGE, "200 <html><body>It works!", 1),
    Suffered(Fault.STATUS_DISAGREES, "400 2004700", 1),
    Suffered(Fault.CODE_DISAGREES, "200 4004700", 1),
]


def login(account: SandboxAccount, base_url: str) -> httpx.Request:
    """A login that the pretend Ayolinx accepts."""
    stamp = _now()
    headers = {
        "Content-Type": "application/json",
        "X-TIMESTAMP": stamp,
        "X-CLIENT-KEY": account.client_key,
        "X-SIGNATURE": sign_rsa(account.merchant_key, token_string(account.client_key, stamp)),
    }
    body = _json({"grantType": "client_credentials"})
    return httpx.Request("POST", base_url + LOGIN, headers=headers, content=body)


def order(account: SandboxAccount, base_url: str, token: str, reference: str) -> httpx.Request:
    """A charge of 25000 rupiah that the pretend Ayolinx makes."""
    stamp = _now()
    body = _json(
        {
            "partnerReferenceNo": reference,
            "amount": {"value": "25000.00", "currency": "IDR"},
            "additionalInfo": {"channel": "BNC_QRIS"},
        }
    )
    text = request_string("POST", ORDER, token, body, stamp)
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {token}",
        "X-TIMESTAMP": stamp,
        "X-PARTNER-ID": account.client_key,
        "X-EXTERNAL-ID": str(next(_numbers)),
        "X-SIGNATURE": sign_hmac(account.client_secret, text),
    }
    return httpx.Request("POST", base_url + ORDER, headers=headers, content=body)


def place(simulator: AyolinxSimulator, reference: str) -> PretendCharge:
    """Make a charge at the pretend Ayolinx, as a merchant would."""
    account = simulator.account
    token = simulator.handle(login(account, HERE)).json()["accessToken"]
    simulator.handle(order(account, HERE, token, reference))
    made = simulator.ledger.find(reference)
    assert made is not None
    return made


def told(result: httpx.Response | httpx.HTTPError) -> str:
    """What a client saw, in a word: the exception's name, or the status and code."""
    if isinstance(result, httpx.HTTPError):
        return type(result).__name__
    is_json = result.headers["Content-Type"] == "application/json"
    said = result.json()["responseCode"] if is_json else result.text
    return f"{result.status_code} {said}"


def pretend(reference: str, rupiah: int = 25_000) -> PretendCharge:
    """A charge for a simulator's books, open for an hour."""
    now = datetime.now(UTC)
    return PretendCharge(
        reference=reference,
        provider_reference=f"P-{next(_numbers)}",
        amount=Money.idr(rupiah),
        method=Qris(),
        instructions=QrCode(""),
        created_at=now,
        expires_at=now + timedelta(hours=1),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
