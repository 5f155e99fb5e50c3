"""A SNAP provider's calls: what is proven is read as the standard has it, and answered as it wants."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from paygate import (
    Callback,
    CallbackRejected,
    CallbackRequest,
    ChargeStatus,
    EWallet,
    Money,
    Qris,
    VirtualAccount,
)
from paygate.sandbox import SnapSandboxAccount, SnapSimulator
from paygate.snap import SnapSettings
from tests.snap.by_hand import START, made_account, signed_rsa
from tests.snap.dompet import Dompet, dompet
from tests.snap.nusapay.paygate_nusapay import NusaPay
from tests.snap.nusapay.paygate_nusapay.settings import Settings
from tests.snap.talking import fitted
from tests.watch import CANARIES

PATH = "/callbacks/main-4f1c"
STAMP = "2026-09-14T10:15:00+07:00"
AMOUNT = {"value": "25000.00", "currency": "IDR"}
NOTICE: dict[str, Any] = {
    "originalReferenceNo": "NP-1",
    "originalPartnerReferenceNo": "INV-1",
    "latestTransactionStatus": "00",
    "amount": AMOUNT,
    "paidTime": STAMP,
    "additionalInfo": {"paymentChannel": "NP_QRIS"},
}
FLAG: dict[str, Any] = {
    "partnerServiceId": "   98810",
    "customerNo": "42",
    "virtualAccountNo": "   9881042",
    "virtualAccountName": "Siti",
    "trxId": "INV-1",
    "paymentRequestId": "PR-1",
    "paidAmount": AMOUNT,
    "trxDateTime": STAMP,
}
QR_BELOW = PATH + "/v1.0/qr/qr-mpm-notify"
FLAG_BELOW = PATH + "/v1.0/transfer-va/payment"
Sign = Callable[..., CallbackRequest]


@pytest.fixture(scope="module")
def account() -> SnapSandboxAccount:
    """The merchant's account at the pretend NusaPay."""
    made = made_account()
    CANARIES.add(made.client_secret)
    return made


@pytest.fixture(scope="module")
def adapter(account: SnapSandboxAccount) -> NusaPay:
    """NusaPay's adapter: it takes both kinds of proof."""
    settings = account.configured("nusapay", PATH)
    made: NusaPay = fitted(NusaPay, Settings, settings, START.timestamp, callback_url=None)
    return made


@pytest.fixture(scope="module")
def tokened() -> tuple[Dompet, SnapSimulator]:
    """Dompet's adapter, which takes calls with a token alone, and its provider."""
    simulator = dompet("https://shop.example" + PATH)
    made: Dompet = fitted(Dompet, SnapSettings, simulator.settings, START.timestamp, callback_url=None)
    return made, simulator


def by_rsa(
    key: RSAPrivateKey, told: Any = NOTICE, path: str = PATH, signed: str | None = None, stamp: str = STAMP
) -> CallbackRequest:
    """A call without a token; `signed` is another path in the signature than the one it comes to."""
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    text = f"POST:{signed or path}:{hashlib.sha256(body).hexdigest()}:{stamp}"
    return CallbackRequest("POST", path, {"X-TIMESTAMP": stamp, "X-SIGNATURE": signed_rsa(key, text)}, body)


def by_token(
    account: SnapSandboxAccount, token: str, told: Any, path: str, partner: str | None = None
) -> CallbackRequest:
    """A call with a token of the merchant's, signed in hexadecimal."""
    body = json.dumps(told).encode()
    text = f"POST:{path}:{token}:{hashlib.sha256(body).hexdigest()}:{STAMP}"
    headers = {
        "Authorization": f"Bearer {token}",
        "X-TIMESTAMP": STAMP,
        "X-PARTNER-ID": partner or account.client_key,
        "X-SIGNATURE": hmac.digest(account.client_secret.encode(), text.encode(), "sha512").hex(),
    }
    return CallbackRequest("POST", path, headers, body)


def token_request(
    account: SnapSandboxAccount, key: RSAPrivateKey, client: str | None = None
) -> CallbackRequest:
    """A provider's request for a token of the merchant's."""
    client = client or account.client_key
    headers = {
        "X-CLIENT-KEY": client,
        "X-TIMESTAMP": STAMP,
        "X-SIGNATURE": signed_rsa(key, f"{client}|{STAMP}"),
    }
    body = b'{"grantType":"client_credentials"}'
    return CallbackRequest("POST", PATH + "/v1.0/access-token/b2b", headers, body)


def answered(callback: Callback) -> Any:
    """The body of the reply, which is 200."""
    assert 200 == callback.reply.status
    return json.loads(callback.reply.body)


def granted(adapter: Any, account: SnapSandboxAccount) -> str:
    """A token, asked for as the provider does."""
    callback = adapter.parse_callback(token_request(account, account.provider_key))
    token: str = answered(callback)["accessToken"]
    CANARIES.add(token)
    return token


def refused(adapter: Any, request: CallbackRequest) -> tuple[str, int, str]:
    """Why a call is refused, and what it is answered: HTTP status and responseCode."""
    with pytest.raises(CallbackRejected) as rejected:
        adapter.parse_callback(request)
    reply = rejected.value.reply
    return rejected.value.reason, reply.status, json.loads(reply.body)["responseCode"]


@pytest.mark.parametrize("path", [PATH, QR_BELOW])
def test_a_notice_of_a_qris(adapter: NusaPay, account: SnapSandboxAccount, path: str) -> None:
    """It is signed over our own path, or the standard's below it, and answered 2005200."""
    callback = adapter.parse_callback(by_rsa(account.provider_key, path=path))
    [charge] = callback.charges
    assert ("INV-1", ChargeStatus.PAID, Qris(), "NP-1", Money.idr(25_000), START) == (
        charge.reference,
        charge.status,
        charge.method,
        charge.provider_reference,
        charge.paid_amount,
        charge.paid_at,
    )
    assert {"responseCode": "2005200", "responseMessage": "Successful"} == answered(callback)
    assert (500, START) == (callback.again.status, callback.sent_at)


@pytest.mark.parametrize("path", [PATH, FLAG_BELOW])
def test_the_flag_of_a_paid_account(adapter: NusaPay, account: SnapSandboxAccount, path: str) -> None:
    """It is said back as it came; the bank is known by its prefix, and the number is the provider's number."""
    callback = adapter.parse_callback(by_rsa(account.provider_key, FLAG, path))
    [charge] = callback.charges
    assert ("INV-1", ChargeStatus.PAID, VirtualAccount("bni"), "PR-1", Money.idr(25_000)) == (
        charge.reference,
        charge.status,
        charge.method,
        charge.provider_reference,
        charge.paid_amount,
    )
    echo = {key: value for key, value in FLAG.items() if key != "trxDateTime"}
    reason = {"english": "Success", "indonesia": "Sukses"}
    assert {
        "responseCode": "2002500",
        "responseMessage": "Successful",
        "virtualAccountData": echo | {"paymentFlagStatus": "00", "paymentFlagReason": reason},
    } == answered(callback)


def test_a_flag_may_tell_a_status(adapter: NusaPay, account: SnapSandboxAccount) -> None:
    """Without one it tells of a payment; with one it is believed, and two are refused."""
    pending = FLAG | {"additionalInfo": {"paymentFlagStatus": "03"}}
    [charge] = adapter.parse_callback(by_rsa(account.provider_key, pending)).charges
    assert (ChargeStatus.PENDING, None) == (charge.status, charge.paid_amount)
    twice = pending | {"paymentFlagStatus": "00"}
    assert ("status", 400, "4002500") == refused(adapter, by_rsa(account.provider_key, twice))


@pytest.mark.parametrize("status", ["", 0, {}, ["00"], False])
def test_a_flag_of_no_clear_status_is_refused(
    adapter: NusaPay, account: SnapSandboxAccount, status: object
) -> None:
    """A status that is no text of the standard's is none."""
    flag = FLAG | {"paymentFlagStatus": status}
    assert ("status", 400, "4002500") == refused(adapter, by_rsa(account.provider_key, flag))


@pytest.mark.parametrize("status", ["01", "02"])
@pytest.mark.parametrize("inside", [False, True])
def test_a_flag_that_may_mean_two_things_is_refused(
    adapter: NusaPay, account: SnapSandboxAccount, status: str, *, inside: bool
) -> None:
    """01 and 02 are "rejected" and "timeout" at an account, and "not yet" elsewhere: nobody can tell which."""
    told: dict[str, Any] = {"paymentFlagStatus": status}
    flag = FLAG | ({"additionalInfo": told} if inside else told)
    assert ("status", 400, "4002500") == refused(adapter, by_rsa(account.provider_key, flag))


@pytest.mark.parametrize(("told", "path"), [(NOTICE, PATH), (FLAG, FLAG_BELOW)])
def test_a_call_about_another_merchant_is_refused(
    adapter: NusaPay, account: SnapSandboxAccount, told: dict[str, Any], path: str
) -> None:
    """Its signature is good, for the provider has one key for all: the merchantId is not ours."""
    service = "52" if told is NOTICE else "25"
    for stranger in ("SOMEBODY-ELSE", "m-0815", 815):
        request = by_rsa(account.provider_key, told | {"merchantId": stranger}, path)
        assert ("client", 401, f"401{service}00") == refused(adapter, request)
    for ours in ("M-0815", None, ""):
        request = by_rsa(account.provider_key, told | {"merchantId": ours}, path)
        assert ["INV-1"] == [one.reference for one in adapter.parse_callback(request).charges]


def test_a_merchant_id_that_is_not_configured_is_not_compared(tokened: tuple[Dompet, SnapSimulator]) -> None:
    """Where the settings have none, there is nothing to hold it against."""
    adapter, simulator = tokened
    told = NOTICE | {"merchantId": "ANY"}
    token = granted(adapter, simulator.account)
    callback = adapter.parse_callback(by_token(simulator.account, token, told, PATH))
    assert ["INV-1"] == [one.reference for one in callback.charges]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"latestTransactionStatus": "09"}, "status"),
        ({"latestTransactionStatus": "07"}, "status"),
        ({"latestTransactionStatus": ""}, "status"),
        ({"latestTransactionStatus": 0}, "body"),
        ({"originalPartnerReferenceNo": ""}, "body"),
        ({"originalPartnerReferenceNo": None}, "body"),
        ({"amount": None}, "amount"),
        ({"amount": {"value": "-1.00", "currency": "IDR"}}, "amount"),
        ({"amount": {"value": "1e3", "currency": "IDR"}}, "amount"),
        ({"amount": {"value": 25000.0, "currency": "IDR"}}, "body"),
    ],
)
def test_a_notice_that_tells_nothing_clear_is_refused(
    adapter: NusaPay, account: SnapSandboxAccount, changed: dict[str, Any], reason: str
) -> None:
    """It is proven and not understood: the provider is told so, and nobody guesses."""
    assert (reason, 400, "4005200") == refused(adapter, by_rsa(account.provider_key, NOTICE | changed))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"\xff", b'{"latestTransactionStatus":null}', b"[" * 5000]
)
def test_rubbish_that_is_signed_is_refused(
    adapter: NusaPay, account: SnapSandboxAccount, body: bytes
) -> None:
    """The provider's own key does not make it readable."""
    reason, status, _ = refused(adapter, by_rsa(account.provider_key, body))
    assert ("body", 400) == (reason, status)


def test_a_call_that_is_not_proven_is_refused(adapter: NusaPay, account: SnapSandboxAccount) -> None:
    """Another key, body, path or time: nothing of it is read, and the answer is 401 of its service."""
    good = by_rsa(account.provider_key)
    changed = CallbackRequest("POST", PATH, good.headers, good.body.replace(b"25000", b"95000"))
    assert ("signature", 401, "4015200") == refused(adapter, by_rsa(account.merchant_key))
    assert ("signature", 401, "4015200") == refused(adapter, changed)
    assert ("signature", 401, "4012500") == refused(adapter, by_rsa(account.merchant_key, FLAG, FLAG_BELOW))
    assert ("timestamp", 401, "4015200") == refused(
        adapter, by_rsa(account.provider_key, stamp="2026-09-14T08:44:59+07:00")
    )


@pytest.mark.parametrize("signed", ["/v1.0/qr/qr-mpm-notify", "/callbacks/other", "/", QR_BELOW + "/x"])
def test_a_notice_of_another_merchant_s_is_refused(
    adapter: NusaPay, account: SnapSandboxAccount, signed: str
) -> None:
    """The provider signs for all merchants with one key: only a path of our own makes a notice ours."""
    assert ("signature", 401, "4015200") == refused(adapter, by_rsa(account.provider_key, signed=signed))


@pytest.mark.parametrize("path", ["/v1.0/qr/qr-mpm-notify", PATH, QR_BELOW])
def test_a_notice_under_a_token(adapter: NusaPay, account: SnapSandboxAccount, path: str) -> None:
    """The provider asks for a token of ours, then signs with it and the secret: any of these paths will do."""
    token = granted(adapter, account)
    callback = adapter.parse_callback(by_token(account, token, NOTICE, path))
    assert ("2005200", "INV-1") == (answered(callback)["responseCode"], callback.charges[0].reference)


def test_a_token_is_granted_as_the_standard_has_it(adapter: NusaPay, account: SnapSandboxAccount) -> None:
    """Five fields of text; another key or client gets none."""
    callback = adapter.parse_callback(token_request(account, account.provider_key))
    told = answered(callback)
    CANARIES.add(told.pop("accessToken"))
    assert {
        "responseCode": "2007300",
        "responseMessage": "Successful",
        "tokenType": "Bearer",
        "expiresIn": "900",
    } == told
    assert () == callback.charges
    assert ("signature", 401, "4017300") == refused(adapter, token_request(account, account.merchant_key))
    stranger = token_request(account, account.provider_key, "somebody")
    assert ("client", 401, "4017300") == refused(adapter, stranger)


def test_a_token_that_is_not_ours_is_refused(adapter: NusaPay, account: SnapSandboxAccount) -> None:
    """A wrong token is answered case 01, a wrong secret or partner case 00, of the service that was called."""
    token = granted(adapter, account)
    wrong = by_token(account, "x" * 64, FLAG, FLAG_BELOW)
    assert ("token", 401, "4012501") == refused(adapter, wrong)
    other = made_account()
    forged = by_token(other, token, FLAG, FLAG_BELOW, partner=account.client_key)
    assert ("signature", 401, "4012500") == refused(adapter, forged)
    stranger = by_token(account, token, NOTICE, QR_BELOW, partner="somebody")
    assert ("client", 401, "4015200") == refused(adapter, stranger)


def test_a_provider_that_calls_with_a_token_alone(tokened: tuple[Dompet, SnapSimulator]) -> None:
    """Its key proves a token request and no notice; a wallet's notice is answered as service 56."""
    adapter, simulator = tokened
    account = simulator.account
    assert ("token", 401, "4015201") == refused(adapter, by_rsa(account.provider_key))
    token = granted(adapter, account)
    path = PATH + "/v1.0/debit/notify"
    callback = adapter.parse_callback(by_token(account, token, NOTICE, path))
    assert ("2005600", None) == (answered(callback)["responseCode"], callback.charges[0].method)
    assert EWallet("dana") in Dompet.create_charge.paygate_methods  # type: ignore[attr-defined]


def test_a_doctor_finds_the_path_that_was_signed(adapter: NusaPay, account: SnapSandboxAccount) -> None:
    """Every plausible reading is tried; only what `parse_callback` takes is called accepted."""
    other = by_rsa(account.provider_key, signed="/v1.0/qr/qr-mpm-notify")
    fits = [one for one in adapter.explain_callback(other, ()) if one.fits]
    assert [("/v1.0/qr/qr-mpm-notify", False)] == [(one.path, one.accepted) for one in fits]
    fits = [one for one in adapter.explain_callback(by_rsa(account.provider_key), ()) if one.fits]
    assert [(PATH, True)] == [(one.path, one.accepted) for one in fits]
    token = granted(adapter, account)
    tried = adapter.explain_callback(by_token(account, token, FLAG, FLAG_BELOW), ())
    assert {(FLAG_BELOW, True)} == {(one.path, one.accepted) for one in tried if one.fits}
    tried = adapter.explain_callback(token_request(account, account.provider_key), ())
    assert {True} == {one.accepted for one in tried if one.fits}
    assert ["public_key", "callback_url", "partner_service_ids"] == [
        one.subject for one in adapter.diagnose()
    ]
