"""Faults in what a status is taken for."""

from typing import Any

from paygate import Charge, ChargeRef, ChargeStatus, Flow, OutcomeUnknown
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
    "declared_statuses_map",
    "the state OPEN is declared as pending, and a query told a charge that is failed",
    "callbacks_of_every_status_are_told",
    "callbacks_tell_the_charge",
    "cancel_never_sends_twice",
    "cancellation_passes_through",
    "operations_complete",
    "unsettled_is_settled_by_query",
)
class CallsAllButPaidFailed(Lontar):
    """Has success, and all else failed, open charges included (public Ayolinx code: "00" or failed)."""

    def _status_of(self, told: str) -> ChargeStatus:
        status = super()._status_of(told)
        return status if status is ChargeStatus.PAID else ChargeStatus.FAILED


@caught_by(
    "declared_statuses_map",
    "the state REFUNDED is declared as refunded, and a query told a charge that is failed",
    "callbacks_of_every_status_are_told",
    "operations_complete",
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


@caught_by(
    "paid_never_regresses",
    "a query of a paid charge told that it is pending",
    "declared_statuses_map",
    "operations_complete",
)
class AnswersFromMemory(Lontar):
    """Keeps what it was told of a charge, to spare the provider questions, also once it has changed."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._known: dict[str, Charge] = {}

    def _query(self, charge: ChargeRef) -> Flow[Charge]:
        if charge.reference not in self._known:
            self._known[charge.reference] = yield from super()._query(charge)
        return self._known[charge.reference]
