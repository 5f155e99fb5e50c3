"""The tables: charges, what was told of them, refunds that were asked for, and callbacks.

Moments are microseconds since 1970 (UTC), amounts stand as decimal text inside JSON. A change here needs a
migration in `migrations/versions` and a new VERSION.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

VERSION: Final = "0001"
"""The newest migration; a database of another version is not worked on."""

VERSIONS: Final = "paygate_version"
"""The table with the one row that says of which version the others are."""

metadata: Final = sa.MetaData()

NUMBER: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TEXT: Final = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")
"""JSON or a body, as bytes."""

KEY: Final = sa.LargeBinary(16).with_variant(mysql.VARBINARY(16), "mysql", "mariadb")
"""A digest; MariaDB would index a BLOB by a hash of its own."""


def _word(length: int) -> sa.String:
    """Text that is compared byte by byte, also where a database would ignore letter case or last spaces."""
    return sa.String(length).with_variant(
        mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_nopad_bin"), "mysql", "mariadb"
    )


def _index(name: str, column: str) -> sa.Index:
    """An index of the rows that have a value there: what nobody looks for is not kept in order."""
    has_value = sa.text(f"{column} IS NOT NULL")
    return sa.Index(name, column, sqlite_where=has_value, postgresql_where=has_value)


charges: Final = sa.Table(
    "paygate_charges",
    metadata,
    sa.Column("id", NUMBER, primary_key=True),
    sa.Column("gateway", _word(64), nullable=False),
    sa.Column("reference", _word(64), nullable=False),
    sa.Column("claim", _word(64)),
    sa.Column("digest", KEY, nullable=False),
    sa.Column("request", TEXT, nullable=False),
    sa.Column("state", _word(8), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("external_id", _word(36)),
    sa.Column("sent_at", sa.BigInteger, nullable=False),
    sa.Column("lease_until", sa.BigInteger, nullable=False),
    sa.Column("due_at", sa.BigInteger),
    sa.Column("status", _word(20)),
    sa.Column("charge", TEXT),
    sa.Column("provider_reference", _word(128)),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("reference", "gateway", name="paygate_charges_reference"),
    sa.UniqueConstraint("claim", name="paygate_charges_claim"),
    _index("paygate_charges_due", "due_at"),
    _index("paygate_charges_number", "provider_reference"),
)
"""One row for each reference of a gateway. `claim` is the reference, at the one gateway that routes gave it.

`request` is what was asked for, the payer's values as digests; `charge` is how it stands, without its raw
message. `due_at` is when it is to be asked about next; null where nothing is left to ask.
"""

facts: Final = sa.Table(
    "paygate_facts",
    metadata,
    sa.Column("id", NUMBER, primary_key=True),
    sa.Column("charge_id", NUMBER, nullable=False),
    sa.Column("key", KEY, nullable=False),
    sa.Column("source", _word(8), nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("status", _word(20)),
    sa.Column("told", TEXT),
    sa.Column("note", TEXT),
    sa.Column("conflicts", _word(100), nullable=False),
    sa.Column("body", TEXT),
    sa.UniqueConstraint("charge_id", "key", name="paygate_facts_key"),
)
"""What was told of a charge, and what was tried with it: only ever added to."""

flags: Final = sa.Table(
    "paygate_flags",
    metadata,
    sa.Column("charge_id", NUMBER, primary_key=True, autoincrement=False),
    sa.Column("kind", _word(16), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
)
"""What contradicts itself in a charge's history: few rows, so that they are found at once."""

refunds: Final = sa.Table(
    "paygate_refunds",
    metadata,
    sa.Column("id", NUMBER, primary_key=True),
    sa.Column("charge_id", NUMBER),
    sa.Column("gateway", _word(64), nullable=False),
    sa.Column("charge_reference", _word(64), nullable=False),
    sa.Column("reference", _word(64), nullable=False),
    sa.Column("amount", _word(20)),
    sa.Column("state", _word(8), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("external_id", _word(36)),
    sa.Column("sent_at", sa.BigInteger, nullable=False),
    sa.Column("lease_until", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("gateway", "reference", name="paygate_refunds_reference"),
    sa.Index("paygate_refunds_charge", "charge_id"),
)
"""The refunds that were asked for here. A null amount is the whole charge.

`charge_id` is null where the charge is not in the journal.
"""

callbacks: Final = sa.Table(
    "paygate_callbacks",
    metadata,
    sa.Column("id", NUMBER, primary_key=True),
    sa.Column("gateway", _word(64), nullable=False),
    sa.Column("key", KEY, nullable=False),
    sa.Column("source", _word(8), nullable=False),
    sa.Column("state", _word(8), nullable=False),
    sa.Column("told", TEXT, nullable=False),
    sa.Column("path", _word(255)),
    sa.Column("headers", TEXT),
    sa.Column("body", TEXT),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("repeats", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", sa.BigInteger),
    sa.Column("problem", _word(255)),
    sa.UniqueConstraint("key", "gateway", name="paygate_callbacks_key"),
    _index("paygate_callbacks_due", "due_at"),
    sa.Index("paygate_callbacks_state", "state", "id"),
)
"""Calls of providers, and what was learnt by asking: what the merchant's handler was told, or is to be.

`told` is the callback as it was proven and read; `due_at` is when a worker may take it (again), null where
nothing is left to do.
"""
