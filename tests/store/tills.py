"""A merchant's till: one gateway over a store, in one of the shells, opened anew for each run as a process is."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final

import anyio
import httpx
import sqlalchemy as sa
from msgspec import Struct
from paygate_tiny import Tiny

from paygate import (
    AsyncGateway,
    Charge,
    ChargeRef,
    Credential,
    Flow,
    Gateway,
    PaygateError,
    Secret,
    answered,
    for_methods,
    hookimpl,
)
from paygate.external_ids import NEXT_EXTERNAL_ID, external_id
from paygate.methods import Qris
from paygate.store import notes
from paygate.store.notes import Note
from paygate.store.schema import charges, facts, flags
from paygate.store.store import Store
from paygate.store.threads import AsyncStore
from paygate.store_settings import StoreSettings
from tests.provider import QUICK, Provider, tiny
from tests.store.callers import Clock

SHELLS: Final = ("blocking", "asyncio", "trio")
HEADER: Final = "X-External-Id"
LEASE: Final = 90.0
GRACE: Final = 180.0


class Seal(Struct, frozen=True):
    """A credential that numbers what it signs, as those of SNAP BI do; the provider may have forgotten it."""

    number: int
    expires_at: float = float("inf")

    def sign(self, request: httpx.Request) -> httpx.Request:
        number = request.extensions.pop(NEXT_EXTERNAL_ID, None) or external_id()
        request.headers[HEADER] = request.extensions["external_id"] = number
        request.headers["X-Key"] = str(self.number)
        return request

    def rejected_by(self, response: httpx.Response) -> bool:
        return response.status_code == 401


class Numbered(Tiny):
    """Tiny whose requests have X-EXTERNAL-IDs."""

    logins: ClassVar[int] = 0

    @hookimpl
    def authorize(self) -> Flow[Credential]:
        type(self).logins += 1
        return answered(Seal(type(self).logins))


class Cancelling(Numbered):
    """The same, with a way to cancel."""

    @hookimpl
    @for_methods(Qris)
    def cancel(self, charge: ChargeRef) -> Flow[Charge]:
        url = f"{self._settings.base_url}/charges/{charge.reference}"
        return self._charge(charge.reference, charge.amount, (yield httpx.Request("DELETE", url)))


class Till:
    """One merchant's till in one shell; `run` is a process's life, from its start to its end."""

    def __init__(
        self, url: str, shell: str = "blocking", clock: Clock | None = None, **settings: Any
    ) -> None:
        self.shell = shell
        self.clock = clock or Clock()
        self.settings = StoreSettings(url=Secret(url), **settings)

    def run(
        self, provider: httpx.BaseTransport, *steps: Any, adapter: Any = Numbered, **options: Any
    ) -> list[Any]:
        """Do some steps, and return their results and errors.

        A step is an operation with its arguments, or a function of the blocking store.
        """
        options = {"retry": QUICK, "clock": self.clock, **options}
        made = tiny(kind=adapter) if isinstance(adapter, type) else adapter
        with self.store() as store:
            if self.shell == "blocking":
                with Gateway("main", made, transport=provider, store=store, **options) as gateway:
                    return [self._done(gateway, store, step) for step in steps]

            async def run() -> list[Any]:
                own = AsyncStore(store)
                transport: Any = provider
                async with AsyncGateway("main", made, transport=transport, store=own, **options) as gateway:
                    return [await self._awaited(gateway, store, step) for step in steps]

            return anyio.run(run, backend=self.shell)

    def one(self, provider: httpx.BaseTransport, *step: Any, **options: Any) -> Any:
        """Do one step, and return what comes of it."""
        [outcome] = self.run(provider, step, **options)
        return outcome

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The store by itself."""
        with Store(self.settings, self.clock) as store:
            yield store

    def row(self, reference: str = "INV-1", gateway: str = "main") -> dict[str, Any]:
        """The charge's row."""
        with self.store() as store:
            return row_of(store, reference, gateway)

    def rows(self, table: sa.Table = charges) -> list[dict[str, Any]]:
        """All rows of a table, oldest first."""
        with self.store() as store:
            return rows_of(store, table)

    def notes(self) -> list[Note]:
        """What was tried, in order."""
        return [notes.read(row["note"]) for row in self.rows(facts) if row["note"] is not None]

    def told(self) -> list[tuple[str, str]]:
        """Source and status of all that was told, in order."""
        return [(row["source"], row["status"]) for row in self.rows(facts) if row["note"] is None]

    def flags(self) -> list[str]:
        """The kinds of conflicts that are flagged."""
        return sorted(row["kind"] for row in self.rows(flags))

    def _done(self, gateway: Gateway, store: Store, step: Any) -> Any:
        if callable(step):
            return step(store)
        try:
            return getattr(gateway, step[0])(*step[1:])
        except PaygateError as error:
            return error

    async def _awaited(self, gateway: AsyncGateway, store: Store, step: Any) -> Any:
        if callable(step):
            return step(store)
        try:
            return await getattr(gateway, step[0])(*step[1:])
        except PaygateError as error:
            return error


def rows_of(store: Store, table: sa.Table = charges) -> list[dict[str, Any]]:
    """All rows of a table, oldest first."""
    with store.database.reading() as connection:
        found = connection.execute(sa.select(table).order_by(table.c[0])).mappings()
        return [dict(row) for row in found]


def row_of(store: Store, reference: str = "INV-1", gateway: str = "main") -> dict[str, Any]:
    """One charge's row."""
    [row] = [one for one in rows_of(store) if (one["reference"], one["gateway"]) == (reference, gateway)]
    return row


def looking(store: Store, seen: list[dict[str, Any]], then: Any) -> Callable[[httpx.Request], httpx.Response]:
    """An answer that first looks at the journal, from inside the transport."""

    def look(request: httpx.Request) -> httpx.Response:
        seen.append({**row_of(store), "header": request.headers.get(HEADER)})
        if isinstance(then, Exception):
            raise then
        result: httpx.Response = then(request) if callable(then) else then
        return httpx.Response(result.status_code, headers=result.headers, content=result.content)

    return look


def waited(until: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something that another thread does; fail where it never comes."""
    ends = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.002)


def creates(provider: Provider) -> int:
    """How many requests to make a charge arrived."""
    return provider.creates
