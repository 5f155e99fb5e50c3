from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate.sandbox import Fault, Faults
from paygate.sandbox.faults import ALL, Planned
from paygate.sandbox.simulator import play
from tests.sandbox.toy import ToySimulator


def drawn(faults: Faults, count: int, operation: str = "query") -> list[Fault | None]:
    """What the next requests suffer."""
    return [faults.next(operation) for _ in range(count)]


def test_without_a_plan_nothing_goes_wrong() -> None:
    """A fresh book of faults lets every request pass."""
    assert [None] * 100 == drawn(Faults(), 100)


@pytest.mark.parametrize("nth", [1, 2, 5])
def test_the_nth_request_suffers_the_planned_fault_once(nth: int) -> None:
    """Those before it and all after it pass."""
    faults = Faults()
    faults.plan(Fault.CUT, "query", nth)
    assert [None] * (nth - 1) + [Fault.CUT] + [None] * 5 == drawn(faults, nth + 5)


def test_the_count_begins_when_the_fault_is_planned() -> None:
    """Requests that came before the plan do not count."""
    faults = Faults()
    drawn(faults, 7)
    faults.plan(Fault.HANG, "query", 2)
    assert [None, Fault.HANG, None] == drawn(faults, 3)


def test_a_charge_is_what_suffers_unless_told() -> None:
    """The operation is create_charge and the request the next one by default."""
    faults = Faults()
    faults.plan(Fault.ERROR)
    assert faults.next("query") is None
    assert Fault.ERROR is faults.next("create_charge")


def test_each_operation_is_counted_by_itself() -> None:
    """Other operations neither suffer a fault nor bring it nearer."""
    faults = Faults()
    faults.plan(Fault.SLOW, "cancel", 2)
    assert [None] * 5 == drawn(faults, 5, "query")
    assert [None, Fault.SLOW] == drawn(faults, 2, "cancel")


def test_faults_planned_for_several_requests_come_in_their_own_order() -> None:
    """A later plan for an earlier request is suffered first."""
    faults = Faults()
    faults.plan(Fault.CUT, "query", 3)
    faults.plan(Fault.HANG, "query", 1)
    assert [Fault.HANG, None, Fault.CUT] == drawn(faults, 3)


def test_the_waiting_faults_can_be_seen() -> None:
    """`planned` shows what is still to come, and no more what has come."""
    faults = Faults()
    faults.plan(Fault.CUT, "query", 2)
    faults.plan(Fault.HANG, "cancel")
    assert [Planned(Fault.CUT, "query", 2), Planned(Fault.HANG, "cancel", 1)] == list(faults.planned)
    drawn(faults, 2)
    assert [Planned(Fault.HANG, "cancel", 1)] == list(faults.planned)


@given(seed=st.integers(), rate=st.floats(0, 1))
def test_drawn_faults_repeat_with_their_seed(seed: int, rate: float) -> None:
    """The same seed and rate bring the same faults, so a failed run can be run again."""
    first, second = Faults(), Faults()
    first.draw(rate, seed)
    drawn(second, 3)
    second.draw(rate, seed)
    assert drawn(first, 200) == drawn(second, 200)


def test_another_seed_brings_other_faults() -> None:
    """The seed decides."""
    first, second = Faults(), Faults()
    first.draw(0.5, 1)
    second.draw(0.5, 2)
    assert drawn(first, 200) != drawn(second, 200)


def test_about_as_many_requests_suffer_as_the_rate_says() -> None:
    """A quarter of many requests, and each kind of fault among them."""
    faults = Faults()
    faults.draw(0.25, 7)
    counts = Counter(drawn(faults, 8000))
    assert 5700 < counts.pop(None) < 6300
    assert set(ALL) == set(counts)


def test_only_the_chosen_kinds_are_drawn() -> None:
    """With a rate of one every request suffers one of them."""
    faults = Faults()
    faults.draw(1.0, 3, [Fault.CLOSE, Fault.CUT])
    assert {Fault.CLOSE, Fault.CUT} == set(drawn(faults, 100))


def test_a_planned_fault_comes_before_a_drawn_one() -> None:
    """A plan is kept even where chance would bring another fault."""
    faults = Faults()
    faults.draw(1.0, 3, [Fault.CLOSE])
    faults.plan(Fault.HANG, "query", 2)
    assert [Fault.CLOSE, Fault.HANG, Fault.CLOSE] == drawn(faults, 3)


def test_clear_forgets_what_was_planned_and_what_was_to_be_drawn() -> None:
    """After it every request passes."""
    faults = Faults()
    faults.draw(1.0, 3)
    faults.plan(Fault.HANG, "query", 2)
    faults.clear()
    assert () == faults.planned
    assert [None] * 20 == drawn(faults, 20)


def test_one_of_many_threads_suffers_a_planned_fault() -> None:
    """A fault happens once, whoever asks at the same time."""
    faults = Faults()
    for nth in (1, 50, 400):
        faults.plan(Fault.CUT, "query", nth)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: faults.next("query"), range(800)))
    assert {Fault.CUT: 3, None: 797} == Counter(found)
    assert () == faults.planned


def test_no_fault_waits_for_a_request_that_has_passed() -> None:
    """Two faults planned for one request: both are suffered, or the second is refused or replaced."""
    faults = Faults()
    faults.plan(Fault.HANG, "query")
    faults.plan(Fault.CUT, "query")
    drawn(faults, 2)
    assert () == faults.planned


@pytest.mark.parametrize("nth", [0, -1])
def test_a_request_before_the_first_cannot_be_planned(nth: int) -> None:
    """Requests are counted from one; a fault that could never happen is refused."""
    faults = Faults()
    with pytest.raises(ValueError, match="counted from 1"):
        faults.plan(Fault.HANG, "query", nth)


@pytest.mark.parametrize(("status", "seen"), [(400, b"no"), (200, b"{}")])
def test_no_refusal_is_made_up_where_all_come_under_http_200(status: int, seen: bytes) -> None:
    """Such a "no" is believed by everyone: after the work was done it would be a lie that nobody can see."""

    class Refusing(ToySimulator):
        def refusal(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(status, content=b"no")

    simulator = Refusing("http://127.0.0.1:1/")
    simulator.faults.plan(Fault.CODE_DISAGREES, "query")
    played = play(simulator, httpx.Request("GET", "http://127.0.0.1:1/query"))
    assert played.reply is not None
    assert (200, seen) == (played.reply.status_code, played.reply.content)
