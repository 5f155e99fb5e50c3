"""What the adapter tells a person who looks for a fault."""

import hashlib
from typing import Any

import pytest

from paygate import CallbackRejected, Finding, Gateway, Trial, Verdict
from tests.midtrans import CALLBACK_URL, SERVER_KEY, adapter_of, called, signed, told
from tests.watch import leaks

NEW_SANDBOX_KEY = "Mid-server-looks0like0production"


def fitting(body: dict[str, Any] | bytes) -> list[Trial]:
    """The readings of a notification that fit."""
    gateway = Gateway("main", adapter_of())
    trials = gateway.explain_callback(called(body))
    assert [] == leaks(repr(trials))
    return [trial for trial in trials if trial.fits]


def hashed(text: str, **other: Any) -> dict[str, Any]:
    """A notification whose signature was made over this text."""
    return told(**other) | {"signature_key": hashlib.sha512(text.encode()).hexdigest()}


def test_a_genuine_call_fits_in_the_one_way_that_is_believed() -> None:
    """The texts as received, and the server key; no path is part of it."""
    [trial] = fitting(signed(told()))
    assert (True, "", "server_key") == (trial.accepted, trial.path, trial.key)
    shouted = signed(told())
    assert fitting(shouted | {"signature_key": shouted["signature_key"].upper()})


@pytest.mark.parametrize(
    ("text", "body", "key"),
    [
        (f"INV-120025000{SERVER_KEY}", "gross_amount as 25000", "server_key"),
        (f"INV-120025000.0{SERVER_KEY}", "gross_amount as 25000.0", "server_key"),
        (f"INV-1settlement25000.00{SERVER_KEY}", "transaction_status in place of status_code", "server_key"),
        (f"INV-1{SERVER_KEY}", "order_id alone, before the key", "server_key"),
        (
            f"INV-120025000.00{SERVER_KEY}:",
            "order_id, status_code and gross_amount as received",
            "server_key with",
        ),
        ("INV-120025000.00", "order_id, status_code and gross_amount as received", "no key at all"),
    ],
)
def test_common_faults_are_found(text: str, body: str, key: str) -> None:
    """A body that was read and written anew, or a key that was copied wrong, fits and is not believed."""
    fitted = fitting(hashed(text))
    assert [(body, False)] == [(trial.body, trial.accepted) for trial in fitted]
    assert fitted[0].key.startswith(key)
    with pytest.raises(CallbackRejected):
        adapter_of().parse_callback(called(hashed(text)))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"a":1,"a":2}', b"\xff"])
def test_a_call_that_cannot_be_read_has_no_readings_that_fit(body: bytes) -> None:
    """Nothing is guessed from rubbish."""
    assert [] == fitting(body)


def findings(**other: Any) -> dict[str, Finding]:
    """What is found in these settings, by subject."""
    found = {one.subject: one for one in adapter_of(**other).diagnose()}
    assert [] == leaks(repr(found))
    return found


@pytest.mark.parametrize(
    ("environment", "key", "verdict"),
    [
        ("sandbox", SERVER_KEY, Verdict.GOOD),
        ("production", NEW_SANDBOX_KEY, Verdict.GOOD),
        ("sandbox", NEW_SANDBOX_KEY, Verdict.UNSURE),
        ("sandbox", "VT-server-of-old", Verdict.UNSURE),
        ("production", "VT-server-of-old", Verdict.UNSURE),
    ],
)
def test_a_key_is_looked_at(environment: str, key: str, verdict: Verdict) -> None:
    """Whether it looks like one of the environment; a cure stands beside each doubt."""
    found = findings(environment=environment, server_key=key)["server_key"]
    assert verdict is found.verdict
    assert bool(found.cure) == (verdict is not Verdict.GOOD)


def test_where_midtrans_calls() -> None:
    """Without a callback URL nobody can see it from here."""
    assert Verdict.UNSURE is findings()["callback_url"].verdict
    assert Verdict.GOOD is findings(callback_url=CALLBACK_URL)["callback_url"].verdict
