"""Lontar as it was years ago: a callback's signature covers which charge, and not how it stands.

So the adapter names the charge, and paygate asks.
"""

import json

import msgspec

from paygate import Callback, CallbackRequest, ChargeRef, hookimpl
from tests.conformance.sound import codes, wire
from tests.conformance.sound.adapter import Lontar
from tests.conformance.sound.kit import SoundKit
from tests.conformance.sound.simulator import LontarSimulator


class AskingSimulator(LontarSimulator):
    """Signs path, time, reference and amount of a callback, as Midtrans does with its hash."""

    def _proof(self, moment: str, body: bytes) -> bytes:
        told = json.loads(body)["charge"]
        return f"{self.callback_url.path}\n{moment}\n{told['reference']}\n{told['amount']}".encode()


class AskingLontar(Lontar):
    """Believes which charge a call is about, and asks how it stands."""

    @staticmethod
    @hookimpl
    def simulator(callback_url: str, pace: float) -> AskingSimulator:
        """The pretend Lontar of those years."""
        return AskingSimulator(callback_url, pace)

    def _body(self, request: CallbackRequest) -> bytes:
        told = self._call(request)
        return f"{told.reference}\n{told.amount}".encode("utf-8", "replace")

    def _parse(self, request: CallbackRequest) -> Callback:
        sent_at = self._verify(request)
        told = self._call(request)
        ref = ChargeRef(self._gateway, told.reference, codes.CHANNELS.get(told.channel))
        return Callback(
            gateway=self._gateway,
            charges=(),
            confirm=(ref,),
            reply=self._thanks(),
            sent_at=sent_at,
            raw=request.body,
        )

    def _call(self, request: CallbackRequest) -> wire.ToldCharge:
        try:
            return wire.call.decode(request.body).charge
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self._reject("body", "the body is no call of Lontar's")


class AskingKit(SoundKit):
    """The Lontar of those years keeps paygate's promises."""

    adapter = AskingLontar
