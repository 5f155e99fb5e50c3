"""The inbox: what is stored of a call, what makes two calls the same, and who gets which row."""

import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from paygate import (
    Callback,
    CallbackRejected,
    CallbackRequest,
    Charge,
    ChargeRef,
    ChargeStatus,
    Money,
    Qris,
    StoreUnavailable,
)
from paygate.callback import AGAIN
from paygate.derivation import fact_key
from paygate.store.deliveries import key_of
from paygate.store.moments import MICRO
from paygate.store.schema import callbacks
from paygate.worker import Worker
from tests.callbacks.doors import sealed, told
from tests.databases import SERVERS
from tests.store.callers import START, Clock, Notes, drained, opened, request
from tests.watch import CANARIES

PERSONAL = "Siti-Rahayu-canary"
BEARER = "bearer-canary-77aa"


def charge(reference: str = "INV-1", status: ChargeStatus = ChargeStatus.PAID, **other: Any) -> Charge:
    """What a call tells."""
    return Charge(gateway="main", reference=reference, status=status, method=Qris(), **other)


def call(**parts: Any) -> Callback:
    """A verified call."""
    return Callback(**{"gateway": "main", "charges": (), "reply": AGAIN, "sent_at": None, **parts})


def test_a_call_is_stored_as_it_came_and_is_due_at_once(store_url: str) -> None:
    """Who called, when, with which body; the handler is still to be told."""
    with opened(store_url) as shop:
        assert (200, b"OK") == (shop.call().status, shop.call("INV-2").body)
        names = ("gateway", "source", "state", "path", "body", "received_at", "repeats", "attempts", "due_at")
        now = round(START * MICRO)
        expected = ("main", "callback", "new", "/callbacks/main", told(), now, 0, 0, now)
        assert expected == shop.rows(*names)[0]
        headers = msgspec.json.decode(shop.rows("headers")[0])
        assert dict(sealed(told())) == headers
        assert [fact_key(charge(paid_amount=Money.idr(25_000)))] == shop.rows("key")[:1]


def test_a_repeat_is_counted_and_not_announced(store_url: str) -> None:
    """One row, one announcement; every repeat is acknowledged."""
    with opened(store_url) as shop:
        assert [200] * 5 == [shop.call().status for _ in range(5)]
        assert [("new", 4)] == shop.rows("state", "repeats")
        assert [("received", "1")] == shop.heard


def test_pending_and_paid_are_two(store_url: str) -> None:
    """The reference alone makes no two calls the same, nor does the status."""
    with opened(store_url) as shop:
        shop.call(status="open")
        shop.call(status="paid")
        shop.call(status="paid", amount="24999")
        shop.call("INV-2", status="paid")
        assert [0] * 4 == shop.rows("repeats")


def test_a_forged_call_never_reaches_the_inbox(store_url: str) -> None:
    """It is refused before anything is stored."""
    with opened(store_url) as shop:
        body = told()
        with pytest.raises(CallbackRejected):
            shop.gateway.receive(CallbackRequest("POST", "/", {"x-mac": "0" * 64}, body))
        assert ([], []) == (shop.rows(), shop.heard)


def test_a_call_about_no_charge_is_not_stored(store_url: str) -> None:
    """As a provider's request for a token: it is answered, and that is all."""
    with opened(store_url) as shop:
        assert shop.inbox.receive(call(), request())
        assert [] == shop.rows()


def test_no_secret_and_no_named_value_is_stored(store_url: str) -> None:
    """Neither the header that opens a door, nor the members that the merchant names."""
    CANARIES.update({PERSONAL, BEARER})
    with opened(store_url, redact=["customerName"]) as shop:
        body = told(customerName=PERSONAL)
        headers = [*sealed(body), ("Authorization", f"Bearer {BEARER}"), ("Cookie", BEARER)]
        assert 200 == shop.gateway.receive(CallbackRequest("POST", "/c", headers, body)).status
        [row] = shop.rows(*(column.name for column in callbacks.c))
        kept = b"".join(one if isinstance(one, bytes) else str(one).encode() for one in row)
        assert PERSONAL.encode() not in kept
        assert BEARER.encode() not in kept
        assert b"customerName" in kept
        if shop.store.database.dialect == "sqlite":
            file = store_url.removeprefix("sqlite:///")
            stored = b"".join(Path(f"{file}{end}").read_bytes() for end in ("", "-wal"))
            assert PERSONAL.encode() not in stored
            assert BEARER.encode() not in stored
            assert b"customerName" in stored


def test_a_path_that_no_database_takes_loses_no_call(store_url: str) -> None:
    """It is left out; the call is stored."""
    with opened(store_url) as shop:
        body = told()
        assert 200 == shop.gateway.receive(CallbackRequest("POST", "/a\0\udc80", sealed(body), body)).status
        assert [None] == shop.rows("path")


def test_what_is_taken_is_nobody_elses_until_its_lease_ends(store_url: str) -> None:
    """A worker that died keeps nobody waiting for ever."""
    with opened(store_url, lease_seconds=30) as shop:
        shop.call()
        [mine] = shop.inbox.take(10, {"main"})
        assert [] == shop.inbox.take(10, {"main"})
        shop.clock.move(29)
        assert [] == shop.inbox.take(10, {"main"})
        shop.clock.move(2)
        [theirs] = shop.inbox.take(10, {"main"})
        assert (mine.id, mine.lease) != (theirs.id, theirs.lease)
        shop.inbox.release([mine])
        assert [] == shop.inbox.take(10, {"main"})
        shop.inbox.release([theirs])
        assert [mine.id] == [one.id for one in shop.inbox.take(10, {"main"})]


def test_a_worker_takes_what_is_of_its_own_gateways(store_url: str) -> None:
    """Others may have other configurations, and no more than was asked for is taken."""
    with opened(store_url) as shop:
        for number in range(5):
            shop.call(f"INV-{number}")
        assert [] == shop.inbox.take(10, {"backup"})
        taken = [*shop.inbox.take(3, {"main", "backup"}), *shop.inbox.take(3, {"main"})]
        assert 5 == len({one.id for one in taken})


@pytest.mark.parametrize("store_url", ["postgresql", "mariadb"], indirect=True)
def test_workers_share_without_waiting_for_each_other(store_url: str) -> None:
    """What another has locked at this moment is passed over, not waited for."""
    with opened(store_url) as shop:
        for number in range(6):
            shop.call(f"INV-{number}")
        locked = sa.select(callbacks.c.id).order_by(callbacks.c.id).limit(3).with_for_update()
        with shop.store.database.writing() as connection:
            theirs = set(connection.scalars(locked))
            mine = {one.id for one in shop.inbox.take(10, {"main"})}
            assert ({*shop.rows("id")} - theirs, set()) == (mine, mine & theirs)


def test_many_takers_at_once_get_each_row_once(store_url: str) -> None:
    """Whatever the database."""
    with opened(store_url) as shop:
        for number in range(40):
            shop.call(f"INV-{number}")
        taken: list[int] = []
        start = threading.Barrier(4)

        def take() -> None:
            start.wait()
            while found := shop.inbox.take(3, {"main"}):
                taken.extend(one.id for one in found)

        threads = [threading.Thread(target=take) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert sorted(shop.rows("id")) == sorted(taken)


def test_many_repeats_at_once_are_one_row(store_url: str) -> None:
    """All of them are acknowledged, and one is news."""
    with opened(store_url, connections=8) as shop:
        shop.call("INV-0")  # the version is asked for
        start = threading.Barrier(8)
        answers: list[int] = []

        def tell() -> None:
            start.wait()
            answers.extend(shop.call().status for _ in range(5))

        threads = [threading.Thread(target=tell) for _ in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert [200] * 40 == answers
        assert [0, 39] == shop.rows("repeats")
        assert 2 == len(shop.heard)


def test_a_database_that_is_away_acknowledges_nothing(tmp_path: Any) -> None:
    """The provider is asked to call again, and finds the store when it is back."""
    clock, url = Clock(), f"sqlite:///{tmp_path / 'paygate.db'}"
    with opened(url, clock=clock) as shop:
        shop.call("INV-0")
        engine = shop.store.database.engine
        engine.dispose()
        (tmp_path / "paygate.db").rename(tmp_path / "away.db")
        (tmp_path / "paygate.db").mkdir()
        assert AGAIN == shop.call()
        (tmp_path / "paygate.db").rmdir()
        (tmp_path / "away.db").rename(tmp_path / "paygate.db")
        assert ["new"] == shop.rows()
        assert 200 == shop.call().status
        assert [0, 0] == shop.rows("repeats")
        assert [("received", "1")] * 2 == shop.heard


@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_server_that_hangs_up_and_refuses_loses_no_call(store_url: str) -> None:
    """What is answered with success is there when it is back, and nothing has to be restarted."""
    name = sa.make_url(store_url).database
    server = sa.create_engine(SERVERS["postgresql"], isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    end = sa.text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
    with opened(store_url) as shop:
        notes, stored = Notes(), {"INV-0"}
        worker = Worker(shop.paygate, notes)
        shop.call("INV-0")
        for number, allows in enumerate((False, True, False, True)):
            with server.connect() as connection:
                connection.exec_driver_sql(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {allows}")
                connection.execute(end, {"name": name})
            for attempt in range(3):
                reference = f"INV-{number}-{attempt}"
                if shop.call(reference).status == 200:
                    stored.add(reference)
            if not allows:
                with pytest.raises(StoreUnavailable):
                    worker.run_once()
        drained(worker)
        assert stored == {one.told.reference for callback in notes.told for one in callback.conflicts}
        assert {"INV-0", *(f"INV-{number}-{attempt}" for number in (1, 3) for attempt in range(3))} == stored


CHARGES = st.builds(
    charge,
    st.sampled_from(["INV-1", "INV-2"]),
    st.sampled_from([*ChargeStatus]),
    paid_amount=st.sampled_from([None, Money.idr(1), Money.idr(2)]),
)
REFS = st.builds(ChargeRef, st.just("main"), st.sampled_from(["INV-1", "INV-2"]), st.just(Qris()))


@given(
    st.lists(CHARGES, max_size=2), st.lists(CHARGES, max_size=2), st.lists(REFS, max_size=2), st.booleans()
)
def test_the_key_is_of_the_facts(ours: Any, theirs: Any, refs: Any, same_body: bool) -> None:
    """The same facts have the same key whatever the body; where they are still to be asked, the body counts."""
    one, other = call(charges=tuple(ours)), call(charges=tuple(theirs))
    assert ([*map(fact_key, ours)] == [*map(fact_key, theirs)]) == (key_of(one, b"1") == key_of(other, b"2"))
    if len(ours) == 1:
        assert fact_key(ours[0]) == key_of(one, b"")
    asked = call(charges=tuple(ours), confirm=tuple(refs))
    if refs:
        assert same_body == (key_of(asked, b"1") == key_of(asked, b"1" if same_body else b"2"))
        assert key_of(asked, b"1") != key_of(one, b"1")
        claiming = msgspec.structs.replace(asked, claimed=(ChargeStatus.PAID,))
        assert key_of(claiming, b"1") != key_of(asked, b"1")


def test_a_path_is_kept_without_its_query(store_url: str) -> None:
    """Whoever mounts the door by hand may hand in the whole target of the request."""
    with opened(store_url) as shop:
        mine = request()
        whole = CallbackRequest(
            mine.method, "/callbacks/main?token=hidden&phone=0812", mine.headers, mine.body
        )
        assert 200 == shop.gateway.receive(whole).status
        assert ["/callbacks/main"] == shop.rows("path")
