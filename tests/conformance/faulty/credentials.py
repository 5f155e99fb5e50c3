"""Faults in how a credential is got, kept and given up."""

import httpx

from paygate import Charge, ChargeRequest, Credential, Flow, hookimpl
from tests.conformance.faulty.registry import caught_by
from tests.conformance.sound.adapter import Lontar
from tests.conformance.sound.credential import Token


class _Believed(Token):
    def rejected_by(self, response: httpx.Response) -> bool:
        return False


@caught_by("expired_credential_is_renewed_once", "the charge raised AuthenticationFailed after 0 logins")
class KeepsARejectedToken(Lontar):
    """Keeps its token though the provider no longer takes it."""

    token_type = _Believed


@caught_by(
    "credential_is_kept",
    "three charges took 3 logins",
    "cancellation_passes_through",
    "expired_credential_is_renewed_once",
)
class LogsInForEveryRequest(Lontar):
    """Mixes the expiry up: a token counts as expired while it is valid (doku-python-library, token_service)."""

    def _expiry(self, seconds: int) -> float:
        return self._clock() - seconds


@caught_by(
    "credential_is_kept",
    "`expires_at` of the credential is no time of the coming year",
    "expired_credential_is_renewed_once",
)
class CachesAnExpiredToken(Lontar):
    """Keeps a token for ever, and sends it when it has expired (doku-python-library, token_service)."""

    token_type = _Believed

    def _expiry(self, seconds: int) -> float:
        return float("inf")


class _Suspicious(Token):
    def rejected_by(self, response: httpx.Response) -> bool:
        return response.status_code >= 400


@caught_by(
    "create_never_sends_twice",
    "after HTTP 500 the adapter sent a second request",
    "cancel_never_sends_twice",
    "rate_limit_is_told",
    "refund_never_sends_twice",
    "refused_is_not_unknown",
)
class BlamesItsTokenForEverything(Lontar):
    """Takes every HTTP error for a token's end, so that a 500 has the charge sent again."""

    token_type = _Suspicious


@caught_by(
    "credential_is_kept",
    "three charges took 7 logins",
    "cancellation_passes_through",
    "create_never_sends_twice",
    "expired_credential_is_renewed_once",
    "unsettled_is_settled_by_query",
)
class LogsInWithinItsFlow(Lontar):
    """Gets a token of its own in each operation (measured: 20 threads, 20 logins, 19 failures)."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        yield from self.authorize()
        return (yield from super()._create(request))


@caught_by("expired_credential_is_renewed_once", "a login that was refused was tried 21 times")
class RepeatsItsLogin(Lontar):
    """Tries its login again and again while it is refused, until the account is locked."""

    @hookimpl
    def authorize(self) -> Flow[Credential]:
        for _ in range(20):
            try:
                return (yield from super().authorize())
            except Exception:
                continue
        return (yield from super().authorize())
