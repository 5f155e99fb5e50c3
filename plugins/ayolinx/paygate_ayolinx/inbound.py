"""What Ayolinx sends us, as it stands on the wire, and our answers. Unknown fields are tolerated.

What may be missing may be null or of another kind as well: that is not worth losing a paid charge for.

Sources: Ayolinx docs, "Callback description", "VA callback introduction", "Payment link callback
introduction" and each "Payment Notify"; what their cut tables leave open is as merchants saw it.
"""

from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from paygate import CallbackReply
from paygate.snap import Amount, Answer, Wire, answer
from paygate_ayolinx import codes


class Details(Wire, frozen=True):
    """What a notice or a payment adds: its channel, a link's own number, when it was paid."""

    channel: Any = None
    plh: Any = None
    payment_time_iso8601: Any = msgspec.field(name="paymentTimeIso8601", default=None)


Detailed: TypeAlias = (
    Details | list[Any] | str | float | int | bool | None
)  # an empty object may be written as []

NOTHING: Final = Details()


class Notice(Wire, frozen=True):
    """Payment Notify. E-wallets and stores tell no channel; an e-wallet may tell two numbers."""

    latest_transaction_status: str
    original_partner_reference_no: str | None = None
    partner_reference_no: str | None = None
    original_reference_no: Any = None
    amount: Amount | None = None
    finished_time: Any = None
    additional_info: Detailed = None

    @property
    def details(self) -> Details:
        """What it adds, if anything."""
        return self.additional_info if isinstance(self.additional_info, Details) else NOTHING


class Payment(Wire, frozen=True):
    """The payment of a virtual account, told under a token of ours. Texts are echoed as they came."""

    trx_id: str
    paid_amount: Amount
    partner_service_id: str | None = None
    customer_no: str | int | None = None
    virtual_account_no: str | None = None
    virtual_account_name: str | None = None
    payment_request_id: str | None = None
    reference_no: Any = None
    virtual_account_trx_type: str | None = None
    trx_date_time: Any = None
    additional_info: Detailed = None

    @property
    def details(self) -> Details:
        """What it adds, if anything."""
        return self.additional_info if isinstance(self.additional_info, Details) else NOTHING


class Shape(Wire, frozen=True):
    """What tells a notice from a payment: a notice has a status."""

    latest_transaction_status: Any = None


class PaidAmount(Struct, frozen=True):
    """An amount said back; both fields always stand there."""

    value: str
    currency: str


class Echo(Wire, frozen=True, kw_only=True):
    """A payment said back: what came, as it came, and no more."""

    partner_service_id: str | None = None
    customer_no: str | int | None = None
    virtual_account_no: str | None = None
    virtual_account_name: str | None = None
    trx_id: str
    paid_amount: PaidAmount
    payment_request_id: str | None = None
    virtual_account_trx_type: str | None = None
    additional_info: dict[str, str]


class Echoed(Answer, frozen=True):
    """Our answer to a payment."""

    virtual_account_data: Echo


notice: Final = msgspec.json.Decoder(Notice)
payment: Final = msgspec.json.Decoder(Payment)
shape: Final = msgspec.json.Decoder(Shape)


def echoed(payment: Payment) -> CallbackReply:
    """The answer to a payment that we take: it is said back (SNAP BI service 25)."""
    echo = Echo(
        partner_service_id=payment.partner_service_id,
        customer_no=payment.customer_no,
        virtual_account_no=payment.virtual_account_no,
        virtual_account_name=payment.virtual_account_name,
        trx_id=payment.trx_id,
        paid_amount=PaidAmount(payment.paid_amount.value, payment.paid_amount.currency),
        payment_request_id=payment.payment_request_id,
        virtual_account_trx_type=payment.virtual_account_trx_type,
        additional_info={},
    )
    return answer(200, Echoed(f"200{codes.PAYMENT}00", "Successful", echo))
