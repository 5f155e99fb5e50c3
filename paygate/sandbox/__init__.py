"""Pretend providers: what simulators of all plugins share, and the host that runs them."""

from paygate.sandbox.deliveries import Deliveries
from paygate.sandbox.delivery import Delivery
from paygate.sandbox.faults import Fault, Faults
from paygate.sandbox.ledger import Ledger, PretendCharge
from paygate.sandbox.qris import qris_fields, qris_payload, qris_picture
from paygate.sandbox.simulator import PayerAction, Simulator
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
    "qris_fields",
    "qris_payload",
    "qris_picture",
]
