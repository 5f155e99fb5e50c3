import copy
import pickle

import pytest

import paygate
from paygate import CallbackRejected, InvalidCharge, PaygateError, RateLimited
from paygate.advice import ENGLISH, INDONESIAN

EVERY = [kind for kind in vars(paygate).values() if isinstance(kind, type) and issubclass(kind, PaygateError)]


def made(kind: type[PaygateError]) -> PaygateError:
    """An error of a kind, with all that it can carry."""
    if issubclass(kind, (InvalidCharge, CallbackRejected)):
        error: PaygateError = kind("reason", "what happened")
    else:
        error = kind("what happened")
    error.locate(gateway="main", operation="query", reference="A", http_status=400, external_id="7")
    return error


@pytest.mark.parametrize("kind", EVERY)
def test_every_error_leads_with_what_to_do_in_both_languages(kind: type[PaygateError]) -> None:
    """English and Indonesian advice come first, then what happened and where."""
    error = made(kind)
    assert str(error).startswith(ENGLISH[kind.__name__])
    assert error.message("id").startswith(INDONESIAN[kind.__name__])
    assert "what happened" in str(error)
    assert str(error).endswith("[gateway=main operation=query reference=A http_status=400 external_id=7]")


@pytest.mark.parametrize("kind", EVERY)
def test_every_error_survives_copying_and_pickling(kind: type[PaygateError]) -> None:
    """An error can cross a process boundary without losing anything."""
    error = made(kind)
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (type(error), str(error), error.context) == (type(twin), str(twin), twin.context)


def test_every_kind_has_advice_and_no_advice_is_left_over() -> None:
    """The tables and the tree have the same names."""
    assert {kind.__name__ for kind in EVERY} == set(ENGLISH) == set(INDONESIAN)


def test_a_plugins_own_error_has_its_parents_advice() -> None:
    """A kind that paygate does not know falls back on the nearest one that it does."""

    class TooPopular(RateLimited):
        pass

    assert str(TooPopular("x")).startswith(ENGLISH["RateLimited"])


def test_an_unknown_language_is_named() -> None:
    """Asking for a language that is not there says which are."""
    with pytest.raises(ValueError, match="en, id"):
        made(PaygateError).message("jv")


def test_what_is_known_is_not_overwritten() -> None:
    """The place nearest to the failure knows best."""
    error = PaygateError("x", reference="first")
    error.locate(reference="second", gateway="main")
    assert ("first", "main") == (error.reference, error.gateway)


def test_exit_codes_follow_the_three_branches() -> None:
    """A script can tell "nothing sent" from "unknown" from "refused"."""
    codes = {
        (paygate.NotSent, 2), (paygate.OutcomeUnknown, 3), (paygate.Refused, 4),
    }  # fmt: skip
    for branch, code in codes:
        assert {code} == {kind.exit_code for kind in EVERY if issubclass(kind, branch)}
