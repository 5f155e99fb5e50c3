"""Ayolinx's operations, one short flow each."""

import functools
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import httpx
import msgspec

from paygate import (
    API_VERSION,
    Callback,
    CallbackRequest,
    Charge,
    ChargeNotFound,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    EWallet,
    Finding,
    Flow,
    Method,
    OutcomeUnknown,
    PaymentLink,
    Qris,
    Retail,
    Signed,
    Trial,
    Unsigned,
    VirtualAccount,
    for_methods,
    hookimpl,
)
from paygate.snap import (
    SnapCallbacks,
    SnapCredential,
    SnapProfile,
    Timestamps,
    callback_trials,
    explain_request,
    log_in,
    post,
    read_reply,
    told_number,
    told_time,
)
from paygate_ayolinx import codes, wire
from paygate_ayolinx.products import (
    Addresses,
    EWalletProduct,
    LinkProduct,
    Product,
    QrisProduct,
    RetailProduct,
    VirtualAccountProduct,
)
from paygate_ayolinx.settings import Settings, checked

if TYPE_CHECKING:
    from paygate_ayolinx.simulator import AyolinxSimulator

PROFILE: Final = SnapProfile()
CANCEL: Final = "/v1.0/qr/qr-mpm-cancel"
CANCELLED: Final = "05"
LIFETIME: Final = timedelta(hours=24)
"""How long a charge lives where Ayolinx must be told and the merchant does not say; its own default."""

NOBODY_CAN_ASK: Final = (
    "Ayolinx cannot be asked about a link: if it was made, its address is lost to us; make another one "
    "under a new reference, and look out for a callback with this one"
)


class Ayolinx:
    """Ayolinx's merchant API: QRIS, e-wallet, virtual account, convenience store and payment link.

    `clock` gives unix seconds. Raises ConfigurationError for settings that could not work.
    """

    api_version = API_VERSION
    settings_type = Settings

    def __init__(self, gateway: str, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._account = account = checked(gateway, settings)
        self._gateway = gateway
        self._clock = clock
        self._keys = account.keys
        self._timestamps = Timestamps(PROFILE.layout, clock)
        self._base_url = account.base_url
        addresses = Addresses(settings.callback_url, settings.return_url)
        self._products: dict[type[Method], Product] = {
            Qris: QrisProduct(addresses, settings.sub_merchant_id),
            EWallet: EWalletProduct(gateway, addresses, settings.e_wallet_sub_merchant_id),
            VirtualAccount: VirtualAccountProduct(gateway, settings.partner_service_ids),
            Retail: RetailProduct(addresses, settings.retail_expiry == "iso"),
            PaymentLink: LinkProduct(addresses),
        }
        paths = {CANCEL, *(one.path for one in self._products.values())}
        paths |= {one.query for one in self._products.values() if one.query is not None}
        self._urls = {path: httpx.URL(account.base_url + path) for path in paths}

    @hookimpl
    def authorize(self) -> Flow[SnapCredential]:
        """Get an access token (docs: "Access Token B2B")."""
        url = self._base_url + PROFILE.token_path
        return log_in(url, self._keys, PROFILE, self._timestamps, self._clock, codes.ODD)

    @hookimpl
    def restore_credential(self, kept: bytes) -> SnapCredential:
        """The access token that another process got."""
        return SnapCredential.restored(kept, self._keys, PROFILE, self._timestamps, self._clock)

    @hookimpl
    @for_methods(*codes.CHARGED)
    def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
        """Have a charge made (docs: the "Create" or "Generate" page of each product)."""
        product = self._products[type(request.method)]
        if product.ends and request.expires_at is None:
            now = datetime.fromtimestamp(int(self._clock()), UTC)
            request = msgspec.structs.replace(request, expires_at=now + LIFETIME)
        order = product.order(request)
        try:
            reply = yield self._post(product.path, order)
            made = product.made(request, reply)
        except OutcomeUnknown as lost:
            if product.query is None:
                raise OutcomeUnknown(f"{lost.what}; {NOBODY_CAN_ASK}", **lost.context) from lost.__cause__
            raise
        return Charge(
            gateway=self._gateway,
            reference=request.reference,
            status=ChargeStatus.PENDING,
            method=request.method,
            amount=request.amount,
            provider_reference=made.provider_reference,
            instructions=made.instructions,
            expires_at=made.expires_at,
            raw=reply.content,
        )

    @hookimpl
    @for_methods(*codes.ASKABLE)
    def query(self, charge: ChargeRef) -> Flow[Charge]:
        """Ask how a charge stands (docs: the "Query" or "Inquiry" page of each product)."""
        assert charge.method is not None
        product = self._products[type(charge.method)]
        assert product.query is not None
        told, reply = yield from self._ask(product.query, charge)
        told_status = _status(told)
        if told_status not in codes.STATUS:
            raise OutcomeUnknown("the status is not one that we know")
        status = codes.STATUS[told_status]
        if status is None:
            raise ChargeNotFound("the provider says: not found", http_status=reply.status_code)
        is_paid = status is ChargeStatus.PAID
        return Charge(
            gateway=self._gateway,
            reference=charge.reference,
            status=status,
            method=charge.method,
            amount=charge.amount,
            provider_reference=told_number(told.original_reference_no) or charge.provider_reference,
            paid_at=told_time(told.finished_time) or told_time(told.paid_time) if is_paid else None,
            paid_amount=told.paid if is_paid else None,
            raw=reply.content,
        )

    @hookimpl
    @for_methods(Qris)
    def cancel(self, charge: ChargeRef) -> Flow[Charge]:
        """Void an unpaid QRIS (docs: "Cancel Qris")."""
        told, reply = yield from self._ask(CANCEL, charge)
        if codes.STATUS.get(told.latest_transaction_status or CANCELLED) is not ChargeStatus.CANCELLED:
            raise OutcomeUnknown("the answer says that it is done, and tells another status")
        return Charge(
            gateway=self._gateway,
            reference=charge.reference,
            status=ChargeStatus.CANCELLED,
            method=charge.method,
            amount=charge.amount,
            provider_reference=told_number(told.original_reference_no) or charge.provider_reference,
            raw=reply.content,
        )

    @hookimpl
    def parse_callback(self, request: CallbackRequest) -> Callback:
        """Verify and read a call of Ayolinx's: a notice, a token request, or a call with our token."""
        return self._callbacks.parse(request)

    @hookimpl
    def sign(self, message: Unsigned) -> Signed:
        """Show how a request to Ayolinx is signed."""
        return explain_request(self._keys, PROFILE, message, self._clock)

    @hookimpl
    def explain_callback(self, request: CallbackRequest, paths: tuple[str, ...]) -> tuple[Trial, ...]:
        """Try how a call of Ayolinx's may have been signed."""
        return callback_trials(self._settings, self._account, self._callbacks, request, paths)

    @hookimpl
    def diagnose(self) -> tuple[Finding, ...]:
        """Look at the settings for what Ayolinx may see otherwise."""
        from paygate_ayolinx import diagnosis

        return tuple(diagnosis.findings(self._settings))

    @staticmethod
    @hookimpl
    def simulator(callback_url: str, pace: float) -> "AyolinxSimulator":
        """A pretend Ayolinx."""
        from paygate_ayolinx.simulator import AyolinxSimulator

        return AyolinxSimulator(callback_url, pace=pace)

    @functools.cached_property
    def _callbacks(self) -> SnapCallbacks:
        """What reads Ayolinx's calls, made at the first: programs that only charge need not wait for it."""
        from paygate_ayolinx.callbacks import callbacks_of

        return callbacks_of(self._gateway, self._settings, self._account, self._clock)

    def _post(self, path: str, message: object) -> httpx.Request:
        return post(self._urls[path], wire.encode(message))

    def _ask(self, path: str, charge: ChargeRef) -> Flow[tuple[wire.StatusReply, httpx.Response]]:
        """Ask something about a charge; the answer must be about that one."""
        assert charge.method is not None
        channel = wire.Channel(codes.channel_of(charge.method))
        reply = yield self._post(path, wire.NamedCharge(charge.reference, channel))
        odd_success = codes.RETAIL_SUCCESS if type(charge.method) is Retail else ()
        told = read_reply(reply, wire.status_reply, codes.ERRORS, codes.ODD, odd_success)
        data = told.virtual_account_data
        # A wallet may tell its own number as the original one, and ours beside it, as in its callbacks.
        ours = told.partner_reference_no or told.original_partner_reference_no
        for reference in (ours, data.trx_id if data else None):
            if reference not in (None, charge.reference):
                raise OutcomeUnknown("the answer is about another reference")
        return told, reply


def _status(told: wire.StatusReply) -> str:
    """The status of an answer, which may stand within the virtual account's data."""
    data = told.virtual_account_data
    inner = data.latest_transaction_status if data is not None else ""
    if inner and told.latest_transaction_status not in ("", inner):
        raise OutcomeUnknown("the answer tells two statuses")
    return told.latest_transaction_status or inner
