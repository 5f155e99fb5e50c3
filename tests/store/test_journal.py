"""The journal as its users see it: written before anything is sent, and one charge for each reference."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import anyio
import httpx
import msgspec
import pytest

from paygate import (
    AsyncGateway,
    Charge,
    ChargeRequest,
    ChargeStatus,
    Customer,
    DuplicateReference,
    Flow,
    InvalidCharge,
    Item,
    Money,
    OutcomeUnknown,
    PaygateError,
    Qris,
    RateLimited,
    Refused,
    Retail,
    Unreachable,
    for_methods,
    hookimpl,
)
from paygate.errors import CircuitOpen, ReferenceTaken
from paygate.store import notes
from paygate.store.entries import State
from paygate.store.threads import AsyncStore
from tests.databases import Laid
from tests.provider import Provider, opened, order, tiny
from tests.store.callers import START
from tests.store.tills import HEADER, LEASE, SHELLS, Numbered, Till, looking, row_of
from tests.test_gateway import LOST, MAY_HAVE_ARRIVED, NEVER_LEFT

PERSONAL: Final[dict[str, Any]] = {
    "customer": Customer(name="Siti Rahayu", phone="+628123456789"),
    "description": "a cake for Siti",
    "return_url": "https://shop.example/thanks?for=siti",
    "items": (Item("Siti's cake", Money.idr(25_000)),),
}
BUSY: Final = httpx.Response(429, json={"error": "busy"}, headers={"Retry-After": "0"})


@pytest.fixture
def url(laid: Laid, tmp_path: Path) -> str:
    """The address of an empty SQLite file."""
    return laid.url("sqlite", tmp_path)


@pytest.fixture(params=SHELLS)
def till(request: pytest.FixtureRequest, url: str) -> Till:
    """A till in each shell."""
    return Till(url, request.param)


class Patient(Numbered):
    """An adapter whose provider lets us repeat at once."""

    def _charge(self, reference: str, amount: Money | None, reply: httpx.Response) -> Charge:
        if reply.status_code == 429:
            raise RateLimited("too many requests", retry_after=0.001, http_status=429)
        return super()._charge(reference, amount, reply)


def test_before_a_charge_leaves_its_row_stands(till: Till) -> None:
    """Looked at from inside the transport: gateway, reference, digest, attempt, and the very number that leaves."""
    seen: list[dict[str, Any]] = []
    provider = Provider()

    def prepare(store: Any) -> None:
        provider.answers[0] = looking(store, seen, opened("INV-1"))

    _, charge = till.run(provider, prepare, ("create_charge", order()))
    [row] = seen
    assert ("main", "INV-1", "sending", 1) == tuple(
        row[k] for k in ("gateway", "reference", "state", "attempt")
    )
    assert row["header"] == row["external_id"]
    assert 33 == len(row["header"])
    assert 16 == len(row["digest"])
    assert (START * 1e6, (START + LEASE) * 1e6) == (row["sent_at"], row["lease_until"])
    after = till.row()
    assert ("known", "pending", 0, row["header"]) == tuple(
        after[k] for k in ("state", "status", "lease_until", "external_id")
    )
    assert ChargeStatus.PENDING is charge.status
    assert [("reply", "pending")] == till.told()


@pytest.mark.parametrize(
    ("first", "adapter"),
    [(NEVER_LEFT[0], Numbered), (BUSY, Patient), (httpx.Response(401, json={}), Numbered)],
    ids=["unreachable", "busy", "rejected token"],
)
def test_a_request_that_is_repeated_has_its_new_number_written_down_before_it_leaves(
    till: Till, first: Any, adapter: type
) -> None:
    """After a failure that may be repeated, and after a credential that the provider had forgotten."""
    seen: list[dict[str, Any]] = []
    provider = Provider()

    def prepare(store: Any) -> None:
        provider.answers[:] = [looking(store, seen, first), looking(store, seen, opened())]

    _, charge = till.run(provider, prepare, ("create_charge", order()), adapter=adapter)
    assert ChargeStatus.PENDING is charge.status
    assert [1, 2] == [row["attempt"] for row in seen]
    assert ["sending"] * 2 == [row["state"] for row in seen]
    for row in seen:
        assert row["header"] == row["external_id"]
    assert seen[0]["header"] != seen[1]["header"]
    [note] = till.notes()
    assert seen[1]["header"] == note.external_id, "the history tells each number that left"
    assert till.row()["external_id"] == seen[1]["header"]


def test_the_number_of_an_earlier_attempt_stays_in_the_history(till: Till) -> None:
    """It is what the provider asks for when an earlier request is looked into."""
    provider = Provider(NEVER_LEFT[0], LOST, httpx.Response(404, json={"error": "unknown"}), opened())
    till.run(provider, ("create_charge", order()))
    till.clock.move(1000)
    till.run(provider, ("create_charge", order()))
    sent = [one.headers[HEADER] for one in provider.requests if one.method == "POST"]
    assert 3 == len(set(sent))
    told = [number for note in till.notes() for number in (note.before, note.external_id)]
    assert {*sent} <= {*told, till.row()["external_id"]}


def test_the_same_request_gives_the_same_charge(till: Till) -> None:
    """In one process, after a restart, with another moment of expiry, and after that moment has passed."""
    provider = Provider()
    ends = datetime.fromtimestamp(START + 600, UTC)
    first, again = till.run(
        provider, ("create_charge", order(expires_at=ends)), ("create_charge", order(expires_at=ends))
    )
    till.clock.move(60)
    later = till.one(provider, "create_charge", order(expires_at=ends + timedelta(seconds=60)))
    till.clock.move(3600)
    past = till.one(provider, "create_charge", order(expires_at=ends))
    assert 1 == len(provider.requests)
    for one in (again, later, past):
        assert (first.reference, first.instructions, first.status, first.amount) == (
            one.reference,
            one.instructions,
            one.status,
            one.amount,
        )
    assert 1 == len(till.rows())


def test_a_new_charge_whose_end_is_past_is_refused_and_leaves_no_row(till: Till) -> None:
    """It was never made, so there is nothing to give."""
    past = datetime.fromtimestamp(START - 1, UTC)
    failure = till.one(Provider(), "create_charge", order(expires_at=past))
    assert isinstance(failure, InvalidCharge)
    assert "expires_at" == failure.field
    assert [] == till.rows()


def test_threads_at_once_make_one_charge(store_url: str) -> None:
    """On every database: sixteen buyers click, and the provider gets one request."""
    provider, may_answer = Provider(), threading.Event()

    def slow(request: httpx.Request) -> httpx.Response:
        assert may_answer.wait(10)
        return opened("INV-1")

    provider.answers[0] = slow
    till = Till(store_url, connections=8)
    with ThreadPoolExecutor(8) as pool:
        each = [pool.submit(till.one, provider, "create_charge", order()) for _ in range(8)]
        while not provider.requests:
            pass
        may_answer.set()
        charges = [one.result(30) for one in each]
    assert ["QR"] * 8 == [one.instructions.payload for one in charges]
    assert 1 == len(provider.requests)
    assert 1 == till.row()["attempt"]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_tasks_at_once_make_one_charge(url: str, backend: str) -> None:
    """Fifty tasks of one process ask for five charges: five requests."""
    till, provider, got = Till(url, backend), Provider(), []
    provider.answers[0] = lambda request: opened()

    async def run() -> None:
        with till.store() as store:
            async with AsyncGateway(
                "main", tiny(kind=Numbered), transport=provider, store=AsyncStore(store), clock=till.clock
            ) as gateway:

                async def create(number: int) -> None:
                    got.append(await gateway.create_charge(order(f"INV-{number % 5}")))

                async with anyio.create_task_group() as group:
                    for number in range(50):
                        group.start_soon(create, number)

    anyio.run(run, backend=backend)
    assert 50 == len(got)
    assert 5 == provider.creates
    assert {"known"} == {row["state"] for row in till.rows()}


class Wide(Numbered):
    """Takes cash in a store too."""

    @hookimpl
    @for_methods(Qris, Retail)
    def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
        reply = yield httpx.Request("POST", self._settings.base_url, json={"id": request.reference})
        return self._charge(request.reference, request.amount, reply)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (
            {"amount": Money.idr(1), "items": ()},
            "amount was IDR 25000.00, now IDR 1.00; items",
        ),
        ({"method": Retail("alfamart")}, "method was qris, now retail alfamart"),
        ({"customer": Customer(name="Budi")}, "customer"),
        ({"description": "for Budi"}, "description"),
        ({"return_url": "https://shop.example/budi"}, "return_url"),
        ({"items": ()}, "items"),
    ],
)
def test_another_request_of_the_reference_is_refused_and_told_what_differs(
    url: str, other: dict[str, Any], words: str
) -> None:
    """Before anything is sent; what is personal is only said to differ."""
    till, provider = Till(url), Provider()
    made = order(**PERSONAL)
    till.one(provider, "create_charge", made, adapter=Wide)
    changed = msgspec.structs.replace(made, **other)
    failure = till.one(provider, "create_charge", changed, adapter=Wide)
    assert isinstance(failure, ReferenceTaken)
    assert failure.why.endswith(words)
    assert ("main", "create_charge", "INV-1") == (failure.gateway, failure.operation, failure.reference)
    for text in (str(failure), failure.message("id"), repr(failure)):
        assert not re.search("siti|budi|6281|cake", text, re.IGNORECASE)
    assert 1 == len(provider.requests)


def test_nothing_personal_stands_in_the_database(url: str, tmp_path: Path) -> None:
    """Neither in a row nor in the file: what is personal is kept as a digest."""
    till = Till(url)
    till.one(Provider(), "create_charge", order(**PERSONAL))
    till.one(Provider(), "create_charge", order(**{**PERSONAL, "description": "another"}))
    with till.store() as store, store.database.reading() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint")
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("paygate.db*"))
    assert b"INV-1" in kept
    for word in (b"Siti", b"628123456789", b"cake", b"thanks"):
        assert word not in kept


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (NEVER_LEFT[0], Unreachable),
        (httpx.Response(400, json={"error": "amount"}), Refused),
        (BUSY, RateLimited),
    ],
)
def test_what_was_never_sent_or_was_refused_may_be_asked_for_differently(
    till: Till, end: Any, kind: type[PaygateError]
) -> None:
    """The reference is free then: the same request, or another one, is sent as a new attempt."""
    provider = Provider(end)
    refused = till.one(provider, "create_charge", order(), adapter=Patient)
    assert isinstance(refused, kind)
    assert ("free", None, None) == tuple(till.row()[k] for k in ("state", "claim", "due_at"))
    provider.answers[:] = [opened()]
    charge = till.one(provider, "create_charge", order(amount=Money.idr(9_000)))
    assert Money.idr(9_000) == charge.amount
    row = till.row()
    assert ("known", "INV-1") == (row["state"], row["claim"])
    assert row["external_id"] == provider.requests[-1].headers[HEADER]
    assert 1 == len(till.rows())


def test_a_gateway_that_rests_leaves_the_reference_free(till: Till) -> None:
    """The breaker is asked after the row was written; the row says that nothing was sent."""
    provider = Provider(LOST)
    lost, open_ = till.run(
        provider, ("create_charge", order("INV-0")), ("create_charge", order()), breaker_failures=1
    )
    assert (OutcomeUnknown, CircuitOpen) == (type(lost), type(open_))
    assert "free" == till.row()["state"]
    assert 1 == len(provider.requests)


@pytest.mark.parametrize("failure", MAY_HAVE_ARRIVED, ids=lambda one: type(one).__name__)
def test_a_request_whose_fate_nobody_knows_is_unknown_and_due_at_once(url: str, failure: Exception) -> None:
    """Whatever broke: the row says so, and reconcile would ask now."""
    till = Till(url)
    unknown = till.one(Provider(failure), "create_charge", order())
    assert isinstance(unknown, OutcomeUnknown)
    row = till.row()
    assert ("unknown", 0, START * 1e6, "INV-1") == tuple(
        row[k] for k in ("state", "lease_until", "due_at", "claim")
    )
    assert [notes.failed(unknown)] == till.notes()


@pytest.mark.parametrize("before", [State.UNKNOWN, State.KNOWN])
def test_a_charge_that_may_be_there_is_not_asked_for_differently(till: Till, before: State) -> None:
    """Also when its outcome is unknown: another request is refused, and nobody is asked."""
    provider = Provider(LOST if before is State.UNKNOWN else opened())
    till.one(provider, "create_charge", order())
    assert before == till.row()["state"]
    failure = till.one(provider, "create_charge", order(amount=Money.idr(1)))
    assert isinstance(failure, ReferenceTaken)
    assert 1 == len(provider.requests)
    assert before == till.row()["state"]


def test_a_reference_that_the_provider_knows_already_is_asked_about(till: Till) -> None:
    """Somebody made it past this journal: the error is the provider's, and the next call tells the charge."""
    provider = Provider(httpx.Response(409, json={"error": "exists"}), opened())
    duplicate, charge = till.run(provider, ("create_charge", order()), ("create_charge", order()))
    assert isinstance(duplicate, DuplicateReference)
    assert ["POST", "GET"] == [one.method for one in provider.requests]
    assert ("QR", "known") == (charge.instructions.payload, till.row()["state"])


def test_tellings_of_money_are_the_same_however_they_are_written(till: Till) -> None:
    """25000, "25000.00" and a Decimal are one amount, so one request."""
    provider = Provider()
    for amount in (Money.idr(25_000), Money("25000.00"), Money("25000"), Money.idr("25000.0")):
        assert isinstance(till.one(provider, "create_charge", order(amount=amount)), Charge)
    assert 1 == len(provider.requests)


def test_two_stores_see_one_another(url: str) -> None:
    """A second process looks into the row that the first has written."""
    till = Till(url)
    till.one(Provider(), "create_charge", order())
    with till.store() as one, till.store() as two:
        assert row_of(one) == row_of(two)
