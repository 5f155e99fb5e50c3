"""Addresses in settings: one set of rules for every adapter, and a text that names gateway and key alone."""

import pytest

from paygate import ConfigurationError, check_base_url, check_callback_path, check_public_url

BASE_URLS = {"sandbox": "https://sandbox.toko.example", "production": "https://api.toko.example/"}
HOSTS = {"old.toko.example": "production"}


def asked(base_url: str | None, environment: str = "sandbox", provider: str = "Toko") -> str:
    """The base URL that is asked."""
    return check_base_url("main", provider, environment, base_url, BASE_URLS, HOSTS)


@pytest.mark.parametrize(
    ("base_url", "environment", "chosen"),
    [
        (None, "sandbox", "https://sandbox.toko.example"),
        (None, "production", "https://api.toko.example"),
        ("https://sandbox.toko.example/", "sandbox", "https://sandbox.toko.example"),
        ("https://proxy.shop.example:8443", "production", "https://proxy.shop.example:8443"),
        ("https://old.toko.example", "production", "https://old.toko.example"),
        ("http://127.0.0.1:9", "sandbox", "http://127.0.0.1:9"),
        ("http://[::1]:9/", "sandbox", "http://[::1]:9"),
    ],
)
def test_a_good_base_url_is_asked(base_url: str | None, environment: str, chosen: str) -> None:
    """It is the merchant's own, or the environment's, without a slash at its end."""
    assert chosen == asked(base_url, environment)


@pytest.mark.parametrize(
    ("base_url", "environment", "why"),
    [
        ("https://exa\x00mple.com", "sandbox", "is no URL"),
        ("sandbox.toko.example", "sandbox", "takes scheme, host and port alone"),
        ("https://sandbox.toko.example/v1", "sandbox", "takes scheme, host and port alone"),
        ("https://sandbox.toko.example?a=1", "sandbox", "takes scheme, host and port alone"),
        ("https://me:word@sandbox.toko.example", "sandbox", "takes scheme, host and port alone"),
        ("http://sandbox.toko.example", "sandbox", "must begin with https://"),
        ("http://127.0.0.1.shop.example", "sandbox", "must begin with https://"),
        ("https://localhost", "production", "is this machine, and environment is production"),
        ("https://API.toko.example.", "sandbox", "is Toko's production host, and environment is sandbox"),
        ("https://old.toko.example:1", "sandbox", "is Toko's production host, and environment is sandbox"),
        ("https://sandbox.toko.example", "production", "is Toko's sandbox host"),
    ],
)
def test_a_base_url_that_could_not_work_is_refused(base_url: str, environment: str, why: str) -> None:
    """The two environments are kept apart, and the text quotes no address."""
    with pytest.raises(ConfigurationError) as refused:
        asked(base_url, environment)
    assert refused.value.what.startswith(f"gateways.main.base_url: {why}")
    assert "main" == refused.value.gateway
    assert refused.value.__context__ is None


def test_a_name_that_ends_in_s_takes_an_apostrophe_alone() -> None:
    """The text stays English."""
    with pytest.raises(ConfigurationError, match="is Tokos' production host"):
        asked("https://api.toko.example", provider="Tokos")


def test_a_public_url_tells_its_path_and_query() -> None:
    """As they go over the wire, without what stands after #."""
    for address, path in (("https://shop.example/cb?a=1#top", "/cb?a=1"), ("https://shop.example", "/")):
        assert path == check_public_url("main", "return_url", address, "production")
    assert "/cb" == check_public_url("main", "callback_url", "http://localhost:8000/cb", "sandbox")


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("https://exa\x00mple.com", "is no URL"),
        ("shop.example/cb", "takes a host"),
        ("https://me:word@shop.example/cb", "takes a host"),
        ("https://shop.example/é", "takes a host"),
        ("https://shop.example/a b", "takes a host"),
        ("http://shop.example/cb", "must begin with https://"),
        ("ftp://localhost/cb", "must begin with https://"),
        ("https://127.0.0.1/cb", "is this machine"),
    ],
)
def test_a_public_url_that_could_not_work_is_refused(address: str, why: str) -> None:
    """By the key that it stands under."""
    with pytest.raises(ConfigurationError) as refused:
        check_public_url("main", "return_url", address, "production")
    assert refused.value.what.startswith(f"gateways.main.return_url: {why}")
    assert refused.value.__context__ is None


@pytest.mark.parametrize("path", ["", "cb", "/c b", "/cb?a=1", "/cb#top", "/é", "https://shop.example/cb"])
def test_a_callback_path_is_the_path_alone(path: str) -> None:
    """Anything else could never be the path of a request, or would be signed otherwise."""
    check_callback_path("main", "/callbacks/main")
    with pytest.raises(ConfigurationError, match=r"gateways\.main\.callback_path: is the path alone"):
        check_callback_path("main", path)
