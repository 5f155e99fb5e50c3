import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate import Secret, scrub


def test_a_secret_shows_itself_only_when_asked() -> None:
    """Neither repr, str, format nor an exception about it shows the value."""
    secret = Secret("canary")
    assert "canary" == secret.reveal()
    for shown in (repr(secret), str(secret), f"{secret}", repr({"key": secret})):
        assert "canary" not in shown
    for leave in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled"):
            leave(secret)


@pytest.mark.parametrize(
    "personal",
    [
        "0812-3456-7890",
        "+62 812 3456 7890",
        "4111 1111 1111 1111",
        "budi.santoso@example.co.id",
        "Bearer 91838ba37d8f14bf",
        "91838ba37d8f14bfc72345fd54132e6d",
        "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg",
    ],
)
def test_a_providers_own_words_lose_what_is_personal_or_secret(personal: str) -> None:
    """Numbers, addresses, tokens and keys are taken out of a message; the rest stays."""
    shown = scrub(f"Invalid field for {personal} today")
    assert personal not in shown
    assert shown.startswith("Invalid field for")


@given(st.text(max_size=2000))
def test_scrubbed_text_is_short_and_printable(text: str) -> None:
    """A provider cannot fill or forge a log line."""
    shown = scrub(text)
    assert len(shown) <= 150
    assert shown.isprintable() or not shown


def test_ordinary_messages_stay_as_they_are() -> None:
    """What helps is kept."""
    assert "Invalid Field Format amount.value" == scrub("Invalid Field Format amount.value")
