"""Who may use the sandbox: programs of this machine and its own pages, and no page of anybody else's."""

from collections.abc import Iterator

import httpx
import pytest

from paygate import ChargeStatus
from paygate.sandbox.host import serve
from tests.sandbox.toy import ToySimulator

NOBODY = "http://127.0.0.1:1/callbacks"


@pytest.fixture
def simulator() -> ToySimulator:
    """A pretend provider with an open charge."""
    one = ToySimulator(NOBODY)
    one.charge("qris", "INV-1")
    return one


@pytest.fixture
def client(simulator: ToySimulator) -> Iterator[httpx.Client]:
    """A plain HTTP client of its host."""
    with (
        serve(simulator) as running,
        httpx.Client(base_url=running.url, trust_env=False, timeout=30) as one,
    ):
        yield one


def own(client: httpx.Client) -> str:
    return str(client.base_url).rstrip("/")


@pytest.mark.parametrize("path", ["/_sandbox/charges/INV-1/pay", "/_sandbox/pay/TOY000001"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "nonsense"},
    ],
    ids=str,
)
def test_another_sites_page_cannot_play_the_payer(
    simulator: ToySimulator, client: httpx.Client, path: str, headers: dict[str, str]
) -> None:
    """Another port of this machine is another site; the answer says why, and the charge stays open."""
    reply = client.post(path, headers=headers, data={"do": "pay"})
    assert (403, True) == (reply.status_code, "another site's page" in reply.text)
    assert ChargeStatus.PENDING is simulator.ledger.charges[0].status


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "POST"])
def test_no_method_changes_anything_for_another_site(client: httpx.Client, method: str) -> None:
    """Whatever is no looking is refused, a preflight included."""
    for path in ("/_sandbox/faults", "/_sandbox/variant"):
        reply = client.request(method, path, headers={"Origin": "https://evil.example"})
        assert 403 == reply.status_code


@pytest.mark.parametrize("site", [{}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}])
@pytest.mark.parametrize("has_origin", [True, False])
def test_own_pages_and_plain_programs_can(
    simulator: ToySimulator, client: httpx.Client, site: dict[str, str], has_origin: bool
) -> None:
    """A browser on the sandbox's own page names its origin; curl names none."""
    headers = {**site, **({"Origin": own(client)} if has_origin else {})}
    assert 200 == client.post("/_sandbox/charges/INV-1/pay", headers=headers).status_code


@pytest.mark.parametrize("path", ["/_sandbox/", "/_sandbox/charges", "/_sandbox/pay/TOY000001"])
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8700",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "10.0.0.1",
        "0.0.0.0",
        "[::2]",
        "user@evil.example",
        "[",
        "",
    ],
)
def test_a_name_that_somebody_points_at_this_machine_is_refused(
    client: httpx.Client, path: str, host: str
) -> None:
    """Looking is refused as well, for such a page could read what it sees."""
    assert 421 == client.get(path, headers={"Host": host}).status_code


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:8700", "127.9.9.9:1", "[::1]:8700"])
def test_every_name_of_this_machine_will_do(client: httpx.Client, host: str) -> None:
    """With any port, for it may be forwarded."""
    assert 200 == client.get("/_sandbox/charges", headers={"Host": host}).status_code


def test_the_address_that_was_called_will_do(simulator: ToySimulator) -> None:
    """A host that is bound to another address of this machine is reached by it."""
    from paygate.sandbox.guard import _is_here

    scope = {"type": "http", "server": ("192.0.2.7", 8700)}
    assert [True, False] == [_is_here(host, scope) for host in ("192.0.2.7:8700", "192.0.2.8:8700")]


def test_the_providers_own_paths_are_open_to_all(client: httpx.Client) -> None:
    """A merchant may reach the provider by any name, as through a tunnel."""
    headers = {"Host": "provider.example", "Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"}
    assert 200 == client.post("/query", headers=headers).status_code


@pytest.mark.parametrize("path", ["/_sandbox", "/_sandbox/", "/"])
def test_a_browser_finds_its_way_to_the_pages(client: httpx.Client, path: str) -> None:
    """From the host's address alone, and without the last slash."""
    reply = client.get(path, headers={"Accept": "text/html"}, follow_redirects=True)
    assert (200, "/_sandbox/") == (reply.status_code, reply.url.path)


def test_a_provider_that_has_the_root_keeps_it(simulator: ToySimulator, client: httpx.Client) -> None:
    """And a program that asks for it is answered by the provider."""
    assert 404 == client.get("/").status_code
    simulator.operation = lambda request: "query"  # type: ignore[method-assign]
    assert 404 == client.get("/", headers={"Accept": "text/html"}).status_code
