"""The 22 pitfalls seen in merchants' own Ayolinx code, by number: none of them is ours."""

import base64
import hashlib
import hmac
import json
import re
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import paygate_ayolinx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from paygate_ayolinx import Ayolinx
from paygate_ayolinx.door import SandboxAccount

import paygate as package
from paygate import (
    Callback,
    CallbackRejected,
    CallbackRequest,
    Charge,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    ConfigurationError,
    ConflictKind,
    Conversation,
    Credential,
    Customer,
    EWallet,
    Flow,
    InvalidCharge,
    InvalidRequest,
    Method,
    Money,
    OutcomeUnknown,
    Paygate,
    PaymentLink,
    Qris,
    Retail,
    Secret,
    VirtualAccount,
)
from paygate.transports import ssl_context
from tests.ayolinx_calls import (
    NOTICE_TAKEN,
    NOW,
    PATH,
    compact,
    headers_of,
    named,
    sent,
    signature_of,
    text_of,
)
from tests.flows import asked

TOKEN = "91838ba37d8f14bfc72345fd54132e6d"
EVERY_METHOD = [Qris(), EWallet("dana"), VirtualAccount("bni"), Retail("alfamart"), PaymentLink()]
NOTICE = named("QRIS notice")
OURS = Charge(
    gateway="main", reference="INV-1", status=ChargeStatus.PENDING, method=Qris(), amount=Money.idr(20_000)
)
Adapters = Callable[..., Ayolinx]


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.moment = NOW

    def __call__(self) -> float:
        return self.moment.timestamp()


@pytest.fixture
def clock() -> Clock:
    """The clock of adapter and paygate."""
    return Clock()


@pytest.fixture
def make_adapter(account: SandboxAccount, clock: Clock) -> Adapters:
    """Make adapters that live by the clock, with other settings than the account's where given."""

    def make(**other: Any) -> Ayolinx:
        own = account.settings(PATH) | {"callback_url": f"https://shop.example{PATH}"} | other
        del own["adapter"]
        secrets: dict[str, Any] = {key: Secret(own.pop(key)) for key in ("client_secret", "private_key")}
        return Ayolinx("main", Ayolinx.settings_type(**own, **secrets), clock)

    return make


@pytest.fixture
def adapter(make_adapter: Adapters) -> Ayolinx:
    """The account's adapter."""
    return make_adapter()


@pytest.fixture
def paygate(account: SandboxAccount, clock: Clock) -> Iterator[Paygate]:
    """A paygate that lives by the clock."""
    with Paygate.from_mapping({"gateways": {"main": account.settings(PATH)}}, clock=clock) as one:
        yield one


def order(method: Method, **other: Any) -> ChargeRequest:
    """A charge request that is right for every method."""
    rest: dict[str, Any] = {
        "reference": "INV-1",
        "amount": Money.idr(25_000),
        "customer": Customer(name="Ratna é", email="ratna@mail.example", phone="+6281234567890"),
        "return_url": "https://shop.example/orders/1?a=b",
        "description": "Kopi / teh é",
        "expires_at": NOW + timedelta(hours=1),
    }
    return ChargeRequest(method=method, **(rest | other))


def logged_in(adapter: Ayolinx) -> Credential:
    """The credential of a login that went well."""
    talk = Conversation(adapter.authorize())
    talk.answer(httpx.Response(200, json={"accessToken": TOKEN, "expiresIn": "3600"}))
    return talk.result


def answered(flow: Flow[Any], status: int = 200, **body: Any) -> Any:
    """What a flow makes of an answer to its one request."""
    talk = Conversation(flow)
    talk.answer(httpx.Response(status, json=body))
    return talk.result


def notice(account: SandboxAccount, stamp: str | None = None, **change: Any) -> CallbackRequest:
    """A genuine notice that says something else."""
    moment = stamp or NOW.isoformat()
    return sent(NOTICE, account, body=compact(NOTICE.body | change), stamp=moment)


def refused(paygate: Paygate, request: CallbackRequest, reason: str) -> CallbackRejected:
    """Check why a call is refused."""
    with pytest.raises(CallbackRejected) as raised:
        paygate.parse_callback("main", request)
    assert reason == raised.value.reason
    return raised.value


def compared(paygate: Paygate, request: CallbackRequest, ours: Charge | None) -> Callback:
    """A callback, held against what the merchant knows."""
    gateway = paygate.gateway("main")
    return gateway.compare(gateway.parse_callback(request), [ours])


def test_01_the_signed_path_is_our_own_public_one(paygate: Paygate, account: SandboxAccount) -> None:
    """Not the documented name, and not what a proxy made of it."""
    for seen in (PATH, "/rewritten", NOTICE.path):
        genuine = sent(NOTICE, account)
        assert paygate.parse_callback(
            "main", CallbackRequest("POST", seen, genuine.headers, genuine.body)
        ).charges
    refused(paygate, sent(NOTICE, account, path=NOTICE.path), "signature")


@pytest.mark.parametrize("method", EVERY_METHOD, ids=lambda method: method.kind)
def test_02_03_04_the_signature(adapter: Ayolinx, account: SandboxAccount, method: Method) -> None:
    """In base64, the token before the hash, over the very bytes that are sent: addresses and é included."""
    request = logged_in(adapter).sign(asked(adapter.create_charge(order(method))))
    path, stamp = request.url.raw_path.decode(), request.headers["x-timestamp"]
    text = f"POST:{path}:{TOKEN}:{hashlib.sha256(request.content).hexdigest()}:{stamp}"
    raw = hmac.new(account.client_secret.encode(), text.encode(), hashlib.sha512).digest()
    assert base64.b64encode(raw).decode() == request.headers["x-signature"]
    assert (88, str(len(request.content))) == (
        len(request.headers["x-signature"]),
        request.headers["content-length"],
    )
    assert b"\\/" not in request.content
    assert json.dumps(json.loads(request.content), ensure_ascii=False, separators=(",", ":")).encode() == (
        request.content
    )


def test_05_verification_is_over_the_raw_bytes_and_their_own_time(
    paygate: Paygate, account: SandboxAccount
) -> None:
    """A body is not written anew, the time is the header's, and what does not fit is not believed."""
    body = b'{ "latestTransactionStatus" : "00", "originalPartnerReferenceNo":"INV\\/1",\n"amount":{"value":"1.10"}}'
    earlier = (NOW - timedelta(minutes=5)).isoformat()
    [charge] = paygate.parse_callback("main", sent(NOTICE, account, body=body, stamp=earlier)).charges
    assert ("INV/1", Money.idr("1.10")) == (charge.reference, charge.paid_amount)
    again = json.dumps(json.loads(body), separators=(",", ":")).encode()
    refused(paygate, sent(NOTICE, account, body=body, signed=again), "signature")


@pytest.mark.parametrize("key", ["", " ", "none"])
def test_05_without_the_providers_key_nothing_starts(account: SandboxAccount, key: str) -> None:
    """A missing key refuses instead of accepting."""
    document = {"gateways": {"main": account.settings(PATH) | {"provider_public_key": key}}}
    with pytest.raises(ConfigurationError, match="provider_public_key"):
        Paygate.from_mapping(document)


def test_06_an_old_callback_is_a_replay(paygate: Paygate, account: SandboxAccount, clock: Clock) -> None:
    """The last retry, 76 minutes later, is taken; after 90 minutes nothing is. A repeat changes nothing."""
    genuine = notice(account)
    paid = compared(paygate, genuine, OURS).charges[0]
    for minutes in (1, 6, 16, 76, 90):
        clock.moment = NOW + timedelta(minutes=minutes)
        repeat = compared(paygate, genuine, paid)
        assert ((paid,), (), NOTICE_TAKEN) == (repeat.charges, repeat.conflicts, repeat.reply.body)
    clock.moment = NOW + timedelta(minutes=90, seconds=1)
    refused(paygate, genuine, "timestamp")


@pytest.mark.parametrize("method", EVERY_METHOD, ids=lambda method: method.kind)
def test_07_amounts_are_sent_as_texts(adapter: Ayolinx, method: Method) -> None:
    """With two decimals and their currency; a link's prices in whole rupiah, as its page has them."""
    body = json.loads(asked(adapter.create_charge(order(method))).content)
    if isinstance(method, PaymentLink):
        assert [{"name": "Kopi / teh é", "price": "25000", "qty": "1"}] == body["listItem"]
    else:
        amount = body.get("amount") or body["totalAmount"]
        assert {"currency": "IDR", "value": "25000.00"} == amount


@pytest.mark.parametrize("value", ["20.000,00", "20,000.00", "20000,00", "2e4", "Rp20000", 20000, 20000.0])
def test_07_amounts_are_read_where_they_are_beyond_doubt(
    paygate: Paygate, account: SandboxAccount, value: object
) -> None:
    """An ambiguous text or a number is refused."""
    with pytest.raises(CallbackRejected):
        paygate.parse_callback("main", notice(account, amount={"currency": "IDR", "value": value}))


def test_07_amounts_are_compared(paygate: Paygate, account: SandboxAccount) -> None:
    """One rupiah instead of 20,000 pays nothing."""
    cheap = notice(account, amount={"currency": "IDR", "value": "1.00"})
    result = compared(paygate, cheap, OURS)
    assert ([ConflictKind.AMOUNT], ()) == ([one.kind for one in result.conflicts], result.charges)


def test_08_a_later_status_is_news(paygate: Paygate, account: SandboxAccount) -> None:
    """Initiated, paying and then paid, of one reference: each is told, and the last one counts."""
    ours = OURS
    for code, status in (("01", "PENDING"), ("02", "PENDING"), ("00", "PAID"), ("00", "PAID")):
        [ours] = compared(paygate, notice(account, latestTransactionStatus=code), ours).charges
        assert ChargeStatus[status] is ours.status


@pytest.mark.parametrize("status", [0, "0", 0.0, False])
def test_09_a_status_is_a_text_of_two_digits(
    paygate: Paygate, adapter: Ayolinx, account: SandboxAccount, status: object
) -> None:
    """Its leading zero is part of it: anything else is neither paid nor failed."""
    with pytest.raises(CallbackRejected):
        paygate.parse_callback("main", notice(account, latestTransactionStatus=status))
    with pytest.raises(OutcomeUnknown):
        answered(
            adapter.query(ChargeRef("main", "INV-1", Qris())),
            responseCode="2005100",
            latestTransactionStatus=status,
        )


@pytest.mark.parametrize(
    "moment", [NOW + timedelta(minutes=1), datetime(2030, 12, 31, 23, 59, 59, tzinfo=UTC)]
)
def test_10_the_expiry_of_a_wallets_charge_is_a_text_of_digits(adapter: Ayolinx, moment: datetime) -> None:
    """Unix seconds, and nothing around them."""
    body = json.loads(asked(adapter.create_charge(order(EWallet("dana"), expires_at=moment))).content)
    assert str(int(moment.timestamp())) == body["validUpTo"]
    assert re.fullmatch("[0-9]{10}", body["validUpTo"])


def test_11_the_login_is_signed_over_the_client_key(adapter: Ayolinx, account: SandboxAccount) -> None:
    """Not over the secret, which never leaves this machine."""
    request = asked(adapter.authorize())
    signed = f"{account.client_key}|{request.headers['x-timestamp']}".encode()
    proof = base64.b64decode(request.headers["x-signature"])
    account.merchant_key.public_key().verify(proof, signed, PKCS1v15(), SHA256())
    assert account.client_key == request.headers["x-client-key"]
    assert account.client_secret not in f"{request.headers.raw!r}{request.content!r}"


def test_12_every_request_has_its_own_time(adapter: Ayolinx, clock: Clock) -> None:
    """One adapter, one credential, and the clock goes on."""
    credential, request = logged_in(adapter), asked(adapter.create_charge(order(Qris())))
    stamps = []
    for _ in range(3):
        stamps.append(credential.sign(request).headers["x-timestamp"])
        stamps.append(asked(adapter.authorize()).headers["x-timestamp"])
        clock.moment += timedelta(seconds=1)
    assert [f"2026-09-14T10:15:0{number // 2}+07:00" for number in range(6)] == stamps


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_13_both_kinds_of_pem_are_read(
    make_adapter: Adapters, account: SandboxAccount, form: PrivateFormat
) -> None:
    """PKCS#8 and PKCS#1 are one key, and sign alike."""
    pem = account.merchant_key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
    signatures = {
        asked(one.authorize()).headers["x-signature"]
        for one in (make_adapter(private_key=pem), make_adapter())
    }
    assert 1 == len(signatures)


def test_14_nothing_secret_is_written_down_and_tls_is_checked() -> None:
    """No key of anybody's in the source, no switch that turns verification off, no plain http to Ayolinx."""
    roots = [Path(str(package.__file__)).parent, Path(str(paygate_ayolinx.__file__)).parent]
    source = "\n".join(file.read_text() for root in roots for file in sorted(root.rglob("*.py")))
    assert not re.search(
        r"verify\s*=\s*False|CERT_NONE|check_hostname\s*=\s*False|unverified_context", source
    )
    assert not re.search(r"[CS]K(Sandbox)?-[0-9a-f]{8}|MII[A-Za-z0-9+/]{60}", source)
    context = ssl_context()
    assert (ssl.CERT_REQUIRED, True) == (context.verify_mode, context.check_hostname)


def test_14_plain_http_is_refused(make_adapter: Adapters) -> None:
    """Also to the host of the docs' older samples."""
    for address in ("http://sandbox.ayolinx.id", "http://sandbox.dev.ayolinx.id:9080"):
        with pytest.raises(ConfigurationError, match="base_url"):
            make_adapter(base_url=address)


def test_15_what_calling_again_cannot_change_is_a_success(paygate: Paygate, account: SandboxAccount) -> None:
    """HTTP 200 goes with success and nothing else; only a charge that may yet appear is asked for again."""
    paid = compared(paygate, notice(account), OURS).charges[0]
    cheap = notice(account, amount={"currency": "IDR", "value": "1.00"})
    gone = notice(account, latestTransactionStatus="05")
    for request, ours in ((notice(account), paid), (cheap, OURS), (gone, paid), (notice(account), OURS)):
        reply = compared(paygate, request, ours).reply
        assert (200, NOTICE_TAKEN) == (reply.status, reply.body)
    unknown = compared(paygate, notice(account), None).reply
    assert (500, b'{"responseCode":"5005600","responseMessage":"General Error"}') == (
        unknown.status,
        unknown.body,
    )


@pytest.mark.parametrize("body", [b"", b"null", b"<html>", b"\xff\xfe", b"[" * 100_000, b'"\\ud800"'])
def test_16_a_body_that_is_no_json(paygate: Paygate, account: SandboxAccount, body: bytes) -> None:
    """Signed or not, it is refused with an answer."""
    error = refused(paygate, sent(NOTICE, account, body=body), "body")
    assert (400, b'{"responseCode":"4005600","responseMessage":"Bad Request"}') == (
        error.reply.status,
        error.reply.body,
    )
    refused(paygate, CallbackRequest("POST", PATH, {}, body), "signature")


@pytest.mark.parametrize("method", EVERY_METHOD, ids=lambda method: method.kind)
def test_17_names_are_camel_case(
    paygate: Paygate, adapter: Ayolinx, account: SandboxAccount, method: Method
) -> None:
    """Both ways: what we send, what we read and what we answer."""
    sent_names = re.findall(rb'"(\w+)":', asked(adapter.create_charge(order(method))).content)
    assert not [name for name in sent_names if b"_" in name or name[:1].isupper()]
    callback = paygate.parse_callback("main", notice(account))
    assert {"responseCode", "responseMessage"} == set(json.loads(callback.reply.body))
    snake = {
        re.sub("([A-Z])", lambda m: f"_{m[1].lower()}", key): value for key, value in NOTICE.body.items()
    }
    refused(paygate, sent(NOTICE, account, body=compact(snake)), "body")


def test_18_the_providers_words_are_kept(adapter: Ayolinx) -> None:
    """From responseMessage, with the code beside it."""
    with pytest.raises(InvalidRequest) as raised:
        answered(
            adapter.create_charge(order(Qris())),
            400,
            responseCode="4004702",
            responseMessage="Invalid Mandatory Field",
            message="something else",
        )
    assert ("4004702", "Invalid Mandatory Field") == (
        raised.value.provider_code,
        raised.value.provider_message,
    )


@pytest.mark.parametrize("bank", ["bni", "bri", "cimb", "mandiri"])
def test_19_each_bank_has_its_own_prefix(make_adapter: Adapters, bank: str) -> None:
    """From the configuration, as a text; without one nothing is sent."""
    prefixes = {"bni": "98829172", "bri": "15573", "cimb": "2056", "mandiri": "87319"}
    adapter = make_adapter(partner_service_ids=prefixes)
    body = json.loads(asked(adapter.create_charge(order(VirtualAccount(bank)))).content)
    assert (prefixes[bank], f"VIRTUAL_ACCOUNT_{bank.upper()}") == (
        body["partnerServiceId"],
        body["additionalInfo"]["channel"],
    )
    del prefixes[bank]
    with pytest.raises(ConfigurationError, match=rf"partner_service_ids\.{bank}"):
        Conversation(make_adapter(partner_service_ids=prefixes).create_charge(order(VirtualAccount(bank))))


@pytest.mark.parametrize("before", ["EXPIRED", "CANCELLED", "FAILED"])
def test_20_a_late_success_is_told(paygate: Paygate, account: SandboxAccount, before: str) -> None:
    """The money is there: it is neither lost nor taken for an ordinary one."""
    ended = Charge(
        gateway="main",
        reference="INV-1",
        status=ChargeStatus[before],
        method=Qris(),
        amount=Money.idr(20_000),
    )
    result = compared(paygate, notice(account), ended)
    assert ([ConflictKind.LATE], ()) == ([one.kind for one in result.conflicts], result.charges)
    assert Money.idr(20_000) == result.conflicts[0].told.paid_amount


@pytest.mark.parametrize("code", ["01", "02", "03", "05", "06"])
def test_20_nothing_goes_back_from_paid(paygate: Paygate, account: SandboxAccount, code: str) -> None:
    """Open, cancelled or failed after paid is a conflict, and the charge stays paid."""
    paid = compared(paygate, notice(account), OURS).charges[0]
    result = compared(paygate, notice(account, latestTransactionStatus=code), paid)
    assert ([ConflictKind.REGRESSION], ()) == ([one.kind for one in result.conflicts], result.charges)


def test_21_a_forwarded_call_is_verified_with_the_routers_path(account: SandboxAccount) -> None:
    """One address in the portal for many shops: the router passes bytes and headers on as they came."""
    router = "/router/ayolinx"
    text = text_of(NOTICE, account, path=router)
    headers = headers_of(NOTICE, account, signature_of(NOTICE, account, text)) | {
        "X-Forwarded-For": "10.0.0.1",
        "Host": "shop-a.internal",
    }
    with Paygate.from_mapping({"gateways": {"main": account.settings(router)}}, clock=NOW.timestamp) as shop:
        forwarded = CallbackRequest("POST", "/shop-a/inbox", headers, NOTICE.content)
        assert shop.parse_callback("main", forwarded).charges
        rewritten = CallbackRequest(
            "POST", "/shop-a/inbox", headers, json.dumps(NOTICE.body, sort_keys=True).encode()
        )
        refused(shop, rewritten, "signature")


@pytest.mark.parametrize("code", ["2004700", "2005100", "2000000"])
def test_22_any_success_code_of_seven_digits_is_a_success(adapter: Ayolinx, code: str) -> None:
    """Whatever service it names, if HTTP says so too."""
    made = answered(
        adapter.create_charge(order(Qris())), responseCode=code, responseMessage="Successful", qrContent="00"
    )
    assert ChargeStatus.PENDING is made.status


@pytest.mark.parametrize("code", ["00", "2008800"])
def test_22_a_store_may_say_00(adapter: Ayolinx, code: str) -> None:
    """As its documented example does; with any other product that is no code that we know."""
    made = answered(adapter.create_charge(order(Retail("alfamart"))), responseCode=code, vaNumber="123")
    assert ChargeStatus.PENDING is made.status
    with pytest.raises(OutcomeUnknown):
        answered(adapter.create_charge(order(Qris())), responseCode="00", qrContent="00")
    with pytest.raises(OutcomeUnknown):
        answered(adapter.create_charge(order(Retail("alfamart"))), 500, responseCode=code, vaNumber="123")


def test_a_float_never_gets_as_far_as_a_request() -> None:
    """Pitfall 7 once more, at its root."""
    with pytest.raises(InvalidCharge):
        Money.idr(25_000.0)  # type: ignore[arg-type]
