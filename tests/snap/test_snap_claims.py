"""What a call's headers claim, which nobody signed: a notice that is proven is read whatever they say."""

import hashlib
import json
from collections.abc import Mapping

import pytest

from paygate import CallbackRejected, CallbackRequest, ChargeStatus
from paygate.sandbox import SnapSandboxAccount
from paygate.snap import SnapSettings
from tests.snap.by_hand import START, made_account, signed_rsa
from tests.snap.dompet import Dompet, dompet
from tests.snap.nusapay.paygate_nusapay import NusaPay
from tests.snap.nusapay.paygate_nusapay.settings import Settings
from tests.snap.talking import fitted
from tests.snap.test_snap_callbacks import NOTICE, PATH, by_rsa, by_token, granted, refused, token_request
from tests.watch import CANARIES

CLAIMS: tuple[Mapping[str, str], ...] = (
    {"X-CLIENT-KEY": "anybody"},
    {"Authorization": "Bearer of-a-proxy", "X-PARTNER-ID": "anybody"},
    {"Authorization": "Bearer ", "X-PARTNER-ID": "anybody"},
    {"authorization": "bearer x", "x-partner-id": "anybody", "x-client-key": "anybody"},
)


@pytest.fixture(scope="module")
def account() -> SnapSandboxAccount:
    """The merchant's account at the pretend NusaPay."""
    made = made_account()
    CANARIES.add(made.client_secret)
    return made


@pytest.fixture(scope="module")
def adapter(account: SnapSandboxAccount) -> NusaPay:
    """NusaPay's adapter: it takes both kinds of proof."""
    made: NusaPay = fitted(
        NusaPay, Settings, account.configured("nusapay", PATH), START.timestamp, callback_url=None
    )
    return made


def claiming(request: CallbackRequest, more: Mapping[str, str]) -> CallbackRequest:
    """The same call, with headers that claim more."""
    return CallbackRequest(request.method, request.path, {**request.headers, **more}, request.body)


@pytest.mark.parametrize("more", CLAIMS)
def test_a_proven_notice_is_read_whatever_it_claims(
    adapter: NusaPay, account: SnapSandboxAccount, more: Mapping[str, str]
) -> None:
    """A client key or a proxy's bearer token does not lose a paid charge: the signature covers the body."""
    request = claiming(by_rsa(account.provider_key), more)
    callback = adapter.parse_callback(request)
    assert [("INV-1", ChargeStatus.PAID)] == [(one.reference, one.status) for one in callback.charges]
    assert (200, START) == (callback.reply.status, callback.sent_at)
    fits = [one for one in adapter.explain_callback(request, ()) if one.fits]
    assert [(PATH, True)] == [(one.path, one.accepted) for one in fits]


def test_a_token_of_ours_beside_a_proven_notice(adapter: NusaPay, account: SnapSandboxAccount) -> None:
    """Even a token that is good does not make a notice less proven."""
    more = {"Authorization": f"Bearer {granted(adapter, account)}", "X-PARTNER-ID": account.client_key}
    callback = adapter.parse_callback(claiming(by_rsa(account.provider_key), more))
    assert ["INV-1"] == [one.reference for one in callback.charges]


@pytest.mark.parametrize("more", CLAIMS)
def test_what_is_no_proven_notice_stays_refused(
    adapter: NusaPay, account: SnapSandboxAccount, more: Mapping[str, str]
) -> None:
    """Another key, path, body, time or verb: the claim decides what is said of it, and nothing is read."""
    key = account.provider_key
    good = by_rsa(key)
    for request in (
        by_rsa(account.merchant_key),
        by_rsa(key, signed="/v1.0/qr/qr-mpm-notify"),
        by_rsa(key, signed="/callbacks/other"),
        by_rsa(key, stamp="2026-09-14T08:44:59+07:00"),
        by_rsa(key, stamp="2026-09-14T10:20:01+07:00"),
        CallbackRequest("POST", PATH, good.headers, good.body.replace(b"25000", b"95000")),
        CallbackRequest("PUT", PATH, good.headers, good.body),
        CallbackRequest("POST", PATH, {"X-TIMESTAMP": good.headers["X-TIMESTAMP"]}, good.body),
    ):
        reason, status, code = refused(adapter, claiming(request, more))
        is_token_request = "X-CLIENT-KEY" in more
        assert (401, "73" if is_token_request else "52") == (status, code[3:5])
        assert reason in (("client", "signature", "timestamp", "method") if is_token_request else ("token",))


def test_a_token_request_is_no_notice_and_grants_are_not_widened(
    adapter: NusaPay, account: SnapSandboxAccount
) -> None:
    """A notice's signature gets no token, and a token request's tells no charge."""
    notice = claiming(by_rsa(account.provider_key), {"X-CLIENT-KEY": account.client_key})
    callback = adapter.parse_callback(notice)
    assert (1, b"accessToken" in callback.reply.body) == (len(callback.charges), False)
    asked = token_request(account, account.provider_key)
    told = CallbackRequest("POST", PATH, asked.headers, json.dumps(NOTICE).encode())
    assert () == adapter.parse_callback(told).charges
    bare = {name: value for name, value in asked.headers.items() if name != "X-CLIENT-KEY"}
    with pytest.raises(CallbackRejected):
        adapter.parse_callback(CallbackRequest("POST", PATH, bare, told.body))


def test_a_call_under_a_token_needs_its_own_proof(adapter: NusaPay, account: SnapSandboxAccount) -> None:
    """A wrong HMAC is not made good by anything but the notice's own signature."""
    token = granted(adapter, account)
    good = by_token(account, token, NOTICE, PATH)
    changed = CallbackRequest("POST", PATH, good.headers, good.body + b" ")
    assert ("signature", 401, "4015200") == refused(adapter, changed)
    stranger = claiming(good, {"X-PARTNER-ID": "somebody"})
    assert ("client", 401, "4015200") == refused(adapter, stranger)
    # The string with a token is HMAC's alone: signed by RSA it proves nothing.
    text = f"POST:{PATH}:{token}:{hashlib.sha256(good.body).hexdigest()}:{good.headers['X-TIMESTAMP']}"
    by_key = claiming(good, {"X-SIGNATURE": signed_rsa(account.provider_key, text)})
    assert ("signature", 401, "4015200") == refused(adapter, by_key)


@pytest.mark.parametrize("more", [{}, *CLAIMS])
def test_a_provider_that_calls_with_a_token_alone_gets_no_other_way(more: Mapping[str, str]) -> None:
    """Its profile has no notices: a good RSA signature over one is refused, whatever it claims."""
    simulator = dompet("https://shop.example" + PATH)
    CANARIES.add(simulator.account.client_secret)
    adapter = fitted(Dompet, SnapSettings, simulator.settings, START.timestamp, callback_url=None)
    request = claiming(by_rsa(simulator.account.provider_key), more)
    _, status, _ = refused(adapter, request)
    assert 401 == status
