"""`paygate verify`: the verdict first, then what the signature fits, and what to do."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import Result

from paygate import CallbackRequest, Paygate
from paygate.snap import notice_string, sign_rsa
from tests.cli.shop import Shop, dumped

Run = Callable[..., Result]


@pytest.fixture
def callback(run: Run, shop: Shop) -> httpx.Request:
    """A callback about a paid charge, as the provider sends it."""
    run("charge", "INV-1", "25000", "--method", "qris", "--config", shop.file)
    return shop.called_back("INV-1")


@pytest.fixture
def verify(run: Run, shop: Shop, tmp_path: Path) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Run the command on a dump: the exit code, and what it tells programs."""

    def do(dump: bytes, *words: str, config: Path = shop.file) -> tuple[int, dict[str, Any]]:
        file = tmp_path / "dump"
        file.write_bytes(dump)
        done = run("verify", "--request", file, "--config", config, "--json", *words)
        told: dict[str, Any] = json.loads(done.stdout)
        return done.exit_code, told

    return do


Verify = Callable[..., tuple[int, dict[str, Any]]]


def found(told: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["subject"], one["verdict"]) for one in told["findings"]]


def the(subject: str, told: dict[str, Any]) -> str:
    """What is said about something, with what to do."""
    [finding] = [one for one in told["findings"] if one["subject"] == subject]
    return f"{finding['what']} {finding['cure']}"


def test_a_genuine_callback_is_believed(verify: Verify, callback: httpx.Request) -> None:
    """Exit code 0, with its charge, and which reading fits."""
    code, told = verify(dumped(callback))
    assert (0, True, None) == (code, told["believed"], told["reason"])
    assert [("callback", "good"), ("signature", "good")] == found(told)
    assert "the path /callbacks/main, the body as received and the key provider_public_key" in the(
        "signature", told
    )
    assert ("INV-1", "paid") == (told["charges"][0]["reference"], told["charges"][0]["status"])


def test_a_person_is_told_the_same(run: Run, shop: Shop, callback: httpx.Request, tmp_path: Path) -> None:
    """From parts: path, body, a file of headers and one more header by itself."""
    lines = dict(callback.headers)
    stamp = lines.pop("x-timestamp")
    (tmp_path / "headers").write_text("".join(f"{name}: {value}\n" for name, value in lines.items()))
    (tmp_path / "body").write_bytes(callback.content)
    done = run(
        *("verify", "--path", "/callbacks/main", "--body", tmp_path / "body"),
        *("--headers", tmp_path / "headers", "--header", f"X-TIMESTAMP: {stamp}", "--config", shop.file),
    )
    assert 0 == done.exit_code, done.output
    assert "✓ callback: it is believed" in done.stdout
    assert "INV-1: PAID IDR 25000.00" in done.stdout


def test_a_path_that_is_not_configured_is_named(verify: Verify, shop: Shop, callback: httpx.Request) -> None:
    """The commonest mistake: it says which path was signed, and where to set it."""
    other = shop.other_file(callback_path="/other", callback_url=None)
    code, told = verify(dumped(callback), config=other)
    assert (4, False, "signature") == (code, told["believed"], told["reason"])
    assert "set callback_path to it" in the("signature", told)
    assert "The provider signs the path /callbacks/main" in the("signature", told)


def test_another_path_can_be_tried(verify: Verify, shop: Shop) -> None:
    """Where the proxy changes the path beyond guessing, the person names it."""
    stamp = datetime.now(UTC).isoformat(timespec="seconds")
    text = notice_string("POST", "/public/ayolinx", b"{}", stamp)
    signature = sign_rsa(shop.simulator.account.provider_key, text)
    dump = f"POST /x HTTP/1.1\nX-TIMESTAMP: {stamp}\nX-SIGNATURE: {signature}\n\n{{}}".encode()
    _, without = verify(dump)
    code, told = verify(dump, "--try-path", "/public/ayolinx")
    assert "no text that was tried" in the("signature", without)
    assert (
        "it is refused (signature): the provider's key made this signature, over another body, path or time"
        in the("callback", without)
    )
    assert "compare callback_path" not in the("callback", without)
    assert 4 == code
    assert "it fits the path /public/ayolinx" in the("signature", told)


def signed(shop: Shop, body: str, of: str, key: Any = None, age: float = 0.0) -> bytes:
    """A dump of a callback whose signature is over another body, by any key, some seconds ago."""
    stamp = datetime.fromtimestamp(time.time() - age, UTC).isoformat(timespec="seconds")
    text = notice_string("POST", "/callbacks/main", of.encode(), stamp)
    signature = sign_rsa(key or shop.simulator.account.provider_key, text)
    return f"POST /callbacks/main HTTP/1.1\nX-TIMESTAMP: {stamp}\nX-SIGNATURE: {signature}\n\n{body}".encode()


def test_a_rewritten_body_is_named_with_the_cure(verify: Verify, shop: Shop) -> None:
    """It says how the signed body was written, and to hand over the raw bytes."""
    code, told = verify(signed(shop, '{"url": "a/b"}', r'{"url":"a\/b"}'))
    assert 4 == code
    assert "the body as PHP's json_encode writes it" in the("signature", told)
    assert "Hand over the raw bytes" in the("signature", told)


def test_our_own_key_is_named_with_the_cure(verify: Verify, shop: Shop) -> None:
    """Who tests with the merchant's key is told that nobody but the provider is believed."""
    code, told = verify(signed(shop, "{}", "{}", shop.simulator.account.merchant_key))
    assert 4 == code
    assert "signed with the public half of private_key, and provider_public_key is believed" in the(
        "signature", told
    )


def test_nothing_fits_a_forgery(verify: Verify, shop: Shop, callback: httpx.Request) -> None:
    """It says how many readings were tried, and what to check."""
    forged = dumped(callback).replace(callback.headers["x-signature"].encode(), b"Zm9yZ2Vk")
    code, told = verify(forged)
    assert (4, "signature") == (code, told["reason"])
    assert "readings of path, body and key fits" in the("signature", told)
    assert "--try-path" in the("signature", told)


def test_age_hides_nothing(verify: Verify, shop: Shop) -> None:
    """An old callback with a good signature is refused for its age alone, and both are said."""
    body = '{"latestTransactionStatus":"03","originalPartnerReferenceNo":"INV-1","additionalInfo":{"channel":"BNC_QRIS"}}'
    code, told = verify(signed(shop, body, body, age=100_000.0))
    assert (4, "timestamp") == (code, told["reason"])
    assert [("callback", "bad"), ("signature", "good"), ("age", "unsure")] == found(told)
    assert "it is 1 day, 3:46:4" in the("age", told)
    assert "when it was sent it would have been believed" in the("age", told)


def test_age_does_not_excuse_a_bad_signature(verify: Verify, shop: Shop) -> None:
    """An old forgery would have been refused when it was new as well."""
    code, told = verify(signed(shop, "{}", '{"a":1}', age=100_000.0))
    assert (4, "timestamp") == (code, told["reason"])
    assert [("callback", "bad"), ("signature", "bad"), ("age", "bad")] == found(told)
    assert "would have been refused as well: the signature does not fit" in the("age", told)


def test_a_cut_body_is_noticed(verify: Verify, callback: httpx.Request) -> None:
    """Its length is compared with Content-Length; the verdict comes first all the same."""
    code, told = verify(dumped(callback)[:-1])
    assert 4 == code
    assert f"it has {len(callback.content) - 1} bytes" in the("body", told)
    assert [("callback", "bad"), ("body", "bad"), ("signature", "bad")] == found(told)


@pytest.mark.parametrize(
    ("length", "body", "said"),
    [
        ("2", "{}", []),
        ("002", "{}", []),
        ("00", "", []),
        ("3", "{}", ["it has 2 bytes, and Content-Length says 3"]),
        ("1", "", ["it has 0 bytes, and Content-Length says 1"]),
        ("9" * 5000, "{}", ["it has 2 bytes, and Content-Length says far more"]),
        ("\u00b2", "{}", []),
    ],
)
def test_any_content_length_is_compared(verify: Verify, length: str, body: str, said: list[str]) -> None:
    """Also one of more digits than Python reads; what is no number says nothing."""
    dump = f"POST /callbacks/main HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}"
    code, told = verify(dump.encode("latin-1"))
    assert 4 == code
    assert said == [one["what"] for one in told["findings"] if one["subject"] == "body"]


def test_a_chunked_dump_is_noticed(verify: Verify) -> None:
    """The sizes of chunks in a body would break its hash."""
    _, told = verify(
        b"POST /callbacks/main HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    )
    assert "sent in chunks" in the("body", told)


def test_a_request_without_a_signature_has_none_to_fit(verify: Verify) -> None:
    """It says which header is missing."""
    code, told = verify(b"POST /callbacks/main HTTP/1.1\n\n{}")
    assert (4, "signature") == (code, told["reason"])
    assert "it has no X-SIGNATURE" in the("callback", told)


def test_a_token_request_is_verified_and_its_token_is_not_shown(
    run: Run, shop: Shop, callback: httpx.Request, tmp_path: Path
) -> None:
    """The other variant: the request for our token is believed, and the token that it would get stays here."""
    shop.simulator.variant = next(one for one in shop.simulator.variants if one != shop.simulator.variant)
    run("charge", "INV-2", "25000", "--method", "qris", "--config", shop.file)
    asking = shop.called_back("INV-2")
    (tmp_path / "dump").write_bytes(dumped(asking))
    done = run("verify", "--request", tmp_path / "dump", "--config", shop.file)
    assert "x-client-key" in asking.headers
    assert 0 == done.exit_code, done.output
    assert "✓ signature: it fits client_key and the key provider_public_key" in done.stdout
    request = CallbackRequest("POST", asking.url.path, asking.headers.items(), asking.content)
    with Paygate.from_file(shop.file) as paygate:
        token = json.loads(paygate.parse_callback("main", request).reply.body)["accessToken"]
    assert token[:8] not in done.output


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "Tell the path with --path"),
        (("--path", "/x", "--header", "abc"), "a header line is NAME: VALUE"),
    ],
)
def test_a_wrong_use_is_said(run: Run, shop: Shop, words: tuple[str, ...], why: str) -> None:
    """Exit code 2, which is neither believed nor refused."""
    done = run("verify", *words, "--config", shop.file)
    assert 2 == done.exit_code
    assert why in done.stderr


def test_an_adapter_that_explains_nothing_still_gives_its_verdict(run: Run, tiny_file: Path) -> None:
    """Believed or refused can be told for every gateway."""
    done = run("verify", "--path", "/x", "--header", "X-MAC: 00", "--config", tiny_file)
    assert 4 == done.exit_code
    assert "✗ callback: it is refused (signature): the HMAC does not fit" in done.stdout
    assert "? signature: this adapter does not answer explain_callback" in done.stdout


def test_a_timestamp_that_is_none_is_said(verify: Verify) -> None:
    """Then there is no age to speak of."""
    code, told = verify(b"POST /x HTTP/1.1\nX-SIGNATURE: YQ==\nX-TIMESTAMP: now\n\n{}")
    assert (4, "timestamp") == (code, told["reason"])
    assert [("callback", "bad"), ("signature", "bad")] == found(told)
