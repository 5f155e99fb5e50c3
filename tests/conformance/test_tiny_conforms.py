"""Tiny, the least that an adapter can be, keeps the promises that paygate makes of every gateway."""

import json

import httpx
from paygate_tiny import STATUSES, Tiny

from paygate import (
    AmountRejected,
    ChargeNotFound,
    ChargeRequest,
    DuplicateReference,
    Method,
    Money,
    RateLimited,
)
from paygate.conformance import GatewayConformance

HTTP = {"unknown": 404, "exists": 409, "busy": 429}
CODES = {
    "unknown": ChargeNotFound,
    "exists": DuplicateReference,
    "amount": AmountRejected,
    "busy": RateLimited,
}


class TestTiny(GatewayConformance):
    """Tiny keeps paygate's promises."""

    adapter = Tiny
    codes = CODES
    statuses = STATUSES

    def request(self, method: Method, reference: str) -> ChargeRequest:
        """Tiny wants to know nothing else, and has no expiry."""
        return ChargeRequest(reference=reference, amount=Money.idr(25_000), method=method)

    def coded(self, reply: httpx.Response, code: str) -> httpx.Response:
        return httpx.Response(HTTP.get(code, 400), json={"error": code})

    def standing(self, reply: httpx.Response, status: str) -> httpx.Response:
        return httpx.Response(200, json={**json.loads(reply.content), "status": status})
