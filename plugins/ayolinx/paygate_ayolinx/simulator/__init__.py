"""A pretend Ayolinx, written from its docs alone. It shares no message and no table with the adapter.

So a misreading on one side shows. What the docs leave open is decided here and marked; the adapter must
not depend on it.
"""

from paygate_ayolinx.simulator.provider import AyolinxSimulator

__all__ = ["AyolinxSimulator"]
