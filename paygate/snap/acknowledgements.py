"""How a merchant answers a provider's calls, service by service; the bytes are made once.

Source: SNAP BI, response codes, and the portal's pages on services 25, 52 and 73. A refusal is answered 401
with case 00 for a signature and 01 for a token, what cannot be read 400, and our own trouble 500.
"""

import functools
from types import MappingProxyType
from typing import Final

import msgspec
from msgspec import Struct

from paygate.callback import CallbackReply
from paygate.snap.fields import Wire

JSON: Final = MappingProxyType({"Content-Type": "application/json"})

_encode: Final = msgspec.json.Encoder().encode


class Answer(Wire, frozen=True):
    """Our answer to a call; more fields may follow."""

    response_code: str
    response_message: str


class Granted(Answer, frozen=True):
    """Our answer to a rightful token request; `expires_in` is a text of seconds."""

    access_token: str
    token_type: str
    expires_in: str


def answer(status: int, message: Answer) -> CallbackReply:
    """An answer as a provider reads it."""
    return CallbackReply(status, JSON, _encode(message))


class Acknowledgements(Struct, frozen=True):
    """What a service's calls are answered with, by what became of them."""

    taken: CallbackReply
    malformed: CallbackReply
    unproven: CallbackReply
    wrong_token: CallbackReply
    again: CallbackReply

    def refusal(self, reason: str) -> CallbackReply:
        """The answer to a call that is not proven, by the reason that it was rejected for."""
        return self.wrong_token if reason == "token" else self.unproven


@functools.cache
def acknowledgements(service: str) -> Acknowledgements:
    """The answers of the service with this code."""
    return Acknowledgements(
        taken=answer(200, Answer(f"200{service}00", "Successful")),
        malformed=answer(400, Answer(f"400{service}00", "Bad Request")),
        unproven=answer(401, Answer(f"401{service}00", "Unauthorized. Signature")),
        wrong_token=answer(401, Answer(f"401{service}01", "Invalid Token (B2B)")),
        again=answer(500, Answer(f"500{service}00", "General Error")),
    )
