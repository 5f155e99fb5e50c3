"""The two shells that run an adapter's flows, blocking and async: the only code that touches the network.

They say the same thing twice, by hand; a test compares them and lets nothing but `await` differ.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

from paygate.credentials import AsyncCredentials, Credentials
from paygate.desk import Desk
from paygate.errors import PaygateError
from paygate.flow import Conversation, Credential
from paygate.model import Charge, ChargeRef, ChargeRequest
from paygate.offline import Offline
from paygate.operation import LOGIN, Operation, known
from paygate.retrying import Retry, repeat, repeat_async

if TYPE_CHECKING:
    import httpx

R = TypeVar("R")


class Gateway(Offline):
    """An adapter bound to one merchant's settings, blocking; safe to share between threads.

    `timeout_seconds` bounds each step of a request (connect, write, read) and the wait for one of
    `max_in_flight` connections. `transport` replaces the pool of httpx transports; it must be safe to
    share as the gateway is. `listeners` hear the announcements of `paygate.hookspecs`.
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
        listeners: Sequence[object] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        from paygate import reading, transports

        self.name = name
        self._desk = Desk(name, adapter, listeners, clock)
        self._transport = transport or transports.Pool(max_in_flight)
        self._failure_of = transports.failure_of
        self._whole = reading.whole
        self._timeout = transports.timeouts(timeout_seconds)
        self._retry = retry
        self._credentials = Credentials(lambda: self._attempt(self._desk.login()), clock)

    def authorize(self) -> Credential:
        """Log in now, or return the credential that is still good. It reserves no funds.

        Raises NotAuthorized or Unreachable.
        """
        return self._credentials.fresh()

    def create_charge(self, request: ChargeRequest) -> Charge:
        """Ask the provider to collect money.

        Raises NotSent (nothing left this machine), Refused (the provider said no), or OutcomeUnknown:
        then query, and never call this again for the same reference.
        """
        operation = self._desk.create_charge(request)
        return self._desk.learnt(self._perform(operation), None)

    def query(self, charge: Charge | ChargeRef) -> Charge:
        """Ask the provider how a charge stands; it changes nothing, so paygate repeats it on failure.

        Given your Charge, an answer that contradicts it is announced as `conflict_found`; one that is behind
        it, as a paid charge told as open, is not applied: yours comes back. Given a ChargeRef, you get the
        bare answer. Compare `paid_amount` with your order before you deliver.

        Raises ChargeNotFound where the provider does not know it (yet), else as `create_charge`.
        """
        operation = self._desk.query(charge)
        return self._desk.learnt(self._perform(operation), charge)

    def cancel(self, charge: Charge | ChargeRef) -> Charge:
        """Ask the provider to stop collecting an unpaid charge.

        Raises UnsupportedOperation before anything is sent where the provider cannot, AlreadyPaid or
        StateConflict where it is too late, else as `create_charge`.
        """
        operation = self._desk.cancel(charge)
        return self._desk.learnt(self._perform(operation), charge)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _perform(self, operation: Operation[R]) -> R:
        try:
            return self._attempt(operation)
        except PaygateError as failure:
            if not operation.may_repeat(failure):
                raise
            first = failure
        return repeat(first, partial(self._attempt, operation), operation.may_repeat, self._retry)

    def _attempt(self, operation: Operation[R]) -> R:
        talk: Conversation[R] | None = None
        try:
            talk = Conversation(operation.begin())
            while talk.request is not None:
                try:
                    response = self._exchange(operation, talk.request)
                except PaygateError as unanswered:
                    talk.fail(unanswered)
                else:
                    talk.answer(response)
            return operation.finish(talk.result)
        except Exception as error:  # noqa: BLE001 - an adapter may raise anything
            failure = operation.verdict(error)
            raise failure from known(error, failure)
        finally:
            if talk is not None:
                talk.close()

    def _exchange(self, operation: Operation[R], request: "httpx.Request") -> "httpx.Response":
        if operation.name == LOGIN:
            return self._send(operation, request)
        credential = self._credentials.good() or self._credentials.fresh()
        response = self._send(operation, credential.sign(request))
        if credential.rejected_by(response):
            operation.turned_away()
            credential = self._credentials.fresh(credential)
            response = self._send(operation, credential.sign(request))
        return response

    def _send(self, operation: Operation[R], request: "httpx.Request") -> "httpx.Response":
        request.extensions.setdefault("timeout", self._timeout)
        operation.sending(request)
        started = time.perf_counter()
        try:
            response = self._transport.handle_request(request)
            if not response.is_closed:
                response = self._whole(response)
        except Exception as error:  # noqa: BLE001 - a transport may raise anything
            failure = self._failure_of(error)
            operation.failed(failure)
            self._desk.exchanged(operation, request, None, started)
            raise failure from known(error, failure)
        operation.answered()
        self._desk.exchanged(operation, request, response.status_code, started)
        return response


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
        listeners: Sequence[object] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        from paygate import reading, transports

        self.name = name
        self._desk = Desk(name, adapter, listeners, clock)
        self._transport = transport or transports.AsyncPool(max_in_flight)
        self._failure_of = transports.failure_of
        self._whole = reading.whole_async
        self._timeout = transports.timeouts(timeout_seconds)
        self._retry = retry
        self._credentials = AsyncCredentials(lambda: self._attempt(self._desk.login()), clock)

    async def authorize(self) -> Credential:
        """As Gateway.authorize."""
        return await self._credentials.fresh()

    async def create_charge(self, request: ChargeRequest) -> Charge:
        """As Gateway.create_charge. After a cancellation, query."""
        operation = self._desk.create_charge(request)
        return self._desk.learnt(await self._perform(operation), None)

    async def query(self, charge: Charge | ChargeRef) -> Charge:
        """As Gateway.query."""
        operation = self._desk.query(charge)
        return self._desk.learnt(await self._perform(operation), charge)

    async def cancel(self, charge: Charge | ChargeRef) -> Charge:
        """As Gateway.cancel. After a cancellation, query."""
        operation = self._desk.cancel(charge)
        return self._desk.learnt(await self._perform(operation), charge)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _perform(self, operation: Operation[R]) -> R:
        try:
            return await self._attempt(operation)
        except PaygateError as failure:
            if not operation.may_repeat(failure):
                raise
            first = failure
        return await repeat_async(first, partial(self._attempt, operation), operation.may_repeat, self._retry)

    async def _attempt(self, operation: Operation[R]) -> R:
        talk: Conversation[R] | None = None
        try:
            talk = Conversation(operation.begin())
            while talk.request is not None:
                try:
                    response = await self._exchange(operation, talk.request)
                except PaygateError as unanswered:
                    talk.fail(unanswered)
                else:
                    talk.answer(response)
            return operation.finish(talk.result)
        except Exception as error:  # noqa: BLE001 - an adapter may raise anything
            failure = operation.verdict(error)
            raise failure from known(error, failure)
        finally:
            if talk is not None:
                talk.close()

    async def _exchange(self, operation: Operation[R], request: "httpx.Request") -> "httpx.Response":
        if operation.name == LOGIN:
            return await self._send(operation, request)
        credential = self._credentials.good() or await self._credentials.fresh()
        response = await self._send(operation, credential.sign(request))
        if credential.rejected_by(response):
            operation.turned_away()
            credential = await self._credentials.fresh(credential)
            response = await self._send(operation, credential.sign(request))
        return response

    async def _send(self, operation: Operation[R], request: "httpx.Request") -> "httpx.Response":
        request.extensions.setdefault("timeout", self._timeout)
        operation.sending(request)
        started = time.perf_counter()
        try:
            response = await self._transport.handle_async_request(request)
            if not response.is_closed:
                response = await self._whole(response)
        except Exception as error:  # noqa: BLE001 - a transport may raise anything
            failure = self._failure_of(error)
            operation.failed(failure)
            self._desk.exchanged(operation, request, None, started)
            raise failure from known(error, failure)
        operation.answered()
        self._desk.exchanged(operation, request, response.status_code, started)
        return response
