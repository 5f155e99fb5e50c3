"""Rows to write and read in tests of the store."""

from typing import Any

import sqlalchemy as sa

from paygate.store.database import Database
from paygate.store.schema import charges


def charge(reference: str, **other: Any) -> dict[str, Any]:
    """The values of a charge's row."""
    values = {
        "gateway": "main",
        "reference": reference,
        "claim": None,
        "digest": b"0123456789abcdef",
        "request": b"{}",
        "state": "sending",
        "attempt": 1,
        "external_id": "1",
        "sent_at": 1,
        "lease_until": 2,
        "due_at": 3,
        "created_at": 1,
        "changed_at": 1,
    }
    return {**values, **other}


def references(database: Database) -> list[str]:
    """The references of all charges, the oldest first."""
    with database.reading() as connection:
        return [*connection.scalars(sa.select(charges.c.reference).order_by(charges.c.id))]
