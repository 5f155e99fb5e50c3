"""NusaPay's operations: each is SNAP BI's, as the profile has it."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from paygate import (
    API_VERSION,
    Callback,
    CallbackRequest,
    Charge,
    ChargeRef,
    ChargeRequest,
    Finding,
    Flow,
    Qris,
    RefundRequest,
    Signed,
    Trial,
    Unsigned,
    for_methods,
    hookimpl,
    in_part_for,
)
from paygate.snap import (
    AccountService,
    QrService,
    SnapCredential,
    SnapServices,
    SnapTerms,
    callback_trials,
    checked_account,
    setting_findings,
    standard_callbacks,
)

from . import codes
from .settings import NUSAPAY, Settings

if TYPE_CHECKING:
    from paygate.sandbox import SnapSimulator


class NusaPay:
    """NusaPay's merchant API: QRIS and virtual accounts."""

    api_version = API_VERSION
    settings_type = Settings

    def __init__(self, gateway: str, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._account = account = checked_account(gateway, settings, NUSAPAY, codes.BANKS)
        terms = SnapTerms(
            gateway=gateway,
            profile=codes.PROFILE,
            channels=codes.CHANNELS,
            merchant_id=settings.merchant_id,
        )
        qr = QrService(terms=terms, store_id=settings.store_id)
        accounts = AccountService(terms=terms, partner_service_ids=settings.partner_service_ids)
        self._snap = SnapServices(terms, account, clock, qr, accounts)
        self._callbacks = standard_callbacks(terms, settings, account, clock)

    @hookimpl
    def authorize(self) -> Flow[SnapCredential]:
        """Get an access token."""
        return self._snap.authorize()

    @hookimpl
    def restore_credential(self, kept: bytes) -> SnapCredential:
        """The access token that another process got."""
        return self._snap.restore_credential(kept)

    @hookimpl
    @for_methods(*codes.METHODS)
    def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
        """Have a charge made."""
        return self._snap.create_charge(request)

    @hookimpl
    @for_methods(*codes.METHODS)
    def query(self, charge: ChargeRef) -> Flow[Charge]:
        """Ask how a charge stands."""
        return self._snap.query(charge)

    @hookimpl
    @for_methods(*codes.METHODS)
    def cancel(self, charge: ChargeRef) -> Flow[Charge]:
        """End an unpaid charge."""
        return self._snap.cancel(charge)

    @hookimpl
    @for_methods(Qris)
    @in_part_for(Qris)
    def refund(self, charge: ChargeRef, refund: RefundRequest) -> Flow[Charge]:
        """Give a paid QRIS back, or a part of it."""
        return self._snap.refund(charge, refund)

    @hookimpl
    def parse_callback(self, request: CallbackRequest) -> Callback:
        """Verify and read a call of NusaPay's."""
        return self._callbacks.parse(request)

    @hookimpl
    def sign(self, message: Unsigned) -> Signed:
        """Show how a request to NusaPay is signed."""
        return self._snap.sign(message)

    @hookimpl
    def explain_callback(self, request: CallbackRequest, paths: tuple[str, ...]) -> tuple[Trial, ...]:
        """Try how a call of NusaPay's may have been signed."""
        return callback_trials(self._settings, self._account, self._callbacks, request, paths)

    @hookimpl
    def diagnose(self) -> tuple[Finding, ...]:
        """Look at the settings for what NusaPay may see otherwise."""
        return tuple(setting_findings(self._settings, NUSAPAY.name, codes.BANKS))

    @staticmethod
    @hookimpl
    def simulator(callback_url: str, pace: float) -> "SnapSimulator":
        """A pretend NusaPay."""
        from .simulator import nusapay

        return nusapay(callback_url, pace)
