"""What SNAP BI's services that collect money send and answer, as the standard has it on the wire.

Unknown fields are tolerated; a number of the provider's own, or a time, may be of another kind than text.
Source: SNAP BI, the portal's pages Virtual Account (services 26, 27, 31), QR MPM (47, 51, 77, 78) and Direct
Debit (54, 55, 57, 58).
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from paygate.snap.fields import Amount, RupiahAmount, Wire


class UrlParam(Wire, frozen=True):
    """An address of the merchant's: PAY_RETURN for the payer's browser, PAY_NOTIFY for callbacks."""

    url: str
    type: str
    is_deeplink: str


class PayOption(Wire, frozen=True):
    """Which wallet pays, and how much of it."""

    pay_method: str
    pay_option: str
    trans_amount: RupiahAmount


class NewQr(Wire, frozen=True):
    """Service 47."""

    partner_reference_no: str
    amount: RupiahAmount
    merchant_id: str | None = None
    store_id: str | None = None
    terminal_id: str | None = None
    validity_period: str | None = None
    additional_info: Mapping[str, str] = {}


class NewDebit(Wire, frozen=True):
    """Service 54."""

    partner_reference_no: str
    amount: RupiahAmount
    url_params: tuple[UrlParam, ...]
    pay_option_details: tuple[PayOption, ...]
    merchant_id: str | None = None
    valid_up_to: str | None = None
    additional_info: Mapping[str, str] = {}


class NewAccount(Wire, frozen=True):
    """Service 27."""

    partner_service_id: str
    customer_no: str
    virtual_account_no: str
    virtual_account_name: str
    trx_id: str
    total_amount: RupiahAmount
    virtual_account_trx_type: str
    virtual_account_email: str | None = None
    virtual_account_phone: str | None = None
    expired_date: str | None = None
    additional_info: Mapping[str, str] = {}


class NamedOriginal(Wire, frozen=True, kw_only=True):
    """Which charge a service is about, for those that name it by its own and the provider's number.

    Services 51 and 55 want to know which service made it, 77, 57, 78 and 58 a reason.
    """

    original_partner_reference_no: str
    original_reference_no: str | None = None
    service_code: str | None = None
    partner_refund_no: str | None = None
    merchant_id: str | None = None
    reason: str | None = None
    amount: RupiahAmount | None = None
    refund_amount: RupiahAmount | None = None
    additional_info: Mapping[str, str] = {}


class NamedAccount(Wire, frozen=True):
    """Which virtual account a service is about: 26 goes by an inquiry's number, 31 by the charge's."""

    partner_service_id: str
    customer_no: str
    virtual_account_no: str
    inquiry_request_id: str | None = None
    trx_id: str | None = None
    additional_info: Mapping[str, str] = {}


class Reply(Wire, frozen=True):
    """What every answer begins with."""

    response_code: str | int = ""
    response_message: str = ""


class QrReply(Reply, frozen=True):
    reference_no: Any = None
    partner_reference_no: str | None = None
    qr_content: str = ""


class DebitReply(Reply, frozen=True):
    reference_no: Any = None
    partner_reference_no: str | None = None
    web_redirect_url: str = ""


class ToldRefund(Wire, frozen=True):
    """One of the refunds that an answer tells of."""

    partner_refund_no: str = ""
    refund_amount: Amount | None = None
    refund_status: str | None = None


class OriginalReply(Reply, frozen=True):
    """An answer about a charge: how it stands, that it was cancelled, or that it was given back."""

    original_reference_no: Any = None
    original_partner_reference_no: str | None = None
    latest_transaction_status: str = ""
    paid_time: Any = None
    amount: Amount | None = None
    trans_amount: Amount | None = None
    refund_history: tuple[ToldRefund, ...] | None = None
    partner_refund_no: str | None = None
    refund_amount: Amount | None = None
    refund_status: str = "00"


class Account(Wire, frozen=True):
    """A virtual account, as it was made or as it stands."""

    partner_service_id: str | None = None
    virtual_account_no: str = ""
    trx_id: str | None = None
    inquiry_request_id: str | None = None
    total_amount: Amount | None = None
    paid_amount: Amount | None = None
    expired_date: Any = None
    payment_flag_status: str | None = None
    latest_transaction_status: str | None = None
    trx_date_time: Any = None
    transaction_date: Any = None


class AccountReply(Reply, frozen=True):
    virtual_account_data: Account = Account()
    latest_transaction_status: str | None = None
    additional_info: Any = None


encode: Final = msgspec.json.Encoder().encode
qr_reply: Final = msgspec.json.Decoder(QrReply)
debit_reply: Final = msgspec.json.Decoder(DebitReply)
original_reply: Final = msgspec.json.Decoder(OriginalReply)
account_reply: Final = msgspec.json.Decoder(AccountReply)
