"""Adapters with one believable fault each, and how the kit catches it."""

from tests.conformance.faulty import (
    callbacks,
    credentials,
    exposure,
    money,
    outcomes,
    proofs,
    refusals,
    resending,
    shape,
    signing,
    statuses,
)
from tests.conformance.faulty.registry import EVERYTHING, FAULTY, Faulty

__all__ = [
    "EVERYTHING",
    "FAULTY",
    "Faulty",
    "callbacks",
    "credentials",
    "exposure",
    "money",
    "outcomes",
    "proofs",
    "refusals",
    "resending",
    "shape",
    "signing",
    "statuses",
]
