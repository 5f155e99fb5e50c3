"""Whole operations through the gateway, against answers from a script: blocking, asyncio and trio."""

from typing import Any

import httpx
import pytest

from paygate import (
    AuthenticationFailed,
    Charge,
    ChargeNotFound,
    ChargeStatus,
    DuplicateReference,
    EWallet,
    Exchange,
    Gateway,
    InvalidCharge,
    Method,
    Money,
    OutcomeUnknown,
    RateLimited,
    RefundRequest,
    Retail,
    Unreachable,
    UnsupportedOperation,
    VirtualAccount,
    hookimpl,
)
from tests.flows import reply_of
from tests.midtrans import BASIC, CUSTOMER, METHODS, adapter_of, error, made, order, ref, told
from tests.provider import QUICK, Both, Provider
from tests.watch import leaks, told_by

PART = RefundRequest(reference="R-1", reason="Barang habis", amount=Money.idr(5_000))


@pytest.fixture(params=["blocking", "asyncio", "trio"])
def both(request: pytest.FixtureRequest) -> Both:
    """Both shells, the async one on both of its event loops."""
    return Both(request.param)


def answers(*replies: Any) -> Provider:
    """A Midtrans that answers so, in this order."""
    return Provider(*(reply_of(one) if isinstance(one, dict) else one for one in replies))


@pytest.mark.parametrize("kind", METHODS)
def test_a_charge_lives_its_life(both: Both, kind: str) -> None:
    """Made, asked about and paid, with the key in every request and no login."""
    provider = answers(made(kind), made(kind), told(kind))
    charge = both.call(provider, "create_charge", order(kind), adapter_of())
    assert ChargeStatus.PENDING is both.call(provider, "query", charge, adapter_of()).status
    assert ChargeStatus.PAID is both.call(provider, "query", charge, adapter_of()).status
    assert [f"Basic {BASIC}"] * 3 == [request.headers["Authorization"] for request in provider.requests]
    assert ["POST", "GET", "GET"] == [request.method for request in provider.requests]
    assert all(request.extensions["timeout"] for request in provider.requests)


@pytest.mark.parametrize(
    "lost",
    [
        httpx.ReadTimeout("late"),
        httpx.RemoteProtocolError("cut"),
        httpx.Response(502, text="Bad Gateway"),
        httpx.Response(200, text="<html>"),
        httpx.Response(202, json=made()),
        httpx.Response(400, json=made()),
        reply_of(error("500")),
        reply_of(error("900")),
    ],
    ids=["late", "cut", "502", "garbage", "http 202", "http 400", "code 500", "code 900"],
)
def test_a_lost_answer_is_asked_for_and_never_sent_again(both: Both, lost: Any) -> None:
    """One request to charge, one to refund, one to cancel; a query is repeated, and settles it."""
    for operation, argument in (("create_charge", order()), ("cancel", ref())):
        provider = Provider(lost)
        with pytest.raises(OutcomeUnknown):
            both.call(provider, operation, argument, adapter_of())
        assert 1 == len(provider.requests)
    provider = Provider(lost)
    with Gateway("main", adapter_of(), transport=provider, retry=QUICK) as gateway:
        with pytest.raises(OutcomeUnknown):
            gateway.refund(ref(), PART)
    assert 1 == len(provider.requests)
    settled = Provider(lost, reply_of(told(kind="qris")))
    assert ChargeStatus.PAID is both.call(settled, "query", ref(), adapter_of()).status
    assert 2 == len(settled.requests)


def test_what_was_never_made_is_not_found(both: Both) -> None:
    """404 after a lost answer: the same charge is sent again on purpose, byte for byte."""
    provider = answers(httpx.ReadTimeout("late"), error("404"), made())
    with pytest.raises(OutcomeUnknown):
        both.call(provider, "create_charge", order(), adapter_of())
    with pytest.raises(ChargeNotFound):
        both.call(provider, "query", ref(), adapter_of())
    assert ChargeStatus.PENDING is both.call(provider, "create_charge", order(), adapter_of()).status
    first, _, second = provider.requests
    assert first.content == second.content


def test_what_did_not_leave_is_sent_again(both: Both) -> None:
    """No connection, and "too many requests", are repeated; a refusal is not."""
    provider = answers(httpx.ConnectError("no"), reply_of(error("429"), 429), made())
    assert ChargeStatus.PENDING is both.call(provider, "create_charge", order(), adapter_of()).status
    assert 3 == len(provider.requests)
    for answer, expected in (
        (reply_of(error("406")), DuplicateReference),
        (reply_of(error("429")), RateLimited),
        (httpx.ConnectError("no"), Unreachable),
    ):
        with pytest.raises(expected):
            both.call(Provider(answer), "create_charge", order(), adapter_of())


def test_a_wrong_key_is_refused_once(both: Both) -> None:
    """There is nothing to renew: a key that is refused is not tried again."""
    provider = Provider(reply_of(error("401", "Transaction cannot be authorized"), 401))
    with pytest.raises(AuthenticationFailed):
        both.call(provider, "create_charge", order(), adapter_of())
    assert 1 == len(provider.requests)


OTHERS: list[Method] = [EWallet("dana"), EWallet("ovo"), VirtualAccount("danamon"), Retail("indomaret")]


@pytest.mark.parametrize("method", OTHERS, ids=lambda method: method.brand)
@pytest.mark.parametrize("operation", ["create_charge", "query", "cancel"])
def test_other_methods_are_not_asked_for(both: Both, method: Method, operation: str) -> None:
    """What Midtrans does not do here is unsupported before anything is sent."""
    provider = answers(made())
    argument = order(method) if operation == "create_charge" else ref(method)
    with pytest.raises(UnsupportedOperation):
        both.call(provider, operation, argument, adapter_of())
    assert [] == provider.requests


def test_what_cannot_be_refunded_is_not_asked_for() -> None:
    """A virtual account not at all, ShopeePay not in part; ShopeePay in whole is."""
    provider = answers(
        told("shopeepay", transaction_status="refund", refund_key="R-1", refund_amount="25000.00")
    )
    with Gateway("main", adapter_of(), transport=provider) as gateway:
        for kind in ("bca", "mandiri", "permata", "shopeepay"):
            with pytest.raises(UnsupportedOperation):
                gateway.refund(ref(kind), PART)
        assert [] == provider.requests
        whole = RefundRequest(reference="R-1", reason="Batal")
        assert ChargeStatus.REFUNDED is gateway.refund(ref("shopeepay"), whole).status
        too_much = RefundRequest(reference="R-1", reason="Batal", amount=Money.idr(25_001))
        with pytest.raises(InvalidCharge):
            gateway.refund(ref(), too_much)
    assert 1 == len(provider.requests)


def test_a_settlement_that_is_taken_back_is_a_conflict() -> None:
    """Mandiri may deny what was settled, within a minute: the paid charge stays, and somebody is told."""
    heard: list[Any] = []

    class Listener:
        @hookimpl
        def conflict_found(self, conflict: Any) -> None:
            heard.append(conflict)

    provider = answers(told("mandiri"), told("mandiri", status_code="202", transaction_status="deny"))
    with Gateway("main", adapter_of(), transport=provider, listeners=[Listener()]) as gateway:
        paid = gateway.query(ref("mandiri"))
        assert paid == gateway.query(paid)
    assert [ChargeStatus.FAILED] == [conflict.told.status for conflict in heard]


def test_no_secret_and_no_payer_is_shown(both: Both) -> None:
    """Neither in what is announced nor in an error, even where Midtrans says them back."""
    seen: list[str] = []

    class Listener:
        @hookimpl
        def exchanged(self, exchange: Exchange) -> None:
            seen.append(repr(exchange))

        @hookimpl
        def charge_changed(self, charge: Charge) -> None:
            seen.append(repr(charge))

    both.call(answers(made()), "create_charge", order(customer=CUSTOMER), adapter_of(), [Listener()])
    told_back = f"Basic {BASIC} of Siti Rahayu, siti.rahayu@mail.example, +6281234567890 is wrong"
    with pytest.raises(AuthenticationFailed) as refused:
        both.call(
            Provider(reply_of(error("401", told_back))),
            "create_charge",
            order(customer=CUSTOMER),
            adapter_of(),
        )
    text = "\n".join([*seen, told_by(refused.value)])
    assert [] == leaks(text)
    for private in ("Siti", "siti.rahayu", "81234567890", "Basic U"):
        assert private not in text
