"""Pretend providers: what simulators of all plugins share, and the host that runs them."""

from paygate.sandbox.addresses import origin_of, page_of
from paygate.sandbox.books import Books
from paygate.sandbox.deliveries import Deliveries
from paygate.sandbox.delivery import Delivery, Telling
from paygate.sandbox.faults import Fault, Faults
from paygate.sandbox.ledger import Ledger, PretendCharge
from paygate.sandbox.qris import qris_fields, qris_payload, qris_picture
from paygate.sandbox.simulator import OUTCOMES, PayerAction, Simulator
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
from paygate.sandbox.transport import AsyncSimulatorTransport, SimulatorTransport

__all__ = [
    "OUTCOMES",
    "AsyncSimulatorTransport",
    "Books",
    "Deliveries",
    "Delivery",
    "Fault",
    "Faults",
    "Ledger",
    "PayerAction",
    "PretendCharge",
    "Simulator",
    "SimulatorTransport",
    "SnapCaller",
    "SnapDoor",
    "SnapHmac",
    "SnapSandboxAccount",
    "SnapSigns",
    "SnapSimulator",
    "Telling",
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
    "origin_of",
    "page_of",
    "qris_fields",
    "qris_payload",
    "qris_picture",
    "text_of",
    "words_of",
    "wrong",
]
