"""What the pretend Ayolinx refuses of requests with a token: signatures, numbers, fields, paths."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

HOST = "https://sandbox.ayolinx.id"
STAMP = "2026-09-14T10:15:00+07:00"
NOW = 1_789_355_700.0
GENERATE = "/v1.0/qr/qr-mpm-generate"
QUERY = "/v1.0/qr/qr-mpm-query"
CANCEL = "/v1.0/qr/qr-mpm-cancel"
SERVICES = {GENERATE: "47", QUERY: "51", CANCEL: "77"}
ORDER: dict[str, Any] = {
    "partnerReferenceNo": "INV-1",
    "amount": {"currency": "IDR", "value": "10000.00"},
    "additionalInfo": {"channel": "BNC_QRIS"},
}
NAMED: dict[str, Any] = {"originalPartnerReferenceNo": "INV-1", "additionalInfo": {"channel": "BNC_QRIS"}}
Sign = Callable[[str, str, bytes, str], str]
"""Makes a signature of path, token, body and secret."""


def compact(body: Any) -> bytes:
    """JSON without white space; bytes as they are."""
    return body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()


def digest(secret: str, text: str, algorithm: str = "sha512") -> bytes:
    """The HMAC of a string to sign."""
    return hmac.digest(secret.encode(), text.encode(), algorithm)


def hashed(body: bytes) -> str:
    """The hash of a body as it is signed."""
    return hashlib.sha256(body).hexdigest()


def right(path: str, token: str, body: bytes, secret: str) -> str:
    """The signature that is asked for."""
    return base64.b64encode(digest(secret, f"POST:{path}:{token}:{hashed(body)}:{STAMP}")).decode()


class Merchant:
    """A merchant who has logged in and makes requests by hand."""

    def __init__(self, simulator: AyolinxSimulator, account: SandboxAccount) -> None:
        self.simulator = simulator
        self.account = account
        self.numbers = 0
        text = f"{account.client_key}|{STAMP}".encode()
        headers = {
            "Content-Type": "application/json",
            "X-CLIENT-KEY": account.client_key,
            "X-TIMESTAMP": STAMP,
            "X-SIGNATURE": base64.b64encode(account.merchant_key.sign(text, PKCS1v15(), SHA256())).decode(),
        }
        content = b'{"grantType":"client_credentials"}'
        request = httpx.Request("POST", f"{HOST}/v1.0/access-token/b2b", headers=headers, content=content)
        self.token: str = simulator.handle(request).json()["accessToken"]

    def ask(
        self,
        body: Any = ORDER,
        path: str = GENERATE,
        method: str = "POST",
        headers: dict[str, str] | None = None,
    ) -> str:
        """Send a request and return the code of the answer."""
        self.numbers += 1
        content = compact(body)
        own = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self.token}",
            "X-PARTNER-ID": self.account.client_key,
            "X-TIMESTAMP": STAMP,
            "X-SIGNATURE": right(path, self.token, content, self.account.client_secret),
            "X-EXTERNAL-ID": str(self.numbers),
        }
        request = httpx.Request(method, HOST + path, content=content, headers=own | (headers or {}))
        reply = self.simulator.handle(request)
        code: str = reply.json()["responseCode"]
        assert str(reply.status_code) == code[:3]
        return code


@pytest.fixture
def merchant(make_simulator: Callable[..., AyolinxSimulator], account: SandboxAccount) -> Merchant:
    """A merchant of a pretend Ayolinx whose clock stands still."""
    return Merchant(make_simulator(clock=lambda: NOW), account)


WRONG: dict[str, Sign] = {
    "hexadecimal": lambda path, token, body, secret: digest(
        secret, f"POST:{path}:{token}:{hashed(body)}:{STAMP}"
    ).hex(),
    "token and hash exchanged": lambda path, token, body, secret: base64.b64encode(
        digest(secret, f"POST:{path}:{hashed(body)}:{token}:{STAMP}")
    ).decode(),
    "no token": lambda path, _, body, secret: base64.b64encode(
        digest(secret, f"POST:{path}:{hashed(body)}:{STAMP}")
    ).decode(),
    "bearer": lambda path, token, body, secret: right(path, f"Bearer {token}", body, secret),
    "another secret": lambda path, token, body, _: right(path, token, body, "SKSandbox-other"),
    "SHA-256": lambda path, token, body, secret: base64.b64encode(
        digest(secret, f"POST:{path}:{token}:{hashed(body)}:{STAMP}", "sha256")
    ).decode(),
    "hash in capitals": lambda path, token, body, secret: base64.b64encode(
        digest(secret, f"POST:{path}:{token}:{hashed(body).upper()}:{STAMP}")
    ).decode(),
    "another method": lambda path, token, body, secret: base64.b64encode(
        digest(secret, f"post:{path}:{token}:{hashed(body)}:{STAMP}")
    ).decode(),
    "whole URL": lambda path, token, body, secret: right(HOST + path, token, body, secret),
    "another path": lambda _, token, body, secret: right("/other", token, body, secret),
    "another time": lambda path, token, body, secret: base64.b64encode(
        digest(secret, f"POST:{path}:{token}:{hashed(body)}:2026-09-14T03:15:00Z")
    ).decode(),
    "re-serialised": lambda path, token, body, secret: right(
        path, token, json.dumps(json.loads(body)).encode(), secret
    ),
    "sorted": lambda path, token, body, secret: right(
        path, token, json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode(), secret
    ),
    "no padding": lambda *given: right(*given).rstrip("="),
    "nothing": lambda *_: "AAAA",
}


@pytest.mark.parametrize("path", SERVICES)
@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_signature(merchant: Merchant, path: str, kind: str) -> None:
    """A signature by another secret, over another string or in another form is refused."""
    body = ORDER if path == GENERATE else NAMED
    signature = WRONG[kind](path, merchant.token, compact(body), merchant.account.client_secret)
    ask = merchant.ask(body, path, headers={"X-SIGNATURE": signature})
    assert f"401{SERVICES[path]}00" == ask
    assert () == merchant.simulator.ledger.charges


def test_the_bytes_that_are_sent(merchant: Merchant) -> None:
    """What counts is the very bytes that are sent, in whatever form they are."""
    assert "2004700" == merchant.ask(json.dumps(ORDER, indent=2).encode())


def test_another_partner(merchant: Merchant) -> None:
    """A partner that is not the token's is refused."""
    assert "4014700" == merchant.ask(headers={"X-PARTNER-ID": "CKSandbox-other"})


def test_a_number_sent_twice(merchant: Merchant) -> None:
    """An X-EXTERNAL-ID is used once, whatever it was used for."""
    assert "2004700" == merchant.ask(headers={"X-EXTERNAL-ID": "41807"})
    assert "4095100" == merchant.ask(NAMED, QUERY, headers={"X-EXTERNAL-ID": "41807"})
    other = ORDER | {"partnerReferenceNo": "INV-2"}
    assert "4094700" == merchant.ask(other, headers={"X-EXTERNAL-ID": "41807"})
    assert 0 == merchant.simulator.ledger.count("INV-2")


@pytest.mark.parametrize("number", ["1" * 37, "a1", "1-2", "1 2"])
def test_a_number_of_another_form(merchant: Merchant, number: str) -> None:
    """An X-EXTERNAL-ID is at most 36 digits."""
    assert "4004701" == merchant.ask(headers={"X-EXTERNAL-ID": number})


def test_a_reference_sent_twice(
    make_simulator: Callable[..., AyolinxSimulator], account: SandboxAccount
) -> None:
    """A reference is charged once; a careless provider would charge it again, and its books would show it."""
    strict = Merchant(make_simulator(clock=lambda: NOW), account)
    assert ["2004700", "4094701"] == [strict.ask(), strict.ask()]
    assert 1 == strict.simulator.ledger.count("INV-1")
    careless = Merchant(make_simulator(clock=lambda: NOW, refuse_duplicates=False), account)
    assert ["2004700", "2004700"] == [careless.ask(), careless.ask()]
    assert 2 == careless.simulator.ledger.count("INV-1")


def amount(value: Any, currency: Any = "IDR") -> dict[str, Any]:
    """An order of this amount."""
    return ORDER | {"amount": {"currency": currency, "value": value}}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        *[
            (amount(value), "4004701")
            for value in (10000, 10000.5, "10000", "10000.0", "10000.000", "10000,00", "10.000,00")
        ],
        *[
            (amount(value), "4004701")
            for value in ("1e4", "-1.00", "+1.00", " 1.00", "1.00\n", "١.٠٠", "1" * 15 + ".00", True)
        ],
        (amount("0.00"), "4044713"),
        *[(amount("1.00", currency), "4004701") for currency in ("USD", "idr", 360)],
        *[(amount("1.00", currency), "4004702") for currency in ("", None)],
        *[(amount(value), "4004702") for value in ("", None)],
        (ORDER | {"amount": "10000.00"}, "4004701"),
        (ORDER | {"amount": None}, "4004702"),
        (ORDER | {"amount": {}}, "4004702"),
        *[(ORDER | {"partnerReferenceNo": value}, "4004702") for value in ("", None)],
        *[(ORDER | {"partnerReferenceNo": value}, "4004701") for value in (1, ["INV-1"], "1" * 65)],
        *[(ORDER | {"additionalInfo": value}, "4004702") for value in (None, {}, {"channel": ""})],
        *[
            (ORDER | {"additionalInfo": value}, "4004701")
            for value in ("BNC_QRIS", {"channel": "bnc_qris"}, {"channel": 1})
        ],
        *[
            (ORDER | {"validUpTo": value}, "4004701")
            for value in (
                "1789355700",
                "2026-09-14T10:20:00",
                "2026-09-14T10:15:00+07:00",
                "2026-09-14T10:14:59+07:00",
                1789359300,
            )
        ],
        (ORDER | {"validUpTo": ""}, "4004702"),
        (b"", "4004700"),
        (b"[]", "4004700"),
        (b"null", "4004700"),
        (b"a=1", "4004700"),
        (b"\xff", "4004700"),
        (b"[" * 100_000, "4004700"),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_a_field_that_is_wrong(merchant: Merchant, body: Any, code: str) -> None:
    """A field that is missing, or of another kind or form, is refused; nothing is charged."""
    assert code == merchant.ask(body)
    assert () == merchant.simulator.ledger.charges


@pytest.mark.parametrize("path", [QUERY, CANCEL])
@pytest.mark.parametrize(
    ("body", "case"),
    [
        (NAMED, "40401"),
        (NAMED | {"originalPartnerReferenceNo": ""}, "40002"),
        ({"additionalInfo": {"channel": "BNC_QRIS"}}, "40002"),
        (NAMED | {"originalPartnerReferenceNo": 1}, "40001"),
        ({"originalPartnerReferenceNo": "INV-1"}, "40002"),
        (NAMED | {"additionalInfo": {"channel": "EMONEY_DANA_SNAP"}}, "40001"),
        (b"[]", "40000"),
    ],
)
def test_a_charge_that_is_named_wrongly(merchant: Merchant, path: str, body: Any, case: str) -> None:
    """Query and cancel need a reference that exists, and the channel."""
    assert case[:3] + SERVICES[path] + case[3:] == merchant.ask(body, path)


@pytest.mark.parametrize(
    "path", ["/", "/v1.0/qr/qr-mpm-generate/", "/v1.0/qr/QR-MPM-GENERATE", "/v1.0/debit/status"]
)
def test_another_path(merchant: Merchant, path: str) -> None:
    """A path that Ayolinx does not have is not found."""
    assert "4040000" == merchant.ask(path=path)
    assert merchant.simulator.operation(httpx.Request("POST", HOST + path)) is None


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method(merchant: Merchant, method: str) -> None:
    """Every operation is a POST."""
    assert "4044700" == merchant.ask(method=method)
    assert () == merchant.simulator.ledger.charges


@pytest.mark.parametrize("reference", ["INV-é", "訂單", "\ud800"], ids=ascii)
def test_a_reference_beyond_ascii(merchant: Merchant, reference: str) -> None:
    """A reference that no QR payload can carry is refused as any other wrong field."""
    assert "4004701" == merchant.ask(ORDER | {"partnerReferenceNo": reference})
    assert () == merchant.simulator.ledger.charges
