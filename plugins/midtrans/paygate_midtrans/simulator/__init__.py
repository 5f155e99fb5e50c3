"""A pretend Midtrans, written from what is known of its Core API. It shares no line with the adapter.

So a misreading on one side shows. What the docs leave open is decided here and marked; the adapter must
not depend on it.
"""

from paygate_midtrans.simulator.provider import MidtransSimulator

__all__ = ["MidtransSimulator"]
