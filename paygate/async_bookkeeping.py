"""The async twin of `bookkeeping`: it says the same thing, by hand, and a test compares them."""

from collections.abc import Callable

from paygate.breaker import Breaker
from paygate.callback import Callback, CallbackReply, CallbackRequest
from paygate.conflicts import confirmed
from paygate.desk import Desk
from paygate.driver import AsyncDriver
from paygate.errors import (
    ChargeNotFound,
    InvalidCharge,
    OutcomeUnknown,
    PaygateError,
    StoreUnavailable,
    UnsupportedOperation,
)
from paygate.external_ids import external_id
from paygate.guard import AsyncGuard
from paygate.model import Charge, ChargeRef, ChargeRequest
from paygate.operation import Operation
from paygate.pauses import pause_async, pauses
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
from paygate.store.threads import AsyncStore


class AsyncBookkeeper:
    """The same, async (asyncio or trio)."""

    def __init__(
        self, desk: Desk, driver: AsyncDriver, breaker: Breaker, store: AsyncStore, clock: Callable[[], float]
    ) -> None:
        self._desk = desk
        self._driver = driver
        self._breaker = breaker
        self._store = store
        self._clock = clock

    async def create_charge(self, request: ChargeRequest, *, routed: bool = False) -> Charge:
        """As Bookkeeper.create_charge."""
        try:
            operation: Operation[Charge] | PaygateError = self._desk.create_charge(request)
        except (InvalidCharge, UnsupportedOperation) as refusal:  # it may be that it was made before
            if not isinstance(request, ChargeRequest):
                raise
            operation = refusal
        with located(self._desk.gateway, "create_charge", request.reference):
            for seconds in pauses(self._store.settings.lease_seconds):
                if isinstance(operation, PaygateError):
                    entry = await self._same(request, operation)
                else:
                    entry = await self._begun(request, routed=routed)
                    if entry.step is Step.SEND:
                        return await self._sent(operation, entry)
                if entry.step is Step.TAKE:
                    return self._taken(entry)
                if entry.step is Step.WAIT:
                    await pause_async(seconds)
                    continue
                try:
                    failure = await self.settle(entry)
                except StoreUnavailable as away:
                    failure = away
                if failure is not None:
                    raise unsettled(failure) from failure
            raise busy()

    async def settle(self, entry: Entry) -> PaygateError | None:
        """As Bookkeeper.settle."""
        try:
            told = await self._driver.perform(self._desk.query(entry.charge))
        except ChargeNotFound as missing:
            is_believed = await self._store.outcomes.absent(entry)
            return None if is_believed else missing
        except BaseException as failure:
            try:
                await self._store.outcomes.unsettled(entry, as_ours(failure))
            except StoreUnavailable as away:
                unwritten(entry.gateway, entry.reference, away)
            if as_ours(failure) is None:
                raise
            return as_ours(failure)
        self._desk.tell(await self._store.history.learn(told, Source.QUERY))
        return None

    async def query(self, charge: Charge | ChargeRef) -> Charge:
        """As Bookkeeper.query."""
        told = await self._driver.perform(self._desk.query(charge))
        return await self._learnt(told, charge, Source.QUERY)

    async def cancel(self, charge: Charge | ChargeRef) -> Charge:
        """As Bookkeeper.cancel."""
        operation = self._desk.cancel(charge)
        with located(self._desk.gateway, "cancel", charge.reference):
            await self._store.outcomes.changing(charge)
        told = await self._driver.perform(operation)
        return await self._learnt(told, charge, Source.REPLY)

    async def refund(self, charge: Charge | ChargeRef, refund: RefundRequest) -> Charge:
        """As Bookkeeper.refund."""
        operation = self._desk.refund(charge, refund)
        with located(self._desk.gateway, "refund", charge.reference):
            for seconds in pauses(self._store.settings.lease_seconds):
                entry: RefundEntry = await self._store.refunds.begin(charge, refund, external_id(self._clock))
                if entry.step is Step.SEND:
                    return await self._refunded(operation, entry, charge, refund)
                if entry.step is Step.TAKE:
                    found: Charge | None = await self._store.journal.find(charge)
                    return found if found is not None else await self.query(charge)
                if entry.step is Step.WAIT:
                    await pause_async(seconds)
                    continue
                try:
                    told = await self._asked(entry, charge, refund)
                except StoreUnavailable as away:
                    raise unsettled(away, "refund") from away
                if told is not None:
                    return told
            raise busy()

    async def receive(self, request: CallbackRequest) -> CallbackReply:
        """As Bookkeeper.receive."""
        callback = self._desk.read_callback(request)
        if not (callback.charges or callback.confirm):
            return callback.reply
        try:
            is_new = await self._store.inbox.receive(callback, request)
        except StoreUnavailable as failure:
            unstored(self._desk.gateway, failure)
            return callback.again
        if is_new:
            self._desk.listeners.announce("callback_received", callback=callback)
        return callback.reply

    async def apply(self, taken: Delivery) -> Delivery | None:
        """As Bookkeeper.apply."""
        asked: Callback | None = None
        if taken.told.confirm:
            told = [await self._driver.perform(self._desk.query(one)) for one in taken.told.confirm]
            asked = confirmed(taken.callback, told)
        applied: Applied = await self._store.inbox.apply(taken, asked)
        for learnt in applied.learnt:
            self._desk.tell(learnt)
        return applied.ready

    async def _begun(self, request: ChargeRequest, *, routed: bool) -> Entry:
        number = external_id(self._clock)
        begun: Entry = await self._store.journal.begin(self._desk.gateway, request, number, routed=routed)
        return begun

    async def _same(self, request: ChargeRequest, refusal: PaygateError) -> Entry:
        """What is there already of a request that is not to be sent; raise why not where nothing is."""
        found: Entry | None = await self._store.journal.same(self._desk.gateway, request)
        if found is None:
            raise refusal
        return found

    async def _sent(self, operation: Operation[Charge], entry: Entry) -> Charge:
        guard: AsyncGuard[Entry] = AsyncGuard(self._store.outcomes.again, entry, self._clock)
        try:
            self._breaker.admit(entry.reference)
            told = await self._driver.perform(operation, guard)
        except BaseException as failure:
            try:
                await self._store.outcomes.failed(guard.entry, as_ours(failure))
            except StoreUnavailable as away:
                unwritten(entry.gateway, entry.reference, away)
            raise
        try:
            learnt: Learnt = await self._store.outcomes.answered(guard.entry, told, operation.external_id)
        except Exception as away:  # noqa: BLE001 - whatever it is, the charge was made
            unwritten(entry.gateway, entry.reference, away)
            return self._desk.learnt(told, None)
        return self._desk.tell(learnt)

    async def _refunded(
        self,
        operation: Operation[Charge],
        entry: RefundEntry,
        charge: Charge | ChargeRef,
        refund: RefundRequest,
    ) -> Charge:
        guard: AsyncGuard[RefundEntry] = AsyncGuard(self._store.refunds.again, entry, self._clock)
        try:
            told = await self._driver.perform(operation, guard)
        except BaseException as failure:
            try:
                await self._store.refunds.ended(guard.entry, as_ours(failure) or OutcomeUnknown("broken off"))
            except StoreUnavailable as away:
                unwritten(charge.gateway, charge.reference, away, is_due=entry.charge_id is not None)
            raise
        stands = await self._learnt(told, charge, Source.REPLY, refund)
        if told.refund(refund.reference) is None:
            try:
                await self._store.refunds.ended(guard.entry, None)
            except StoreUnavailable as away:
                unwritten(charge.gateway, charge.reference, away, is_due=entry.charge_id is not None)
        return stands

    async def _asked(
        self, entry: RefundEntry, charge: Charge | ChargeRef, refund: RefundRequest
    ) -> Charge | None:
        try:
            told = await self._driver.perform(self._desk.query(charge))
        except BaseException as failure:
            try:
                await self._store.refunds.unsettled(entry)
            except StoreUnavailable as away:
                unwritten(charge.gateway, charge.reference, away, is_due=entry.charge_id is not None)
            if not isinstance(failure, PaygateError):
                raise
            raise unsettled(failure, "refund") from failure
        stands = await self._learnt(told, charge, Source.QUERY)
        made = stands.refund(refund.reference)
        is_old = made is not None and made.status is RefundStatus.FAILED and entry.attempt > 1
        if made is not None and not is_old:
            return stands
        if not is_explained(stands):
            await self._store.refunds.unsettled(entry)
            raise OutcomeUnknown(MORE_GIVEN_BACK)
        if await self._store.refunds.absent(entry):
            return None
        raise OutcomeUnknown(
            "an earlier call sent this refund, and the provider does not tell of it yet: that is not "
            "believed so soon after it was sent"
        )

    def _taken(self, entry: Entry) -> Charge:
        return taken(entry, can_cancel=self._desk.supports("cancel", entry.charge.method))

    async def _learnt(
        self, told: Charge, before: Charge | ChargeRef, source: Source, refund: RefundRequest | None = None
    ) -> Charge:
        made = refund.reference if refund is not None else None
        try:
            learnt: Learnt = await self._store.history.learn(told, source, made=made)
        except Exception as away:  # noqa: BLE001 - whatever it is, the provider has answered
            unwritten(told.gateway, told.reference, away, is_due=False)
            return self._desk.learnt(told, before, refund)
        return self._desk.tell(at_least(learnt, before, made))
