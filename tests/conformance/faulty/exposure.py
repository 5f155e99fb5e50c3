"""Faults that show what must not be seen."""

import base64
import logging
import sys
from datetime import datetime

import httpx

from paygate import CallbackRequest, Charge, ChargeRequest, Flow, PaygateError, Refused
from tests.conformance.faulty.registry import caught_by
from tests.conformance.sound.adapter import Lontar
from tests.conformance.sound.credential import Token

log = logging.getLogger("paygate_lontar")


@caught_by(
    "secrets_stay_hidden",
    "the error of a rejected callback shows the right value of the header X-Lontar-Sign",
)
class ShowsTheRightSignature(Lontar):
    """Puts the signature that would have fitted into its error (paynesia)."""

    def _verify(self, request: CallbackRequest) -> datetime:
        moment, given = request.header("x-lontar-time") or "", request.header("x-lontar-sign") or ""
        expected = self._expected(request, moment)
        if not self._fits(given, expected):
            self._reject("signature", f"expected {base64.b64encode(expected).decode()}, got {given}")
        return self._fresh(moment)


@caught_by("secrets_stay_hidden", "the error of create_charge shows the setting client_secret")
class ShowsTheKeyInAnError(Lontar):
    """Puts its key into an error, to help whoever debugs it (DANA prints headers and body in str(error))."""

    def _refused(self, code: str, message: str, reply: httpx.Response) -> PaygateError:
        error = super()._refused(code, message, reply)
        error.what = f"{error.what} (client_secret={self._settings.client_secret.reveal()})"
        return error


class _Open(Token):
    def __repr__(self) -> str:
        return f"Token(token={self._token!r}, secret={self._secret!r})"


@caught_by("secrets_stay_hidden", "the credential shows the setting client_secret")
class ShowsItsTokenInARepr(Lontar):
    """Has a repr that shows the token (a dataclass has one by itself)."""

    token_type = _Open


@caught_by("secrets_stay_hidden", "the log shows the setting client_secret", "personal_values_stay_hidden")
class LogsItsRequests(Lontar):
    """Logs headers and body of what it sends (stripe-python logs bodies at debug; paylabs masks for a reason)."""

    def _post(self, path: str, message: object) -> httpx.Request:
        request = super()._post(path, message)
        log.debug("POST %s %r %r", path, dict(request.headers), request.content)
        return request


@caught_by("secrets_stay_hidden", "what was printed shows the setting callback_secret")
class PrintsItsSignature(Lontar):
    """Prints what it signs with (doku-python-library prints)."""

    def _expected(self, request: CallbackRequest, moment: str) -> bytes:
        sys.stdout.write(f"callback key {self._key()!r}\n")
        return super()._expected(request, moment)


@caught_by("personal_values_stay_hidden", "the error of create_charge shows the payer's phone")
class QuotesThePayersPhone(Lontar):
    """Quotes the payer's phone in an error, in the form of the country, which nobody hides."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        try:
            return (yield from super()._create(request))
        except Refused as error:
            phone = request.customer.phone if request.customer else None
            error.what = f"{error.what} to 0{(phone or '').removeprefix('+62')}"
            raise


@caught_by("personal_values_stay_hidden", "the log shows the payer's name")
class LogsThePayer(Lontar):
    """Logs an order with the payer's name and phone."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        log.info("charge for %s", request.customer and request.customer.name)
        return (yield from super()._create(request))
