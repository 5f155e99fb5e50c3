"""A provider that is the other kind: signed by RSA alone without a login, with wallets, and no channels."""

import time
from collections.abc import Callable
from typing import Any

from paygate import (
    API_VERSION,
    Callback,
    CallbackRequest,
    Charge,
    ChargeRef,
    ChargeRequest,
    EWallet,
    Flow,
    Method,
    Qris,
    RefundRequest,
    VirtualAccount,
    for_methods,
    hookimpl,
    in_part_for,
)
from paygate.sandbox import SnapSandboxAccount, SnapSimulator
from paygate.snap import (
    AccountService,
    DebitService,
    QrService,
    SnapCredential,
    SnapProfile,
    SnapProvider,
    SnapServices,
    SnapSettings,
    SnapTerms,
    checked_account,
    standard_callbacks,
)

PROFILE = SnapProfile(
    symmetric=False, layout="Z", channel_id="77001", channel_field=None, inbound=("symmetric",)
)
CHANNELS: dict[str, Method] = {"qris": Qris(), "dana": EWallet("dana"), "bca": VirtualAccount("bca")}
BACK = (Qris, EWallet("dana"))
ALL = (*BACK, VirtualAccount("bca"))
DOMPET = SnapProvider(
    name="Dompet", base_urls={"sandbox": "https://sandbox.dompet.example"}, last_retry_minutes=16
)


class Dompet:
    """Dompet's merchant API."""

    api_version = API_VERSION
    settings_type = SnapSettings

    def __init__(self, gateway: str, settings: SnapSettings, clock: Callable[[], float] = time.time) -> None:
        account = checked_account(gateway, settings, DOMPET, ("bca",))
        terms = SnapTerms(gateway=gateway, profile=PROFILE, channels=CHANNELS)
        self.snap = SnapServices(
            terms,
            account,
            clock,
            QrService(terms=terms),
            DebitService(terms=terms, options={"dana": "DANA"}, callback_url=settings.callback_url),
            AccountService(terms=terms, partner_service_ids=settings.partner_service_ids),
        )
        self.callbacks = standard_callbacks(terms, settings, account, clock)

    @hookimpl
    def authorize(self) -> Flow[SnapCredential]:
        return self.snap.authorize()

    @hookimpl
    @for_methods(*ALL)
    def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
        return self.snap.create_charge(request)

    @hookimpl
    @for_methods(*ALL)
    def query(self, charge: ChargeRef) -> Flow[Charge]:
        return self.snap.query(charge)

    @hookimpl
    @for_methods(*ALL)
    def cancel(self, charge: ChargeRef) -> Flow[Charge]:
        return self.snap.cancel(charge)

    @hookimpl
    @for_methods(*BACK)
    @in_part_for(*BACK)
    def refund(self, charge: ChargeRef, refund: RefundRequest) -> Flow[Charge]:
        return self.snap.refund(charge, refund)

    @hookimpl
    def parse_callback(self, request: CallbackRequest) -> Callback:
        return self.callbacks.parse(request)

    @staticmethod
    @hookimpl
    def simulator(callback_url: str, pace: float) -> SnapSimulator:
        return dompet(callback_url, pace=pace)


def dompet(callback_url: str, **options: Any) -> SnapSimulator:
    """A pretend Dompet."""
    account = SnapSandboxAccount.made({"bca": "12345678"})
    return SnapSimulator("dompet", PROFILE, CHANNELS, account, callback_url, **options)
