"""The first tables: charges and their facts, flags, refunds, callbacks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
TEXT = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql", "mariadb")
KEY = sa.LargeBinary(16).with_variant(mysql.VARBINARY(16), "mysql", "mariadb")


def word(length: int) -> sa.String:
    """Text that is compared byte by byte."""
    return sa.String(length).with_variant(
        mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_nopad_bin"), "mysql", "mariadb"
    )


def index(name: str, table: str, column: str) -> None:
    """Make an index of the rows that have a value there; MariaDB has none that leaves rows out."""
    has_value = sa.text(f"{column} IS NOT NULL")
    op.create_index(
        name, table, [column], if_not_exists=True, sqlite_where=has_value, postgresql_where=has_value
    )


def upgrade() -> None:
    """Make them; what a broken-off run made already stays, for MariaDB commits each table by itself."""
    op.create_table(
        "paygate_charges",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("gateway", word(64), nullable=False),
        sa.Column("reference", word(64), nullable=False),
        sa.Column("claim", word(64)),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("request", TEXT, nullable=False),
        sa.Column("state", word(8), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("external_id", word(36)),
        sa.Column("sent_at", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("status", word(20)),
        sa.Column("charge", TEXT),
        sa.Column("provider_reference", word(128)),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("reference", "gateway", name="paygate_charges_reference"),
        sa.UniqueConstraint("claim", name="paygate_charges_claim"),
        if_not_exists=True,
    )
    index("paygate_charges_due", "paygate_charges", "due_at")
    index("paygate_charges_number", "paygate_charges", "provider_reference")
    op.create_table(
        "paygate_facts",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("charge_id", NUMBER, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("source", word(8), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("status", word(20)),
        sa.Column("told", TEXT),
        sa.Column("note", TEXT),
        sa.Column("conflicts", word(100), nullable=False),
        sa.Column("body", TEXT),
        sa.UniqueConstraint("charge_id", "key", name="paygate_facts_key"),
        if_not_exists=True,
    )
    op.create_table(
        "paygate_flags",
        sa.Column("charge_id", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("kind", word(16), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "paygate_refunds",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("charge_id", NUMBER),
        sa.Column("gateway", word(64), nullable=False),
        sa.Column("charge_reference", word(64), nullable=False),
        sa.Column("reference", word(64), nullable=False),
        sa.Column("amount", word(20)),
        sa.Column("state", word(8), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("external_id", word(36)),
        sa.Column("sent_at", sa.BigInteger, nullable=False),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("gateway", "reference", name="paygate_refunds_reference"),
        if_not_exists=True,
    )
    op.create_index("paygate_refunds_charge", "paygate_refunds", ["charge_id"], if_not_exists=True)
    op.create_table(
        "paygate_callbacks",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("gateway", word(64), nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("source", word(8), nullable=False),
        sa.Column("state", word(8), nullable=False),
        sa.Column("told", TEXT, nullable=False),
        sa.Column("path", word(255)),
        sa.Column("headers", TEXT),
        sa.Column("body", TEXT),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("repeats", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("problem", word(255)),
        sa.UniqueConstraint("key", "gateway", name="paygate_callbacks_key"),
        if_not_exists=True,
    )
    index("paygate_callbacks_due", "paygate_callbacks", "due_at")
    op.create_index("paygate_callbacks_state", "paygate_callbacks", ["state", "id"], if_not_exists=True)
