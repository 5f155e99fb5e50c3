"""What the adapter tells a person who looks for a fault: why a call fits or not, what the settings lack."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from paygate_ayolinx.diagnosis import is_hard_to_guess
from paygate_ayolinx.door import SandboxAccount

from paygate import CallbackRejected, Finding, Gateway, Paygate, Trial, Verdict
from tests.ayolinx_calls import NINE, NOW, PATH, Inbound, named, sent

Open = Callable[..., Any]
TOKEN = "A" * 64


@pytest.fixture
def opened(account: SandboxAccount) -> Open:
    """Open the account's gateway with other settings; its clock stands still."""

    @contextmanager
    def do(**other: Any) -> Iterator[Gateway]:
        settings = {**account.settings(PATH), **other}
        with Paygate.from_mapping({"gateways": {"main": settings}}, clock=NOW.timestamp) as paygate:
            yield paygate.gateway("main")

    return do


def fitting(gateway: Gateway, request: Any, paths: tuple[str, ...] = ()) -> list[Trial]:
    """The readings that fit."""
    return [trial for trial in gateway.explain_callback(request, paths) if trial.fits]


@pytest.mark.parametrize("call", NINE, ids=lambda call: call.name)
def test_a_genuine_call_fits_in_one_way_that_is_believed(
    opened: Open, account: SandboxAccount, call: Inbound
) -> None:
    """Whatever its kind; whether its token is good is another question."""
    with opened() as gateway:
        [trial] = fitting(gateway, sent(call, account, TOKEN))
        assert trial.accepted


@pytest.mark.parametrize("call", [one for one in NINE if one.kind == "notice"], ids=lambda call: call.name)
def test_a_notice_over_a_documented_path_is_named_and_not_believed(
    opened: Open, account: SandboxAccount, call: Inbound
) -> None:
    """The path that was signed is told; the callback is refused all the same."""
    request = sent(call, account, path=call.path)
    with opened() as gateway:
        [trial] = fitting(gateway, request)
        assert (call.path, False) == (trial.path, trial.accepted)
        with pytest.raises(CallbackRejected):
            gateway.parse_callback(request)


def test_a_path_of_yours_is_tried_too(opened: Open, account: SandboxAccount) -> None:
    """What the person suspects is among what is tried."""
    request = sent(NINE[0], account, path="/old/address")
    with opened() as gateway:
        assert [] == [trial for trial in fitting(gateway, request) if trial.path == "/old/address"]
        [trial] = fitting(gateway, request, ("/old/address",))
        assert ("/old/address", False) == (trial.path, trial.accepted)


def test_another_client_key_was_agreed(opened: Open, account: SandboxAccount) -> None:
    """A token request that is signed with our own client key fits, and is not the one that was agreed."""
    request = sent(named("QRIS token request"), account)
    with opened(inbound_client_key="ayolinx-at-shop") as gateway:
        [trial] = fitting(gateway, request)
        assert ("client_key", False) == (trial.body, trial.accepted)


def verdicts(findings: tuple[Finding, ...]) -> dict[str, Verdict]:
    return {finding.subject: finding.verdict for finding in findings}


def test_bare_settings_are_doubted(opened: Open) -> None:
    """Each doubt says what to do about it."""
    live = {"environment": "production", "client_key": "CK-1", "client_secret": "SK-1"}
    with opened(partner_service_ids={}, callback_path="/callbacks/main", **live) as gateway:
        findings = gateway.diagnose()
    assert {
        "public_key": Verdict.UNSURE,
        "callback_url": Verdict.UNSURE,
        "callback_path": Verdict.UNSURE,
        "partner_service_ids": Verdict.UNSURE,
    } == verdicts(findings)
    assert all(finding.cure for finding in findings)


@pytest.mark.parametrize(
    ("path", "is_hard"),
    [
        ("/callbacks/main", False),
        ("/v1.0/transfer-va/payment", False),
        ("/callbacks/main-8f3c1d", False),
        ("/callbacks/notifications", False),
        ("/c/9f8e7d6c5b4a", True),
    ],
)
def test_a_path_that_anybody_can_guess(path: str, is_hard: bool) -> None:
    """A long part with digits in it was drawn by lot, most likely."""
    assert is_hard_to_guess(path) is is_hard


def test_full_settings_are_good(opened: Open, account: SandboxAccount) -> None:
    """Nothing is left to doubt."""
    from paygate.snap import public_pem

    with opened(
        public_key=public_pem(account.merchant_key.public_key()),
        callback_url=f"https://shop.example{PATH}",
    ) as gateway:
        assert {Verdict.GOOD} == set(verdicts(gateway.diagnose()).values())
