"""`Idempotency-Key` at the pretend Midtrans: what is answered again, and what is done again. Requests by hand."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from paygate.sandbox import PayerAction
from tests.midtrans_merchant import Body, Merchant, basic, opened, order


@pytest.fixture
def merchant() -> Merchant:
    """A merchant of a careless Midtrans, which makes as many charges as it is asked for."""
    return opened(refuse_duplicates=False)


def post(merchant: Merchant, key: str, body: Body | None = None, path: str = "/v2/charge") -> Body:
    """Send a charge, or something else, under a key."""
    return merchant.ask("POST", path, order() if body is None else body, headers={"Idempotency-Key": key})


def test_the_same_key_gets_the_same_answer(merchant: Merchant) -> None:
    """To the last character, for less than five minutes; then it is a new request."""
    headers = {"Idempotency-Key": "K-1"}
    first = merchant.send("POST", "/v2/charge", order(), headers=headers)
    merchant.clock.move(seconds=299)
    again = merchant.send("POST", "/v2/charge", order(), headers=headers)
    assert (200, first.content) == (again.status_code, again.content)
    assert 1 == merchant.simulator.ledger.count("INV-1")
    merchant.clock.move(seconds=1)
    assert first.json() != post(merchant, "K-1")
    assert 2 == merchant.simulator.ledger.count("INV-1")


def test_another_key_is_another_request(merchant: Merchant) -> None:
    """And so is a request without one."""
    for key in ("K-1", "K-2", "k-1", ""):
        post(merchant, key)
    merchant.charge()
    assert 5 == merchant.simulator.ledger.count("INV-1")


def test_the_body_is_not_compared(merchant: Merchant) -> None:
    """A key that is used for another charge by mistake hides it."""
    first = post(merchant, "K-1")
    assert first == post(merchant, "K-1", order("bca", "INV-2"))
    assert 0 == merchant.simulator.ledger.count("INV-2")


def test_a_key_holds_for_all_paths(merchant: Merchant) -> None:
    """One that a charge has used hides a cancellation."""
    first = post(merchant, "K-1")
    assert first == post(merchant, "K-1", {}, "/v2/INV-1/cancel")
    assert "pending" == merchant.status()["transaction_status"]


@pytest.mark.parametrize(("length", "charges"), [(46, 1), (47, 2), (200, 2)])
def test_a_longer_key_is_none(merchant: Merchant, length: int, charges: int) -> None:
    """Of more than 46 characters it is ignored without a word, and the charge is made twice."""
    for _ in range(2):
        assert "201" == post(merchant, "x" * length)["status_code"]
    assert charges == merchant.simulator.ledger.count("INV-1")


def test_only_success_is_kept(merchant: Merchant) -> None:
    """After a "no" the same key is free for the request put right."""
    assert "400" == post(merchant, "K-1", order(amount=0))["status_code"]
    assert "201" == post(merchant, "K-1")["status_code"]


def test_407_is_success(merchant: Merchant) -> None:
    """An expiry asked for again under its key is not refused for having been done."""
    merchant.charge()
    first = post(merchant, "K-1", {}, "/v2/INV-1/expire")
    assert "407" == first["status_code"]
    assert first == post(merchant, "K-1", {}, "/v2/INV-1/expire")
    assert "412" == post(merchant, "K-2", {}, "/v2/INV-1/expire")["status_code"]


def test_a_refund_is_kept_too(merchant: Merchant) -> None:
    """Even one without a key of its own."""
    merchant.charge("gopay")
    merchant.simulator.act("INV-1", PayerAction.PAY)
    wanted = {"amount": 5_000, "reason": "Barang habis"}
    first = post(merchant, "K-1", wanted, "/v2/INV-1/refund")
    assert first == post(merchant, "K-1", wanted, "/v2/INV-1/refund")
    assert 1 == len(merchant.made().refunds)


@pytest.mark.parametrize("payment_type", ["bank_transfer", "permata"])
def test_permata_takes_no_key(merchant: Merchant, payment_type: str) -> None:
    """However it is asked for, the charge is made twice."""
    for _ in range(2):
        post(merchant, "K-1", order("permata", payment_type=payment_type))
    assert 2 == merchant.simulator.ledger.count("INV-1")


def test_a_question_takes_no_key(merchant: Merchant) -> None:
    """Only a POST does: the answer to a GET is how the charge stands now."""
    merchant.charge()
    headers = {"Idempotency-Key": "K-1"}
    assert "pending" == merchant.ask("GET", "/v2/INV-1/status", headers=headers)["transaction_status"]
    merchant.cancel()
    assert "cancel" == merchant.ask("GET", "/v2/INV-1/status", headers=headers)["transaction_status"]


def test_a_key_is_no_way_in(merchant: Merchant) -> None:
    """Who has not the server key gets no answer again, but 401."""
    post(merchant, "K-1")
    headers = {"Idempotency-Key": "K-1", "Authorization": basic("SB-Mid-server-other")}
    assert 401 == merchant.send("POST", "/v2/charge", order(), headers=headers).status_code


def test_two_at_the_same_time() -> None:
    """While the first is being answered the second gets 202, by HTTP too; afterwards it gets the answer."""
    merchant = opened()
    working, go_on = threading.Event(), threading.Event()
    made = merchant.simulator.ledger.add

    def slowly(charge: object) -> None:
        working.set()
        assert go_on.wait(30)
        made(charge)  # type: ignore[arg-type]

    merchant.simulator.ledger.add = slowly  # type: ignore[method-assign]
    headers = {"Idempotency-Key": "K-1"}
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(merchant.send, "POST", "/v2/charge", order(), headers=headers)
        assert working.wait(30)
        with ThreadPoolExecutor(1) as others:
            second = others.submit(merchant.send, "POST", "/v2/charge", order(), headers=headers)
            try:
                early = second.result(30)
            finally:
                go_on.set()
    assert (202, "202") == (early.status_code, early.json()["status_code"])
    assert first.result().content == merchant.send("POST", "/v2/charge", order(), headers=headers).content
    assert 1 == merchant.simulator.ledger.count("INV-1")
