"""The kit for an adapter that speaks SNAP BI: how every such provider tells a refusal, and a status."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import httpx

from paygate.conformance.kit import GatewayConformance
from paygate.errors import PaygateError
from paygate.snap import SnapCode, SnapProfile

HTTP_OF_ODD: Final = 400
NO_SERVICE: Final = "00"
SHORT: Final = len("40401")
STATUS_FIELDS: Final = ("latestTransactionStatus", "paymentFlagStatus")


class SnapConformance(GatewayConformance):
    """Inherit it in a class `Test…`, and name the adapter and its profile; the rest is SNAP BI's.

    `codes` and `statuses` are the profile's, unless told. A code stands here without its service, as HTTP
    status and case: "40401".
    """

    profile: ClassVar[SnapProfile] = SnapProfile()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "codes" not in vars(cls):
            cls.codes = declared(cls.profile)
        if "statuses" not in vars(cls):
            cls.statuses = cls.profile.statuses

    def coded(self, reply: httpx.Response, code: str) -> httpx.Response:
        """The answer of the same service, with this refusal instead."""
        told = SnapCode.parse(json.loads(reply.content).get("responseCode", ""))
        wanted = SnapCode.parse(f"{code[:3]}{told.service if told else NO_SERVICE}{code[3:]}")
        full, status = (str(wanted), wanted.http) if wanted and len(code) == SHORT else (code, HTTP_OF_ODD)
        return httpx.Response(status, json={"responseCode": full, "responseMessage": "No"})

    def standing(self, reply: httpx.Response, status: str) -> httpx.Response:
        """The same answer, with this status wherever it tells one."""
        told = json.loads(reply.content)
        return httpx.Response(reply.status_code, json=_with_status(told, status))


def declared(profile: SnapProfile) -> Mapping[str, type[PaygateError]]:
    """Every refusal that a profile knows, by its code without the service."""
    return {f"{http}{case}": error for (http, case), error in profile.errors.items()} | dict(profile.odd)


def _with_status(told: Any, status: str) -> Any:
    if not isinstance(told, dict):
        return told
    return {
        name: status if name in STATUS_FIELDS else _with_status(value, status) for name, value in told.items()
    }
