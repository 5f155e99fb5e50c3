"""Ayolinx for paygate."""

from paygate_ayolinx.adapter import Ayolinx

__all__ = ["Ayolinx"]
