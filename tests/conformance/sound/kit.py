"""How Lontar's maker uses the kit: about ten lines."""

import json

import httpx

from paygate.conformance import GatewayConformance
from tests.conformance.sound.adapter import Lontar
from tests.conformance.sound.codes import ERRORS, REFUSALS, STATUS


class SoundKit(GatewayConformance):
    """Lontar keeps paygate's promises."""

    adapter = Lontar
    codes = ERRORS
    statuses = STATUS

    def coded(self, reply: httpx.Response, code: str) -> httpx.Response:
        """Lontar refuses with this code; one that it never told us of comes with HTTP 400."""
        refusal = REFUSALS.get(code)
        status = refusal.status if refusal is not None else 400
        return httpx.Response(status, json={"code": code, "message": "No"})

    def standing(self, reply: httpx.Response, status: str) -> httpx.Response:
        """The same charge, in another status."""
        told = json.loads(reply.content)
        told["charge"]["status"] = status
        if status == "PAID":
            told["charge"]["paid_amount"] = told["charge"]["amount"]
        return httpx.Response(reply.status_code, json=told)
