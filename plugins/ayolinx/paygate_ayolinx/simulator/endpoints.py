"""The eleven APIs that Ayolinx provides: path, what a merchant does there, service code and who answers."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import httpx
from msgspec import Struct

from paygate_ayolinx.simulator import accounts, links, qris, stores, wallets
from paygate_ayolinx.simulator.books import AyolinxBooks

Answering: TypeAlias = Callable[[AyolinxBooks, dict[str, Any], str], dict[str, Any]]
"""Answers the body of a request; the text is where the payer's pages are."""


class Endpoint(Struct, frozen=True):
    """One API. Without `answer` it is the login. `success` is a success code that is not seven digits."""

    operation: str
    service: str
    answer: Answering | None = None
    success: str | None = None


# The service codes 51, 55, 77 and 30 are SNAP BI's. Those of a store are not known: its pages are copies of
# the wallet's, so are its codes here; "00" is the success of the example.
ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    "/v1.0/access-token/b2b": Endpoint("authorize", "73"),
    "/v1.0/qr/qr-mpm-generate": Endpoint("create_charge", "47", qris.generate),
    "/v1.0/qr/qr-mpm-query": Endpoint("query", "51", qris.query),
    "/v1.0/qr/qr-mpm-cancel": Endpoint("cancel", "77", qris.cancel),
    "/direct-debit/core/v1/debit/payment-host-to-host": Endpoint("create_charge", "54", wallets.create),
    "/direct-debit/core/v1/debit/status": Endpoint("query", "55", wallets.query),
    "/v1.0/transfer-va/create-va": Endpoint("create_charge", "27", accounts.create),
    "/v1.0/transfer-va/inquiry-va": Endpoint("query", "30", accounts.query),
    "/v1.0/retail/create": Endpoint("create_charge", "54", stores.create, "00"),
    "/v1.0/retail/query": Endpoint("query", "55", stores.query),
    "/v1.0/payment-link/create": Endpoint("create_charge", "01", links.create),
}
NOWHERE: Final = Endpoint("", "00")


def endpoint_of(request: httpx.Request) -> Endpoint:
    """The API that a request is for; NOWHERE for a path that Ayolinx does not have."""
    return ENDPOINTS.get(request.url.path, NOWHERE)


def answer(
    endpoint: Endpoint, status: int, case: str, message: str, fields: Mapping[str, Any] | None = None
) -> httpx.Response:
    """An answer of an API: HTTP status, service and case make the code."""
    code = f"{status}{endpoint.service}{case}"
    if status == 200:
        code = endpoint.success or code
    head = {"responseCode": code, "responseMessage": message}
    return httpx.Response(status, json={**head, **(fields or {})})
