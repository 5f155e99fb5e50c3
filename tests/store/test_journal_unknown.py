"""Charges whose outcome nobody knows: the provider is asked first, and only its late "never had it" sends again."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import anyio
import httpx
import pytest

from paygate import (
    AsyncGateway,
    ChargeRequest,
    ChargeStatus,
    Flow,
    InstructionsLost,
    OutcomeUnknown,
    hookimpl,
)
from paygate.model import Charge
from paygate.store import notes
from paygate.store.entries import Step
from paygate.store.threads import AsyncStore
from tests.databases import Laid
from tests.provider import Provider, opened, order, tiny
from tests.store.callers import START, Clock
from tests.store.tills import (
    GRACE,
    HEADER,
    LEASE,
    SHELLS,
    Cancelling,
    Numbered,
    Till,
    row_of,
    waited,
)
from tests.test_gateway import LOST

NOWHERE: Final = httpx.Response(404, json={"error": "unknown"})
BARE: Final = httpx.Response(200, json={"id": "INV-1", "status": "open"})
PAID: Final = httpx.Response(200, json={"id": "INV-1", "status": "paid", "amount": "25000"})
DOWN: Final = httpx.Response(500, text="down")


@pytest.fixture
def url(laid: Laid, tmp_path: Path) -> str:
    """The address of an empty SQLite file."""
    return laid.url("sqlite", tmp_path)


@pytest.fixture(params=SHELLS)
def till(request: pytest.FixtureRequest, url: str) -> Till:
    """A till in each shell."""
    return Till(url, request.param)


def lost(till: Till, **options: Any) -> Provider:
    """A charge that was sent and whose answer was lost; the provider that got it."""
    provider = Provider(LOST)
    assert isinstance(till.one(provider, "create_charge", order(), **options), OutcomeUnknown)
    return provider


def asked(provider: Provider) -> list[str]:
    """What the provider was asked, in order."""
    return [{"POST": "create", "GET": "query", "DELETE": "cancel"}[one.method] for one in provider.requests]


def test_a_charge_that_is_found_is_given(till: Till) -> None:
    """The provider tells how it is paid: that is all that anybody wanted."""
    provider = lost(till)
    provider.answers[:] = [opened("INV-1")]
    charge, again = till.run(provider, ("create_charge", order()), ("create_charge", order()))
    assert ("QR", ChargeStatus.PENDING) == (charge.instructions.payload, charge.status)
    assert charge == again
    assert ["create", "query"] == asked(provider)
    assert [("query", "pending")] == till.told()


def test_a_charge_that_is_found_paid_is_given_paid(till: Till) -> None:
    """Somebody paid it, though we never showed how."""
    provider = lost(till)
    provider.answers[:] = [PAID]
    charge = till.one(provider, "create_charge", order())
    assert ChargeStatus.PAID is charge.status
    assert ("known", "paid", None) == tuple(till.row()[k] for k in ("state", "status", "due_at"))


@pytest.mark.parametrize(
    ("adapter", "ends", "way"),
    [
        (Cancelling, None, "cancel it, and make a charge with a new reference"),
        (Numbered, None, "have this one's end looked after by `paygate reconcile`"),
        (Numbered, datetime.fromtimestamp(START + 600, UTC), "it expires at 2027-01-15T08:10:00+00:00"),
    ],
    ids=["cancels", "cannot", "expires"],
)
def test_a_charge_that_nobody_can_be_shown_how_to_pay_says_the_way_out(
    till: Till, adapter: type, ends: datetime | None, way: str
) -> None:
    """It exists, and its QR is lost: cancel it where that can be done, else let it expire, else watch it."""
    provider = Provider(LOST, BARE)
    request = order(expires_at=ends)
    till.one(provider, "create_charge", request, adapter=adapter)
    failures = till.run(provider, *[("create_charge", request)] * 2, adapter=adapter)
    till.clock.move(3600)
    failures.append(till.one(provider, "create_charge", request, adapter=adapter))
    for failure in failures:
        assert isinstance(failure, InstructionsLost)
        assert way in failure.what
        assert ("INV-1", ChargeStatus.PENDING, ends) == (
            failure.charge.reference,
            failure.charge.status,
            failure.charge.expires_at,
        )
        assert ("main", "create_charge", "INV-1") == (failure.gateway, failure.operation, failure.reference)
    assert ["create", "query"] == asked(provider)


def test_a_lost_charge_that_is_cancelled_is_given_as_cancelled(till: Till) -> None:
    """The way out works: then the reference tells the truth, and a new one is for the next charge."""
    provider = Provider(LOST, BARE, httpx.Response(200, json={"id": "INV-1", "status": "gone"}))

    class Ending(Cancelling):
        """Its provider cancels."""

        def _charge(self, reference: str, amount: Any, reply: httpx.Response) -> Charge:
            if b"gone" in reply.content:
                made = super()._charge(reference, amount, BARE)
                return Charge(
                    gateway=made.gateway,
                    reference=reference,
                    status=ChargeStatus.CANCELLED,
                    method=made.method,
                )
            return super()._charge(reference, amount, reply)

    _, failure = till.run(provider, *[("create_charge", order())] * 2, adapter=Ending)
    cancelled = till.one(provider, "cancel", failure.charge, adapter=Ending)
    assert ChargeStatus.CANCELLED is cancelled.status
    assert ChargeStatus.CANCELLED is till.one(provider, "create_charge", order(), adapter=Ending).status
    assert ["create", "query", "cancel"] == asked(provider)


def test_that_the_provider_never_had_it_is_believed_only_after_the_grace_time(till: Till) -> None:
    """Before, it is OutcomeUnknown; then it is sent again: the same reference, and a new X-EXTERNAL-ID."""
    provider = lost(till)
    provider.answers[:] = [NOWHERE]
    till.clock.move(GRACE - 1)
    early = till.one(provider, "create_charge", order())
    assert isinstance(early, OutcomeUnknown)
    assert "is not believed so soon" in early.what
    assert 404 == early.http_status
    assert ("unknown", (START + GRACE) * 1e6) == (till.row()["state"], till.row()["due_at"])
    till.clock.move(1)
    provider.answers[:] = [NOWHERE, opened("INV-1")]
    charge = till.one(provider, "create_charge", order())
    assert ChargeStatus.PENDING is charge.status
    assert ["create", "query", "query", "create"] == asked(provider)
    first, last = provider.requests[0], provider.requests[-1]
    assert first.content == last.content
    assert first.headers[HEADER] != last.headers[HEADER]
    assert ("known", 2, last.headers[HEADER]) == tuple(
        till.row()[k] for k in ("state", "attempt", "external_id")
    )


def test_the_grace_time_begins_anew_with_each_sending(till: Till) -> None:
    """A second answer that was lost is as unknown as the first."""
    provider = lost(till)
    till.clock.move(GRACE + 1)
    provider.answers[:] = [NOWHERE, LOST]
    assert isinstance(till.one(provider, "create_charge", order()), OutcomeUnknown)
    assert 2 == provider.creates
    till.clock.move(GRACE - 1)
    provider.answers[:] = [NOWHERE]
    assert isinstance(till.one(provider, "create_charge", order()), OutcomeUnknown)
    assert 2 == provider.creates


def test_an_answer_counts_from_when_it_was_asked_for(till: Till) -> None:
    """A process that sleeps between the provider's "not here" and its own look at the clock believes nothing."""
    provider = lost(till)

    def slept(_: httpx.Request) -> httpx.Response:
        till.clock.move(GRACE * 2)
        return NOWHERE

    provider.answers[:] = [slept]
    assert isinstance(till.one(provider, "create_charge", order()), OutcomeUnknown)
    assert "unknown" == till.row()["state"]
    assert 1 == provider.creates
    provider.answers[:] = [NOWHERE, opened("INV-1")]
    assert ChargeStatus.PENDING is till.one(provider, "create_charge", order()).status


@pytest.mark.parametrize("answer", [DOWN, LOST, httpx.ConnectError("refused"), httpx.Response(429)])
def test_a_query_that_fails_leaves_it_unknown(till: Till, answer: Any) -> None:
    """Never NotSent, whatever stood in the way of asking; and it is not sent again."""
    provider = lost(till)
    provider.answers[:] = [answer]
    till.clock.move(GRACE * 10)
    failure = till.one(provider, "create_charge", order())
    assert type(failure) is OutcomeUnknown
    assert "an earlier call sent this charge" in failure.what
    assert "INV-1" == failure.reference
    assert 1 == provider.creates
    row = till.row()
    assert ("unknown", 0) == (row["state"], row["lease_until"])
    assert row["due_at"] > till.clock() * 1e6


class Mute(Numbered):
    """An adapter that cannot ask."""

    query = None  # type: ignore[assignment]


def test_an_adapter_that_cannot_ask_leaves_it_unknown(till: Till) -> None:
    """Nobody can say: it is never sent again, until a callback tells."""
    provider = lost(till, adapter=Mute)
    till.clock.move(GRACE * 10)
    failure = till.one(provider, "create_charge", order(), adapter=Mute)
    assert type(failure) is OutcomeUnknown
    assert "UnsupportedOperation" in failure.what
    assert ["create"] == asked(provider)


def test_a_charge_whose_end_has_passed_is_asked_about_all_the_same(till: Till) -> None:
    """Asking for it again with the same past moment is no fault of the request: its outcome is unknown."""
    ends = order(expires_at=datetime.fromtimestamp(START + 60, UTC))
    provider = Provider(LOST)
    till.one(provider, "create_charge", ends)
    till.clock.move(61)
    assert type(till.one(provider, "create_charge", ends)) is OutcomeUnknown
    provider.answers[:] = [PAID]
    assert ChargeStatus.PAID is till.one(provider, "create_charge", ends).status
    assert 1 == provider.creates


def test_a_charge_whose_end_has_passed_and_which_never_was_is_not_sent(till: Till) -> None:
    """Asked about after the grace time, the provider never had it: then the moment is too late."""
    ends = order(expires_at=datetime.fromtimestamp(START + 60, UTC))
    provider = Provider(LOST, NOWHERE)
    till.one(provider, "create_charge", ends)
    till.clock.move(GRACE + 1)
    failure = till.one(provider, "create_charge", ends)
    assert ("expires_at", "free") == (failure.field, till.row()["state"])
    assert ["create", "query"] == asked(provider)


def intended(till: Till, number: str = "1" * 33) -> None:
    """Leave what a process leaves that was killed between its intent and the answer."""
    with till.store() as store:
        entry = store.journal.begin("main", order(), number)
        assert Step.SEND is entry.step


def test_others_wait_while_the_lease_of_a_dead_process_lives_and_then_ask(till: Till) -> None:
    """Nobody can know that it is dead; when its time is over the provider is asked, and nothing is sent."""
    intended(till)
    provider = Provider(opened("INV-1"))
    moved: list[int] = []

    class Ticking(Clock):
        """A clock that moves on whenever it is looked at."""

        def __call__(self) -> float:
            if not provider.requests:
                self.move(15)
                moved.append(1)
            return super().__call__()

    till.clock = Ticking()
    charge = till.one(provider, "create_charge", order())
    assert ["query"] == asked(provider)
    assert ("QR", "known") == (charge.instructions.payload, till.row()["state"])
    assert till.clock() >= START + LEASE
    assert len(moved) * 15 >= LEASE


def test_a_clock_that_was_set_back_makes_nobody_wait_for_ever(till: Till) -> None:
    """A lease that ends an hour from now is none that anybody has: the outcome is unknown, said in time."""
    with Till(till.settings.url.reveal(), clock=till.clock).store() as store:
        till.clock.move(3600)
        store.journal.begin("main", order(), "1" * 33)
        till.clock.move(-3600)
    brief = Till(till.settings.url.reveal(), till.shell, till.clock, lease_seconds=1.0)
    failure = brief.one(Provider(), "create_charge", order())
    assert type(failure) is OutcomeUnknown
    assert "another call" in failure.what


def test_several_that_waited_ask_once(url: str) -> None:
    """The lease of the asking goes to one; the others take what it found."""
    till, provider = Till(url), Provider(opened("INV-1"))
    intended(till)
    till.clock.move(LEASE)
    with ThreadPoolExecutor(6) as pool:
        each = [pool.submit(till.one, provider, "create_charge", order()) for _ in range(6)]
        assert {"QR"} == {one.result(30).instructions.payload for one in each}
    assert ["query"] == asked(provider)


class Sleepy(Numbered):
    """An adapter in a process that sleeps just before it sends."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.sleep: Any = lambda: None

    @hookimpl
    def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
        self.sleep()
        return (yield from super().create_charge(request))


def sleeper(till: Till, provider: Provider, sleep: Any) -> Any:
    """Make a charge in a process that sleeps before it sends."""
    adapter = tiny(kind=Sleepy)
    adapter.sleep = sleep
    return till.one(provider, "create_charge", order(), adapter=adapter)


def test_a_sleeper_that_was_taken_over_does_not_send(till: Till) -> None:
    """Its lease ended, another asked, was told that it never was, and has sent it: one charge."""
    other, provider = Till(till.settings.url.reveal(), clock=till.clock), Provider(NOWHERE, opened("INV-1"))

    def sleep() -> None:
        till.clock.move(GRACE + 1)
        assert isinstance(other.one(provider, "create_charge", order()), Charge)

    failure = sleeper(till, provider, sleep)
    assert type(failure) is OutcomeUnknown, "the other has sent it: this is no 'nothing was sent'"
    assert "new reference" not in str(failure)
    assert ["query", "create"] == asked(provider)
    assert ("known", 2) == (till.row()["state"], till.row()["attempt"])


def test_a_sleeper_that_was_asked_after_does_not_send(till: Till) -> None:
    """Another holds it as unknown: sending now might make a second one."""
    other, provider = Till(till.settings.url.reveal(), clock=till.clock), Provider(NOWHERE)

    def sleep() -> None:
        till.clock.move(LEASE)
        assert isinstance(other.one(provider, "create_charge", order()), OutcomeUnknown)

    assert type(sleeper(till, provider, sleep)) is OutcomeUnknown
    assert ["query"] == asked(provider)
    assert "unknown" == till.row()["state"]


@pytest.mark.parametrize("seconds", [LEASE / 2 - 1, LEASE / 2, LEASE, LEASE * 100])
def test_a_sleeper_that_nobody_missed_sends_with_a_new_lease(till: Till, seconds: float) -> None:
    """Past half of its lease it is renewed before anything leaves."""
    provider = Provider(opened("INV-1"))
    charge = sleeper(till, provider, lambda: till.clock.move(seconds))
    assert isinstance(charge, Charge)
    assert (1 if seconds < LEASE / 2 else 2) == till.row()["attempt"]
    assert till.row()["external_id"] == provider.requests[0].headers[HEADER]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("how", ["scope", "timeout"])
def test_a_cancelled_task_leaves_it_unknown_at_once(url: str, backend: str, how: str) -> None:
    """Nobody has to wait for its lease to end: the store is written to though the task is cancelled."""
    till = Till(url, backend)

    class Slow(Provider):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            await anyio.sleep_forever()
            raise AssertionError

    async def run() -> None:
        with till.store() as store:
            async with AsyncGateway(
                "main", tiny(kind=Numbered), transport=Slow(), store=AsyncStore(store), clock=till.clock
            ) as gateway:
                if how == "timeout" and backend == "asyncio":
                    import asyncio

                    with pytest.raises(TimeoutError):
                        await asyncio.wait_for(gateway.create_charge(order()), 0.2)
                else:
                    with anyio.move_on_after(0.2):
                        await gateway.create_charge(order())
                row = row_of(store)
                assert ("unknown", 0, START * 1e6) == (row["state"], row["lease_until"], row["due_at"])

    anyio.run(run, backend=backend)
    assert [notes.failed(None)] == till.notes()


def test_what_is_pressed_away_leaves_it_unknown_at_once(url: str) -> None:
    """Ctrl-C in a blocking program is the same."""
    till, provider = Till(url), Provider()

    def interrupted(_: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    provider.answers[:] = [interrupted]
    with pytest.raises(KeyboardInterrupt):
        till.run(provider, ("create_charge", order()))
    assert ("unknown", 0) == (till.row()["state"], till.row()["lease_until"])


def test_a_late_answer_brings_the_instructions_that_a_query_could_not(url: str) -> None:
    """The first caller was slow, a second has asked meanwhile: whoever comes third gets the QR."""
    till, may_answer, provider = Till(url), threading.Event(), Provider(BARE)

    def slow(_: httpx.Request) -> httpx.Response:
        assert may_answer.wait(10)
        return opened("INV-1")

    slowly = Provider(slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(till.one, slowly, "create_charge", order())
        waited(lambda: bool(slowly.requests))
        till.clock.move(LEASE)
        assert isinstance(till.one(provider, "create_charge", order()), InstructionsLost)
        may_answer.set()
        assert "QR" == first.result(10).instructions.payload
    assert "QR" == till.one(provider, "create_charge", order()).instructions.payload
    assert 1 == provider.creates + slowly.creates
