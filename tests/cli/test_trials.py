"""What trials mean to a person: each difference from what is believed has its own cure."""

import pytest

from paygate import Trial
from paygate.cli.trials import is_altered, meaning
from paygate.diagnosis import ANOTHER

BELIEVED = Trial("RSA", "/own", "as received", "theirs", fits=False, accepted=True)


def fitting(
    scheme: str = "RSA",
    path: str = "/own",
    body: str = "as received",
    key: str = "theirs",
    *,
    accepted: bool = False,
) -> Trial:
    return Trial(scheme, path, body, key, fits=True, accepted=accepted)


def test_a_believed_reading_is_all_that_counts() -> None:
    """Others that fit as well are not told."""
    [finding] = meaning([BELIEVED, fitting(body="minified"), fitting(accepted=True)])
    assert ("good", "") == (finding.verdict, finding.cure)
    assert "it fits the path /own, the body as received and the key theirs (RSA)" == finding.what


@pytest.mark.parametrize(
    ("trial", "cure"),
    [
        (fitting(path="/other"), "The provider signs the path /other: set callback_path"),
        (fitting(body="indented by two"), "The body that was signed is yours indented by two"),
        (fitting(key="ours"), "It was signed with ours, and theirs is believed"),
        (fitting(scheme="HMAC"), "It was signed by HMAC: ask the provider which scheme"),
        (fitting(path="", body="client_secret"), "The text that was signed holds client_secret"),
        (fitting(path=ANOTHER, body=ANOTHER), "the path, the body or X-TIMESTAMP was changed on the way"),
    ],
    ids=["path", "body", "key", "scheme", "client key", "another text"],
)
def test_each_difference_has_its_cure(trial: Trial, cure: str) -> None:
    """It says what differs, and what to do about it."""
    [finding] = meaning([BELIEVED, trial])
    assert "bad" == finding.verdict
    assert cure in finding.cure


def test_several_differences_are_all_told() -> None:
    """A wrong key over a wrong path needs both cures."""
    [finding] = meaning([BELIEVED, fitting(path="/other", key="ours")])
    assert "signed with ours" in finding.cure
    assert "signs the path /other" in finding.cure


@pytest.mark.parametrize(
    ("trials", "altered"),
    [
        ([BELIEVED, fitting(path=ANOTHER, body=ANOTHER)], True),
        ([BELIEVED, fitting(path=ANOTHER, body=ANOTHER, key="ours")], False),
        ([BELIEVED, fitting(path=ANOTHER, body=ANOTHER), fitting(path="/other")], False),
        ([BELIEVED], False),
        ([], False),
    ],
    ids=["another text", "another key", "a text that is known", "nothing fits", "nothing tried"],
)
def test_a_callback_is_altered_where_the_right_key_signed_an_unknown_text(
    trials: list[Trial], altered: bool
) -> None:
    """Only then is it certain that keys and settings are right."""
    assert altered == is_altered(trials)


@pytest.mark.parametrize(
    ("trials", "what"),
    [([BELIEVED], "none of 1 readings"), ([], "there is none to try")],
    ids=["one", "none"],
)
def test_where_nothing_fits_it_says_what_to_check(trials: list[Trial], what: str) -> None:
    """How many were tried, and what usually is the matter."""
    [finding] = meaning(trials)
    assert what in finding.what
    assert "Check that X-SIGNATURE and X-TIMESTAMP are complete" in finding.cure


def test_of_very_many_readings_five_are_told() -> None:
    """A person reads no hundred lines."""
    assert 5 == len(meaning([fitting(path=f"/{number}") for number in range(100)]))
