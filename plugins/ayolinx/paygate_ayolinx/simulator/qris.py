"""QRIS at the pretend Ayolinx (docs: "Generate Qris", "Query Qris", "Cancel Qris")."""

from datetime import timedelta
from typing import Any, Final

from paygate import ChargeStatus, Money, QrCode, Qris
from paygate.sandbox import (
    Turned,
    addresses_of,
    amount_of,
    end_of,
    instant,
    jakarta,
    object_of,
    optional,
    qris_payload,
)
from paygate_ayolinx.simulator.books import AyolinxBooks
from paygate_ayolinx.simulator.channels import QRIS
from paygate_ayolinx.simulator.fields import VISIBLE, channel_in

ACQUIRER: Final = "ID.CO.BANKNEOCOMMERCE.WWW"
LIFETIME: Final = timedelta(minutes=30)
"""How long a QR lives that names no end; the docs do not say."""


def generate(books: AyolinxBooks, body: dict[str, Any], _: str) -> dict[str, Any]:
    """Make a QR code."""
    reference = books.new_reference(body, "partnerReferenceNo")
    amount = Money(amount_of(body))
    channel_in(body, QRIS)
    optional(object_of(body, "additionalInfo"), "subMerchantId", VISIBLE)
    addresses = addresses_of(body, ("NOTIFICATION",))
    ends = end_of(body, "validUpTo", books.now(), instant) if "validUpTo" in body else books.now() + LIFETIME
    try:
        payload = qris_payload(
            amount, acquirer=ACQUIRER, merchant="WARUNG PAYGATE", city="JAKARTA", label=reference
        )
    except ValueError:
        raise Turned(404, "13", "Invalid Amount") from None
    books.write(
        body,
        reference=reference,
        number=books.number(),
        amount=amount,
        method=Qris(),
        instructions=QrCode(payload),
        expires_at=ends,
        addresses=addresses,
    )
    return {
        "partnerReferenceNo": reference,
        "qrContent": payload,
        "expiredDate": str(int(ends.timestamp())),
    }


def query(books: AyolinxBooks, body: dict[str, Any], _: str) -> dict[str, Any]:
    """Tell how it stands."""
    return books.standing(body, QRIS)


def cancel(books: AyolinxBooks, body: dict[str, Any], _: str) -> dict[str, Any]:
    """Make an open one void; the answer's fields are SNAP BI's."""
    charge = books.named(body, QRIS)
    if charge.status is not ChargeStatus.PENDING:
        raise Turned(405, "01", "Requested Operation Is Not Allowed")
    charge.status = ChargeStatus.CANCELLED
    charge.finished_at = books.now()
    return {
        "originalReferenceNo": charge.provider_reference,
        "originalPartnerReferenceNo": charge.reference,
        "cancelTime": jakarta(charge.finished_at),
    }
