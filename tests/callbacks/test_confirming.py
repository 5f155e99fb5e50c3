"""Calls that prove themselves and not what they say: the provider is asked before anything is believed."""

import logging
from typing import Any, Final

import httpx
import msgspec
import pytest
from paygate_tiny import OK, STATUSES, Tiny, answer

from paygate import (
    AsyncGateway,
    Callback,
    CallbackReply,
    CallbackRequest,
    Charge,
    ChargeNotFound,
    ChargeRef,
    ChargeStatus,
    Conflict,
    ConflictKind,
    Flow,
    Gateway,
    InvalidCharge,
    Money,
    OutcomeUnknown,
    Qris,
    hookimpl,
    read,
)
from paygate.callbacks import AsgiCallbacks, WsgiCallbacks
from tests.callbacks.doors import ASYNC_DOORS, DOORS, Door, Handler, sealed, told
from tests.estate import Estate, Providers, document
from tests.provider import QUICK, Both, Provider, tiny

AGAIN: Final = CallbackReply(503, {"Content-Type": "text/plain"}, b"later")
ASKED: Final = ChargeRef("main", "INV-1", Qris())


class Doubtful(Tiny):
    """Tiny whose callbacks prove that they are its own, and not how a charge stands; some tell one as well."""

    @hookimpl
    def parse_callback(self, request: CallbackRequest) -> Callback:
        """Believe the reference alone."""
        proven = super().parse_callback(request)
        names = proven.charges[0].reference.split("+")
        extra = tuple(
            msgspec.structs.replace(proven.charges[0], reference=one) for one in names if one[0] == "P"
        )
        asked = tuple(ChargeRef(self._gateway, one, Qris()) for one in names if one[0] != "P")
        return Callback(
            gateway=self._gateway, charges=extra, confirm=asked, reply=OK, again=AGAIN, sent_at=None
        )

    @hookimpl
    def query(self, charge: ChargeRef) -> Flow[Charge]:
        """Ask, and read the amount as well."""
        reply = yield httpx.Request("GET", f"{self._settings.base_url}/charges/{charge.reference}")
        told = read(reply, answer)
        if reply.status_code == 404:
            raise ChargeNotFound("no such charge", http_status=404)
        return Charge(
            gateway=self._gateway,
            reference=charge.reference,
            status=STATUSES[told.status],
            method=charge.method,
            paid_amount=Money(told.amount) if told.amount else None,
        )


class Claiming(Doubtful):
    """One whose callbacks say how the charge stands as well."""

    @hookimpl
    def parse_callback(self, request: CallbackRequest) -> Callback:
        """Repeat what was said, as a claim."""
        callback = super().parse_callback(request)
        said = Tiny.parse_callback(self, request).charges[0].status
        return msgspec.structs.replace(callback, claimed=(said,) * len(callback.confirm))


class Listener:
    """Hears all, in order."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    @hookimpl
    def callback_received(self, callback: Callback) -> None:
        self.heard.append(len(callback.confirm))

    @hookimpl
    def charge_changed(self, charge: Charge) -> None:
        self.heard.append(charge.status)

    @hookimpl
    def conflict_found(self, conflict: Conflict) -> None:
        self.heard.append(conflict.kind)


def stands(status: str = "paid", amount: str = "25000") -> httpx.Response:
    """What the provider answers when it is asked."""
    return httpx.Response(200, json={"status": status, "amount": amount})


UNKNOWN: Final = httpx.Response(404, json={"error": "unknown"})
OURS: Final = Charge(
    gateway="main", reference="INV-1", status=ChargeStatus.PENDING, method=Qris(), amount=Money.idr(25_000)
)


def call(body: bytes) -> CallbackRequest:
    """A true call."""
    return CallbackRequest("POST", "/", sealed(body), body)


def confirmed(both: Both, provider: Provider, body: bytes) -> Any:
    """A callback that was read and confirmed, or the error."""
    adapter = tiny(kind=Doubtful)
    with Gateway("main", adapter, transport=Provider()) as reader:
        callback = reader.parse_callback(call(body))
    return both.calls(provider, ("confirm", callback), adapter=adapter)[0]


def test_how_a_charge_stands_is_what_the_provider_answers(both: Both) -> None:
    """Whatever the call said: it said "paid", and the charge is open."""
    provider = Provider(stands("open", ""))
    callback = confirmed(both, provider, told(status="paid"))
    [charge] = callback.charges
    assert (ChargeStatus.PENDING, None, ()) == (charge.status, charge.paid_amount, callback.confirm)
    assert (OK, AGAIN) == (callback.reply, callback.again)
    assert ["GET"] == [one.method for one in provider.requests]


@pytest.mark.parametrize(
    ("claimed", "answers", "repeats"),
    [
        ((ChargeStatus.PAID,), (stands("open", ""),), True),
        ((ChargeStatus.EXPIRED,), (stands("open", ""),), True),
        ((ChargeStatus.REFUNDED,), (stands("paid"),), True),
        ((ChargeStatus.PAID,), (stands("paid"),), False),
        ((ChargeStatus.PENDING,), (stands("paid"),), False),
        ((ChargeStatus.EXPIRED,), (stands("paid"),), False),
        ((None,), (stands("open", ""),), False),
        ((), (stands("open", ""),), False),
        ((None, ChargeStatus.PAID), (stands("paid"), stands("open", "")), True),
        ((ChargeStatus.PAID, None), (stands("paid"), stands("open", "")), False),
    ],
)
def test_an_answer_behind_the_claim_has_the_provider_call_again(
    both: Both, claimed: Any, answers: Any, repeats: bool
) -> None:
    """What a provider's own query does not know yet it must be able to tell later; a claim is never applied."""
    callback = Callback(
        gateway="main",
        charges=(),
        confirm=tuple(ChargeRef("main", f"INV-{number}", Qris()) for number, _ in enumerate(answers)),
        claimed=claimed,
        reply=OK,
        again=AGAIN,
        sent_at=None,
    )
    result = both.calls(Provider(*answers), ("confirm", callback), adapter=tiny(kind=Doubtful))[0]
    assert (AGAIN if repeats else OK) == result.reply
    assert ((), ()) == (result.confirm, result.claimed)
    said = [STATUSES[one.json()["status"]] for one in answers]
    assert said == [one.status for one in result.charges]


def test_all_are_asked_and_what_was_proven_stays(both: Both) -> None:
    """In order, after those that the call proved by itself."""
    provider = Provider(stands("paid"), stands("open", ""))
    callback = confirmed(both, provider, told("P-1+INV-1+INV-2"))
    assert [("P-1", "paid"), ("INV-1", "paid"), ("INV-2", "pending")] == [
        (one.reference, one.status.value) for one in callback.charges
    ]
    assert 2 == len(provider.requests)


def test_nobody_is_asked_where_nothing_is_to_be_confirmed(both: Both) -> None:
    """The callback comes back as it is."""
    provider = Provider()
    body = told()
    with Gateway("main", tiny(), transport=Provider()) as reader:
        callback = reader.parse_callback(call(body))
    [same] = both.calls(provider, ("confirm", callback))
    assert callback is same
    assert [] == provider.requests


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (httpx.ReadTimeout("no answer"), OutcomeUnknown),
        (httpx.Response(502), OutcomeUnknown),
        (UNKNOWN, ChargeNotFound),
    ],
    ids=["lost", "502", "not found"],
)
def test_a_question_without_an_answer_is_an_error(both: Both, trouble: Any, kind: type[Exception]) -> None:
    """It is asked again where asking can help; the error says what was asked."""
    provider = Provider(trouble)
    failure = confirmed(both, provider, told())
    assert (kind, "query", "INV-1") == (type(failure), failure.operation, failure.reference)
    assert (1 if kind is ChargeNotFound else 3) == len(provider.requests)


def test_a_charge_of_another_gateway_is_not_asked_about(both: Both) -> None:
    """An adapter that names one is wrong, and nothing is sent."""
    elsewhere = Callback(
        gateway="main", charges=(), confirm=(ChargeRef("backup", "X", Qris()),), reply=OK, sent_at=None
    )
    provider = Provider()
    [failure] = both.calls(provider, ("confirm", elsewhere), adapter=tiny(kind=Doubtful))
    assert InvalidCharge is type(failure)
    assert [] == provider.requests


def test_what_is_not_confirmed_is_not_compared() -> None:
    """Nobody may take it for proven; afterwards it is compared like any other."""
    listener = Listener()
    with Gateway("main", tiny(kind=Doubtful), transport=Provider(stands()), listeners=[listener]) as gateway:
        callback = gateway.parse_callback(call(told()))
        with pytest.raises(InvalidCharge, match=r"ask how its charges stand first, by gateway\.confirm"):
            gateway.compare(callback, [])
        assert ((), (ASKED,)) == (callback.charges, callback.confirm)
        result = gateway.compare(gateway.confirm(callback), [OURS])
    assert [(ChargeStatus.PAID, Money.idr(25_000))] == [
        (one.status, one.paid_amount) for one in result.charges
    ]
    assert [1, ChargeStatus.PAID] == listener.heard


def test_another_amount_is_found_in_what_was_asked() -> None:
    """Also where the call itself told the right one."""
    listener = Listener()
    with Gateway(
        "main", tiny(kind=Doubtful), transport=Provider(stands(amount="1")), listeners=[listener]
    ) as gateway:
        callback = gateway.confirm(gateway.parse_callback(call(told(amount="25000"))))
        result = gateway.compare(callback, [OURS])
    assert ((), [ConflictKind.AMOUNT]) == (result.charges, [one.kind for one in result.conflicts])
    assert [1, ConflictKind.AMOUNT] == listener.heard


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest) -> Door:
    """Each of the applications."""
    return Door(request.param)


def made(
    door: Door,
    provider: Provider,
    handler: Any,
    *,
    waits: bool = False,
    adapter: type[Tiny] = Doubtful,
    **options: Any,
) -> Any:
    """An application over a gateway that has to ask."""
    kind: Any = AsyncGateway if waits else Gateway
    gateway = kind("main", tiny(kind=adapter), transport=provider, retry=QUICK)
    return (WsgiCallbacks if door.kind == "wsgi" else AsgiCallbacks)(gateway, handler, **options)


def test_the_applications_ask_and_hand_over_what_they_heard(door: Door) -> None:
    """Handler and look-up see charges, as from any other provider."""
    handler, provider, asked_for = Handler(), Provider(stands()), []

    def known(one: Charge) -> Charge:
        asked_for.append((one.reference, one.status))
        return OURS

    app = made(door, provider, handler, known=known)
    assert (200, OK.body) == door.tell(app)[0::2]
    [callback] = handler.given
    assert [("INV-1", ChargeStatus.PAID, Money.idr(25_000))] == [
        (one.reference, one.status, one.paid_amount) for one in callback.charges
    ]
    assert ((), ()) == (callback.confirm, callback.conflicts)
    assert [("INV-1", ChargeStatus.PAID)] == asked_for


@pytest.mark.parametrize("kind", ASYNC_DOORS)
def test_an_async_gateway_is_awaited(kind: str) -> None:
    """In the event loop of the call."""
    handler, provider, door = Handler(), Provider(stands()), Door(kind)
    app = made(door, provider, handler, waits=True)
    assert 200 == door.tell(app).status
    assert [ChargeStatus.PAID] == [one.status for one in handler.given[0].charges]


def test_without_a_look_up_it_is_asked_all_the_same(door: Door) -> None:
    """Comparing is the merchant's choice; asking is not."""
    handler, provider = Handler(), Provider(stands("open", ""))
    assert 200 == door.tell(made(door, provider, handler), told(status="paid")).status
    assert [ChargeStatus.PENDING] == [one.status for one in handler.given[0].charges]


@pytest.mark.parametrize(
    "trouble",
    [httpx.ReadTimeout("no answer"), httpx.ConnectError("refused"), httpx.Response(502), UNKNOWN],
    ids=["lost", "unreachable", "502", "not found"],
)
def test_where_nobody_answers_the_provider_is_to_call_again(
    door: Door, trouble: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The handler is not called: nothing is known."""
    caplog.set_level(logging.ERROR, "paygate")
    handler = Handler()
    answered = door.tell(made(door, Provider(trouble), handler, known=lambda _: OURS))
    assert (503, b"later", []) == (answered.status, answered.body, handler.given)
    [message] = caplog.messages
    assert "the handling of a callback of gateway main failed" in message
    assert message.endswith("the provider is to repeat it")


def test_the_next_call_finds_the_answer(door: Door) -> None:
    """As soon as the provider answers questions again."""
    handler, provider = Handler(), Provider(UNKNOWN, stands())
    app = made(door, provider, handler, known=lambda _: OURS)
    assert [503, 200] == [door.tell(app).status for _ in range(2)]
    assert [[ChargeStatus.PAID]] == [[one.status for one in callback.charges] for callback in handler.given]


def test_a_call_before_its_own_news_is_not_lost(door: Door) -> None:
    """The provider's query lags behind its call; the repeat finds the payment."""
    handler, provider = Handler(), Provider(stands("open", ""), stands("paid"))
    app = made(door, provider, handler, adapter=Claiming, known=lambda _: OURS)
    assert [503, 200] == [door.tell(app, told(status="paid")).status for _ in range(2)]
    assert [[ChargeStatus.PENDING], [ChargeStatus.PAID]] == [
        [one.status for one in callback.charges] for callback in handler.given
    ]


def test_a_conflict_is_found_after_the_question(door: Door) -> None:
    """Another amount than ours is set apart, and answered with success."""
    handler = Handler()
    app = made(door, Provider(stands(amount="1")), handler, known=lambda _: OURS)
    assert 200 == door.tell(app).status
    [callback] = handler.given
    assert ((), ["amount"]) == (callback.charges, [one.kind.value for one in callback.conflicts])


def test_a_forged_call_asks_nobody(door: Door) -> None:
    """It is turned away before."""
    handler, provider = Handler(), Provider(stands())
    app = made(door, provider, handler)
    forged = [pair if pair[0] != "x-mac" else ("x-mac", "0" * 64) for pair in sealed(told())]
    assert 401 == door.call(app, [told()], forged).status
    assert ([], []) == (provider.requests, handler.given)


def test_a_proven_call_asks_nobody(door: Door) -> None:
    """The other kind of provider."""
    handler, provider = Handler(), Provider(stands("open", ""))
    assert 200 == door.tell(made(door, provider, handler), told("P-1")).status
    assert ([], [ChargeStatus.PAID]) == (provider.requests, [one.status for one in handler.given[0].charges])


def test_paygate_asks_the_gateway_of_the_callback(monkeypatch: pytest.MonkeyPatch) -> None:
    """In both shells."""
    for shell in ("blocking", "asyncio"):
        estate = Estate(shell, monkeypatch)
        estate.adapters(third=Doubtful)
        providers = Providers(third=Provider(stands()))
        with Gateway("third", tiny("third", Doubtful), transport=Provider()) as reader:
            callback = reader.parse_callback(call(told()))
        [result] = estate.calls(document(), providers, ("confirm", callback))
        assert [("third", ChargeStatus.PAID)] == [(one.gateway, one.status) for one in result.charges]
        assert {"third": 1} == providers.asked()
