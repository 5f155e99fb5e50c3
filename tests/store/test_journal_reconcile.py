"""Reconcile: what is unsettled or overdue is asked about, in bounded batches, and nothing is sent."""

from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from paygate_tiny import Tiny

from paygate import Charge, ChargeStatus, ConfigurationError, OutcomeUnknown, Qris, hookimpl
from paygate.reconciliation import BATCH
from paygate.store.schema import facts
from tests.databases import Laid
from tests.estate import Estate, Providers, document
from tests.provider import Provider, opened, order
from tests.store.callers import START, Clock
from tests.store.tills import GRACE, LEASE, SHELLS, Till, rows_of
from tests.test_gateway import LOST

NOWHERE: Final = httpx.Response(404, json={"error": "unknown"})


def paid(request: httpx.Request) -> httpx.Response:
    """What Tiny tells of a charge that was paid."""
    reference = request.url.path.rsplit("/", 1)[1]
    return httpx.Response(200, json={"id": reference, "status": "paid", "amount": "25000"})


class Night:
    """A merchant's charges, and the process that reconciles them at night."""

    def __init__(self, estate: Estate, url: str) -> None:
        self.estate = estate
        self.url = url
        self.clock = Clock()
        self.till = Till(url, clock=self.clock)
        self.heard: list[str] = []

    @hookimpl
    def charge_changed(self, charge: Charge) -> None:
        self.heard.append(f"{charge.reference} {charge.status}")

    def run(self, provider: Any, *steps: Any, names: tuple[str, ...] = ("main",), **others: Any) -> list[Any]:
        """Do some steps in a new process."""
        configuration = {**document({}, names), "store": {"url": self.url}}
        providers = Providers(main=provider, **others)
        return self.estate.calls(configuration, providers, *steps, clock=self.clock, listeners=[self])

    def make(self, count: int, answer: Any) -> None:
        """Ask for some charges, each of which gets this answer."""
        self.run(Provider(answer), *[("create_charge", order(f"INV-{number}")) for number in range(count)])
        self.heard.clear()

    def reconcile(self, *answers: Any, limit: int = 1000, **options: Any) -> Any:
        """Reconcile in a new process; what it came to."""
        self.provider = Provider(*answers)
        [done] = self.run(self.provider, ("reconcile", limit), **options)
        return done

    @property
    def states(self) -> list[str]:
        """The rows' states."""
        return [row["state"] for row in self.till.rows()]


@pytest.fixture(params=SHELLS)
def night(
    request: pytest.FixtureRequest, laid: Laid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Night:
    """A night in each shell."""
    return Night(Estate(request.param, monkeypatch), laid.url("sqlite", tmp_path))


def test_the_unknown_are_settled(night: Night) -> None:
    """Found, or never there: asked about once each, and nothing is sent."""
    night.make(4, LOST)
    night.clock.move(GRACE)

    def some(request: httpx.Request) -> httpx.Response:
        return paid(request) if request.url.path[-1] in "01" else NOWHERE

    done = night.reconcile(some)
    assert (4, 4, {}) == (done.asked, done.settled, done.unsettled)
    assert ["known", "known", "free", "free"] == night.states
    assert {"GET"} == {one.method for one in night.provider.requests}
    assert ["INV-0 paid", "INV-1 paid"] == night.heard
    again = night.reconcile(paid)
    assert (0, []) == (again.asked, night.provider.requests)


def test_absence_within_the_grace_time_is_asked_about_again(night: Night) -> None:
    """It counts as unsettled, and is due when it would be believed."""
    night.make(1, LOST)
    night.clock.move(10)
    done = night.reconcile(NOWHERE)
    assert (1, 0, {"ChargeNotFound": 1}) == (done.asked, done.settled, done.unsettled)
    assert 0 == night.reconcile(NOWHERE).asked
    night.clock.move(GRACE - 10)
    assert 1 == night.reconcile(NOWHERE).settled
    assert ["free"] == night.states


def test_the_limit_bounds_a_pass(night: Night) -> None:
    """In batches: no more is asked about, and no more is held from others than a batch."""
    night.make(4, LOST)
    done = night.reconcile(paid, limit=3)
    assert (3, 3) == (done.asked, len(night.provider.requests))
    assert [3, 1] == [night.states.count(state) for state in ("known", "unknown")]
    assert 1 == night.reconcile(paid).asked
    assert BATCH <= 100


def test_what_gets_no_answer_waits_ever_longer(night: Night) -> None:
    """A provider that is down does not keep reconcile busy."""
    night.make(1, LOST)
    pauses = []
    for _ in range(5):
        done = night.reconcile(httpx.Response(500))
        assert {"OutcomeUnknown": 1} == done.unsettled
        assert 0 == night.reconcile(httpx.Response(500)).asked
        pause = night.till.rows()[0]["due_at"] / 1e6 - night.clock()
        pauses.append(pause)
        night.clock.move(pause)
    assert pauses == sorted(pauses)
    assert pauses[-1] > pauses[0]
    assert ["unknown"] == night.states


def test_what_is_overdue_is_asked_about(night: Night) -> None:
    """A charge that is still open an hour after it was made, whoever forgot to call."""
    night.make(2, opened())
    assert 0 == night.reconcile(paid).asked
    night.clock.move(3600)
    done = night.reconcile(paid)
    assert (2, 2) == (done.asked, done.settled)
    assert ["INV-0 paid", "INV-1 paid"] == night.heard
    assert {None} == {row["due_at"] for row in night.till.rows()}


def test_what_is_still_open_is_asked_about_again_later(night: Night) -> None:
    """It is settled for now, and announced no second time."""
    night.make(1, opened("INV-0"))
    night.clock.move(3600)
    assert 1 == night.reconcile(opened("INV-0")).settled
    assert [] == night.heard
    assert 0 == night.reconcile(opened("INV-0")).asked
    night.clock.move(60)
    assert 1 == night.reconcile(opened("INV-0")).asked


def test_a_known_charge_that_the_provider_has_lost_stays_known(night: Night) -> None:
    """It is never free to be sent again: it counts as unsettled."""
    night.make(1, opened("INV-0"))
    night.clock.move(GRACE * 1000)
    done = night.reconcile(NOWHERE)
    assert {"ChargeNotFound": 1} == done.unsettled
    assert ["known"] == night.states
    provider = Provider()
    [charge] = night.run(provider, ("create_charge", order("INV-0")))
    assert (ChargeStatus.PENDING, []) == (charge.status, provider.requests)


def test_charges_of_a_gateway_that_is_gone_are_named_and_wait(night: Night) -> None:
    """The others are settled; those of the gateway that is gone are not asked about anywhere else."""
    night.make(1, LOST)
    night.run(Provider(), ("create_charge", order("INV-9")), names=("backup",), backup=Provider(LOST))
    done = night.reconcile(paid, names=("main",))
    assert (2, 1, {"ConfigurationError": 1}) == (done.asked, done.settled, done.unsettled)
    assert ["known", "unknown"] == night.states
    assert 0 == night.reconcile(paid).asked, "it waits"
    night.clock.move(3600)
    assert 1 == night.reconcile(paid, names=("backup",), backup=Provider(paid)).settled


def test_charges_of_dead_processes_are_settled_when_their_lease_is_over(night: Night) -> None:
    """Killed between the intent and the answer."""
    with night.till.store() as store:
        for number in range(3):
            store.journal.begin("main", order(f"INV-{number}"), "1" * 33)
    assert 0 == night.reconcile(paid).asked
    night.clock.move(LEASE)
    assert 3 == night.reconcile(paid).settled
    assert ["known"] * 3 == night.states


def test_a_worker_that_is_slow_asks_about_what_is_still_its_own(night: Night) -> None:
    """Half of the lease is for the answer: the rest of the batch is given back, and taken anew, by whoever comes."""
    night.make(5, LOST)
    held: list[int] = []

    def slow(request: httpx.Request) -> httpx.Response:
        now = night.clock() * 1e6
        [mine] = [row for row in night.till.rows() if row["reference"] == request.url.path.rsplit("/", 1)[1]]
        held.append(mine["lease_until"] - now)
        night.clock.move(LEASE / 4)
        return paid(request)

    done = night.reconcile(slow)
    assert (5, 5) == (done.asked, len(night.provider.requests))
    assert min(held) > LEASE / 2 * 1e6
    assert ["known"] * 5 == night.states


def test_nothing_due_is_nothing_done(night: Night) -> None:
    """Nor is anything asked."""
    done = night.reconcile(paid)
    assert (0, 0, {}, []) == (done.asked, done.settled, done.unsettled, night.provider.requests)


def test_without_a_store_there_is_nothing_to_reconcile(night: Night) -> None:
    """And that is said."""
    [failure] = night.estate.calls(document(), Providers(), ("reconcile",))
    assert isinstance(failure, ConfigurationError)
    assert "[store]" in failure.what


def test_each_failure_of_asking_stands_in_the_history(night: Night) -> None:
    """By its kind, without the provider's words."""
    night.make(1, LOST)
    night.reconcile(httpx.Response(500, text="canary-of-words"))
    with night.till.store() as store:
        told = [row["note"] for row in rows_of(store, facts)]
    assert [b'{"kind":"failed","error":"OutcomeUnknown"}'] * 2 == told


def test_a_charge_that_nobody_can_ask_about_waits_for_a_callback(night: Night) -> None:
    """An adapter without a query: counted by what stands in the way."""

    class Mute(Tiny):
        """Cannot ask."""

        query = None  # type: ignore[assignment]

    night.estate.adapters(main=Mute)
    night.make(1, LOST)
    night.clock.move(GRACE * 10)
    done = night.reconcile(paid)
    assert ({"UnsupportedOperation": 1}, []) == (done.unsettled, night.provider.requests)
    [failure] = night.run(Provider(), ("create_charge", order("INV-0")))
    assert type(failure) is OutcomeUnknown


def test_a_charge_stands_as_it_was_asked_for_while_it_is_unknown(night: Night) -> None:
    """Its query knows method and amount, which some providers must be told."""
    night.make(1, LOST)
    with night.till.store() as store:
        [entry] = store.agenda.take(1)
    assert (Qris(), order().amount, START * 1e6) == (entry.charge.method, entry.charge.amount, entry.sent_at)
