"""What a gateway does with a journal: written down first, then sent, then written down what became of it.

No transaction is open while anybody waits for the provider. The async twin is in `async_bookkeeping`; a test
compares them and lets nothing but `await` differ.
"""

from collections.abc import Callable

from paygate.breaker import Breaker
from paygate.callback import Callback, CallbackReply, CallbackRequest
from paygate.conflicts import confirmed
from paygate.desk import Desk
from paygate.driver import Driver
from paygate.errors import (
    ChargeNotFound,
    InvalidCharge,
    OutcomeUnknown,
    PaygateError,
    StoreUnavailable,
    UnsupportedOperation,
)
from paygate.external_ids import external_id
from paygate.guard import Guard
from paygate.model import Charge, ChargeRef, ChargeRequest
from paygate.operation import Operation
from paygate.pauses import pause, pauses
from paygate.refunds import RefundRequest, RefundStatus
from paygate.settlement import (
    MORE_GIVEN_BACK,
    as_ours,
    at_least,
    busy,
    is_explained,
    located,
    taken,
    unsettled,
    unstored,
    unwritten,
)
from paygate.store.deliveries import Delivery
from paygate.store.entries import Entry, Learnt, Source, Step
from paygate.store.inbox import Applied
from paygate.store.refunds import RefundEntry
from paygate.store.store import Store


class Bookkeeper:
    """Makes, asks about, cancels and refunds the charges of one gateway, and writes down each."""

    def __init__(
        self, desk: Desk, driver: Driver, breaker: Breaker, store: Store, clock: Callable[[], float]
    ) -> None:
        self._desk = desk
        self._driver = driver
        self._breaker = breaker
        self._store = store
        self._clock = clock

    def create_charge(self, request: ChargeRequest, *, routed: bool = False) -> Charge:
        """Make a charge, or find it where it is there already; see `Gateway.create_charge`.

        `routed` is one that routes brought here: raises HeldElsewhere where another gateway has it.
        """
        try:
            operation: Operation[Charge] | PaygateError = self._desk.create_charge(request)
        except (InvalidCharge, UnsupportedOperation) as refusal:  # it may be that it was made before
            if not isinstance(request, ChargeRequest):
                raise
            operation = refusal
        with located(self._desk.gateway, "create_charge", request.reference):
            for seconds in pauses(self._store.settings.lease_seconds):
                if isinstance(operation, PaygateError):
                    entry = self._same(request, operation)
                else:
                    entry = self._begun(request, routed=routed)
                    if entry.step is Step.SEND:
                        return self._sent(operation, entry)
                if entry.step is Step.TAKE:
                    return self._taken(entry)
                if entry.step is Step.WAIT:
                    pause(seconds)
                    continue
                try:
                    failure = self.settle(entry)
                except StoreUnavailable as away:
                    failure = away
                if failure is not None:
                    raise unsettled(failure) from failure
            raise busy()

    def settle(self, entry: Entry) -> PaygateError | None:
        """Ask the provider about a charge that is unsettled or overdue, and write down the answer.

        Returns what stands in the way, if anything does: it is to be asked again later then.
        """
        try:
            told = self._driver.perform(self._desk.query(entry.charge))
        except ChargeNotFound as missing:
            is_believed = self._store.outcomes.absent(entry)
            return None if is_believed else missing
        except BaseException as failure:
            try:
                self._store.outcomes.unsettled(entry, as_ours(failure))
            except StoreUnavailable as away:
                unwritten(entry.gateway, entry.reference, away)
            if as_ours(failure) is None:
                raise
            return as_ours(failure)
        self._desk.tell(self._store.history.learn(told, Source.QUERY))
        return None

    def query(self, charge: Charge | ChargeRef) -> Charge:
        """Ask how a charge stands, and write it down; see `Gateway.query`."""
        told = self._driver.perform(self._desk.query(charge))
        return self._learnt(told, charge, Source.QUERY)

    def cancel(self, charge: Charge | ChargeRef) -> Charge:
        """End an unpaid charge, and write it down; see `Gateway.cancel`."""
        operation = self._desk.cancel(charge)
        with located(self._desk.gateway, "cancel", charge.reference):
            self._store.outcomes.changing(charge)
        told = self._driver.perform(operation)
        return self._learnt(told, charge, Source.REPLY)

    def refund(self, charge: Charge | ChargeRef, refund: RefundRequest) -> Charge:
        """Give a charge back, or a part of it, once for each reference; see `Gateway.refund`."""
        operation = self._desk.refund(charge, refund)
        with located(self._desk.gateway, "refund", charge.reference):
            for seconds in pauses(self._store.settings.lease_seconds):
                entry: RefundEntry = self._store.refunds.begin(charge, refund, external_id(self._clock))
                if entry.step is Step.SEND:
                    return self._refunded(operation, entry, charge, refund)
                if entry.step is Step.TAKE:
                    found: Charge | None = self._store.journal.find(charge)
                    return found if found is not None else self.query(charge)
                if entry.step is Step.WAIT:
                    pause(seconds)
                    continue
                try:
                    told = self._asked(entry, charge, refund)
                except StoreUnavailable as away:
                    raise unsettled(away, "refund") from away
                if told is not None:
                    return told
            raise busy()

    def receive(self, request: CallbackRequest) -> CallbackReply:
        """Verify a call, store it, and say what to answer; see `Gateway.receive`."""
        callback = self._desk.read_callback(request)
        if not (callback.charges or callback.confirm):
            return callback.reply
        try:
            is_new = self._store.inbox.receive(callback, request)
        except StoreUnavailable as failure:
            unstored(self._desk.gateway, failure)
            return callback.again
        if is_new:
            self._desk.listeners.announce("callback_received", callback=callback)
        return callback.reply

    def apply(self, taken: Delivery) -> Delivery | None:
        """Write into the journal what a callback says that a worker has taken, and announce it.

        What it does not prove itself the provider is asked about first. Returns its delivery to the
        merchant's handler, where one is due now. Raises as `Gateway.query`, and StoreUnavailable.
        """
        asked: Callback | None = None
        if taken.told.confirm:
            told = [self._driver.perform(self._desk.query(one)) for one in taken.told.confirm]
            asked = confirmed(taken.callback, told)
        applied: Applied = self._store.inbox.apply(taken, asked)
        for learnt in applied.learnt:
            self._desk.tell(learnt)
        return applied.ready

    def _begun(self, request: ChargeRequest, *, routed: bool) -> Entry:
        number = external_id(self._clock)
        begun: Entry = self._store.journal.begin(self._desk.gateway, request, number, routed=routed)
        return begun

    def _same(self, request: ChargeRequest, refusal: PaygateError) -> Entry:
        """What is there already of a request that is not to be sent; raise why not where nothing is."""
        found: Entry | None = self._store.journal.same(self._desk.gateway, request)
        if found is None:
            raise refusal
        return found

    def _sent(self, operation: Operation[Charge], entry: Entry) -> Charge:
        guard: Guard[Entry] = Guard(self._store.outcomes.again, entry, self._clock)
        try:
            self._breaker.admit(entry.reference)
            told = self._driver.perform(operation, guard)
        except BaseException as failure:
            try:
                self._store.outcomes.failed(guard.entry, as_ours(failure))
            except StoreUnavailable as away:
                unwritten(entry.gateway, entry.reference, away)
            raise
        try:
            learnt: Learnt = self._store.outcomes.answered(guard.entry, told, operation.external_id)
        except Exception as away:  # noqa: BLE001 - whatever it is, the charge was made
            unwritten(entry.gateway, entry.reference, away)
            return self._desk.learnt(told, None)
        return self._desk.tell(learnt)

    def _refunded(
        self,
        operation: Operation[Charge],
        entry: RefundEntry,
        charge: Charge | ChargeRef,
        refund: RefundRequest,
    ) -> Charge:
        guard: Guard[RefundEntry] = Guard(self._store.refunds.again, entry, self._clock)
        try:
            told = self._driver.perform(operation, guard)
        except BaseException as failure:
            try:
                self._store.refunds.ended(guard.entry, as_ours(failure) or OutcomeUnknown("broken off"))
            except StoreUnavailable as away:
                unwritten(charge.gateway, charge.reference, away, is_due=entry.charge_id is not None)
            raise
        stands = self._learnt(told, charge, Source.REPLY, refund)
        if told.refund(refund.reference) is None:
            try:
                self._store.refunds.ended(guard.entry, None)
            except StoreUnavailable as away:
                unwritten(charge.gateway, charge.reference, away, is_due=entry.charge_id is not None)
        return stands

    def _asked(self, entry: RefundEntry, charge: Charge | ChargeRef, refund: RefundRequest) -> Charge | None:
        """Ask what became of a refund; None where it was never made, so that it may be sent."""
        try:
            told = self._driver.perform(self._desk.query(charge))
        except BaseException as failure:
            try:
                self._store.refunds.unsettled(entry)
            except StoreUnavailable as away:
                unwritten(charge.gateway, charge.reference, away, is_due=entry.charge_id is not None)
            if not isinstance(failure, PaygateError):
                raise
            raise unsettled(failure, "refund") from failure
        stands = self._learnt(told, charge, Source.QUERY)
        made = stands.refund(refund.reference)
        is_old = made is not None and made.status is RefundStatus.FAILED and entry.attempt > 1
        if made is not None and not is_old:
            return stands
        if not is_explained(stands):
            self._store.refunds.unsettled(entry)
            raise OutcomeUnknown(MORE_GIVEN_BACK)
        if self._store.refunds.absent(entry):
            return None
        raise OutcomeUnknown(
            "an earlier call sent this refund, and the provider does not tell of it yet: that is not "
            "believed so soon after it was sent"
        )

    def _taken(self, entry: Entry) -> Charge:
        return taken(entry, can_cancel=self._desk.supports("cancel", entry.charge.method))

    def _learnt(
        self, told: Charge, before: Charge | ChargeRef, source: Source, refund: RefundRequest | None = None
    ) -> Charge:
        made = refund.reference if refund is not None else None
        try:
            learnt: Learnt = self._store.history.learn(told, source, made=made)
        except Exception as away:  # noqa: BLE001 - whatever it is, the provider has answered
            unwritten(told.gateway, told.reference, away, is_due=False)
            return self._desk.learnt(told, before, refund)
        return self._desk.tell(at_least(learnt, before, made))
