"""The services that a pretend SNAP provider has: code, path, verb, what a merchant does there, who answers.

The table is written from the standard anew, so that a wrong path or code in an adapter's shows.
"""

from collections.abc import Mapping
from typing import Any, Final

import httpx
from msgspec import Struct

from paygate.methods import EWallet, Method, Qris, VirtualAccount
from paygate.sandbox.snap import accounts
from paygate.sandbox.snap.originals import Answering, asking, cancelling, debit, generate, refunding
from paygate.snap import SnapProfile


class Endpoint(Struct, frozen=True):
    """One service. Without `answer` it is the login, without an `operation` it is none."""

    service: str
    operation: str = ""
    verb: str = "POST"
    path: str = ""
    answer: Answering | None = None


NOWHERE: Final = Endpoint("00")
LOGIN: Final = Endpoint("73", "authorize")
SERVICES: Final[Mapping[type[Method], tuple[Endpoint, ...]]] = {
    Qris: (
        Endpoint("47", "create_charge", "POST", "/v1.0/qr/qr-mpm-generate", generate),
        Endpoint("51", "query", "POST", "/v1.0/qr/qr-mpm-query", asking(Qris, "47")),
        Endpoint("77", "cancel", "POST", "/v1.0/qr/qr-mpm-cancel", cancelling(Qris)),
        Endpoint("78", "refund", "POST", "/v1.0/qr/qr-mpm-refund", refunding(Qris)),
    ),
    VirtualAccount: (
        Endpoint("27", "create_charge", "POST", "/v1.0/transfer-va/create-va", accounts.create),
        Endpoint("26", "query", "POST", "/v1.0/transfer-va/status", accounts.status),
        Endpoint("31", "cancel", "DELETE", "/v1.0/transfer-va/delete-va", accounts.delete),
    ),
    EWallet: (
        Endpoint("54", "create_charge", "POST", "/v1.0/debit/payment-host-to-host", debit),
        Endpoint("55", "query", "POST", "/v1.0/debit/status", asking(EWallet, "54")),
        Endpoint("57", "cancel", "POST", "/v1.0/debit/cancel", cancelling(EWallet)),
        Endpoint("58", "refund", "POST", "/v1.0/debit/refund", refunding(EWallet)),
    ),
}


def endpoints_of(profile: SnapProfile, channels: Mapping[str, Method]) -> dict[str, Endpoint]:
    """The services of a provider with these methods, by the path where it has them."""
    kinds = {type(one) for one in channels.values()}
    found = {profile.token_path: LOGIN}
    for kind in kinds & set(SERVICES):
        for endpoint in SERVICES[kind]:
            found[profile.paths.get(endpoint.service, profile.prefix + endpoint.path)] = endpoint
    return found


def answer(
    endpoint: Endpoint,
    stamp: str,
    status: int,
    case: str,
    message: str,
    fields: Mapping[str, Any] | None = None,
) -> httpx.Response:
    """An answer of a service: HTTP status, service and case make the code."""
    head = {"responseCode": f"{status}{endpoint.service}{case}", "responseMessage": message}
    return httpx.Response(status, json={**head, **(fields or {})}, headers={"X-TIMESTAMP": stamp})
