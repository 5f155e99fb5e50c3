"""Midtrans for paygate."""

from paygate_midtrans.adapter import Midtrans

__all__ = ["Midtrans"]
