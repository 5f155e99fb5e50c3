"""The two shells of an adapter bound to one merchant's settings, blocking and async: what can be asked of it.

They say the same thing twice, by hand; a test compares them and lets nothing but `await` differ.
"""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Self

from paygate.breaker import FAILURES, REST_SECONDS, Breaker
from paygate.callback import Callback, CallbackReply, CallbackRequest
from paygate.conflicts import confirmed
from paygate.desk import Desk
from paygate.driver import AsyncDriver, Driver
from paygate.errors import UnsupportedOperation
from paygate.flow import Credential
from paygate.model import Charge, ChargeRef, ChargeRequest
from paygate.offline import Offline
from paygate.refunds import RefundRequest
from paygate.retrying import Retry
from paygate.sharing import SharedPlace

if TYPE_CHECKING:
    import httpx

    from paygate.async_bookkeeping import AsyncBookkeeper
    from paygate.bookkeeping import Bookkeeper
    from paygate.store.store import Store
    from paygate.store.threads import AsyncStore


class Gateway(Offline):
    """An adapter bound to one merchant's settings, blocking; safe to share between threads.

    `timeout_seconds` bounds each step of a request (connect, write, read) and the wait for one of
    `max_in_flight` connections. `transport` replaces the pool of httpx transports; it must be safe to
    share as the gateway is. `listeners` hear the announcements of `paygate.hookspecs`. After
    `breaker_failures` operations in a row without an answer no charge is sent for `breaker_seconds`. At a
    `shared_place` all processes share the credential. With a `store` each charge is written down before it
    is sent, and made once for each reference, whatever process asks.
    """

    def __init__(
        self,
        name: str,
        adapter: object,
        *,
        transport: "httpx.BaseTransport | None" = None,
        timeout_seconds: float = 10.0,
        max_in_flight: int = 100,
        retry: Retry = Retry(),  # noqa: B008 - frozen
        breaker_failures: int = FAILURES,
        breaker_seconds: float = REST_SECONDS,
        listeners: Sequence[object] = (),
        clock: Callable[[], float] = time.time,
        shared_place: SharedPlace | None = None,
        store: "Store | None" = None,
    ) -> None:
        self.name = name
        self.breaker = Breaker(name, breaker_failures, breaker_seconds)
        self._desk = Desk(name, adapter, listeners, clock)
        self._driver = Driver(
            self._desk, self.breaker, transport, timeout_seconds, max_in_flight, retry, clock, shared_place
        )
        self.store = store
        self.books: Bookkeeper | None = None
        if store is not None:
            from paygate import bookkeeping

            self.books = bookkeeping.Bookkeeper(self._desk, self._driver, self.breaker, store, clock)

    def authorize(self) -> Credential:
        """Log in now, or return the credential that is still good. It reserves no funds.

        Raises NotAuthorized or Unreachable.
        """
        return self._driver.credentials.fresh()

    def create_charge(self, request: ChargeRequest) -> Charge:
        """Ask the provider to collect money.

        Raises NotSent (nothing left this machine), Refused (the provider said no), or OutcomeUnknown:
        then query, and never call this again for the same reference. With a store you may: the same request
        gives the same charge, and an outcome that is unknown is asked about first. Another request of that
        reference raises ReferenceTaken; a charge that nobody can be shown how to pay, InstructionsLost.
        """
        if self.books is not None:
            return self.books.create_charge(request)
        operation = self._desk.create_charge(request)
        self.breaker.admit(request.reference)
        return self._desk.learnt(self._driver.perform(operation), None)

    def query(self, charge: Charge | ChargeRef) -> Charge:
        """Ask the provider how a charge stands; it changes nothing, so paygate repeats it on failure.

        Given your Charge, an answer that contradicts it is announced as `conflict_found`; one that is behind
        it, as a paid charge told as open, is not applied: yours comes back, with the refunds that are new.
        Given a ChargeRef, you get the bare answer. With a store you get, of either, how the journal has the
        charge after the answer. Compare `paid_amount` with your order before you deliver.

        Raises ChargeNotFound where the provider does not know it (yet), else as `create_charge`.
        """
        if self.books is not None:
            return self.books.query(charge)
        operation = self._desk.query(charge)
        return self._desk.learnt(self._driver.perform(operation), charge)

    def cancel(self, charge: Charge | ChargeRef) -> Charge:
        """Ask the provider to stop collecting an unpaid charge.

        Raises UnsupportedOperation before anything is sent where the provider cannot, AlreadyPaid or
        StateConflict where it is too late, else as `create_charge`.
        """
        if self.books is not None:
            return self.books.cancel(charge)
        operation = self._desk.cancel(charge)
        return self._desk.learnt(self._driver.perform(operation), charge)

    def refund(self, charge: Charge | ChargeRef, refund: RefundRequest) -> Charge:
        """Ask the provider to give a paid charge back, or a part of it.

        The answer is the charge, with this refund in its `refunds`; there it may be PENDING still. Given your
        Charge, its earlier refunds stay there, and the sum is of all. After OutcomeUnknown query the charge:
        the refund is told there, or it was not made. Only the same RefundRequest may be asked again.

        Raises UnsupportedOperation before anything is sent where the provider cannot, StateConflict where
        the charge is not paid, AmountRejected where it is too much, else as `create_charge`.
        """
        if self.books is not None:
            return self.books.refund(charge, refund)
        operation = self._desk.refund(charge, refund)
        return self._desk.learnt(self._driver.perform(operation), charge, refund)

    def confirm(self, callback: Callback) -> Callback:
        """Ask how the charges stand that a callback names in `confirm`, and put them in `charges`.

        A callback that names none comes back as it is, and nobody is asked. Raises as `query`; then
        answer with the callback's `again`.
        """
        asked = [self._driver.perform(self._desk.query(one)) for one in callback.confirm]
        return confirmed(callback, asked)

    def take(self, request: ChargeRequest) -> Charge:
        """As `create_charge`, for a charge that routes brought here.

        With a store: raises HeldElsewhere where they gave its reference to another gateway before.
        """
        if self.books is not None:
            return self.books.create_charge(request, routed=True)
        return self.create_charge(request)

    def receive(self, request: CallbackRequest) -> CallbackReply:
        """Verify a call from the provider, store it, and say what to answer: with a store.

        A Worker tells your handler. Where it cannot be stored the answer makes the provider repeat it. Raises
        CallbackRejected as `parse_callback`, and UnsupportedOperation without a store.
        """
        if self.books is None:
            raise UnsupportedOperation(
                "without a store there is nowhere to keep a callback: configure [store]", gateway=self.name
            )
        return self.books.receive(request)

    def close(self) -> None:
        """Close the connections."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncGateway(Offline):
    """An adapter bound to one merchant's settings, async (asyncio or trio); share it between tasks.

    Use it in one event loop. The arguments are those of Gateway, with an async transport.
    """

    def __init__(
        self,
        name: str,
        adapter: object,
        *,
        transport: "httpx.AsyncBaseTransport | None" = None,
        timeout_seconds: float = 10.0,
        max_in_flight: int = 100,
        retry: Retry = Retry(),  # noqa: B008 - frozen
        breaker_failures: int = FAILURES,
        breaker_seconds: float = REST_SECONDS,
        listeners: Sequence[object] = (),
        clock: Callable[[], float] = time.time,
        shared_place: SharedPlace | None = None,
        store: "AsyncStore | None" = None,
    ) -> None:
        self.name = name
        self.breaker = Breaker(name, breaker_failures, breaker_seconds)
        self._desk = Desk(name, adapter, listeners, clock)
        self._driver = AsyncDriver(
            self._desk, self.breaker, transport, timeout_seconds, max_in_flight, retry, clock, shared_place
        )
        self.store = store
        self.books: AsyncBookkeeper | None = None
        if store is not None:
            from paygate import async_bookkeeping

            self.books = async_bookkeeping.AsyncBookkeeper(
                self._desk, self._driver, self.breaker, store, clock
            )

    async def authorize(self) -> Credential:
        """As Gateway.authorize."""
        return await self._driver.credentials.fresh()

    async def create_charge(self, request: ChargeRequest) -> Charge:
        """As Gateway.create_charge. After a cancellation, query."""
        if self.books is not None:
            return await self.books.create_charge(request)
        operation = self._desk.create_charge(request)
        self.breaker.admit(request.reference)
        return self._desk.learnt(await self._driver.perform(operation), None)

    async def query(self, charge: Charge | ChargeRef) -> Charge:
        """As Gateway.query."""
        if self.books is not None:
            return await self.books.query(charge)
        operation = self._desk.query(charge)
        return self._desk.learnt(await self._driver.perform(operation), charge)

    async def cancel(self, charge: Charge | ChargeRef) -> Charge:
        """As Gateway.cancel. After a cancellation, query."""
        if self.books is not None:
            return await self.books.cancel(charge)
        operation = self._desk.cancel(charge)
        return self._desk.learnt(await self._driver.perform(operation), charge)

    async def refund(self, charge: Charge | ChargeRef, refund: RefundRequest) -> Charge:
        """As Gateway.refund. After a cancellation, query."""
        if self.books is not None:
            return await self.books.refund(charge, refund)
        operation = self._desk.refund(charge, refund)
        return self._desk.learnt(await self._driver.perform(operation), charge, refund)

    async def confirm(self, callback: Callback) -> Callback:
        """As Gateway.confirm."""
        asked = [await self._driver.perform(self._desk.query(one)) for one in callback.confirm]
        return confirmed(callback, asked)

    async def take(self, request: ChargeRequest) -> Charge:
        """As Gateway.take."""
        if self.books is not None:
            return await self.books.create_charge(request, routed=True)
        return await self.create_charge(request)

    async def receive(self, request: CallbackRequest) -> CallbackReply:
        """As Gateway.receive."""
        if self.books is None:
            raise UnsupportedOperation(
                "without a store there is nowhere to keep a callback: configure [store]", gateway=self.name
            )
        return await self.books.receive(request)

    async def close(self) -> None:
        """Close the connections."""
        await self._driver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
