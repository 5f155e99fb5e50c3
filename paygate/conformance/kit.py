"""What the author of an adapter inherits: a test class for pytest, and the same without pytest."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final

import httpx
from msgspec import Struct

from paygate.conformance.bench import Bench
from paygate.conformance.report import Breach, Broken
from paygate.conformance.scenario import Per, Scenario, always
from paygate.conformance.scenarios import SCENARIOS
from paygate.conformance.subject import Abilities, methods_of, name_of
from paygate.conformance.watch import hidden
from paygate.errors import PaygateError
from paygate.methods import Method
from paygate.model import ChargeRequest, ChargeStatus, Customer, Item
from paygate.money import Money
from paygate.redaction import place_of
from paygate.sandbox.simulator import Simulator

if TYPE_CHECKING:
    import pytest

BASE_URL: Final = "http://127.0.0.1:1"
"""Where the kit's wire ends. Nothing listens there: nothing is sent over a network."""
CALLBACK_URL: Final = "https://shop.example/callbacks/main"
CUSTOMER: Final = Customer(
    name="Kanari Puspitasari", email="kanari.puspitasari@shop.example", phone="+6281299887766"
)
LIFETIME: Final = timedelta(hours=2, minutes=17)
"""No whole number of hours, so that a wrong time zone shows."""


class Case(Struct, frozen=True):
    """One scenario by one method: one test."""

    scenario: Scenario
    method: Method

    @property
    def name(self) -> str:
        """The id: the scenario's, and the method where it is played by several."""
        if self.scenario.per is Per.ADAPTER:
            return self.scenario.name
        return f"{self.scenario.name}-{name_of(self.method)}"

    @property
    def title(self) -> str:
        """As `name`, with the method in brackets."""
        if self.scenario.per is Per.ADAPTER:
            return self.scenario.name
        return f"{self.scenario.name}[{name_of(self.method)}]"


class GatewayConformance:
    """Inherit it in a class `Test…`, name the adapter, and run pytest: each promise is a test.

    `codes` are the provider's declared refusals and the error that each one is; `statuses` its declared
    states of a charge and what each one is, None for "there is no such charge". Where they are given,
    `coded` and `standing` say how the provider tells them.
    """

    adapter: ClassVar[type[Any]]
    codes: ClassVar[Mapping[str, type[PaygateError]]] = {}
    statuses: ClassVar[Mapping[str, ChargeStatus | None]] = {}
    methods: ClassVar[Sequence[Method] | None] = None
    """What to charge by; read off the adapter's marks unless told."""
    unknown: ClassVar[str] = "KIT9"
    """A code, and a status, that the provider never told anybody of."""

    def simulator(self) -> Simulator:
        """A pretend provider, with an account of its own: the adapter's `simulator`, unless told."""
        made: Simulator = self.adapter.simulator(CALLBACK_URL, 1.0)
        return made

    def settings(self, simulator: Simulator) -> Mapping[str, Any]:
        """What a merchant configures to reach it."""
        return {**simulator.settings, "base_url": BASE_URL}

    def request(self, method: Method, reference: str) -> ChargeRequest:
        """An order that this provider takes."""
        return ChargeRequest(
            reference=reference,
            amount=Money.idr(25_000),
            method=method,
            expires_at=datetime.now(UTC).replace(microsecond=0) + LIFETIME,
            customer=CUSTOMER,
            description="Kopi dan teh",
            items=(Item("Kopi", Money.idr(10_000), 2), Item("Teh", Money.idr(5_000))),
            return_url="https://shop.example/thanks",
        )

    def coded(self, reply: httpx.Response, code: str) -> httpx.Response:
        """The provider's answer, with this refusal instead."""
        raise NotImplementedError("the kit was given `codes`, and not how the provider tells one: `coded`")

    def standing(self, reply: httpx.Response, status: str) -> httpx.Response:
        """The provider's answer to a query, with this status instead."""
        raise NotImplementedError("the kit was given `statuses`, and not how one is told: `standing`")

    def provider(self, number: int) -> Simulator:
        """One of the kit's pretend providers, made once: their accounts differ."""
        made: list[Simulator] | None = type(self).__dict__.get("providers")
        if made is None:
            made = []
            setattr(type(self), "providers", made)  # noqa: B010 - each class has its own
        while len(made) <= number:
            made.append(self.simulator())
        return made[number]

    def test_conformance(self, case: Case) -> None:
        """The adapter keeps one promise of paygate's interface."""
        __tracebackhide__ = True
        broken = played(self, case)
        if broken is not None:
            raise AssertionError(str(broken))

    def pytest_generate_tests(self, metafunc: "pytest.Metafunc") -> None:
        """Make a test of each case that applies."""
        import pytest

        if "case" in metafunc.fixturenames:
            cases = list(cases_of(self))
            marks = (pytest.mark.conformance,)
            metafunc.parametrize("case", [pytest.param(one, id=one.name, marks=marks) for one in cases])


def cases_of(kit: GatewayConformance) -> Iterator[Case]:
    """Every case that applies to an adapter, in the order of the page."""
    abilities = abilities_of(kit)
    for scenario in SCENARIOS:
        for method in scenario.methods(abilities):
            if scenario.when is always or _applies(kit, scenario, method, abilities):
                yield Case(scenario, method)


def _applies(kit: GatewayConformance, scenario: Scenario, method: Method, abilities: Abilities) -> bool:
    try:
        return scenario.when(Bench(kit, method, abilities))
    except Exception:  # noqa: BLE001 - whatever is wrong with the adapter is for the scenario to say
        return True


def abilities_of(kit: GatewayConformance) -> Abilities:
    """What the adapter of a kit can do."""
    methods = kit.methods if kit.methods is not None else methods_of(kit.adapter)
    return Abilities(kit.adapter, methods)


def played(kit: GatewayConformance, case: Case) -> Broken | None:
    """Play one case; None where the promise is kept."""
    try:
        case.scenario.act(Bench(kit, case.method, abilities_of(kit)))
    except Breach as breach:
        what = breach.what
    except PaygateError as error:
        where = f"{error.operation} of " if error.operation else ""
        what = f"{where}the adapter ended with {type(error).__name__}: {error.what.rstrip('.')}"
    except NotImplementedError as error:
        what = f"something is still to be written: {error}"
    except Exception as error:  # noqa: BLE001 - an adapter, or its simulator, may raise anything
        what = f"the scenario could not be played to its end: {place_of(error)}"
    else:
        return None
    return Broken(case.title, hidden(kit, what), case.scenario.why)


def broken(kit: GatewayConformance, only: Collection[str] | None = None) -> tuple[Broken, ...]:
    """Every promise that an adapter does not keep; pytest is not needed.

    `only` names the scenarios to play, all unless told.
    """
    cases = (case for case in cases_of(kit) if only is None or case.scenario.name in only)
    found = (played(kit, case) for case in cases)
    return tuple(one for one in found if one is not None)
