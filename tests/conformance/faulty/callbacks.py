"""Faults in what a callback must prove, and in what is made of it."""

import base64
import binascii
import hmac
import json
from datetime import UTC, datetime
from typing import Any, NoReturn

import msgspec

from paygate import Callback, CallbackRejected, CallbackReply, CallbackRequest, ChargeStatus, EWallet
from tests.conformance.faulty.registry import EVERYTHING, caught_by
from tests.conformance.sound import wire
from tests.conformance.sound.adapter import THANKS, Lontar
from tests.conformance.sound.settings import Settings


@caught_by(
    "tampered_callbacks_are_rejected",
    "a call with a digit of its body changed was believed",
    "gateways_share_nothing",
    "rubbish_raises_only_rejected",
    "stale_callbacks_are_rejected",
    "unproven_status_is_not_believed",
)
class NeverVerifies(Lontar):
    """Has its check turned off "for now" (public Ayolinx merchant code; corsair#1509)."""

    def _verify(self, request: CallbackRequest) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


@caught_by(
    "tampered_callbacks_are_rejected",
    "a call without its header X-Lontar-Sign was believed",
    "rubbish_raises_only_rejected",
)
class BelievesAnUnsignedCall(Lontar):
    """Verifies a signature only where there is one (ipaymu-php-api#12: anybody with Postman)."""

    def _verify(self, request: CallbackRequest) -> datetime:
        if request.header("x-lontar-sign") is None:
            return datetime.fromtimestamp(self._clock(), UTC)
        return super()._verify(request)


@caught_by("tampered_callbacks_are_rejected", "a call with a blank header X-Lontar-Sign was believed")
class ReturnsNothingWithoutASignature(Lontar):
    """Returns where it should refuse, when a signature is empty (Adyen's util.py returns nothing)."""

    def _fits(self, given: str, expected: bytes) -> bool:
        return not given.strip("= ") or super()._fits(given, expected)


@caught_by("tampered_callbacks_are_rejected", "a call with half of its header X-Lontar-Sign was believed")
class VerifiesABeginning(Lontar):
    """Compares as much as was sent, so that four characters are a signature."""

    def _fits(self, given: str, expected: bytes) -> bool:
        return base64.b64encode(expected).decode().startswith(given)


@caught_by(
    "tampered_callbacks_are_rejected",
    "a call with its header X-Lontar-Sign in the other case was believed",
    "signatures_are_compared_in_constant_time",
)
class IgnoresLetterCase(Lontar):
    """Compares base64 without its letter case."""

    def _fits(self, given: str, expected: bytes) -> bool:
        return base64.b64encode(expected).decode().lower() == given.lower()


@caught_by(
    "signatures_are_compared_in_constant_time",
    "the header X-Lontar-Sign was compared with the right value by `==`",
)
class ComparesTexts(Lontar):
    """Compares signatures with `==`, whose time tells how much of one is right (paynesia: `!=`)."""

    def _fits(self, given: str, expected: bytes) -> bool:
        return base64.b64encode(expected).decode() == given


@caught_by(
    "tampered_callbacks_are_rejected",
    "a call with a sign of no alphabet in its header X-Lontar-Sign was believed",
)
class DecodesWhateverItCan(Lontar):
    """Decodes base64 and skips what is none, so that many texts are one signature (b64decode's default)."""

    def _fits(self, given: str, expected: bytes) -> bool:
        try:
            return bool(base64.b64decode(given.encode("utf-8", "replace")) == expected)
        except binascii.Error:
            return False


@caught_by(
    "callbacks_tell_the_charge", "a genuine call of the provider's was rejected (signature", EVERYTHING
)
class VerifiesADumpOfTheBody(Lontar):
    """Verifies JSON that it has written anew (stripe-python#424, paylabs-sdk, paynesia)."""

    def _body(self, request: CallbackRequest) -> bytes:
        return json.dumps(json.loads(request.body), separators=(",", ":")).encode()


@caught_by("tampered_callbacks_are_rejected", "a call with a space after its body was believed")
class TriesSeveralBodies(Lontar):
    """Tries the body in several forms until one fits (dana-python: about ten rewritten bodies)."""

    def _fits_any(self, request: CallbackRequest, moment: str, given: str) -> bool:
        head = f"{self._path(request)}\n{moment}\n".encode("utf-8", "replace")
        bodies = [request.body, request.body.strip(), request.body.split(b"\n")[0]]
        return any(
            super(TriesSeveralBodies, self)._fits(given, hmac.digest(self._key(), head + one, "sha256"))
            for one in bodies
        )

    def _verify(self, request: CallbackRequest) -> datetime:
        moment, given = request.header("x-lontar-time") or "", request.header("x-lontar-sign") or ""
        if not self._fits_any(request, moment, given):
            self._reject("signature", "the signature does not fit")
        return self._fresh(moment)


@caught_by("told_paths_are_not_trusted", "was believed, for it came to that path")
class TrustsTheRequestsPath(Lontar):
    """Verifies over the path that the request came by: a call for another account is believed (paynesia)."""

    def _path(self, request: CallbackRequest) -> str:
        return request.path


@caught_by("told_paths_are_not_trusted", "was believed, for its header X-Original-URI says so")
class TrustsAPathHeader(Lontar):
    """Verifies over a path that a header names (paynesia; BetterPay's Winpay)."""

    def _path(self, request: CallbackRequest) -> str:
        return request.header("x-original-uri") or super()._path(request)


@caught_by("empty_keys_are_refused", "the setting callback_secret may be empty")
class AcceptsAnEmptyKey(Lontar):
    """Starts with an empty key, and verifies with it (nekoding/tripay#6)."""

    def _checked(self, settings: Settings) -> Settings:
        return settings


@caught_by("empty_keys_are_refused", "with the setting callback_secret empty a call was believed")
class VerifiesNothingWithoutAKey(Lontar):
    """Believes everything where no key is configured (public Ayolinx merchant code)."""

    def _checked(self, settings: Settings) -> Settings:
        return settings

    def _fits(self, given: str, expected: bytes) -> bool:
        return not self._key() or super()._fits(given, expected)


@caught_by("empty_keys_are_refused", "the setting callback_secret may be empty")
class FallsBackToASandboxKey(Lontar):
    """Verifies with a key that is in its code where none is configured (dana-python)."""

    def _checked(self, settings: Settings) -> Settings:
        return settings

    def _key(self) -> bytes:
        return super()._key() or b"lontar-sandbox"


@caught_by("stale_callbacks_are_rejected", "a call of a week ago was believed")
class NeverLooksAtTheTime(Lontar):
    """Believes a signed call however old it is (seven of the ten Indonesian libraries)."""

    def _fresh(self, moment: str) -> datetime:
        return datetime.fromtimestamp(int(moment), UTC)


@caught_by(
    "rubbish_raises_only_rejected", "made the adapter fail (KeyError", "tampered_callbacks_are_rejected"
)
class LooksHeadersUp(Lontar):
    """Takes a header to be there: KeyError."""

    def _verify(self, request: CallbackRequest) -> datetime:
        headers = {name.lower(): value for name, value in request.headers.items()}
        assert headers["x-lontar-sign"]
        return super()._verify(request)


@caught_by("rubbish_raises_only_rejected", "made the adapter fail (UnicodeDecodeError")
class TakesTheBodyForText(Lontar):
    """Takes every body to be UTF-8: UnicodeDecodeError."""

    def _body(self, request: CallbackRequest) -> bytes:
        return request.body.decode().encode()


@caught_by(
    "rubbish_raises_only_rejected",
    "made the adapter fail (JSONDecodeError",
    "tampered_callbacks_are_rejected",
)
class ReadsBeforeItVerifies(Lontar):
    """Parses a stranger's bytes before they are proven (stripe-python#577): whatever JSON raises."""

    def _parse(self, request: CallbackRequest) -> Callback:
        json.loads(request.body)
        return super()._parse(request)


@caught_by(
    "rubbish_raises_only_rejected", "made the adapter fail (TypeError", "tampered_callbacks_are_rejected"
)
class TakesASignatureForAscii(Lontar):
    """Compares texts with compare_digest, which takes ASCII only: TypeError."""

    def _fits(self, given: str, expected: bytes) -> bool:
        return hmac.compare_digest(given, base64.b64encode(expected).decode())


@caught_by("callbacks_are_acknowledged", "the provider takes a rejection's `reply` for an acknowledgement")
class ThanksForAForgery(Lontar):
    """Answers a call that it does not believe with success: the provider never repeats a real one."""

    def _reject(self, reason: str, what: str) -> NoReturn:
        raise CallbackRejected(reason, what, THANKS)


@caught_by("callbacks_are_acknowledged", "the provider is not content with `reply`")
class AnswersOk(Lontar):
    """Answers 200 with a body of its own (Payum#666, omnipay#592): the provider calls again, for days."""

    def _thanks(self) -> CallbackReply:
        return CallbackReply(200, {"Content-Type": "text/plain"}, b"OK")


class _Remembering(Lontar):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._seen: set[str] = set()


@caught_by(
    "callbacks_of_every_status_are_told",
    "a genuine call about a charge was read, and tells of none",
    EVERYTHING,
)
class DropsTheSecondStatus(_Remembering):
    """Takes the second call about a charge for a repeat (openlinker#1294; BetterPay's Winpay)."""

    def _parse(self, request: CallbackRequest) -> Callback:
        callback = super()._parse(request)
        reference = callback.charges[0].reference
        if reference in self._seen:
            return msgspec.structs.replace(callback, charges=())
        self._seen.add(reference)
        return callback


@caught_by("callbacks_of_every_status_are_told", "a genuine call about a charge was read, and tells of none")
class TellsOfPaidChargesOnly(Lontar):
    """Thanks for every call, and tells of the paid ones only (worldmonitor#4436: events vanish)."""

    def _parse(self, request: CallbackRequest) -> Callback:
        callback = super()._parse(request)
        told = tuple(one for one in callback.charges if one.status is ChargeStatus.PAID)
        return msgspec.structs.replace(callback, charges=told)


@caught_by("callbacks_tell_the_charge", "by a reference that nobody gave it")
class CutsTheReference(Lontar):
    """Cuts the shop's prefix off the merchant's reference, so that no order is found (Marrakech Router)."""

    def _told(self, told: wire.ToldCharge, raw: bytes) -> Any:
        return super()._told(msgspec.structs.replace(told, reference=told.reference.rpartition("-")[2]), raw)


@caught_by("callbacks_tell_the_charge", "belongs to gateway 'lontar', not 'main'", "paid_never_regresses")
class ForgetsWhichGateway(Lontar):
    """Names a gateway of its own in a callback."""

    def _parse(self, request: CallbackRequest) -> Callback:
        return msgspec.structs.replace(super()._parse(request), gateway="lontar")


@caught_by("callbacks_tell_the_charge", "and the charge is by", "paid_never_regresses")
class SaysQrisOfEveryCharge(Lontar):
    """Tells the first method that the adapter had of every call, also after a second was added."""

    def _parse(self, request: CallbackRequest) -> Callback:
        callback = super()._parse(request)
        told = tuple(msgspec.structs.replace(one, method=EWallet("ovo")) for one in callback.charges)
        return msgspec.structs.replace(callback, charges=told)
