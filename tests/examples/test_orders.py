"""The book of orders that all examples share: what is copied from it must hold under fire."""

import inspect
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import msgspec
import pytest
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate import (
    AlreadyPaid,
    AuthenticationFailed,
    Charge,
    ChargeStatus,
    Conflict,
    ConflictKind,
    DuplicateReference,
    InvalidCharge,
    Money,
    NotAuthorized,
    OutcomeUnknown,
    Paygate,
    PaygateError,
    PaymentLink,
    Qris,
    RateLimited,
    StateConflict,
    Unreachable,
    UnsupportedOperation,
)
from paygate.cli.sandbox import sandbox
from paygate.sandbox import SimulatorTransport
from tests.callbacks.processes import ROOT
from tests.examples.telling import ORDER, callback, now, rows


def test_what_is_entered_is_found(book: Any, ours: Charge) -> None:
    """A charge comes back whole, by our number and by the provider's."""
    assert ours == book.find(ours.reference)
    assert ours == book.known(ours)
    link = Charge(gateway="main", reference="P-1", status=ChargeStatus.PAID, method=PaymentLink())
    assert ours == book.known(link)
    assert ours == book.known(msgspec.structs.replace(link, reference="X", provider_reference="P-1"))
    assert None is book.known(msgspec.structs.replace(link, reference="X"))


def test_an_order_is_known_before_its_charge_is_made(examples: ModuleType, book: Any) -> None:
    """A callback may overtake the provider's answer."""
    request = examples.wanted(ORDER)
    book.begin(request)
    early = book.find(request.reference)
    assert (ChargeStatus.PENDING, Money.idr(25_000), Qris()) == (early.status, early.amount, early.method)
    book.take(callback(now(early, ChargeStatus.PAID)))
    book.drop(request.reference)
    assert ChargeStatus.PAID is book.find(request.reference).status


def test_goods_go_out_once_however_often_it_is_told(book: Any, ours: Charge) -> None:
    """Twenty workers get the same callback at once."""
    paid = callback(now(ours, ChargeStatus.PAID))
    workers = [threading.Thread(target=book.take, args=(paid,)) for _ in range(20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [(ours.reference,)] == rows(book, "parcels")
    assert ChargeStatus.PAID is book.find(ours.reference).status


@pytest.mark.parametrize("late", [ChargeStatus.PENDING, ChargeStatus.FAILED, ChargeStatus.EXPIRED])
def test_a_paid_order_goes_no_way_back(
    examples: ModuleType, book: Any, ours: Charge, late: ChargeStatus
) -> None:
    """Not even where nothing was compared. It is no success either: the provider calls again."""
    book.take(callback(now(ours, ChargeStatus.PAID)))
    with pytest.raises(examples.Overtaken):
        book.take(callback(now(ours, late)))
    assert ChargeStatus.PAID is book.find(ours.reference).status


def test_a_refund_is_entered_and_delivers_nothing(examples: ModuleType, book: Any, ours: Charge) -> None:
    """It follows a paid order, and nothing follows it."""
    for status in (ChargeStatus.PAID, ChargeStatus.PARTIALLY_REFUNDED, ChargeStatus.REFUNDED):
        book.take(callback(now(ours, status)))
    with pytest.raises(examples.Overtaken):
        book.take(callback(now(ours, ChargeStatus.PAID)))
    assert ChargeStatus.REFUNDED is book.find(ours.reference).status
    assert 1 == len(rows(book, "parcels"))


def test_a_callback_is_taken_whole_or_not_at_all(examples: ModuleType, book: Any, ours: Charge) -> None:
    """One of its charges is in no book: nothing of it is written, and the provider calls again."""
    other = msgspec.structs.replace(ours, reference="INV-0")
    with pytest.raises(examples.Overtaken):
        book.take(callback(now(ours, ChargeStatus.PAID), now(other, ChargeStatus.PAID)))
    assert ([], ours) == (rows(book, "parcels"), book.find(ours.reference))


def test_a_conflict_is_put_aside_once_and_changes_no_order(book: Any, ours: Charge) -> None:
    """A person sees what was told; nothing is delivered."""
    conflict = Conflict(ConflictKind.AMOUNT, now(ours, ChargeStatus.PAID), ours)
    for _ in range(3):
        book.take(callback(conflicts=(conflict,)))
    assert [("amount", ours.reference, "P-1", "paid", "IDR 25000.00")] == rows(book, "conflicts")
    assert ([], ours) == (rows(book, "parcels"), book.find(ours.reference))


@pytest.mark.parametrize(
    "error", [Unreachable("no connection"), AuthenticationFailed("no"), RateLimited("too many")]
)
def test_an_order_whose_charge_was_not_made_is_struck_out(
    examples: ModuleType, book: Any, caplog: pytest.LogCaptureFixture, error: PaygateError
) -> None:
    """The buyer may order anew, and the log says why."""
    request = examples.wanted(ORDER)
    book.begin(request)
    assert examples.refusal(error) == book.failed(request.reference, error)
    assert None is book.find(request.reference)
    [record] = caplog.records
    assert ("shop", True) == (record.name, str(error) in record.getMessage())


@pytest.mark.parametrize("kind", [OutcomeUnknown, DuplicateReference, AlreadyPaid, StateConflict])
def test_an_order_whose_charge_may_exist_stays(
    examples: ModuleType, book: Any, caplog: pytest.LogCaptureFixture, kind: type[PaygateError]
) -> None:
    """Its reference was fresh: who says that it is there already has made it. Its callback finds it."""
    request = examples.wanted(ORDER)
    book.begin(request)
    error = kind("it is there")
    assert None is book.failed(request.reference, error)
    assert None is not book.find(request.reference)
    assert str(error) in caplog.text


def test_the_log_holds_nothing_of_the_buyer(
    examples: ModuleType, book: Any, caplog: pytest.LogCaptureFixture, simulator: AyolinxSimulator
) -> None:
    """Not even where the provider says it back."""
    customer = {"name": "Siti Rahma", "email": "siti@shop.example", "phone": "+6281234567890"}
    order = {"item": "coffee", "method": {"kind": "retail", "store": "alfamart"}, "customer": customer}
    request = examples.wanted(msgspec.json.encode(order))
    inner = SimulatorTransport(simulator)

    def say_back(call: httpx.Request) -> httpx.Response:
        if b"partnerReferenceNo" not in call.content:
            return inner.handle_request(call)
        words = f"Invalid Field Format {customer['email']} {customer['name']}"
        return httpx.Response(400, json={"responseCode": "4000001", "responseMessage": words})

    book.begin(request)
    settings = {"gateways": {"main": dict(simulator.settings)}}
    with (
        Paygate.from_mapping(settings, transport=httpx.MockTransport(say_back)) as paygate,
        pytest.raises(PaygateError) as raised,
    ):
        paygate.create_charge(request, "main")
    book.failed(request.reference, raised.value)
    assert "Invalid Field Format" in caplog.text
    assert [] == [value for value in customer.values() if value in caplog.text]


def test_the_log_says_when_the_sandbox_was_started_anew(
    examples: ModuleType, book: Any, caplog: pytest.LogCaptureFixture, simulator: AyolinxSimulator
) -> None:
    """It has made new keys, and knows ours no longer."""
    request = examples.wanted(ORDER)
    book.begin(request)
    settings = {"gateways": {"main": dict(simulator.settings)}}
    anew = AyolinxSimulator("https://shop.example/callbacks/main")
    with (
        Paygate.from_mapping(settings, transport=SimulatorTransport(anew)) as paygate,
        pytest.raises(NotAuthorized) as raised,
    ):
        paygate.create_charge(request, "main")
    assert (502, None) == (book.failed(request.reference, raised.value)[0], book.find(request.reference))
    assert "client key" in caplog.text


@pytest.mark.parametrize(
    "shop", ["django_shop", "fastapi_shop", "flask_shop", "starlette_shop", "store_shop"]
)
def test_a_shop_without_a_configuration_says_what_is_missing(shop: str, tmp_path: Path) -> None:
    """paygate.toml is looked for in the folder where it is started."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "examples")}
    environment.pop("PAYGATE_CONFIG", None)
    command = [sys.executable, "-c", f"import {shop}"]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert 1 == run.returncode
    last = run.stderr.splitlines()[-1]
    assert ("ConfigurationError", True) == (last.partition(":")[0].rpartition(".")[2], "paygate.toml" in last)


def test_the_shops_listen_where_the_sandbox_calls(examples: ModuleType) -> None:
    """Unless told otherwise, both use the same address."""
    told = inspect.signature(sandbox).parameters["callback_url"].default
    assert told == examples.SHOP_URL + examples.CALLBACK_PATH


def test_the_buyer_does_not_name_the_price(examples: ModuleType) -> None:
    """What is sent beside item and method is not looked at."""
    order = b'{"item": "coffee", "method": {"kind": "qris"}, "price": 1, "amount": "1"}'
    assert Money.idr(25_000) == examples.wanted(order).amount


def test_a_buyer_is_told_of_the_buyers_own_mistakes_alone(examples: ModuleType) -> None:
    """Any other refusal is between the shop and its provider."""
    status, words = examples.refusal(InvalidCharge("customer.email", "use an address"))
    assert (422, True) == (status, "use an address" in words)
    assert 422 == examples.refusal(UnsupportedOperation("no such wallet"))[0]
    status, words = examples.refusal(DuplicateReference("it exists", provider_code="4094701"))
    assert (502, False) == (status, "4094701" in words)
