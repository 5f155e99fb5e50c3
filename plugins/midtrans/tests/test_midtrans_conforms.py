"""Midtrans keeps the promises that paygate makes of every gateway."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import httpx
from paygate_midtrans import Midtrans
from paygate_midtrans.codes import ERRORS, STATUS

from paygate import ChargeStatus, PaygateError
from paygate.conformance import GatewayConformance


class TestMidtrans(GatewayConformance):
    """Midtrans, with every code of a refusal, and every state of its docs."""

    adapter = Midtrans
    codes: ClassVar[Mapping[str, type[PaygateError]]] = {str(code): error for code, error in ERRORS.items()}
    statuses: ClassVar[Mapping[str, ChargeStatus | None]] = STATUS

    def coded(self, reply: httpx.Response, code: str) -> httpx.Response:
        """A refusal of Midtrans', which comes under HTTP 200."""
        return httpx.Response(200, json={"status_code": code, "status_message": "no", "id": "c9bb9c83"})

    def standing(self, reply: httpx.Response, status: str) -> httpx.Response:
        """The same charge in another state, under the code that may stand beside it."""
        told: dict[str, Any] = json.loads(reply.content)
        return httpx.Response(200, json={**told, "status_code": "200", "transaction_status": status})
