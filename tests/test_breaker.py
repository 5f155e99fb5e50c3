"""The breaker of a gateway: no new charges while nobody answers, and everything else goes all the same."""

import gc
import logging
import threading
import weakref
from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paygate_tiny import Tiny, answer

from paygate import (
    Charge,
    ChargeNotFound,
    ChargeRef,
    ChargeStatus,
    CircuitOpen,
    ConfigurationError,
    DuplicateReference,
    EWallet,
    Flow,
    InvalidCharge,
    NotAuthorized,
    NotSent,
    OutcomeUnknown,
    PaygateError,
    PluginError,
    RateLimited,
    RefundRequest,
    Refused,
    Retry,
    Unreachable,
    UnsupportedOperation,
    hookimpl,
    read,
)
from paygate.breaker import Breaker
from tests.provider import Both, Provider, named, opened, order, tiny
from tests.watch import RAISED

REST: Final = 30.0
LOST: Final = httpx.ReadTimeout("no answer")
GONE: Final = httpx.Response(404, json={"error": "unknown"})
ONCE: Final = Retry(attempts=1)
OPTIONS: Final[dict[str, Any]] = {"breaker_failures": 3, "breaker_seconds": REST, "retry": ONCE}


class Hands:
    """The hands of the clock that the breaker and its library look at."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    def move(self, seconds: float) -> Callable[[Any], None]:
        """A step that lets time go by."""

        def moved(_: Any = None) -> None:
            self.at += seconds

        return moved


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """A clock that stands still until it is moved."""
    hands = Hands()
    monkeypatch.setattr("circuitbreaker.monotonic", hands)
    monkeypatch.setattr("paygate.breaker.time", hands)
    return hands


class Whole(Tiny):
    """Tiny that ends charges, and gives them back."""

    @hookimpl
    def cancel(self, charge: ChargeRef) -> Flow[Charge]:
        return self._answered(charge, (yield httpx.Request("POST", "https://tiny.example/cancel")))

    @hookimpl
    def refund(self, charge: ChargeRef, refund: RefundRequest) -> Flow[Charge]:
        return self._answered(charge, (yield httpx.Request("POST", "https://tiny.example/refund")))

    def _answered(self, charge: ChargeRef, reply: httpx.Response) -> Charge:
        read(reply, answer)
        return Charge(
            gateway=self._gateway,
            reference=charge.reference,
            status=ChargeStatus.PENDING,
            method=charge.method,
        )


CREATE: Final = ("create_charge", order())
OTHERS: Final = {
    "query": ("query", named()),
    "cancel": ("cancel", named()),
    "refund": ("refund", named(), RefundRequest(reference="R-1", reason="broken")),
}


def state(gateway: Any) -> str:
    """A step that looks at the breaker."""
    told: str = gateway.breaker.state
    return told


def kinds(outcomes: list[Any]) -> list[Any]:
    """What came of each step, in a word."""
    return [type(one) if isinstance(one, (PaygateError, Charge)) else one for one in outcomes]


@pytest.mark.usefixtures("hands")
@pytest.mark.parametrize("trouble", [LOST, httpx.ConnectError("refused"), httpx.Response(502)], ids=repr)
def test_it_opens_after_several_in_a_row_and_nothing_is_sent(both: Both, trouble: Any) -> None:
    """After the last of them a new charge is refused, with the time to wait, before anything leaves."""
    provider = Provider(trouble)
    *failures, refused, seen = both.calls(
        provider, CREATE, CREATE, CREATE, CREATE, state, adapter=tiny(kind=Whole), **OPTIONS
    )
    assert all(isinstance(one, (Unreachable, OutcomeUnknown)) for one in failures)
    assert CircuitOpen not in kinds(failures)
    assert "open" == seen
    assert 3 == len(provider.requests)
    assert isinstance(refused, CircuitOpen)
    assert isinstance(refused, NotSent)
    assert ("main", "create_charge", "INV-1") == (refused.gateway, refused.operation, refused.reference)
    assert refused.retry_after == pytest.approx(REST)
    assert "the last 3 operations" in refused.what


def test_an_answer_in_between_begins_the_count_anew(both: Both) -> None:
    """Only failures in a row count."""
    provider = Provider(LOST, LOST, opened(), LOST, LOST, GONE, LOST, LOST, opened())
    outcomes = both.calls(provider, *[CREATE] * 9, state, adapter=tiny(kind=Whole), **OPTIONS)
    assert "closed" == outcomes[-1]
    assert 9 == provider.creates


@pytest.mark.parametrize("operation", OTHERS)
def test_what_concerns_a_charge_that_is_there_always_goes_and_an_answer_closes(
    both: Both, operation: str
) -> None:
    """Nobody else can say how a charge stands, or end it, so it is tried; then charges go again."""
    provider = Provider(LOST, LOST, LOST, LOST, opened())
    outcomes = both.calls(
        provider,
        *[CREATE] * 4,
        OTHERS[operation],
        state,
        OTHERS[operation],
        state,
        CREATE,
        adapter=tiny(kind=Whole),
        **OPTIONS,
    )
    assert [
        *[OutcomeUnknown] * 3,
        CircuitOpen,
        OutcomeUnknown,
        "open",
        Charge,
        "closed",
        Charge,
    ] == kinds(outcomes)
    assert 6 == len(provider.requests)


def test_failures_of_any_operation_count(both: Both) -> None:
    """A provider that answers no question will take no charge either."""
    outcomes = both.calls(
        Provider(LOST), *OTHERS.values(), state, CREATE, adapter=tiny(kind=Whole), **OPTIONS
    )
    assert ["open", CircuitOpen] == kinds(outcomes)[3:]


@pytest.mark.parametrize(
    "reply", [GONE, httpx.Response(429, json={"error": "busy"})], ids=["refused", "busy"]
)
def test_a_refusal_is_an_answer(both: Both, reply: httpx.Response) -> None:
    """Who says no, or "too many", is there."""
    provider = Provider(LOST, LOST, reply, LOST, LOST, opened())
    outcomes = both.calls(provider, *[CREATE] * 6, adapter=tiny(kind=Whole), **OPTIONS)
    assert isinstance(outcomes[2], Refused)
    assert Charge is kinds(outcomes)[-1]


def test_what_was_never_tried_counts_as_neither(both: Both) -> None:
    """A mistake in a request is no failure of the provider's, and no answer either."""
    wrong = ("create_charge", order(method=EWallet("dana")))
    provider = Provider(LOST, LOST, LOST)
    outcomes = both.calls(
        provider, CREATE, wrong, CREATE, ("query", "INV-1"), CREATE, state, adapter=tiny(), **OPTIONS
    )
    assert [UnsupportedOperation, InvalidCharge, "open"] == [kinds(outcomes)[at] for at in (1, 3, 5)]


def test_after_a_rest_one_charge_is_let_through(both: Both, hands: Hands) -> None:
    """While it is on its way the others wait; where it fails, all wait for another rest."""
    provider = Provider(LOST)
    outcomes = both.calls(
        provider,
        *[CREATE] * 3,
        hands.move(REST - 0.1),
        CREATE,
        hands.move(0.1),
        state,
        lambda gateway: gateway.breaker.admit("INV-2"),  # one is on its way
        CREATE,
        hands.move(REST / 2),
        CREATE,
        hands.move(REST / 2),
        CREATE,
        state,
        CREATE,
        adapter=tiny(kind=Whole),
        **OPTIONS,
    )
    refused = [one for one in outcomes if isinstance(one, CircuitOpen)]
    assert [CircuitOpen, OutcomeUnknown] == [kinds(outcomes)[4], kinds(outcomes)[12]]
    assert ("half_open", "open") == (outcomes[6], outcomes[13])
    assert [1.0, REST, REST / 2, REST] == [one.retry_after for one in refused]
    assert 4 == provider.creates


def test_the_one_that_is_let_through_closes_it(both: Both, hands: Hands) -> None:
    """When it is answered, all others go as well."""
    provider = Provider(LOST, LOST, LOST, opened())
    outcomes = both.calls(
        provider, *[CREATE] * 3, hands.move(REST), CREATE, state, CREATE, adapter=tiny(kind=Whole), **OPTIONS
    )
    assert [Charge, "closed", Charge] == kinds(outcomes)[4:]


def test_a_login_that_is_refused_is_an_answer() -> None:
    """The provider is there: what is wrong is the key, and it says so each time."""
    breaker = Breaker("main", 1, REST)
    breaker.saw(Unreachable("gone"))
    breaker.saw(NotAuthorized("wrong key"))
    assert "closed" == breaker.state
    breaker.admit("INV-1")


def test_one_operation_counts_once_however_often_it_was_tried(both: Both) -> None:
    """Three attempts of one charge are one failure."""
    retry = Retry(first_wait_seconds=0.001, longest_wait_seconds=0.001)
    provider = Provider(httpx.ConnectError("refused"))
    outcomes = both.calls(
        provider, CREATE, CREATE, state, adapter=tiny(kind=Whole), **{**OPTIONS, "retry": retry}
    )
    assert (6, "closed") == (provider.creates, outcomes[-1])


def test_an_operation_that_is_broken_off_counts_as_neither(both: Both) -> None:
    """An interrupt, as a cancellation, says nothing of the provider."""
    provider = Provider(LOST, LOST, broken_off, LOST)
    outcomes = both.calls(provider, *[CREATE] * 3, state, CREATE, state, adapter=tiny(kind=Whole), **OPTIONS)
    assert not isinstance(outcomes[2], PaygateError)
    assert ("closed", "open") == (outcomes[3], outcomes[5])


class Cancelled(BaseException):
    """As the event loops' own: no Exception."""


def broken_off(_: httpx.Request) -> httpx.Response:
    """A request that the caller does not wait for any more."""
    raise Cancelled


def test_it_says_once_that_it_opens_and_once_that_it_closes(
    both: Both, hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    """Not for each charge that is refused, and not at each further failure."""
    caplog.set_level(logging.INFO, "paygate")
    provider = Provider(*[LOST] * 5, opened())
    both.calls(
        provider,
        *[CREATE] * 6,
        OTHERS["query"],
        hands.move(REST),
        CREATE,
        hands.move(REST),
        CREATE,
        CREATE,
        OTHERS["query"],
        adapter=tiny(kind=Whole),
        **OPTIONS,
    )
    assert [
        "paygate: gateway main gets no new charges for 30 s: 3 operations in a row got no answer",
        "paygate: gateway main answers again",
    ] == caplog.messages


def test_a_gateway_that_never_failed_knows_no_library() -> None:
    """Nothing is made for it, and it is closed."""
    breaker = Breaker("main")
    breaker.saw(None)
    breaker.saw(ChargeNotFound("no"))
    breaker.admit("INV-1")
    assert ("closed", None) == (breaker.state, breaker._circuit)


@pytest.mark.parametrize(("failures", "rest"), [(0, 30.0), (-1, 30.0), (1, 0), (1, -0.5)])
def test_a_breaker_that_could_not_work_is_refused(failures: int, rest: float) -> None:
    """The library would take a zero for its own default."""
    with pytest.raises(ValueError, match="at least one failure"):
        Breaker("main", failures, rest)


def test_what_failed_is_not_kept_in_memory() -> None:
    """A charge holds a payer's name; a breaker that is open for hours must not hold the charge."""

    class Payer:
        """Somebody."""

    def fail(breaker: Breaker) -> weakref.ref[Payer]:
        payer = Payer()
        try:
            raise OutcomeUnknown(f"something of {payer}")
        except PaygateError as failure:
            breaker.saw(failure)
        return weakref.ref(payer)

    breaker = Breaker("main", 1, REST)
    payer = fail(breaker)
    RAISED.clear()  # the watch for secrets keeps every error until a test ends
    gc.collect()
    assert ("open", None) == (breaker.state, payer())


def test_of_many_threads_one_is_let_through(hands: Hands) -> None:
    """After the rest all come at once."""
    breaker = Breaker("main", 1, REST)
    breaker.saw(Unreachable("gone"))
    hands.move(REST)(None)
    gate = threading.Barrier(16)
    passed: list[int] = []

    def come(number: int) -> None:
        gate.wait()
        try:
            breaker.admit(f"INV-{number}")
        except CircuitOpen:
            return
        passed.append(number)

    threads = [threading.Thread(target=come, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 == len(passed)


ENDS: Final = st.sampled_from(
    [
        None,
        Unreachable("gone"),
        OutcomeUnknown("lost"),
        RateLimited("busy"),
        DuplicateReference("there"),
        NotAuthorized("wrong key"),
        InvalidCharge("amount", "is wrong"),
        PluginError("a bug"),
        ConfigurationError("wrong"),
    ]
)
EVENTS: Final = st.lists(
    st.one_of(
        st.tuples(st.just("create"), ENDS),
        st.tuples(st.just("query"), ENDS),
        st.tuples(st.just("wait"), st.sampled_from([0.5, 4.0, 9.5, 10.0, 25.0])),
    ),
    max_size=40,
)


@given(failures=st.integers(1, 4), events=EVENTS)
def test_it_does_what_a_simple_model_does(failures: int, events: list[tuple[str, Any]]) -> None:
    """For any history: the state, and whether a new charge is let through."""
    rest = 10.0
    hands = Hands()
    in_a_row, opened_at, tried_at = 0, -1.0, -1.0
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("circuitbreaker.monotonic", hands)
        patched.setattr("paygate.breaker.time", hands)
        breaker = Breaker("main", failures, rest)
        for what, value in events:
            if what == "wait":
                hands.at += value
                continue
            is_down = in_a_row >= failures
            is_resting = is_down and hands.at < opened_at + rest
            assert {(False, False): "closed", (True, True): "open", (True, False): "half_open"}[
                is_down, is_resting
            ] == breaker.state
            if what == "create":
                is_refused = is_resting or (is_down and 0 <= tried_at and hands.at < tried_at + rest)
                if is_refused:
                    with pytest.raises(CircuitOpen) as refused:
                        breaker.admit("INV-1")
                    assert 0 < (refused.value.retry_after or 0) <= rest
                    continue
                breaker.admit("INV-1")
                tried_at = hands.at if is_down else tried_at
            breaker.saw(value)
            if isinstance(value, (Unreachable, OutcomeUnknown)):
                in_a_row += 1
                opened_at = hands.at if in_a_row >= failures else opened_at
            elif value is None or isinstance(value, (Refused, NotAuthorized)):
                in_a_row = 0


def test_a_charge_is_made_all_the_same_where_the_breaker_is_closed(both: Both) -> None:
    """The usual case, for the record."""
    charge = both.call(Provider(), "create_charge", order(), adapter=tiny(kind=Whole), **OPTIONS)
    assert ChargeStatus.PENDING is charge.status
