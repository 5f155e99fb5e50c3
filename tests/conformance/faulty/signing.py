"""Faults in how requests are signed, and where they go."""

import json
import socket
from contextlib import suppress

import httpx

from paygate import Charge, ChargeRef, ChargeRequest, Flow
from tests.conformance.faulty.registry import EVERYTHING, caught_by
from tests.conformance.sound import wire
from tests.conformance.sound.adapter import Lontar
from tests.conformance.sound.credential import Token


class _DumpedAnew(Token):
    def _body(self, request: httpx.Request) -> bytes:
        return json.dumps(json.loads(request.read())).encode()


@caught_by("operations_complete", "create_charge of the adapter ended with AuthenticationFailed", EVERYTHING)
class SignsAnotherDump(Lontar):
    """Signs one serialisation and sends another (public Ayolinx merchant code, a Python QRIS call)."""

    token_type = _DumpedAnew


class _Empty(Token):
    def sign(self, request: httpx.Request) -> httpx.Request:
        signed = super().sign(request)
        signed.headers["X-Lontar-Sign"] = ""
        return signed


@caught_by("operations_complete", "create_charge of the adapter ended with AuthenticationFailed", EVERYTHING)
class SendsAnEmptySignature(Lontar):
    """Swallows an error of signing and sends an empty signature (public Ayolinx merchant code)."""

    token_type = _Empty


class _Once(Token):
    def _moment(self) -> str:
        return str(int(self.expires_at - 450))


@caught_by("requests_are_signed_when_sent", "has the old time in its header x-lontar-time")
class SignsWithTheTimeOfItsLogin(Lontar):
    """Takes the time for the signature once, when it logs in (a "const timestamp" beside the token)."""

    token_type = _Once


@caught_by(
    "requests_go_to_the_configured_host", "a request went to https://sandbox.lontar.example", EVERYTHING
)
class KnowsItsHostByHeart(Lontar):
    """Has the sandbox's host fixed in its code (public Ayolinx merchant code)."""

    def _base_url(self) -> str:
        return "https://sandbox.lontar.example"


@caught_by(
    "requests_go_to_the_configured_host",
    "a request went to https://pay.lontar.example",
    "gateways_share_nothing",
)
class FollowsAnAddress(Lontar):
    """Asks whatever address an answer names, with a signed request (facts: "take URLs from the answer")."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        reply = yield self._post("/v1/charge", self._order(request))
        told = self._read(reply)
        if told.url:
            with suppress(Exception):
                yield httpx.Request("GET", told.url)
        return self._made(request, reply)


@caught_by("first_step_does_no_io", "the first step of create_charge used a socket", EVERYTHING)
class LooksWhetherItIsUp(Lontar):
    """Looks whether the provider answers, before the first step of its flow."""

    def _create(self, request: ChargeRequest) -> Flow[Charge]:
        url = httpx.URL(self._base_url())
        with suppress(OSError), socket.create_connection((url.host, url.port or 443), timeout=1.0):
            pass
        return (yield from super()._create(request))


@caught_by("first_step_does_no_io", "the first step of query used a socket", EVERYTHING)
class SendsByItself(Lontar):
    """Uses a client of its own instead of yielding its request (every SDK of the providers')."""

    def _query(self, charge: ChargeRef) -> Flow[Charge]:
        with httpx.Client(timeout=1.0, verify=False, trust_env=False) as client:
            reply = client.send(self._post("/v1/query", wire.Named(charge.reference)))
        return self._found(charge, reply)
        yield  # type: ignore[unreachable] # what makes it a generator
