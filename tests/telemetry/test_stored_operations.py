"""What is seen of operations where a store answers for the provider."""

from pathlib import Path

import pytest

from paygate import InvalidCharge, OutcomeUnknown, ReferenceTaken
from paygate.money import Money
from tests.provider import Provider, opened, order
from tests.store.tills import SHELLS, Till
from tests.telemetry.collected import Collected
from tests.test_gateway import LOST


@pytest.fixture(params=SHELLS)
def till(request: pytest.FixtureRequest, tmp_path: Path) -> Till:
    """A till in each shell."""
    return Till(f"sqlite:///{tmp_path}/store.db", request.param)


def spans(collected: Collected) -> list[str]:
    """The operations that were seen, without their logins."""
    names = [span.name for span in collected.spans if span.name.startswith("paygate.")]
    return [name for name in names if name != "paygate.authorize"]


def test_a_charge_that_the_journal_has_makes_no_span(till: Till) -> None:
    """Nobody is asked the second time; nor where another request has its reference."""
    collected = Collected()
    other = order(amount=Money.idr(26_000))
    _, again, taken = till.run(
        Provider(opened("INV-1")),
        ("create_charge", order()),
        ("create_charge", order()),
        ("create_charge", other),
        listeners=[collected.telemetry],
    )
    assert "INV-1" == again.reference
    assert isinstance(taken, ReferenceTaken)
    assert ["paygate.create_charge"] == spans(collected)


def test_a_charge_of_unknown_outcome_is_seen_as_a_query(till: Till) -> None:
    """The second call asks first, and finds it."""
    collected = Collected()
    first, again = till.run(
        Provider(LOST, opened("INV-1")),
        ("create_charge", order()),
        ("create_charge", order()),
        listeners=[collected.telemetry],
    )
    assert isinstance(first, OutcomeUnknown)
    assert "INV-1" == again.reference
    assert ["paygate.create_charge", "paygate.query"] == spans(collected)


def test_what_could_never_be_right_is_no_operation(till: Till) -> None:
    """With a store as without."""
    collected = Collected()
    [refused] = till.run(Provider(), ("create_charge", "nonsense"), listeners=[collected.telemetry])
    assert isinstance(refused, InvalidCharge)
    assert [] == spans(collected)
