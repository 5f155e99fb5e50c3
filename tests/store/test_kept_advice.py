"""What is advised after an unknown outcome: with a store, the same call again."""

import copy
import pickle
from pathlib import Path
from typing import Final

import pytest

from paygate import ChargeNotFound, InvalidCharge, OutcomeUnknown
from paygate.advice import ENGLISH, INDONESIAN, KEPT
from tests.databases import Laid
from tests.provider import Both, Provider, named, order
from tests.store.test_journal_refunds import PAID, WHOLE, Returning
from tests.store.tills import SHELLS, Cancelling, Till
from tests.test_gateway import LOST


@pytest.fixture(params=SHELLS)
def till(request: pytest.FixtureRequest, laid: Laid, tmp_path: Path) -> Till:
    """A till in each shell."""
    return Till(laid.url("sqlite", tmp_path), request.param)


def test_with_a_store_the_same_charge_is_to_be_asked_for_again(till: Till) -> None:
    """After the first call, and after the second, which only asks; in both languages, also as a copy."""
    provider = Provider(LOST)
    for _ in range(2):
        error = till.one(provider, "create_charge", order())
        assert isinstance(error, OutcomeUnknown)
        for twin in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):
            assert twin.is_kept
            assert str(twin).startswith(KEPT["en"])
            assert twin.message("id").startswith(KEPT["id"])
            assert "do not send it again" not in str(twin)
    assert 1 == provider.creates


def test_with_a_store_the_same_refund_is_to_be_asked_for_again(till: Till) -> None:
    """It stands under a reference of its own."""
    error = till.one(Provider(LOST), "refund", PAID, WHOLE, adapter=Returning)
    assert isinstance(error, OutcomeUnknown)
    assert str(error).startswith(KEPT["en"])


def test_without_a_store_it_is_never_to_be_sent_again(both: Both) -> None:
    """Nobody would know of the first."""
    with pytest.raises(OutcomeUnknown) as raised:
        both.call(Provider(LOST), "create_charge", order())
    assert not raised.value.is_kept
    assert str(raised.value).startswith(ENGLISH["OutcomeUnknown"])
    assert raised.value.message("id").startswith(INDONESIAN["OutcomeUnknown"])


UNKEPT: Final = (("cancel", named()), ("query", named()))


@pytest.mark.parametrize("step", UNKEPT, ids=lambda step: step[0])
def test_what_no_store_repeats_is_to_be_queried(till: Till, step: tuple[str, object]) -> None:
    """A cancellation would be sent again; a query is what settles everything."""
    error = till.one(Provider(LOST), *step, adapter=Cancelling)
    assert isinstance(error, OutcomeUnknown)
    assert str(error).startswith(ENGLISH["OutcomeUnknown"])


def test_other_errors_keep_their_own_advice(till: Till) -> None:
    """Being written down changes nothing about a charge that could never be right."""
    error = till.one(Provider(), "create_charge", "no request at all")
    assert isinstance(error, InvalidCharge)
    assert str(error).startswith(ENGLISH["InvalidCharge"])


def test_only_an_unknown_outcome_has_a_second_advice() -> None:
    """Whatever else is said to be kept is advised as always."""
    error = ChargeNotFound("what happened")
    error.is_kept = True
    assert ENGLISH["ChargeNotFound"] == error.advice()
    assert INDONESIAN["ChargeNotFound"] == error.advice("id")
