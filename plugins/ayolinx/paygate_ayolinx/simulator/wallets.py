"""E-wallets at the pretend Ayolinx (docs: "Get Payment Url", "EWallet Inquiry Status")."""

from typing import Any, Final

from paygate import Money, Redirect
from paygate.sandbox import Turned, addresses_of, amount_of, end_of, optional, page_of
from paygate_ayolinx.simulator.books import AyolinxBooks
from paygate_ayolinx.simulator.channels import WALLETS
from paygate_ayolinx.simulator.fields import VISIBLE, channel_in, seconds

ADDRESSES: Final = ("PAY_RETURN", "NOTIFICATION")
DESCRIBED: Final = {
    "00": "SUCCESS",
    "01": "INITIATED",
    "02": "PAYING",
    "03": "PENDING",
    "04": "REFUNDED",
    "05": "CANCELED",
    "06": "FAILED",
    "07": "NOT FOUND",
}
"""`transactionStatusDesc`: of the first there is a sample, the others are the status table's names."""


def create(books: AyolinxBooks, body: dict[str, Any], base: str) -> dict[str, Any]:
    """Make a page to pay on; both addresses and an end are mandatory."""
    reference = books.new_reference(body, "partnerReferenceNo")
    ends = end_of(body, "validUpTo", books.now(), seconds)
    amount = Money(amount_of(body))
    channel = channel_in(body, WALLETS)
    optional(body, "subMerchantId", VISIBLE)
    addresses = addresses_of(body, ADDRESSES)
    if len(addresses) < len(ADDRESSES):
        raise Turned(400, "02", "Invalid Mandatory Field urlParams")
    number = books.number()
    url = page_of(base, number)
    books.write(
        body,
        reference=reference,
        number=number,
        amount=amount,
        method=WALLETS[channel],
        instructions=Redirect(url),
        expires_at=ends,
        addresses=addresses,
    )
    return {"partnerReferenceNo": reference, "referenceNo": number, "webRedirectUrl": url}


def query(books: AyolinxBooks, body: dict[str, Any], _: str) -> dict[str, Any]:
    """Tell how it stands; the answer is inferred from the one for QRIS and SNAP BI's description of it."""
    standing = books.standing(body, WALLETS)
    described = DESCRIBED[standing["latestTransactionStatus"]]
    return {**standing, "transactionStatusDesc": described}
