"""Faults in what a status is taken for."""

from paygate import ChargeStatus, OutcomeUnknown
from tests.conformance.faulty.registry import caught_by
from tests.conformance.sound.adapter import Lontar


@caught_by("unknown_status_is_no_status", "told a charge that is paid")
class TakesAnUnknownStatusForPaid(Lontar):
    """Takes a status that it does not know for paid: goods for nothing."""

    def _status_of(self, told: str) -> ChargeStatus:
        try:
            return super()._status_of(told)
        except OutcomeUnknown:
            return ChargeStatus.PAID


@caught_by("unknown_status_is_no_status", "told a charge that is pending")
class TakesAnUnknownStatusForPending(Lontar):
    """Takes a status that it does not know for open (hyperswitch's add_connector.md: default Pending)."""

    def _status_of(self, told: str) -> ChargeStatus:
        try:
            return super()._status_of(told)
        except OutcomeUnknown:
            return ChargeStatus.PENDING


@caught_by("unknown_status_is_no_status", "told a charge that is failed")
class TakesAnUnknownStatusForFailed(Lontar):
    """Takes a status that it does not know for failed: a paid order is thrown away."""

    def _status_of(self, told: str) -> ChargeStatus:
        try:
            return super()._status_of(told)
        except OutcomeUnknown:
            return ChargeStatus.FAILED


@caught_by(
    "declared_statuses_map", "the state OPEN is declared as pending, and a query told a charge that is failed"
)
class CallsAllButPaidFailed(Lontar):
    """Has success, and all else failed, open charges included (public Ayolinx code: "00" or failed)."""

    def _status_of(self, told: str) -> ChargeStatus:
        status = super()._status_of(told)
        return status if status is ChargeStatus.PAID else ChargeStatus.FAILED


@caught_by(
    "declared_statuses_map",
    "the state REFUNDED is declared as refunded, and a query told a charge that is failed",
)
class CallsRefundedFailed(Lontar):
    """Calls a refunded charge failed (BetterPay's Winpay adapter)."""

    def _status_of(self, told: str) -> ChargeStatus:
        status = super()._status_of(told)
        return ChargeStatus.FAILED if status is ChargeStatus.REFUNDED else status


@caught_by(
    "declared_statuses_map",
    "the state LATE is declared as expired, and a query told a charge that is pending",
)
class CallsALateChargeOpen(Lontar):
    """Calls an expired charge open, so that nobody ever lets go of the goods."""

    def _status_of(self, told: str) -> ChargeStatus:
        status = super()._status_of(told)
        return ChargeStatus.PENDING if status is ChargeStatus.EXPIRED else status
