"""`paygate sign`: text, hash, signature and headers, as a provider that verifies them takes them."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from paygate.cli import app
from paygate.snap import body_hash, request_string, token_string, verify_hmac, verify_rsa
from tests.cli.shop import Shop

Run = Callable[..., Result]
PATH = "/v1.0/qr/qr-mpm-query"
STAMP = "2026-01-02T10:15:00+07:00"
BODY = b'{"originalPartnerReferenceNo":"INV-1","additionalInfo":{"channel":"BNC_QRIS"}}'


@pytest.fixture
def body(tmp_path: Path) -> Path:
    """A file with a body."""
    file = tmp_path / "body.json"
    file.write_bytes(BODY)
    return file


def test_every_step_is_shown(run: Run, shop: Shop, body: Path) -> None:
    """The exact text with the given token, the body's hash, and a signature that verifies."""
    words = ("sign", "--path", PATH, "--body", body, "--timestamp", STAMP, "--token", "my-token")
    told = json.loads(run(*words, "--config", shop.file, "--json").stdout)
    text = request_string("POST", PATH, "my-token", BODY, STAMP)
    assert text == told["text"]
    assert (len(BODY), body_hash(BODY)) == (told["body_bytes"], told["body_hash"])
    assert verify_hmac(shop.simulator.account.client_secret, text, told["signature"])
    assert told["signature"] == told["headers"]["X-SIGNATURE"]
    assert [] == told["notes"]
    shown = run(*words, "--config", shop.file).stdout.splitlines()
    assert all(f"  {line}" in shown for line in (text, told["signature"], f"X-TIMESTAMP: {STAMP}"))


def test_a_provider_takes_what_was_signed(run: Run, shop: Shop, body: Path) -> None:
    """Login and query made by hand, with the headers that are shown and nothing else, are answered."""
    config = ("--config", shop.file, "--json")
    login = json.loads(run("sign", "--path", "/v1.0/access-token/b2b", *config).stdout)
    with httpx.Client(base_url=shop.url, trust_env=False) as client:
        granted = client.post(
            "/v1.0/access-token/b2b", content=b'{"grantType":"client_credentials"}', headers=login["headers"]
        )
        token = granted.json()["accessToken"]
        run("charge", "INV-1", "25000", "--method", "qris", *config)
        signed = json.loads(run("sign", "--path", PATH, "--body", body, "--token", token, *config).stdout)
        told = client.post(PATH, content=BODY, headers=signed["headers"])
    assert 200 == told.status_code, told.text
    assert "INV-1" == told.json()["originalPartnerReferenceNo"]


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        (("--path", "v1.0/qr/qr-mpm-query"), "Write the path alone, without the host, as in /v1.0/"),
        (("--path", "https://sandbox.example/v1.0/x"), "Write the path alone, without the host"),
        (("--path", PATH, "--timestamp", "2026-01-02 10:15"), "as in 2026-01-31T17:00:00+07:00"),
        (("--path", PATH, "--timestamp", "1767323700"), "as in 2026-01-31T17:00:00+07:00"),
    ],
)
def test_what_no_provider_takes_is_not_signed(
    run: Run, shop: Shop, words: tuple[str, ...], cure: str
) -> None:
    """Exit code 2, and what to write."""
    done = run("sign", *words, "--config", shop.file)
    assert (2, "") == (done.exit_code, done.stdout)
    assert cure in done.stderr


def test_a_body_that_is_not_there_is_named_with_its_option(run: Run, shop: Shop) -> None:
    """Nothing is signed in its place."""
    done = run("sign", "--path", PATH, "--body", "nowhere.json", "--config", shop.file)
    assert 2 == done.exit_code
    assert "--body nowhere.json: cannot be read (No such file or directory)" in done.stderr


def test_a_login_is_signed_without_body_and_token(run: Run, shop: Shop) -> None:
    """RSA over client key and time."""
    words = (
        "sign",
        "--path",
        "/v1.0/access-token/b2b",
        "--timestamp",
        STAMP,
        "--config",
        shop.file,
        "--json",
    )
    told = json.loads(run(*words).stdout)
    account = shop.simulator.account
    assert token_string(account.client_key, STAMP) == told["text"]
    assert told["body_hash"] is None
    assert verify_rsa(account.merchant_key.public_key(), told["text"], told["signature"])


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (BODY + b"\n", "ends with a line end"),
        (b'{"a": 1}', "is not minified"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
    ],
)
def test_a_body_that_often_goes_wrong_is_remarked(
    run: Run, shop: Shop, body: Path, content: bytes, note: str
) -> None:
    """It is signed as it is, with a word about it."""
    body.write_bytes(content)
    words = ("sign", "--path", PATH, "--body", body, "--token", "t", "--config", shop.file)
    told = json.loads(run(*words, "--json").stdout)
    assert body_hash(content) == told["body_hash"]
    assert [True] == [note in one for one in told["notes"]]
    assert note in run(*words).stdout


def test_the_body_may_come_from_the_standard_input(
    run_alone: Callable[..., "subprocess.CompletedProcess[str]"], shop: Shop
) -> None:
    """Byte for byte, in a process of its own."""
    done = run_alone(
        "sign",
        *("--path", PATH, "--body", "-", "--token", "t", "--config", shop.file, "--json"),
        input='{"a":"é"}\n',
        encoding="utf-8",
    )
    assert body_hash('{"a":"é"}\n'.encode()) == json.loads(done.stdout)["body_hash"]


def test_without_a_token_it_says_what_is_missing(run: Run, shop: Shop) -> None:
    """Nothing half is shown."""
    done = run("sign", "--path", PATH, "--config", shop.file)
    assert 2 == done.exit_code
    assert "give the access token" in done.stderr
    assert "" == done.stdout


def test_now_is_the_timestamp_unless_told(run: Run, shop: Shop) -> None:
    """In Jakarta's time, as SNAP BI wants it."""
    told = json.loads(run("sign", "--path", PATH, "--token", "t", "--config", shop.file, "--json").stdout)
    assert told["headers"]["X-TIMESTAMP"].endswith("+07:00")


def test_an_adapter_without_it_says_so(tiny_file: Path) -> None:
    """Exit code 2."""
    words = ["sign", "--path", "/x", "--config", str(tiny_file)]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert 2 == done.exit_code
    assert "this adapter does not answer sign" in done.stderr


def test_no_configured_secret_is_shown(run: Run, shop: Shop) -> None:
    """Neither the client secret nor a line of the private key, in both outputs."""
    secrets = [shop.settings["client_secret"], *shop.settings["private_key"].splitlines()[1:-1]]
    for more in ((), ("--json",)):
        done = run("sign", "--path", PATH, "--token", "t", "--config", shop.file, *more)
        assert [] == [secret for secret in secrets if secret in done.output]


def test_one_of_several_gateways_must_be_named(run: Run, shop: Shop, tiny_file: Path) -> None:
    """The names are told; a wrong one is refused."""
    file = shop.file.parent / "two.toml"
    file.write_text(shop.file.read_text() + tiny_file.read_text())
    words = ("sign", "--path", PATH, "--token", "t", "--config", file)
    unclear = run(*words)
    assert (2, True) == (unclear.exit_code, "name one with --gateway: main, small" in unclear.stderr)
    assert 0 == run(*words, "--gateway", "main").exit_code
