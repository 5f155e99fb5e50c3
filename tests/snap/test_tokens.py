"""Tokens that we issue: good for one gateway, one client key and one merchant, for fifteen minutes."""

import base64
import copy
import hashlib
import hmac
import logging
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from hypothesis import assume, given
from hypothesis import strategies as st

from paygate.snap import LIFETIME_SECONDS, InboundTokens
from tests.watch import CANARIES

NOW = 1_789_355_700.0
GATEWAY = "main"
CLIENT_KEY = "CKSandbox-100dc9aa-f8ee-4a00-a933-6f4e8963b666"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates as well


@pytest.fixture(scope="session")
def tokens(private_key: RSAPrivateKey) -> InboundTokens:
    """The tokens of one gateway; its clock stands still."""
    return InboundTokens(private_key, GATEWAY, CLIENT_KEY, lambda: NOW)


@pytest.fixture(scope="session")
def token(tokens: InboundTokens) -> str:
    """One of them; it is watched for."""
    issued = tokens.issue()
    CANARIES.add(issued)
    return issued


def derived(key: RSAPrivateKey, gateway: str, client_key: str) -> bytes:
    """The key of the tokens: HKDF-SHA256 (RFC 5869) over the private exponent, by hand."""
    d = key.private_numbers().d
    extracted = hmac.new(bytes(32), d.to_bytes((d.bit_length() + 7) // 8), hashlib.sha256).digest()
    info = b"paygate: SNAP BI inbound access token, 1"
    for part in (gateway.encode(), client_key.encode()):
        info += len(part).to_bytes(4) + part
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


def made(key: bytes, until: int, drawn: bytes = b"12345678") -> str:
    """A token, by hand: when it ends, eight bytes that were drawn, and the HMAC of both."""
    stated = until.to_bytes(8) + drawn
    return base64.urlsafe_b64encode(stated + hmac.new(key, stated, hashlib.sha256).digest()).decode()


def test_a_token_is_what_its_derivation_says(
    tokens: InboundTokens, token: str, private_key: RSAPrivateKey
) -> None:
    """Judged by HKDF and HMAC as RFC 5869 and 2104 have them, with nothing but the standard library."""
    key = derived(private_key, GATEWAY, CLIENT_KEY)
    content = base64.urlsafe_b64decode(token)
    assert int(NOW) + LIFETIME_SECONDS == int.from_bytes(content[:8])
    assert made(key, int(NOW) + LIFETIME_SECONDS, content[8:16]) == token
    assert tokens.verify(made(key, int(NOW) + 1))


def test_a_token_goes_into_any_header(token: str) -> None:
    """64 characters of the URL-safe alphabet, without padding."""
    assert (64, set()) == (len(token), set(token) - set(ALPHABET))


def test_no_token_comes_twice(tokens: InboundTokens) -> None:
    """Not even within one second."""
    assert 1000 == len({tokens.issue() for _ in range(1000)})


@pytest.mark.parametrize(
    ("age", "is_good"), [(0, True), (1, True), (899, True), (899.9, True), (900, False), (900.1, False)]
)
def test_a_token_lives_for_fifteen_minutes(private_key: RSAPrivateKey, age: float, is_good: bool) -> None:
    """And not a second longer."""
    now = [NOW]
    tokens = InboundTokens(private_key, GATEWAY, CLIENT_KEY, lambda: now[0])
    issued = tokens.issue()
    now[0] += age
    assert is_good is tokens.verify(issued)


@given(ended=st.integers(0, int(NOW)))
def test_an_expired_token_is_refused(tokens: InboundTokens, private_key: RSAPrivateKey, ended: int) -> None:
    """Whenever it ended, and although it is ours."""
    assert not tokens.verify(made(derived(private_key, GATEWAY, CLIENT_KEY), ended))


@given(gateway=st.text(), client_key=st.text())
def test_a_token_of_another_gateway_or_client_key_is_refused(
    tokens: InboundTokens, token: str, private_key: RSAPrivateKey, gateway: str, client_key: str
) -> None:
    """Either way round; no two names can run into each other."""
    assume((gateway, client_key) != (GATEWAY, CLIENT_KEY))
    for name, key in ((gateway, client_key), (gateway, CLIENT_KEY), (GATEWAY, client_key)):
        if (name, key) != (GATEWAY, CLIENT_KEY):
            others = InboundTokens(private_key, name, key, lambda: NOW)
            assert not others.verify(token)
            assert not tokens.verify(others.issue())


@given(cut=st.integers(0, len(GATEWAY + CLIENT_KEY)))
def test_where_the_gateway_ends_and_the_client_key_begins_counts(
    tokens: InboundTokens, private_key: RSAPrivateKey, cut: int
) -> None:
    """The same letters, split elsewhere, are other names."""
    assume(cut != len(GATEWAY))
    joined = GATEWAY + CLIENT_KEY
    others = InboundTokens(private_key, joined[:cut], joined[cut:], lambda: NOW)
    assert not tokens.verify(others.issue())


def test_a_token_of_another_merchant_is_refused(
    tokens: InboundTokens, token: str, stranger: RSAPrivateKey
) -> None:
    """Who has another private key can neither issue ours nor believe them."""
    others = InboundTokens(stranger, GATEWAY, CLIENT_KEY, lambda: NOW)
    assert not others.verify(token)
    assert not tokens.verify(others.issue())


@given(key=st.binary(max_size=64), until=st.integers(0, 2**64 - 1), drawn=st.binary(min_size=8, max_size=8))
def test_a_forged_token_is_refused(tokens: InboundTokens, key: bytes, until: int, drawn: bytes) -> None:
    """Without our key nobody can make one, whatever it states."""
    assert not tokens.verify(made(key, until, drawn))


def test_keys_that_a_stranger_could_know_fit_nothing(
    tokens: InboundTokens, private_key: RSAPrivateKey
) -> None:
    """Neither the public key nor the names nor nothing at all is what the tokens hang on."""
    n = private_key.public_key().public_numbers().n.to_bytes(256)
    for key in (b"", bytes(32), n, hashlib.sha256(n).digest(), CLIENT_KEY.encode(), GATEWAY.encode()):
        assert not tokens.verify(made(key, int(NOW) + 900))


@given(length=st.integers(0, 63))
def test_a_truncated_token_is_refused(tokens: InboundTokens, token: str, length: int) -> None:
    """From either end."""
    assert not tokens.verify(token[:length])
    assert not tokens.verify(token[64 - length :])


@given(more=ANY_TEXT.filter(bool), place=st.integers(0, 64))
def test_an_extended_token_is_refused(tokens: InboundTokens, token: str, more: str, place: int) -> None:
    """Anywhere, by anything."""
    assert not tokens.verify(token[:place] + more + token[place:])


@given(bit=st.integers(0, 48 * 8 - 1))
def test_a_token_with_one_bit_flipped_is_refused(tokens: InboundTokens, token: str, bit: int) -> None:
    """In its time, its draw or its proof."""
    content = bytearray(base64.urlsafe_b64decode(token))
    content[bit // 8] ^= 1 << bit % 8
    assert not tokens.verify(base64.urlsafe_b64encode(content).decode())


@given(place=st.integers(0, 63), sign=st.characters(exclude_categories=()))
def test_a_token_with_another_character_is_refused(
    tokens: InboundTokens, token: str, place: int, sign: str
) -> None:
    """No two texts are one token: there is no padding, and no bit that does not count."""
    assume(sign != token[place])
    assert not tokens.verify(token[:place] + sign + token[place + 1 :])


@given(st.data())
def test_a_token_from_pieces_of_two_is_refused(
    tokens: InboundTokens, token: str, data: st.DataObject
) -> None:
    """The time of one does not go with the proof of another."""
    other = tokens.issue()
    cut = data.draw(st.integers(1, 63))
    mixed = token[:cut] + other[cut:]
    assume(mixed not in (token, other))
    assert not tokens.verify(mixed)


@pytest.mark.parametrize(
    "write",
    [
        lambda raw, _: base64.b64encode(b"\xfb\xff" + raw[2:]).decode(),
        lambda raw, _: raw.hex(),
        lambda raw, _: base64.b32encode(raw).decode(),
        lambda raw, _: base64.b85encode(raw).decode(),
        lambda _, token: f"{token}=",
        lambda _, token: f"{token}====",
        lambda _, token: f" {token}",
        lambda _, token: f"{token} ",
        lambda _, token: f"{token}\n",
        lambda _, token: f"{token[:32]}\n{token[32:]}",
        lambda _, token: f"\0{token}",
        lambda _, token: f"\ufeff{token}",
        lambda _, token: f"Bearer {token}",
        lambda _, token: f'"{token}"',
        lambda _, token: token.swapcase(),
        lambda _, token: token[::-1],
        lambda _, token: "".join(f"%{ord(sign):02X}" for sign in token),
        lambda _, token: "".join(chr(ord(sign) + 0xFEE0) for sign in token),  # full width
        lambda _, token: token.encode().decode("utf-16-le"),
    ],
)
def test_a_token_that_is_written_otherwise_is_refused(
    tokens: InboundTokens, token: str, write: Callable[[bytes, str], str]
) -> None:
    """Another alphabet, padding, white space, escapes: there is one way to write it."""
    assert not tokens.verify(write(base64.urlsafe_b64decode(token), token))


def test_the_standard_alphabet_is_refused(private_key: RSAPrivateKey) -> None:
    """Plus and slash instead of minus and underscore, in a token that has them."""
    tokens = InboundTokens(private_key, GATEWAY, CLIENT_KEY, lambda: NOW)
    odd = next(one for one in iter(tokens.issue, None) if "-" in one or "_" in one)
    assert tokens.verify(odd)
    assert not tokens.verify(odd.replace("-", "+").replace("_", "/"))


@given(ANY_TEXT | st.text(ALPHABET, min_size=64, max_size=64))
def test_no_text_is_a_token(tokens: InboundTokens, text: str) -> None:
    """Nor can one make the verification fail in any other way."""
    assert not tokens.verify(text)


PROGRAM = """
import sys
from paygate.snap import InboundTokens, load_private_key
pem, gateway, client_key, now, token = sys.stdin.read().split("|")
tokens = InboundTokens(load_private_key(pem), gateway, client_key, lambda: float(now))
print(tokens.verify(token), tokens.issue())
"""


def test_another_process_of_the_merchant_believes_it(
    tokens: InboundTokens, token: str, pems: dict[str, str]
) -> None:
    """Nothing is shared but the configuration, and it goes both ways."""
    given = "|".join((pems["rsa-2048"], GATEWAY, CLIENT_KEY, str(NOW), token))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=given, capture_output=True, text=True, check=True, timeout=60
    )
    verified, issued = done.stdout.split()
    CANARIES.add(issued)
    assert "True" == verified
    assert tokens.verify(issued)


def test_nothing_is_kept(private_key: RSAPrivateKey) -> None:
    """Issuing and verifying leave no trace but the derived key: nothing to fill, share or lose."""
    tokens = InboundTokens(private_key, GATEWAY, CLIENT_KEY, lambda: NOW)
    issued = [tokens.issue() for _ in range(100)]
    before = copy.copy(vars(tokens))
    assert all(tokens.verify(one) and tokens.verify(one) for one in issued)
    assert before == vars(tokens)
    assert not any(one in repr(vars(tokens)) for one in issued)


def test_neither_token_nor_key_is_shown(
    tokens: InboundTokens, token: str, private_key: RSAPrivateKey, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in a repr, and nothing is logged."""
    caplog.set_level(logging.DEBUG)
    tokens.verify(token)
    tokens.verify(token[:-1])
    shown: list[Any] = [tokens, str(tokens), caplog.text]
    key = derived(private_key, GATEWAY, CLIENT_KEY)
    assert "InboundTokens('main')" == repr(tokens)
    assert not any(secret in repr(shown) for secret in (token, key.hex(), repr(key), CLIENT_KEY))
