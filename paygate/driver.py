"""What runs an adapter's flows, blocking and async: the only code that touches the network.

Both say the same thing, by hand; a test compares them and lets nothing but `await` differ.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from paygate.breaker import Breaker
from paygate.credentials import AsyncCredentials, Credentials
from paygate.desk import Desk
from paygate.errors import PaygateError
from paygate.flow import Conversation, Credential
from paygate.operation import LOGIN, Operation, known
from paygate.retrying import Retry, repeat, repeat_async
from paygate.sharing import SharedPlace

if TYPE_CHECKING:
    import httpx

    from paygate.guard import AsyncGuard, Guard

R = TypeVar("R")


class Driver:
    """Runs operations for one gateway, blocking: signs, sends, repeats what may be repeated."""

    def __init__(
        self,
        desk: Desk,
        breaker: Breaker,
        transport: "httpx.BaseTransport | None",
        timeout_seconds: float,
        max_in_flight: int,
        retry: Retry,
        clock: Callable[[], float],
        shared_place: SharedPlace | None = None,
    ) -> None:
        from paygate import reading, transports

        self._desk = desk
        self._breaker = breaker
        self._transport = transport or transports.Pool(max_in_flight)
        self._failure_of = transports.failure_of
        self._whole = reading.whole
        self._timeout = transports.timeouts(timeout_seconds)
        self._retry = retry
        self.credentials = Credentials(self._log_in, clock, desk.sharing(shared_place))

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def perform(self, operation: Operation[R], guard: "Guard[Any] | None" = None) -> R:
        """Run an operation to its end, and tell the breaker how it ended.

        A `guard` is asked before each request leaves, and raises where it must not.
        """
        with self._desk.listeners.watched(operation):
            try:
                result = self._persist(operation, guard)
            except PaygateError as failure:
                self._breaker.saw(failure)
                raise
            self._breaker.saw(None)
            return result

    def _log_in(self) -> Credential:
        login = self._desk.login()
        with self._desk.listeners.watched(login):
            return self._attempt(login)

    def _persist(self, operation: Operation[R], guard: "Guard[Any] | None") -> R:
        try:
            return self._attempt(operation, guard)
        except PaygateError as failure:
            if not operation.may_repeat(failure):
                raise
            first = failure
        return repeat(first, partial(self._attempt, operation, guard), operation.may_repeat, self._retry)

    def _attempt(self, operation: Operation[R], guard: "Guard[Any] | None" = None) -> R:
        talk: Conversation[R] | None = None
        try:
            talk = Conversation(operation.begin())
            while talk.request is not None:
                try:
                    response = self._exchange(operation, guard, talk.request)
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

    def _exchange(
        self, operation: Operation[R], guard: "Guard[Any] | None", request: "httpx.Request"
    ) -> "httpx.Response":
        if operation.name == LOGIN:
            return self._send(operation, guard, request)
        credential = self.credentials.good() or self.credentials.fresh()
        if guard is not None:
            guard.number(request)
        response = self._send(operation, guard, credential.sign(request))
        renewals = 0
        while credential.rejected_by(response) and renewals < self.credentials.most_renewals:
            operation.turned_away()
            credential = self.credentials.fresh(credential, renewals)
            response = self._send(operation, guard, credential.sign(request))
            renewals += 1
        return response

    def _send(
        self, operation: Operation[R], guard: "Guard[Any] | None", request: "httpx.Request"
    ) -> "httpx.Response":
        request.extensions.setdefault("timeout", self._timeout)
        operation.sending(request)
        if guard is not None:
            guard.leaves(operation.external_id)
        started = time.perf_counter()
        try:
            response = self._transport.handle_request(request)
            if not response.is_closed:
                response = self._whole(response)
        except Exception as error:  # noqa: BLE001 - a transport may raise anything
            failure = self._failure_of(error)
            operation.failed(failure)
            self._desk.listeners.exchanged(operation, request, failure, started)
            raise failure from known(error, failure)
        operation.answered(response)
        self._desk.listeners.exchanged(operation, request, response.status_code, started)
        return response


class AsyncDriver:
    """The same, async (asyncio or trio)."""

    def __init__(
        self,
        desk: Desk,
        breaker: Breaker,
        transport: "httpx.AsyncBaseTransport | None",
        timeout_seconds: float,
        max_in_flight: int,
        retry: Retry,
        clock: Callable[[], float],
        shared_place: SharedPlace | None = None,
    ) -> None:
        from paygate import reading, transports

        self._desk = desk
        self._breaker = breaker
        self._transport = transport or transports.AsyncPool(max_in_flight)
        self._failure_of = transports.failure_of
        self._whole = reading.whole_async
        self._timeout = transports.timeouts(timeout_seconds)
        self._retry = retry
        self.credentials = AsyncCredentials(self._log_in, clock, desk.sharing(shared_place))

    async def close(self) -> None:
        """As Driver.close."""
        await self._transport.aclose()

    async def perform(self, operation: Operation[R], guard: "AsyncGuard[Any] | None" = None) -> R:
        """As Driver.perform."""
        with self._desk.listeners.watched(operation):
            try:
                result = await self._persist(operation, guard)
            except PaygateError as failure:
                self._breaker.saw(failure)
                raise
            self._breaker.saw(None)
            return result

    async def _log_in(self) -> Credential:
        login = self._desk.login()
        with self._desk.listeners.watched(login):
            return await self._attempt(login)

    async def _persist(self, operation: Operation[R], guard: "AsyncGuard[Any] | None") -> R:
        try:
            return await self._attempt(operation, guard)
        except PaygateError as failure:
            if not operation.may_repeat(failure):
                raise
            first = failure
        return await repeat_async(
            first, partial(self._attempt, operation, guard), operation.may_repeat, self._retry
        )

    async def _attempt(self, operation: Operation[R], guard: "AsyncGuard[Any] | None" = None) -> R:
        talk: Conversation[R] | None = None
        try:
            talk = Conversation(operation.begin())
            while talk.request is not None:
                try:
                    response = await self._exchange(operation, guard, talk.request)
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

    async def _exchange(
        self, operation: Operation[R], guard: "AsyncGuard[Any] | None", request: "httpx.Request"
    ) -> "httpx.Response":
        if operation.name == LOGIN:
            return await self._send(operation, guard, request)
        credential = self.credentials.good() or await self.credentials.fresh()
        if guard is not None:
            guard.number(request)
        response = await self._send(operation, guard, credential.sign(request))
        renewals = 0
        while credential.rejected_by(response) and renewals < self.credentials.most_renewals:
            operation.turned_away()
            credential = await self.credentials.fresh(credential, renewals)
            response = await self._send(operation, guard, credential.sign(request))
            renewals += 1
        return response

    async def _send(
        self, operation: Operation[R], guard: "AsyncGuard[Any] | None", request: "httpx.Request"
    ) -> "httpx.Response":
        request.extensions.setdefault("timeout", self._timeout)
        operation.sending(request)
        if guard is not None:
            await guard.leaves(operation.external_id)
        started = time.perf_counter()
        try:
            response = await self._transport.handle_async_request(request)
            if not response.is_closed:
                response = await self._whole(response)
        except Exception as error:  # noqa: BLE001 - a transport may raise anything
            failure = self._failure_of(error)
            operation.failed(failure)
            self._desk.listeners.exchanged(operation, request, failure, started)
            raise failure from known(error, failure)
        operation.answered(response)
        self._desk.listeners.exchanged(operation, request, response.status_code, started)
        return response
