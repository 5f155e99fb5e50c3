"""A pretend SNAP provider, written from the standard alone: of an adapter it shares the profile's values."""

from paygate.sandbox.snap.account import SnapSandboxAccount, new_key
from paygate.sandbox.snap.calling import SnapCaller, SnapHmac, SnapSigns, jakarta
from paygate.sandbox.snap.door import SnapDoor
from paygate.sandbox.snap.fields import (
    Turned,
    addresses_of,
    amount_of,
    body_of,
    end_of,
    form_of,
    instant,
    list_of,
    object_of,
    optional,
    text_of,
    words_of,
    wrong,
)
from paygate.sandbox.snap.provider import SnapSimulator

__all__ = [
    "SnapCaller",
    "SnapDoor",
    "SnapHmac",
    "SnapSandboxAccount",
    "SnapSigns",
    "SnapSimulator",
    "Turned",
    "addresses_of",
    "amount_of",
    "body_of",
    "end_of",
    "form_of",
    "instant",
    "jakarta",
    "list_of",
    "new_key",
    "object_of",
    "optional",
    "text_of",
    "words_of",
    "wrong",
]
