"""NusaPay for paygate: an imaginary provider that speaks SNAP BI in its own way."""

from .adapter import NusaPay

__all__ = ["NusaPay"]
