"""Each of the nine documented calls, forged in more than twenty ways: all refused, and answered so."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA512
from paygate_ayolinx.door import SandboxAccount

from paygate import CallbackRejected, CallbackRequest, Paygate
from tests.ayolinx_calls import (
    NINE,
    NOW,
    PATH,
    STAMP,
    Inbound,
    Kind,
    base64_of,
    by_hmac,
    by_rsa,
    compact,
    hash_of,
    headers_of,
    sent,
    signature_of,
    text_of,
)
from tests.watch import CANARIES

REPLIES = {
    "4015600": "Unauthorized. Signature",
    "4015601": "Invalid Token (B2B)",
    "4012500": "Unauthorized. Signature",
    "4012501": "Invalid Token (B2B)",
    "4017300": "Unauthorized. Signature",
}
TOKEN_REQUEST = next(one for one in NINE if one.kind == "token request")
Headers = list[tuple[str, str]]


class World(NamedTuple):
    """A merchant with two gateways, another merchant, and the tokens that they issued."""

    paygate: Paygate
    account: SandboxAccount
    other: SandboxAccount
    token: str
    of_second_gateway: str
    of_other_merchant: str
    expired: str

    def text(self, call: Inbound, **other: Any) -> str:
        """What is signed of a call, rightly but for what is given otherwise."""
        return text_of(call, self.account, other.pop("token", self.token), **other)

    def right(self, call: Inbound, **other: Any) -> str:
        """A call's own signature, over the right text but for what is given otherwise."""
        return signature_of(call, self.account, self.text(call, **other))

    def call(self, call: Inbound, signature: str | None = None, **other: Any) -> CallbackRequest:
        """A call that is right but for what is given otherwise; a header that is None is left out."""
        stamp, token = other.get("stamp", STAMP), other.get("token", self.token)
        proof = self.right(call) if signature is None else signature
        headers = headers_of(call, self.account, proof, token, stamp) | other.get("headers", {})
        pairs = [(name, value) for name, value in headers.items() if value is not None]
        body = other.get("body", call.content)
        return CallbackRequest(
            other.get("method", "POST"), PATH + call.path, pairs + other.get("twice", []), body
        )


class Forgery(NamedTuple):
    """Why it is refused, how it is made, and what it claims to be where that is another kind of call."""

    reason: str
    make: Callable[[World, Inbound], CallbackRequest]
    claims: Kind | None = None


def stamped(offset: float) -> str:
    return (NOW + timedelta(seconds=offset)).isoformat()


def at(stamp: str) -> Forgery:
    """A call that is rightly signed, with another timestamp."""
    return Forgery("timestamp", lambda w, c: w.call(c, w.right(c, stamp=stamp), stamp=stamp))


def with_key(key: str, padding: Any = None, algorithm: Any = None) -> Forgery:
    """The right text, signed by RSA with a key of the world's, or in another way."""

    def make(w: World, c: Inbound) -> CallbackRequest:
        account = w.other if key.startswith("other") else w.account
        private = account.merchant_key if key.endswith("merchant") else account.provider_key
        return w.call(c, base64_of(by_rsa(private, w.text(c), padding, algorithm)))

    return Forgery("signature", make)


def with_secret(secret: Callable[[World], str], algorithm: str = "sha512") -> Forgery:
    """The right text, signed by HMAC with a secret of the world's, or in another way."""
    return Forgery("signature", lambda w, c: w.call(c, base64_of(by_hmac(secret(w), w.text(c), algorithm))))


def over(text: Callable[[World, Inbound], str], **other: Any) -> Forgery:
    """Another text, rightly signed."""
    return Forgery("signature", lambda w, c: w.call(c, signature_of(c, w.account, text(w, c)), **other))


def respelt(change: Callable[[bytes], str]) -> Forgery:
    """The right signature, written otherwise."""

    def make(w: World, c: Inbound) -> CallbackRequest:
        text = w.text(c)
        is_hmac = c.kind == "call with a token"
        raw = by_hmac(w.account.client_secret, text) if is_hmac else by_rsa(w.account.provider_key, text)
        return w.call(c, change(raw))

    return Forgery("signature", make)


def flipped(raw: bytes, place: int) -> bytes:
    changed = bytearray(raw)
    changed[place % len(raw)] ^= 1
    return bytes(changed)


def with_body(change: Callable[[Inbound], bytes]) -> Forgery:
    """The body changed after it was signed."""
    return Forgery("signature", lambda w, c: w.call(c, body=change(c)))


def with_token(token: Callable[[World], str], *, signed: bool = True) -> Forgery:
    """Another token, in the header and in what is signed."""

    def make(w: World, c: Inbound) -> CallbackRequest:
        one = token(w)
        return w.call(c, w.right(c, token=one if signed else w.token), token=one)

    return Forgery("token", make)


def smuggled(name: str) -> Forgery:
    """Signed for another path, which a header of the caller's claims to be ours."""
    return over(lambda w, c: w.text(c, path="/elsewhere"), headers={name: "/elsewhere"})


def more(c: Inbound) -> bytes:
    """The body with another amount, or a field more where it has none."""
    return compact(c.body | {"amount": {"currency": "IDR", "value": "1.00"}, "paidAmount": None})


COMMON = {
    "no signature": Forgery("signature", lambda w, c: w.call(c, headers={"X-SIGNATURE": None})),
    "an empty signature": Forgery("signature", lambda w, c: w.call(c, "")),
    "a signature of zeros": Forgery("signature", lambda w, c: w.call(c, base64_of(bytes(256)))),
    "the text instead of its signature": Forgery("signature", lambda w, c: w.call(c, w.text(c))),
    "the signature under another name": Forgery(
        "signature", lambda w, c: w.call(c, headers={"X-SIGNATURE": None, "X_SIGNATURE": w.right(c)})
    ),
    "two signatures": Forgery("signature", lambda w, c: w.call(c, twice=[("x-signature", w.right(c))])),
    "one bit flipped in the signature": respelt(lambda raw: base64_of(flipped(raw, 17))),
    "the signature cut off": respelt(lambda raw: base64_of(raw[:-1])),
    "the signature twice in one": respelt(lambda raw: base64_of(raw + raw)),
    "a line break after the signature": respelt(lambda raw: base64_of(raw) + "\n"),
    "the signature in quotes": respelt(lambda raw: f'"{base64_of(raw)}"'),
    "the hexadecimal signature in base64": respelt(lambda raw: base64_of(raw.hex().encode())),
    "no timestamp": Forgery("timestamp", lambda w, c: w.call(c, headers={"X-TIMESTAMP": None})),
    "two timestamps": Forgery("timestamp", lambda w, c: w.call(c, twice=[("X-Timestamp", STAMP)])),
    "an empty timestamp": at(""),
    "a timestamp without an offset": at("2026-09-14T10:15:00"),
    "a timestamp in unix seconds": at(str(int(NOW.timestamp()))),
    "a timestamp of another year": at("2025-09-14T10:15:00+07:00"),
    "a timestamp older than the window": at(stamped(-5401)),
    "a timestamp from the future": at(stamped(301)),
    "another time than was signed": Forgery("signature", lambda w, c: w.call(c, stamp=stamped(-1))),
    "the signed time written otherwise": Forgery(
        "signature", lambda w, c: w.call(c, stamp="2026-09-14T03:15:00Z")
    ),
    "sent by GET": Forgery("method", lambda w, c: w.call(c, method="GET")),
    "signed for and sent by PUT": Forgery(
        "method", lambda w, c: w.call(c, w.right(c, method="PUT"), method="PUT")
    ),
}
"""Ways to forge any call."""

BY_RSA = {
    "by our own key": with_key("merchant"),
    "by another merchant's key": with_key("other merchant"),
    "by the key of another account of the provider": with_key("other provider"),
    "with PSS padding": with_key("provider", PSS(MGF1(SHA256()), 32)),
    "with SHA-1": with_key("provider", None, SHA1()),
    "with SHA-512": with_key("provider", None, SHA512()),
    "by HMAC with our secret": with_secret(lambda w: w.account.client_secret),
    "by HMAC with the public key": with_secret(lambda w: w.account.settings("/")["provider_public_key"]),
    "by HMAC with an empty secret": with_secret(lambda _: ""),
    "the signature in hexadecimal": respelt(lambda raw: raw.hex()),
}
"""Ways to forge what the provider's RSA key proves."""

BY_PATH = {
    "over another path": over(lambda w, c: w.text(c, path="/callbacks/second")),
    "over the path with a slash more": over(lambda w, c: w.text(c, path=f"{PATH}/")),
    "over the whole address": over(lambda w, c: w.text(c, path=f"https://shop.example{PATH}")),
    "over the path with a query": over(lambda w, c: w.text(c, path=f"{PATH}?refNo=1")),
    "over another method": over(lambda w, c: w.text(c, method="PUT")),
    "another method by X-HTTP-Method-Override": over(
        lambda w, c: w.text(c, method="PUT"), headers={"X-HTTP-Method-Override": "PUT"}
    ),
    "another path by X-Forwarded-Path": smuggled("X-Forwarded-Path"),
    "another path by X-Original-URI": smuggled("X-Original-URI"),
    "another path by X-Forwarded-Prefix": smuggled("X-Forwarded-Prefix"),
    "the body changed": with_body(more),
    "the body cut off": with_body(lambda c: c.content[:-1]),
    "no body": with_body(lambda _: b""),
    "the body in another order": with_body(
        lambda c: compact(dict(reversed(c.body.items()))) if len(c.body) > 1 else b"{}"
    ),
    "the signature of another body": over(lambda w, c: w.text(c, body=more(c))),
    "the signature of no body": over(lambda w, c: w.text(c, body=b"")),
    "a pretty body signed, a small one sent": over(
        lambda w, c: w.text(c, body=json.dumps(c.body, indent=2).encode())
    ),
    "the token request's text signed": over(lambda w, _: text_of(TOKEN_REQUEST, w.account)),
}
"""Ways to forge what is signed with its path and body."""

NOTICES = {
    "over the documented path": over(lambda w, c: w.text(c, path=c.path)),
    "an empty place for a token": over(lambda w, c: f"POST:{PATH}::{hash_of(c.content)}:{STAMP}"),
    "our token in what is signed": over(lambda w, c: f"POST:{PATH}:{w.token}:{hash_of(c.content)}:{STAMP}"),
    "presented with our token": Forgery(
        "signature",
        lambda w, c: w.call(c, headers={"Authorization": f"Bearer {w.token}"}),
        "call with a token",
    ),
    "presented with an empty token": Forgery(
        "token",
        lambda w, c: w.call(c, headers={"Authorization": "Bearer ", "X-PARTNER-ID": w.account.client_key}),
        "call with a token",
    ),
    "presented as a token request": Forgery(
        "signature",
        lambda w, c: w.call(c, headers={"X-CLIENT-KEY": w.account.client_key}),
        "token request",
    ),
}

TOKEN_REQUESTS = {
    "another client key": Forgery(
        "client", lambda w, c: w.call(c, headers={"X-CLIENT-KEY": w.other.client_key})
    ),
    "another client key, signed": Forgery(
        "client",
        lambda w, c: w.call(
            c,
            base64_of(by_rsa(w.account.provider_key, f"{w.other.client_key}|{STAMP}")),
            headers={"X-CLIENT-KEY": w.other.client_key},
        ),
    ),
    "an empty client key, signed": Forgery(
        "client",
        lambda w, c: w.call(
            c, base64_of(by_rsa(w.account.provider_key, f"|{STAMP}")), headers={"X-CLIENT-KEY": ""}
        ),
    ),
    "two client keys": Forgery(
        "client", lambda w, c: w.call(c, twice=[("x-client-key", w.account.client_key)])
    ),
    "no client key": Forgery("signature", lambda w, c: w.call(c, headers={"X-CLIENT-KEY": None}), "notice"),
    "over the secret instead of the client key": over(lambda w, _: f"{w.account.client_secret}|{STAMP}"),
    "over another client key": over(lambda w, _: f"{w.other.client_key}|{STAMP}"),
    "over the time first": over(lambda w, _: f"{STAMP}|{w.account.client_key}"),
    "over another sign between": over(lambda w, _: f"{w.account.client_key}:{STAMP}"),
    "over the client key alone": over(lambda w, _: w.account.client_key),
    "over a notice's text": over(lambda _, c: f"POST:{PATH}:{hash_of(c.content)}:{STAMP}"),
    "older than five minutes": at(stamped(-301)),
    "presented with our token": Forgery(
        "signature",
        lambda w, c: w.call(c, headers={"Authorization": f"Bearer {w.token}"}),
        "call with a token",
    ),
}

CALLS_WITH_TOKEN = {
    "no token": Forgery("signature", lambda w, c: w.call(c, headers={"Authorization": None}), "notice"),
    "an empty token": with_token(lambda _: ""),
    "a token that was made up": with_token(lambda _: "A" * 64),
    "a token of another gateway": with_token(lambda w: w.of_second_gateway),
    "a token of another merchant": with_token(lambda w: w.of_other_merchant),
    "a token that is over": with_token(lambda w: w.expired),
    "a token cut off": with_token(lambda w: w.token[:-1]),
    "a token with one bit flipped": with_token(
        lambda w: w.token[:30] + chr(ord(w.token[30]) ^ 1) + w.token[31:]
    ),
    "a token with a space before it": with_token(lambda w: f" {w.token}"),
    "two tokens": with_token(lambda w: f"{w.token}, Bearer {w.token}", signed=False),
    "the client key as the token": with_token(lambda w: w.account.client_key),
    "Basic authorization": Forgery(
        "signature", lambda w, c: w.call(c, headers={"Authorization": f"Basic {w.token}"}), "notice"
    ),
    "the token without Bearer": Forgery(
        "signature", lambda w, c: w.call(c, headers={"Authorization": w.token}), "notice"
    ),
    "the token in another header": Forgery(
        "signature",
        lambda w, c: w.call(c, headers={"Authorization": None, "X-Authorization": f"Bearer {w.token}"}),
        "notice",
    ),
    "another partner": Forgery(
        "client", lambda w, c: w.call(c, headers={"X-PARTNER-ID": w.other.client_key})
    ),
    "an empty partner": Forgery("client", lambda w, c: w.call(c, headers={"X-PARTNER-ID": ""})),
    "two partners": Forgery("client", lambda w, c: w.call(c, twice=[("x-partner-id", w.account.client_key)])),
    "the token left out of what is signed": over(lambda _, c: f"POST:{PATH}:{hash_of(c.content)}:{STAMP}"),
    "an empty place for the token": over(lambda w, c: w.text(c, token="")),
    "Bearer in what is signed": over(lambda w, c: w.text(c, token=f"Bearer {w.token}")),
    "hash before token": over(lambda w, c: f"POST:{PATH}:{hash_of(c.content)}:{w.token}:{STAMP}"),
    "by an empty secret": with_secret(lambda _: ""),
    "by the client key": with_secret(lambda w: w.account.client_key),
    "by another environment's secret": with_secret(lambda w: w.other.client_secret),
    "by the token": with_secret(lambda w: w.token),
    "with SHA-256": with_secret(lambda w: w.account.client_secret, "sha256"),
    "with SHA-1": with_secret(lambda w: w.account.client_secret, "sha1"),
    "by the provider's RSA key": with_key("provider"),
    "by our own RSA key": with_key("merchant"),
    "over the documented path of a token request": over(
        lambda w, c: w.text(c, path="/v1.0/access-token/b2b")
    ),
    "a notice with our token": Forgery(
        "signature",
        lambda w, c: w.call(
            c, base64_of(by_rsa(w.account.provider_key, f"POST:{PATH}:{hash_of(c.content)}:{STAMP}"))
        ),
    ),
    "the signature of a charge that we asked for": over(
        lambda w, c: w.text(c, path="/v1.0/qr/qr-mpm-generate")
    ),
}

FORGERIES: dict[Kind, dict[str, Forgery]] = {
    "notice": COMMON | BY_RSA | BY_PATH | NOTICES,
    "token request": COMMON | BY_RSA | TOKEN_REQUESTS,
    "call with a token": COMMON | BY_PATH | CALLS_WITH_TOKEN,
}
ALL = [(call, name) for call in NINE for name in FORGERIES[call.kind]]


@pytest.fixture(scope="module")
def world(account: SandboxAccount) -> Iterator[World]:
    """A merchant whose clock stands still."""
    other = SandboxAccount.made()
    document = {name: account.settings(f"/callbacks/{name}") for name in ("main", "second")}

    def token(settings: dict[str, Any], owner: SandboxAccount, name: str, ago: float = 0) -> str:
        moment = NOW - timedelta(seconds=ago)
        with Paygate.from_mapping({"gateways": {name: settings}}, clock=moment.timestamp) as one:
            reply = one.parse_callback(name, sent(TOKEN_REQUEST, owner, stamp=stamped(-ago))).reply
        issued: str = json.loads(reply.body)["accessToken"]
        CANARIES.add(issued)
        return issued

    with Paygate.from_mapping({"gateways": document}, clock=NOW.timestamp) as paygate:
        yield World(
            paygate,
            account,
            other,
            token(document["main"], account, "main"),
            token(document["second"], account, "second"),
            token(other.settings(PATH), other, "main"),
            token(document["main"], account, "main", ago=900),
        )


def test_each_call_is_forged_in_more_than_twenty_ways() -> None:
    """Nine calls, and none with fewer than the bar."""
    counted = Counter(call.name for call, _ in ALL)
    assert (9, True) == (len(counted), min(counted.values()) >= 20), counted


@pytest.mark.parametrize("call", NINE, ids=[one.name for one in NINE])
def test_the_call_that_is_forged_is_right_when_it_is_not(world: World, call: Inbound) -> None:
    """What the forgeries start from is believed."""
    assert 200 == world.paygate.parse_callback("main", world.call(call)).reply.status


@pytest.mark.parametrize(("call", "name"), ALL, ids=[f"{call.name}: {name}" for call, name in ALL])
def test_a_forged_call_is_refused(world: World, call: Inbound, name: str) -> None:
    """By one exception, with the reply for what it claims to be; nothing of it is believed or told."""
    forgery = FORGERIES[call.kind][name]
    with pytest.raises(CallbackRejected) as raised:
        world.paygate.parse_callback("main", forgery.make(world, call))
    error = raised.value
    assert (CallbackRejected, forgery.reason, "main") == (type(error), error.reason, error.gateway)
    code = code_of(forgery, call)
    assert (401, {"Content-Type": "application/json"}) == (error.reply.status, error.reply.headers)
    assert {"responseCode": code, "responseMessage": REPLIES[code]} == json.loads(error.reply.body)
    assert "INV-1" not in str(error)


def code_of(forgery: Forgery, call: Inbound) -> str:
    """The code that Ayolinx is answered with: of the service that the call claims to be of."""
    claims = forgery.claims or call.kind
    if claims == "token request":
        return "4017300"
    is_payment = claims == "call with a token" and call.path.endswith("/transfer-va/payment")
    return ("40125" if is_payment else "40156") + ("01" if forgery.reason == "token" else "00")


@pytest.mark.parametrize("wanted", ["authorization_code", "", "CLIENT_CREDENTIALS", None, 7, ["x"]])
def test_a_token_request_that_wants_something_else(world: World, wanted: Any) -> None:
    """Rightly signed, but no token is issued for another kind of grant."""
    with pytest.raises(CallbackRejected) as raised:
        world.paygate.parse_callback("main", world.call(TOKEN_REQUEST, body=compact({"grantType": wanted})))
    assert ("body", 400) == (raised.value.reason, raised.value.reply.status)
    assert b'{"responseCode":"4007300","responseMessage":"Bad Request"}' == raised.value.reply.body


def test_a_notice_of_one_gateway_is_none_of_anothers(world: World) -> None:
    """Two gateways of one merchant, with the same keys: the path tells them apart."""
    for call in NINE:
        if call.kind == "notice":
            with pytest.raises(CallbackRejected, match="signature"):
                world.paygate.parse_callback("second", world.call(call))
        if call.kind == "call with a token":
            with pytest.raises(CallbackRejected, match="token"):
                world.paygate.parse_callback("second", world.call(call))
