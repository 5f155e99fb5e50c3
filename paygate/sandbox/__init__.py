"""Pretend providers: what simulators of all plugins share, and the host that runs them."""

from paygate.sandbox.deliveries import Deliveries
from paygate.sandbox.delivery import Delivery, Telling
from paygate.sandbox.faults import Fault, Faults
from paygate.sandbox.ledger import Ledger, PretendCharge
from paygate.sandbox.qris import qris_fields, qris_payload, qris_picture
from paygate.sandbox.simulator import PayerAction, Simulator
from paygate.sandbox.snap import (
    SnapCaller,
    SnapDoor,
    SnapHmac,
    SnapSandboxAccount,
    SnapSigns,
    SnapSimulator,
    Turned,
    addresses_of,
    amount_of,
    body_of,
    end_of,
    form_of,
    instant,
    jakarta,
    list_of,
    new_key,
    object_of,
    optional,
    text_of,
    words_of,
    wrong,
)
from paygate.sandbox.transport import AsyncSimulatorTransport, SimulatorTransport

__all__ = [
    "AsyncSimulatorTransport",
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
    "qris_fields",
    "qris_payload",
    "qris_picture",
    "text_of",
    "words_of",
    "wrong",
]
