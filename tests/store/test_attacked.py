"""What an attacker found and proved; each went wrong once."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest
from paygate_tiny import Tiny

from paygate import (
    Callback,
    CallbackReply,
    CallbackRequest,
    Charge,
    ChargeStatus,
    Money,
    OutcomeUnknown,
    Qris,
)
from paygate.store.entries import Source
from paygate.store.retention import purge
from paygate.store.schema import charges, flags
from paygate.worker import Worker
from tests.databases import Laid
from tests.provider import opened as answered
from tests.provider import order
from tests.store.callers import Notes, Shop, deliver, drained, opened
from tests.store.tills import rows_of
from tests.test_gateway import LOST

PENDING: Final = Charge(
    gateway="main", reference="INV-1", status=ChargeStatus.PENDING, method=Qris(), amount=Money.idr(25_000)
)
PAID: Final = msgspec.structs.replace(PENDING, status=ChargeStatus.PAID, paid_amount=Money.idr(25_000))


@pytest.fixture
def url(laid: Laid, tmp_path: Path) -> str:
    """The address of an empty SQLite file."""
    return laid.url("sqlite", tmp_path)


def numbered(charge: Charge, number: str, **other: Any) -> Charge:
    """The same charge, under a number of the provider's."""
    return msgspec.structs.replace(charge, provider_reference=number, **other)


def made(shop: Shop, answer: Charge, **other: Any) -> None:
    """Make a charge that the provider answers so."""
    entry = shop.store.journal.begin("main", order(answer.reference, **other), "1")
    shop.store.outcomes.answered(entry, answer, "1")


def called(shop: Shop, told: Charge) -> bool:
    """Let the provider tell of a charge; whether it is news."""
    reply = CallbackReply(200, {}, b"")
    callback = Callback(gateway="main", charges=(told,), reply=reply, sent_at=None)
    return shop.inbox.receive(callback, CallbackRequest("POST", "/", {}, b"{}"))


def test_a_second_payment_that_a_query_told_first_is_flagged(url: str) -> None:
    """Two numbers of the provider's paid one charge: one of the two is to be given back."""
    with opened(url) as shop:
        made(shop, PENDING)
        for number, source in (("N1", Source.CALLBACK), ("N2", Source.QUERY)):
            shop.store.history.learn(numbered(PAID, number), source)
        called(shop, numbered(PAID, "N2"))
        drained(Worker(shop.paygate, deliver))
        assert ["twice"] == [row["kind"] for row in rows_of(shop.store, flags)]


def test_pending_that_comes_after_paid_is_a_regression(url: str) -> None:
    """It is what the reply said; the handler must not get the paid charge a second time for it."""
    with opened(url) as shop:
        notes = Notes()
        made(shop, numbered(PENDING, "N1"))
        for told in (numbered(PAID, "N1"), numbered(PENDING, "N1")):
            called(shop, told)
            drained(Worker(shop.paygate, notes))
        assert 1 == notes.statuses.count(["paid"])


def test_a_replay_of_pending_after_a_purge_has_no_effect(url: str) -> None:
    """Whoever kept an old signed call cannot have a parcel sent again."""
    with opened(url) as shop:
        worker = Worker(shop.paygate, deliver)
        shop.charge()
        for status in ("open", "paid"):
            shop.call(status=status)
            drained(worker)
        before = shop.parcels()
        shop.clock.move(86_400 * 500)
        purge(shop.store.database, 400, now=shop.clock())
        shop.call(status="open")
        drained(worker)
        assert before == shop.parcels()


@pytest.mark.parametrize(
    ("ours", "told"),
    [
        (numbered(PENDING, "1001"), numbered(PAID, "7777", reference="1001")),
        (numbered(PENDING, "8808123"), numbered(PAID, "8808123", reference="OTHER-2")),
    ],
    ids=["reference is our number", "account used again"],
)
def test_a_payment_of_another_charge_is_not_ours(url: str, ours: Charge, told: Charge) -> None:
    """A reference that the journal does not have is a charge that it does not know."""
    with opened(url) as shop:
        made(shop, ours)
        shop.store.history.learn(told, Source.CALLBACK)
        assert ["pending", "paid"] == [row["status"] for row in rows_of(shop.store, charges)]


def test_a_charge_that_cannot_be_written_down_keeps_no_other_waiting(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reconcile asks about all others."""
    read: Any = Tiny._charge

    def unwritable(self: Tiny, reference: str, *rest: Any) -> Charge:
        charge: Charge = read(self, reference, *rest)
        return numbered(charge, "\ud800") if reference == "INV-0" else charge

    monkeypatch.setattr(Tiny, "_charge", unwritable)
    with opened(url, LOST) as shop:
        for number in range(3):
            with pytest.raises(OutcomeUnknown):
                shop.charge(f"INV-{number}")
        shop.provider.answers[:] = [
            lambda request: answered(str(request.url).rsplit("/", 1)[-1]),
        ]
        shop.clock.move(100)
        shop.paygate.reconcile()
        assert ["unknown", "known", "known"] == [row["state"] for row in rows_of(shop.store, charges)]


def test_a_row_that_cannot_be_read_keeps_no_other_waiting(url: str) -> None:
    """As one that a newer version wrote, while an older one still runs."""
    with opened(url) as shop:
        notes = Notes()
        for number in range(2):
            shop.provider.answers[:] = [answered(f"INV-{number}")]
            shop.charge(f"INV-{number}")
            shop.call(f"INV-{number}")
        with shop.store.database.writing() as connection:
            connection.exec_driver_sql("UPDATE paygate_callbacks SET told = '{\"charges\": 1}' WHERE id = 1")
        for _ in range(3):
            try:
                drained(Worker(shop.paygate, notes))
            except msgspec.ValidationError:
                shop.clock.move(91)
        assert [["paid"]] == notes.statuses


def test_a_handler_that_exits_has_failed(url: str) -> None:
    """It does not end the worker, which would tell nobody."""

    def leave(_: Callback) -> None:
        sys.exit(1)

    with opened(url) as shop:
        shop.charge()
        shop.call()
        Worker(shop.paygate, leave).run_once()
        assert [1] == shop.rows("attempts")


def test_an_end_in_the_last_minute_of_time_can_be_listed(url: str) -> None:
    """Some say "never" so; one such charge must not hide all others."""
    end = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    with opened(url) as shop:
        made(shop, PENDING, expires_at=end)
        assert ["INV-1"] == [one.reference for one in shop.store.listing.charges()]
        shop.store.listing.counts()


def test_an_answer_that_cannot_be_written_down_is_given_all_the_same(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The charge is there, and its payer waits."""
    read: Any = Tiny._charge
    monkeypatch.setattr(Tiny, "_charge", lambda *told: numbered(read(*told), "\ud800"))
    with opened(url, httpx.Response(200, json={"id": "INV-1", "status": "open", "qr": "QR"})) as shop:
        assert ChargeStatus.PENDING is shop.charge().status
