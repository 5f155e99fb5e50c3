"""Midtrans for paygate."""
