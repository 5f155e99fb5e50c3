"""Money given back: what is refused before anything is sent, and what is never sent twice."""

from typing import Any, Final

import httpx
import msgspec
import pytest
from paygate_tiny import Tiny

from paygate import (
    Callback,
    CallbackReply,
    Charge,
    ChargeRef,
    ChargeStatus,
    Conflict,
    ConflictKind,
    EWallet,
    Flow,
    Gateway,
    InvalidCharge,
    Money,
    OutcomeUnknown,
    Paygate,
    Qris,
    RateLimited,
    Refund,
    RefundRequest,
    RefundStatus,
    Refused,
    Retail,
    StateConflict,
    Unreachable,
    UnsupportedOperation,
    VirtualAccount,
    for_methods,
    hookimpl,
    in_part_for,
    read,
)
from paygate.conflicts import contradiction
from tests.estate import Providers, document
from tests.provider import Both, Provider, named, tiny
from tests.test_gateway import LOST, MAY_HAVE_ARRIVED, NEVER_LEFT

WHOLE: Final = RefundRequest(reference="R-1", reason="the cake was cold")
PART: Final = RefundRequest(reference="R-2", reason="the cake was cold", amount=Money.idr(10_000))
PAID: Final = Charge(
    gateway="main",
    reference="INV-1",
    status=ChargeStatus.PAID,
    method=Qris(),
    amount=Money.idr(25_000),
    paid_amount=Money.idr(25_000),
)
STATUSES: Final = {
    "paid": ChargeStatus.PAID,
    "part": ChargeStatus.PARTIALLY_REFUNDED,
    "back": ChargeStatus.REFUNDED,
}


class Told(msgspec.Struct, frozen=True):
    """What Giving's provider answers."""

    status: str
    refunds: dict[str, str] = {}


told: Final = msgspec.json.Decoder(Told)


class Giving(Tiny):
    """Tiny that gives back: QRIS in parts too, one wallet as a whole, nothing else."""

    @hookimpl
    @for_methods(Qris, EWallet("dana"))
    @in_part_for(Qris)
    def refund(self, charge: ChargeRef, refund: RefundRequest) -> Flow[Charge]:
        sent = {"key": refund.reference, "amount": str(refund.amount.amount) if refund.amount else None}
        reply = yield httpx.Request("POST", f"https://tiny.example/{charge.reference}/refund", json=sent)
        if reply.status_code == 429:
            raise RateLimited("busy", retry_after=0.001)
        if reply.status_code == 412:
            raise StateConflict("not paid")
        return self._given(charge, reply)

    @hookimpl
    def query(self, charge: ChargeRef) -> Flow[Charge]:
        return self._given(charge, (yield httpx.Request("GET", "https://tiny.example/")))

    def _given(self, charge: ChargeRef, reply: httpx.Response) -> Charge:
        answer = read(reply, told)
        refunds = tuple(
            Refund(reference=key, amount=Money(amount), status=RefundStatus.DONE)
            for key, amount in answer.refunds.items()
        )
        return Charge(
            gateway=self._gateway,
            reference=charge.reference,
            status=STATUSES[answer.status],
            method=charge.method,
            refunded_amount=Money.idr(sum(int(one.amount.amount) for one in refunds)) if refunds else None,
            refunds=refunds,
        )


def back(status: str = "back", **refunds: str) -> httpx.Response:
    """An answer about a charge, with its refunds."""
    return httpx.Response(
        200, json={"status": status, "refunds": {k.replace("_", "-"): v for k, v in refunds.items()}}
    )


def give(both: Both, provider: Provider, charge: Any = PAID, refund: Any = WHOLE, **options: Any) -> Any:
    """Refund, and return what comes of it."""
    [outcome] = both.calls(provider, ("refund", charge, refund), adapter=tiny(kind=Giving), **options)
    return outcome


class Listener:
    """Hears all."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    @hookimpl
    def charge_changed(self, charge: Charge) -> None:
        self.heard.append(charge.status)

    @hookimpl
    def conflict_found(self, conflict: Conflict) -> None:
        self.heard.append(conflict.kind)

    @hookimpl
    def exchanged(self, exchange: Any) -> None:
        self.heard.append((exchange.operation, exchange.status))


def test_a_paid_charge_is_given_back(both: Both) -> None:
    """Under the merchant's own number; the answer is the charge with this refund in it, and it is announced."""
    listener = Listener()
    provider = Provider(back(R_1="25000"))
    charge = give(both, provider, listeners=[listener])
    assert ChargeStatus.REFUNDED is charge.status
    refund = Refund(reference="R-1", amount=Money.idr(25_000), status=RefundStatus.DONE)
    assert (refund, None) == (charge.refund("R-1"), charge.refund("R-2"))
    assert {"key": "R-1", "amount": None} == msgspec.json.decode(provider.requests[0].content)
    assert [("refund", 200), ChargeStatus.REFUNDED] == listener.heard


def test_a_part_is_given_back(both: Both) -> None:
    """Where the adapter says that it can."""
    provider = Provider(back("part", R_2="10000"))
    charge = give(both, provider, refund=PART)
    assert (ChargeStatus.PARTIALLY_REFUNDED, Money.idr(10_000)) == (charge.status, charge.refunded_amount)
    assert {"key": "R-2", "amount": "10000.00"} == msgspec.json.decode(provider.requests[0].content)


def at(amount: int | None) -> RefundRequest:
    """A refund of an amount."""
    return RefundRequest(
        reference="R-3", reason="sorry", amount=Money.idr(amount) if amount is not None else None
    )


def by(method: Any, amount: Money | None = PAID.amount) -> ChargeRef:
    """A charge by another method."""
    return ChargeRef("main", "INV-1", method, amount=amount)


@pytest.mark.parametrize(
    ("charge", "refund", "kind", "why"),
    [
        (PAID, at(25_001), InvalidCharge, "is more than the charge, which was IDR 25000.00"),
        (by(Qris()), at(25_001), InvalidCharge, "is more than the charge"),
        (by(EWallet("dana")), at(10_000), UnsupportedOperation, "partial_refund for e_wallet dana; it does for qris"),
        (by(EWallet("dana"), None), at(10_000), UnsupportedOperation, "partial_refund"),
        (by(EWallet("ovo")), at(None), UnsupportedOperation, "refund for e_wallet ovo; it does for dana"),
        (by(EWallet("ovo")), at(10_000), UnsupportedOperation, "offer refund for e_wallet ovo"),
        (by(VirtualAccount("bni")), at(None), UnsupportedOperation, "refund for virtual_account bni"),
        (by(Retail("x")), at(25_000), UnsupportedOperation, "refund for retail x; it does for qris, e_wallet"),
        (by(None), at(None), InvalidCharge, "name the method"),
        (PAID, "R-1", InvalidCharge, "use RefundRequest, not str"),
        (PAID, None, InvalidCharge, "use RefundRequest, not NoneType"),
        ("INV-1", WHOLE, InvalidCharge, "use a Charge or a ChargeRef, not str"),
        (ChargeRef("backup", "INV-1", Qris()), WHOLE, InvalidCharge, "belongs to gateway 'backup'"),
    ],
    ids=repr,
)  # fmt: skip
def test_what_cannot_be_given_back_is_refused_before_anything_is_sent(
    both: Both, charge: Any, refund: Any, kind: type[Exception], why: str
) -> None:
    """Too much, a part where only the whole goes, another method, another gateway's, and what is none."""
    provider = Provider()
    failure = give(both, provider, charge, refund)
    assert kind is type(failure)
    assert why in str(failure)
    assert [] == provider.requests


@pytest.mark.parametrize("amount", [None, 25_000])
def test_the_whole_amount_is_no_part(both: Both, amount: int | None) -> None:
    """Named or not."""
    provider = Provider(back(R_3="25000"))
    assert ChargeStatus.REFUNDED is give(both, provider, by(EWallet("dana")), at(amount)).status


@pytest.mark.parametrize("failure", MAY_HAVE_ARRIVED, ids=repr)
def test_a_refund_that_may_have_arrived_is_never_sent_again(both: Both, failure: Exception) -> None:
    """Its outcome is unknown."""
    provider = Provider(failure, back(R_1="25000"))
    unknown = give(both, provider)
    assert OutcomeUnknown is type(unknown)
    assert ("main", "refund", "INV-1") == (unknown.gateway, unknown.operation, unknown.reference)
    assert 1 == len(provider.requests)


@pytest.mark.parametrize(
    "reply",
    [
        httpx.Response(500),
        httpx.Response(502, text="<html>"),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, content=b""),
        httpx.Response(200, json={"status": "none of those"}),
        httpx.Response(200, json={"status": "back", "refunds": {"R-1": "many"}}),
    ],
    ids=repr,
)
def test_an_answer_that_nobody_can_read_is_no_no(both: Both, reply: httpx.Response) -> None:
    """And no yes either."""
    provider = Provider(reply, back(R_1="25000"))
    assert OutcomeUnknown is type(give(both, provider))
    assert 1 == len(provider.requests)


@pytest.mark.parametrize("failure", NEVER_LEFT, ids=repr)
def test_a_refund_that_never_left_is_tried_again_and_then_not_sent(both: Both, failure: Exception) -> None:
    """As a charge is."""
    lucky = Provider(failure, failure, back(R_1="25000"))
    assert ChargeStatus.REFUNDED is give(both, lucky).status
    assert 3 == len(lucky.requests)
    assert Unreachable is type(give(both, Provider(failure)))


def test_a_busy_provider_is_asked_again(both: Both) -> None:
    """It has said that it did nothing; three times, and then it is believed."""
    provider = Provider(httpx.Response(429), back(R_1="25000"))
    assert ChargeStatus.REFUNDED is give(both, provider).status
    assert 2 == len(provider.requests)
    assert RateLimited is type(give(both, Provider(httpx.Response(429))))


def test_a_refusal_is_believed_at_once(both: Both) -> None:
    """A charge that is not paid has nothing to give back."""
    provider = Provider(httpx.Response(412), back(R_1="25000"))
    refused = give(both, provider)
    assert isinstance(refused, Refused)
    assert ("refund", StateConflict, 1) == (refused.operation, type(refused), len(provider.requests))


@pytest.mark.parametrize(("answer", "was_done"), [(back(R_1="25000"), True), (back("paid"), False)])
def test_a_query_settles_what_became_of_a_refund(both: Both, answer: httpx.Response, was_done: bool) -> None:
    """It is told there, or it was not made."""
    provider = Provider(LOST, answer)
    unknown, charge = both.calls(
        provider, ("refund", PAID, WHOLE), ("query", PAID), adapter=tiny(kind=Giving)
    )
    assert OutcomeUnknown is type(unknown)
    assert was_done is (charge.refund("R-1") is not None)


def test_an_answer_about_another_charge_settles_nothing(both: Both) -> None:
    """The adapter is wrong, and something was sent."""

    class Mixed(Giving):
        def _given(self, charge: ChargeRef, reply: httpx.Response) -> Charge:
            return msgspec.structs.replace(super()._given(charge, reply), reference="INV-2")

    [failure] = both.calls(Provider(back(R_1="1")), ("refund", PAID, WHOLE), adapter=tiny(kind=Mixed))
    assert OutcomeUnknown is type(failure)


def test_a_gateway_says_what_it_gives_back() -> None:
    """As a whole, and in parts; Tiny gives nothing back."""
    with Gateway("main", tiny(kind=Giving), transport=Provider()) as gateway:
        methods = (Qris(), EWallet("dana"), EWallet, EWallet("ovo"), Retail)
        assert [True, True, True, False, False] == [gateway.supports("refund", one) for one in methods]
        assert [True, False, False, False, False] == [
            gateway.supports("partial_refund", one) for one in methods
        ]
    with Gateway("main", tiny(), transport=Provider()) as gateway:
        assert not gateway.supports("refund")
        assert not gateway.supports("partial_refund")


def test_paygate_asks_the_gateway_of_the_charge() -> None:
    """Whatever the routes say."""
    with Paygate.from_mapping(document(), transport=Providers()) as paygate:
        with pytest.raises(UnsupportedOperation) as refused:
            paygate.refund(msgspec.structs.replace(PAID, gateway="third"), WHOLE)
        assert ("third", "refund") == (refused.value.gateway, refused.value.operation)
        with pytest.raises(InvalidCharge, match="use a Charge"):
            paygate.refund("INV-1", WHOLE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("reference", ["", "x" * 65, "R 1", "R.1", "é", None, 7, "R\n"]),
        ("reason", ["", " ", "x" * 256, "a\nb", "\x00", None, 7]),
        ("amount", [Money.idr(0), Money("1.00", "USD"), 5000, "5000", 5000.0]),
    ],
)
def test_a_refund_that_could_never_be_right_is_not_even_made(field: str, values: list[Any]) -> None:
    """By its field."""
    good = {"reference": "R-1_a", "reason": "x", "amount": Money.idr(1)}
    RefundRequest(**good)  # type: ignore[arg-type]
    for value in values:
        with pytest.raises(InvalidCharge) as refused:
            RefundRequest(**{**good, field: value})
        assert f"refund.{field}" == refused.value.field


def refunded(**amounts: tuple[int, RefundStatus]) -> Charge:
    """The charge with some refunds."""
    refunds = tuple(
        Refund(reference=name, amount=Money.idr(amount), status=status)
        for name, (amount, status) in amounts.items()
    )
    total = sum(int(one.amount.amount) for one in refunds if one.status is RefundStatus.DONE)
    return msgspec.structs.replace(
        PAID, status=ChargeStatus.PARTIALLY_REFUNDED, refunds=refunds, refunded_amount=Money.idr(total)
    )


DONE, PENDING, FAILED = RefundStatus.DONE, RefundStatus.PENDING, RefundStatus.FAILED


def test_less_given_back_than_was_known_is_a_step_back(both: Both) -> None:
    """The answer is older than the book: ours comes back, and it is announced."""
    ours = refunded(R1=(5000, DONE), R2=(8000, DONE))
    listener = Listener()
    [told] = both.calls(
        Provider(back("part", R1="5000")), ("query", ours), adapter=tiny(kind=Giving), listeners=[listener]
    )
    assert ours is told
    assert ConflictKind.REGRESSION in listener.heard
    more = refunded(R1=(5000, DONE), R2=(8000, DONE), R3=(1, DONE))
    assert None is contradiction(more, ours)
    assert None is contradiction(msgspec.structs.replace(ours, refunded_amount=None), ours)
    assert None is contradiction(refunded(R3=(1, DONE)), ours), "some answers tell of the new one alone"


def test_a_refund_that_failed_after_all_is_for_a_person_to_look_at() -> None:
    """A charge that was given back and is told as paid again contradicts the book."""
    found = contradiction(PAID, msgspec.structs.replace(PAID, status=ChargeStatus.REFUNDED))
    assert found is not None
    assert ConflictKind.REGRESSION is found.kind


@pytest.mark.parametrize(
    ("ours", "told", "now"),
    [
        (PAID, refunded(R1=(5000, DONE)), {"R1": DONE}),
        (refunded(R1=(5000, DONE)), refunded(R1=(5000, DONE), R2=(1, PENDING)), {"R1": DONE, "R2": PENDING}),
        (refunded(R1=(5000, PENDING)), refunded(R1=(5000, DONE)), {"R1": DONE}),
        (refunded(R1=(5000, DONE), R2=(1, PENDING)), refunded(R1=(5000, DONE)), {"R1": DONE, "R2": PENDING}),
        (refunded(R1=(5000, FAILED)), refunded(R1=(5000, PENDING)), {"R1": FAILED}),
        (refunded(R1=(5000, PENDING)), refunded(R1=(5000, FAILED)), {"R1": FAILED}),
    ],
    ids=["first", "second", "done", "one told", "ended", "failed"],
)
def test_a_callback_adds_to_the_refunds_that_are_known(
    ours: Charge, told: Charge, now: dict[str, RefundStatus]
) -> None:
    """Those that it does not tell stay, and one that has ended does not begin again."""
    callback = Callback(gateway="main", charges=(told,), reply=CallbackReply(200, {}, b""), sent_at=None)
    with Gateway("main", tiny(kind=Giving), transport=Provider()) as gateway:
        [charge] = gateway.compare(callback, [ours]).charges
    assert now == {one.reference: one.status for one in charge.refunds}
    assert told.refunded_amount == charge.refunded_amount


def test_a_late_callback_that_tells_of_less_is_not_applied() -> None:
    """The provider has repeated the first of two."""
    told, ours = refunded(R1=(5000, DONE)), refunded(R1=(5000, DONE), R2=(8000, DONE))
    callback = Callback(gateway="main", charges=(told,), reply=CallbackReply(200, {}, b""), sent_at=None)
    with Gateway("main", tiny(kind=Giving), transport=Provider()) as gateway:
        result = gateway.compare(callback, [ours])
    assert ((), [ConflictKind.REGRESSION]) == (result.charges, [one.kind for one in result.conflicts])


def test_a_charge_is_named_by_what_it_was(both: Both) -> None:
    """A bare reference will do; whether it is too much is then for the provider to say."""
    provider = Provider(back("part", R_2="10000"))
    assert ChargeStatus.PARTIALLY_REFUNDED is give(both, provider, named(), PART).status
