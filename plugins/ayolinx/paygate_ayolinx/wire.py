"""What we send to Ayolinx and what it answers, as it stands on the wire. Unknown fields are tolerated.

Sources: Ayolinx docs, one page for each API; what their cut tables leave open is as merchants saw it, or
as SNAP BI has it. `docs/ayolinx.md` marks what is inferred.
"""

from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from paygate import InvalidCharge, Money
from paygate.snap import Amount, RupiahAmount, Wire, told_money

SECONDS_DIGITS: Final = 10


class Channel(Wire, frozen=True):
    channel: str
    sub_merchant_id: str | None = None


class UrlParam(Struct, frozen=True):
    """An address of the merchant's: PAY_RETURN for the browser, NOTIFICATION for callbacks."""

    type: str
    url: str


class NewQris(Wire, frozen=True):
    """Generate Qris."""

    partner_reference_no: str
    amount: RupiahAmount
    additional_info: Channel
    valid_up_to: str | None = None
    url_params: tuple[UrlParam, ...] = ()


class NewEWallet(Wire, frozen=True):
    """Get Payment Url."""

    partner_reference_no: str
    valid_up_to: str
    amount: RupiahAmount
    url_params: tuple[UrlParam, ...]
    additional_info: Channel
    sub_merchant_id: str | None = None


class NewVirtualAccount(Wire, frozen=True):
    """Create VA."""

    partner_service_id: str
    customer_no: str
    virtual_account_name: str
    trx_id: str
    virtual_account_trx_type: str
    total_amount: RupiahAmount
    additional_info: Channel
    virtual_account_no: str | None = None
    virtual_account_email: str | None = None
    virtual_account_phone: str | None = None
    expired_date: str | None = None


class NewRetail(Wire, frozen=True):
    """Create retail transaction."""

    partner_reference_no: str
    valid_up_to: str
    customer_name: str
    customer_email: str
    amount: RupiahAmount
    additional_info: Channel
    customer_phone: str | None = None
    url_params: tuple[UrlParam, ...] = ()


class LinkItem(Struct, frozen=True):
    """A line of a payment link; price and quantity are texts, the price in whole rupiah."""

    name: str
    price: str
    qty: str


class NewLink(Wire, frozen=True):
    """Create payment link; every field always stands there, so none has a default."""

    partner_reference_no: str
    customer_name: str
    customer_email: str
    customer_phone_number: str
    customer_phone_number_country_code: str
    list_item: tuple[LinkItem, ...]
    list_payment_channel: tuple[str, ...]
    description: str
    expiry_time: str
    url_params: tuple[UrlParam, ...]


class NamedCharge(Wire, frozen=True):
    """Which charge to query or cancel."""

    original_partner_reference_no: str
    additional_info: Channel


class Reply(Wire, frozen=True):
    """What every answer begins with."""

    response_code: str | int = ""
    response_message: str = ""


class QrisReply(Reply, frozen=True):
    partner_reference_no: str | None = None
    reference_no: Any = None
    qr_content: str = ""
    expired_date: Any = None


class EWalletReply(Reply, frozen=True):
    partner_reference_no: str | None = None
    reference_no: Any = None
    web_redirect_url: str = ""


class VirtualAccountData(Wire, frozen=True):
    """A virtual account, as made or as asked about."""

    partner_service_id: str | None = None
    virtual_account_no: str = ""
    trx_id: str | None = None
    total_amount: Amount | None = None
    paid_amount: Amount | None = None
    expired_date: Any = None
    latest_transaction_status: str = ""


class VirtualAccountReply(Reply, frozen=True):
    virtual_account_data: VirtualAccountData = VirtualAccountData()


class RetailReply(Reply, frozen=True):
    partner_reference_no: str | None = None
    va_number: str = ""
    payment_url: str | None = None
    expiry_date: Any = None


class LinkReply(Reply, frozen=True):
    """Its partnerReferenceNo is the link's own number, and its expiryDate is seven hours off."""

    partner_reference_no: str | None = None
    payment_link: str = ""


class StatusReply(Reply, frozen=True):
    """The answer to a query or a cancellation."""

    original_reference_no: Any = None
    original_partner_reference_no: str | None = None
    partner_reference_no: str | None = None
    latest_transaction_status: str = ""
    finished_time: Any = None
    paid_time: Any = None
    amount: Amount | None = None
    trans_amount: Amount | None = None
    paid_amount: Amount | None = None
    virtual_account_data: VirtualAccountData | None = None

    @property
    def paid(self) -> Money | None:
        """What was paid, by the plainest name it has here; None where it cannot be read, or is told twice."""
        data = self.virtual_account_data
        inner = data.paid_amount if data is not None else None
        plain = {told_money(amount) for amount in (self.paid_amount, inner) if amount is not None}
        if not plain:
            return told_money(self.trans_amount or self.amount)
        return plain.pop() if len(plain) == 1 else None


encode: Final = msgspec.json.Encoder().encode
qris_reply: Final = msgspec.json.Decoder(QrisReply)
e_wallet_reply: Final = msgspec.json.Decoder(EWalletReply)
virtual_account_reply: Final = msgspec.json.Decoder(VirtualAccountReply)
retail_reply: Final = msgspec.json.Decoder(RetailReply)
link_reply: Final = msgspec.json.Decoder(LinkReply)
status_reply: Final = msgspec.json.Decoder(StatusReply)


def unix(moment: datetime) -> str:
    """A time as Ayolinx's page for e-wallets writes it: unix seconds, in a text of digits."""
    seconds = int(moment.timestamp())
    if len(str(seconds)) != SECONDS_DIGITS:
        raise InvalidCharge("expires_at", "is too far away to be told in ten digits of seconds")
    return str(seconds)
