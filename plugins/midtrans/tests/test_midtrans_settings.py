"""Settings for Midtrans that could not work are refused at once, by gateway and key, and never shown."""

from typing import Any

import pytest
from paygate_midtrans.settings import Settings, checked

from paygate import AsyncPaygate, ConfigurationError, Paygate, Qris, Secret
from tests.flows import asked
from tests.midtrans import CALLBACK_URL, SERVER_KEY, adapter_of, configuration, order
from tests.watch import CANARIES, leaks

PRODUCTION_KEY = "Mid-server-canary1Of1Midtrans"
CLIENT_KEY = "SB-Mid-client-canary2Of2Midtrans"
CANARIES.update({PRODUCTION_KEY, CLIENT_KEY})


def refused(key: str, *words: str, **other: Any) -> None:
    """Check how a configuration is refused."""
    document = configuration(**other)
    for kind in (Paygate, AsyncPaygate):
        with pytest.raises(ConfigurationError) as wrong:
            kind.from_mapping(document)
        text = str(wrong.value)
        assert f"gateways.main.{key}: " in text
        assert "main" == wrong.value.gateway
        for word in words:
            assert word in text
        assert [] == leaks(text)


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("environment", "prod", '"sandbox" or "production"'),
        ("environment", "Sandbox", '"sandbox" or "production"'),
        ("environment", None, "missing"),
        ("server_key", None, "missing"),
        ("server_key", "", "copy it once more"),
        ("server_key", "  ", "copy it once more"),
        ("server_key", f"{SERVER_KEY}\n", "copy it once more"),
        ("server_key", f"{SERVER_KEY} ", "copy it once more"),
        ("server_key", f"{SERVER_KEY}:", "copy it once more"),
        ("server_key", "SB–Mid–server–1", "copy it once more"),
        ("server_key", CLIENT_KEY, "client key"),
        ("server_key", CLIENT_KEY.removeprefix("SB-"), "client key"),
        ("server_key", 7, "quotes"),
        ("callback_path", "callbacks/main", "path alone"),
        ("callback_path", "/callbacks/main?a=1", "path alone"),
        ("callback_path", "/callbacks/main#top", "path alone"),
        ("callback_path", "https://shop.example/callbacks/main", "path alone"),
        ("callback_path", "", "path alone"),
        ("callback_path", "/callbacks main", "path alone"),
        ("callback_url", "shop.example/callbacks/main", "host"),
        ("callback_url", "http://shop.example/callbacks/main", "https://"),
        ("callback_url", "https://me:word@shop.example/callbacks/main", "user name"),
        ("callback_url", "https://shop.example/callbacks/main#top", "comma"),
        ("callback_url", "https://shop.example/a,https://shop.example/b", "comma"),
        ("callback_url", "https://shop.example/callbacks main", "blanks"),
        ("callback_url", "https://shop.example/é", "accents"),
        ("callback_url", "https://exa\x00mple.com", "URL"),
        ("return_url", "thanks", "host"),
        ("return_url", "http://shop.example/thanks", "https://"),
        ("return_url", "ftp://localhost/thanks", "https://"),
        ("base_url", "https://api.midtrans.com", "environment is sandbox"),
        ("base_url", "https://API.midtrans.com:443/", "environment is sandbox"),
        ("base_url", "https://api.midtrans.com.", "environment is sandbox"),
        ("base_url", "https://api.sandbox.midtrans.com/v2", "scheme, host and port alone"),
        ("base_url", "https://api.sandbox.midtrans.com?a=1", "scheme, host and port alone"),
        ("base_url", "https://me:word@api.sandbox.midtrans.com", "scheme, host and port alone"),
        ("base_url", "https://app.sandbox.midtrans.com", "another product"),
        ("base_url", "https://merchants.sbx.midtrans.com", "another product"),
        ("base_url", "http://api.sandbox.midtrans.com", "https://"),
        ("base_url", "http://127.0.0.1.example.com", "https://"),
        ("base_url", "https://", "host"),
        ("base_url", "https://exa\x00mple.com", "URL"),
        ("acquirer", "shopee", "wrong"),
        ("cancel_by", "void", "wrong"),
        ("refund_by", "online", "wrong"),
        ("serverkey", SERVER_KEY, "server_key"),
    ],
)
def test_settings_that_could_not_work(key: str, value: Any, word: str) -> None:
    """Each is refused at start, with the key and what to write instead."""
    refused(key, word, **{key: value})


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("server_key", SERVER_KEY, "environment is production"),
        ("base_url", "https://api.sandbox.midtrans.com", "environment is production"),
        ("base_url", "http://127.0.0.1:9", "environment is production"),
        ("callback_url", "http://localhost/callbacks/main", "environment is production"),
        ("return_url", "https://127.0.0.1/thanks", "environment is production"),
    ],
)
def test_sandbox_and_production_are_not_mixed(key: str, value: str, word: str) -> None:
    """Nothing of the sandbox, and nothing of this machine, gets into production."""
    refused(key, word, **{"environment": "production", "server_key": PRODUCTION_KEY, key: value})


def test_a_callback_url_ends_in_its_path() -> None:
    """The two must agree where both are given."""
    refused("callback_url", "callback_path", callback_url=CALLBACK_URL, callback_path="/callbacks/other")
    for path in ("/callbacks/main", None):
        assert adapter_of(callback_url=CALLBACK_URL, callback_path=path)


@pytest.mark.parametrize(
    ("environment", "key", "host"),
    [
        ("sandbox", SERVER_KEY, "api.sandbox.midtrans.com"),
        ("sandbox", PRODUCTION_KEY, "api.sandbox.midtrans.com"),
        ("production", PRODUCTION_KEY, "api.midtrans.com"),
    ],
)
def test_the_environment_chooses_the_host(environment: str, key: str, host: str) -> None:
    """Newer keys of the sandbox look like those of production, and go to the sandbox alone."""
    adapter = adapter_of(environment=environment, server_key=key)
    assert ("https", host) == ((url := asked(adapter.create_charge(order())).url).scheme, url.host)


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8080/", "http://localhost:8080", "http://[::1]:8080"])
def test_a_simulator_on_this_machine(base_url: str) -> None:
    """Plain http is for this machine, outside production."""
    url = asked(adapter_of(base_url=base_url).create_charge(order())).url
    assert ("http", "/v2/charge") == (url.scheme, url.path)


def test_a_whole_configuration() -> None:
    """It is complete with three keys, and everything else has a place."""
    assert Paygate.from_mapping(configuration()).gateway("main").supports("refund", Qris())
    everything = configuration(
        callback_path="/callbacks/main",
        callback_url=CALLBACK_URL,
        return_url="https://shop.example/thanks",
        base_url="https://api.sandbox.midtrans.com/",
        acquirer="airpay shopee",
        cancel_by="expire",
        refund_by="direct",
        timeout_seconds=5,
    )
    assert Paygate.from_mapping(everything).gateway("main").supports("create_charge", Qris())


def test_settings_show_no_key() -> None:
    """Neither do they, nor the adapter that has them."""
    settings = Settings(environment="sandbox", server_key=Secret(SERVER_KEY))
    assert "https://api.sandbox.midtrans.com" == checked("main", settings)
    assert [] == leaks(f"{settings!r} {settings} {adapter_of()!r}")
