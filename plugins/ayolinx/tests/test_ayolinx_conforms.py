"""Ayolinx keeps the promises that paygate makes of every gateway."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import httpx
from paygate_ayolinx import Ayolinx
from paygate_ayolinx.codes import ERRORS, STATUS

from paygate import ChargeStatus, PaygateError
from paygate.conformance import GatewayConformance


class TestAyolinx(GatewayConformance):
    """Ayolinx, with every code of SNAP BI's table and every state of its docs."""

    adapter = Ayolinx
    codes: ClassVar[Mapping[str, type[PaygateError]]] = {
        f"{http}{case}": error for (http, case), error in ERRORS.items()
    }
    statuses: ClassVar[Mapping[str, ChargeStatus | None]] = STATUS

    def coded(self, reply: httpx.Response, code: str) -> httpx.Response:
        """A refusal of Ayolinx's: "40401" is HTTP 404 and case 01, under the API's own service number."""
        told: dict[str, Any] = json.loads(reply.content)
        http, case = (code[:3], code[3:]) if code[:3].isdecimal() else ("400", code)
        told["responseCode"] = f"{http}47{case}"
        return httpx.Response(int(http), json=told)

    def standing(self, reply: httpx.Response, status: str) -> httpx.Response:
        """The same charge in another state, which for a virtual account may stand within its data."""
        told: dict[str, Any] = json.loads(reply.content)
        inner = told.get("virtualAccountData", {})
        place = inner if "latestTransactionStatus" in inner else told
        place["latestTransactionStatus"] = status
        return httpx.Response(200, json=told)
