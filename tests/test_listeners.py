import contextvars
from typing import Any

import anyio
import httpx
import pytest

from paygate import (
    AsyncGateway,
    Charge,
    ChargeStatus,
    Exchange,
    InvalidCharge,
    OutcomeUnknown,
    Run,
    hookimpl,
)
from tests.provider import Both, Provider, named, opened, order, tiny
from tests.telemetry.collected import Guarded, guarded

PLACE: contextvars.ContextVar[str] = contextvars.ContextVar("place", default="outside")


class Diary:
    """A listener that writes down what it hears, and where."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.ended: list[tuple[Run, Charge | None, BaseException | None, float]] = []
        self._begun: dict[Run, contextvars.Token[str]] = {}

    @hookimpl
    def operation_started(self, run: Run) -> None:
        self.lines.append((f"{run.operation} begins", PLACE.get()))
        self._begun[run] = PLACE.set(run.operation)

    @hookimpl
    def operation_finished(
        self, run: Run, charge: Charge | None, error: BaseException | None, seconds: float
    ) -> None:
        PLACE.reset(self._begun.pop(run))
        self.lines.append((f"{run.operation} ends", PLACE.get()))
        self.ended.append((run, charge, error, seconds))

    @hookimpl
    def exchanged(self, exchange: Exchange) -> None:
        self.lines.append((exchange.path, PLACE.get()))

    @hookimpl
    def charge_changed(self, charge: Charge) -> None:
        self.lines.append((charge.status.value, PLACE.get()))


def test_an_operation_is_announced_at_both_ends_and_its_login_within(both: Both) -> None:
    """A context variable set at the beginning holds for all that the operation causes, and not after it."""
    diary = Diary()
    both.call(guarded(), "create_charge", order(), tiny(kind=Guarded), [diary])
    assert [
        ("create_charge begins", "outside"),
        ("authorize begins", "create_charge"),
        ("/login", "authorize"),
        ("authorize ends", "create_charge"),
        ("/charges", "create_charge"),
        ("create_charge ends", "outside"),
        ("pending", "outside"),
    ] == diary.lines
    [(login, nothing, *_), (run, charge, error, seconds)] = diary.ended
    assert ("main", "authorize", None, None) == (login.gateway, login.operation, login.reference, nothing)
    assert ("main", "create_charge", "INV-1", "qris") == (
        run.gateway,
        run.operation,
        run.reference,
        run.method.kind if run.method else None,
    )
    assert charge is not None
    assert (ChargeStatus.PENDING, None) == (charge.status, error)
    assert 0 < seconds < 10


def test_repeated_attempts_are_one_run(both: Both) -> None:
    """It begins before the first attempt and ends after the last."""
    diary = Diary()
    lucky = Provider(httpx.ConnectError("refused"), httpx.ConnectError("refused"), opened(status="paid"))
    both.call(lucky, "query", named(), None, [diary])
    happened = [line for line, _ in diary.lines if "authorize" not in line]
    assert ["query begins", *["/charges/INV-1"] * 3, "query ends", "paid"] == happened


def test_an_error_is_announced_as_it_is_raised(both: Both) -> None:
    """The listener gets the very object, with gateway, operation and reference, and no charge."""
    diary = Diary()
    with pytest.raises(OutcomeUnknown) as raised:
        both.call(Provider(OSError("cut")), "create_charge", order(), None, [diary])
    run, charge, error, _ = diary.ended[-1]
    assert ("create_charge", None) == (run.operation, charge)
    assert raised.value is error
    assert isinstance(error, OutcomeUnknown)
    assert "INV-1" == error.reference


def test_what_never_begins_is_not_announced(both: Both) -> None:
    """A charge that could not be right has no run."""
    diary = Diary()
    with pytest.raises(InvalidCharge):
        both.call(Provider(), "create_charge", None, None, [diary])
    assert [] == diary.lines


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_end_of_a_cancelled_run_is_announced(backend: str) -> None:
    """With the cancellation itself, which goes on as if nobody had listened."""
    diary = Diary()

    class Silent(Provider):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            await anyio.sleep_forever()
            raise AssertionError

    async def run() -> bool:
        async with AsyncGateway("main", tiny(), transport=Silent(), listeners=[diary]) as gateway:
            with anyio.move_on_after(0.01) as scope:
                await gateway.create_charge(order())
            return scope.cancelled_caught

    assert anyio.run(run, backend=backend)
    _, charge, error, _ = diary.ended[-1]
    assert charge is None
    assert "Cancelled" in type(error).__name__


class Broken:
    """A listener that fails at both ends."""

    @hookimpl
    def operation_started(self) -> None:
        raise RuntimeError("a value that must not be logged")

    @hookimpl
    def operation_finished(self, error: BaseException | None) -> None:
        raise RuntimeError("a value that must not be logged")


def test_a_listener_that_fails_at_either_end_changes_nothing(
    both: Both, caplog: pytest.LogCaptureFixture
) -> None:
    """The charge comes back, an error stays the error it is, and the next listener hears all."""
    diary = Diary()
    charge, error = both.calls(
        Provider(opened(), httpx.Response(500)),
        ("create_charge", order()),
        ("create_charge", order()),
        listeners=[Broken(), diary],
    )
    assert ChargeStatus.PENDING is charge.status
    assert isinstance(error, OutcomeUnknown)
    assert error.__context__ is None or "must not" not in str(error.__context__)
    assert ["authorize", "create_charge", "create_charge"] == [run.operation for run, *_ in diary.ended]
    assert 6 == len(caplog.records)
    assert "must not be logged" not in caplog.text


def test_two_runs_of_the_same_are_told_apart() -> None:
    """A run is equal to itself alone, and so a key for what a listener keeps of it."""
    one, other = (Run(gateway="main", operation="query", reference="INV-1") for _ in range(2))
    kept: dict[Run, Any] = {one: 1, other: 2}
    assert [1, 2] == [kept[one], kept[other]]


def test_an_exchange_tells_host_port_and_the_error_of_one_without_an_answer(both: Both) -> None:
    """The port is told also where the address leaves it out; a failure by its class."""
    heard: list[Exchange] = []

    class Ear:
        @hookimpl
        def exchanged(self, exchange: Exchange) -> None:
            heard.append(exchange)

    both.calls(
        Provider(httpx.ReadTimeout("lost"), opened()),
        ("create_charge", order()),
        ("query", named()),
        listeners=[Ear()],
    )
    assert [("tiny.example", 443, None, "OutcomeUnknown"), ("tiny.example", 443, 200, None)] == [
        (one.host, one.port, one.status, one.failure) for one in heard
    ]
