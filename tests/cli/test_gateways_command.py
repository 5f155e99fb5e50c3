"""`paygate gateways`: every gateway, what it can do, its place in the routes and its breaker."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from paygate.cli import output
from paygate.cli.places import Place, places
from tests.cli.shop import Pair, Shop

Run = Callable[..., Result]
Gateways = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def gateways(run: Run) -> Gateways:
    """Run the command: the exit code, and each gateway by its name."""

    def do(file: Path, *words: str) -> tuple[int, dict[str, Any]]:
        done = run("gateways", "--config", file, "--json", *words)
        told = json.loads(done.stdout)
        assert told["good"] == (done.exit_code == 0)
        return done.exit_code, {one["gateway"]: one for one in told["gateways"]}

    return do


def methods(gateway: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["method"]: one for one in gateway["methods"]}


def test_two_providers_are_shown_with_their_places(gateways: Gateways, pair: Pair) -> None:
    """Adapter, distribution, environment, host; by method what each can and where it stands."""
    code, told = gateways(pair.file())
    assert 0 == code
    assert ["main", "backup"] == [*told]
    assert ("ayolinx", "midtrans") == (told["main"]["adapter"], told["backup"]["adapter"])
    assert told["backup"]["distribution"].startswith("paygate-midtrans ")
    assert "sandbox" == told["main"]["environment"]
    assert pair.shop.url == f"http://{told['main']['host']}"
    for name, number, refunds in (("main", 1, False), ("backup", 2, True)):
        row = methods(told[name])["qris"]
        assert (number, ["main", "backup"], True) == (row["place"], row["route"], row["is_routed"])
        assert (True, refunds) == (row["create_charge"], row["refund"])
        assert ["good"] == [one["verdict"] for one in told[name]["findings"]]
    gopay = methods(told["backup"])["e_wallet gopay"]
    assert (["backup"], 1, False) == (gopay["route"], gopay["place"], gopay["is_routed"])
    bank = methods(told["main"])["virtual_account bni"]
    assert ([], None, False) == (bank["route"], bank["place"], bank["is_routed"])


def test_the_breaker_is_this_commands_own_and_says_so(gateways: Gateways, run: Run, pair: Pair) -> None:
    """With after how many failures it opens, and for how long."""
    file = pair.file(breaker_failures=3, breaker_seconds=7.5)
    _, told = gateways(file)
    assert {"state": "closed", "opens_after": 3, "rests_seconds": 7.5, "process": "this command"} == told[
        "main"
    ]["breaker"]
    assert 5 == told["backup"]["breaker"]["opens_after"]
    text = run("gateways", "--config", file).stdout
    assert "breaker: closed; it opens after 3 operations in a row without an answer, for 7.5 seconds" in text
    assert "A breaker lives in the process that charges." in text


def test_one_that_cannot_be_reached_says_why_and_the_other_is_shown(gateways: Gateways, pair: Pair) -> None:
    """Exit code 2."""
    code, told = gateways(pair.file(base_url="http://127.0.0.1:1"))
    [finding] = told["main"]["findings"]
    assert (2, "login", "bad") == (code, finding["subject"], finding["verdict"])
    assert "refused" in finding["what"]
    assert told["main"]["methods"]
    assert "good" == told["backup"]["findings"][0]["verdict"]


def test_a_refused_login_is_told(gateways: Gateways, pair: Pair) -> None:
    """As the provider says it."""
    code, told = gateways(pair.file(client_key="CKSandbox-another"))
    assert (2, "bad") == (code, told["main"]["findings"][0]["verdict"])


def test_offline_asks_nobody(gateways: Gateways, pair: Pair) -> None:
    """Only what can be seen without a network."""
    code, told = gateways(pair.file(base_url="http://127.0.0.1:1"), "--offline")
    assert (0, []) == (code, told["main"]["findings"])
    assert "127.0.0.1:1" == told["main"]["host"]
    assert "closed" == told["main"]["breaker"]["state"]


@pytest.mark.parametrize(
    ("table", "subject", "why"),
    [
        ('adapter = "nobody"', "plugin", "no installed plugin offers an adapter named 'nobody'"),
        ('adapter = "tiny"', "settings", "gateways.wrong.api_key: is missing"),
        (
            'adapter = "tiny"\napi_key = { env = "NOT_SET_ANYWHERE" }',
            "settings",
            "NOT_SET_ANYWHERE is not set",
        ),
        (
            'adapter = "tiny"\napi_key = "x"\nbreaker_failures = 0',
            "settings",
            "must be a whole number above zero",
        ),
    ],
)
def test_what_is_wrong_with_one_hides_none_of_the_others(
    gateways: Gateways, pair: Pair, table: str, subject: str, why: str
) -> None:
    """The routes are shown all the same."""
    file = pair.file()
    file.write_text(file.read_text() + f"\n[gateways.wrong]\n{table}\n")
    code, told = gateways(file)
    assert 2 == code
    finding = told["wrong"]["findings"][-1]
    assert (subject, "bad") == (finding["subject"], finding["verdict"])
    assert why in finding["what"]
    for name, number in (("main", 1), ("backup", 2)):
        assert "good" == told[name]["findings"][0]["verdict"]
        assert number == methods(told[name])["qris"]["place"]


def test_a_wrong_route_is_told_beside_the_gateways(run: Run, pair: Pair) -> None:
    """As it concerns them all."""
    done = run("gateways", "--config", pair.file('qris = ["mian"]'), "--json")
    told = json.loads(done.stdout)
    assert 2 == done.exit_code
    assert "no gateway is named 'mian'" in told["findings"][0]["what"]
    assert ["good", "good"] == [one["findings"][0]["verdict"] for one in told["gateways"]]


def test_a_route_to_who_cannot_is_told_at_that_gateway(gateways: Gateways, pair: Pair) -> None:
    """The other end of the route is good."""
    code, told = gateways(pair.file('payment_link = ["main", "backup"]'))
    assert 2 == code
    assert "gateway 'backup' does not offer payment_link" in told["backup"]["findings"][0]["what"]
    assert "good" == told["main"]["findings"][0]["verdict"]


def test_a_person_sees_what_belongs_together(run: Run, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Banks that differ in nothing share a line."""
    monkeypatch.setattr(output.console, "_width", 160)
    done = run("gateways", "--config", pair.file())
    assert 0 == done.exit_code
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "qris charge, query, cancel 1 of 2: main, backup" in lines
    assert "qris charge, query, cancel, refund, in parts too 2 of 2: main, backup" in lines
    assert "virtual_account bni, bri, cimb, mandiri charge, query none, though several can" in lines
    assert "e_wallet gopay charge, query, cancel, refund, in parts too none: no other can" in lines
    assert any(line.startswith("[main] ayolinx, of paygate-ayolinx") for line in lines)


@pytest.mark.parametrize("content", ["[gateways", "", None])
def test_a_file_that_is_no_configuration_is_told(run: Run, tmp_path: Path, content: str | None) -> None:
    """Exit code 2, for programs and for people."""
    file = tmp_path / "paygate.toml"
    if content is not None:
        file.write_text(content)
    done = run("gateways", "--config", file, "--json")
    told = json.loads(done.stdout)
    assert (2, []) == (done.exit_code, told["gateways"])
    assert ["bad"] == [one["verdict"] for one in told["findings"]]
    assert "✗ configuration" in run("gateways", "--config", file).stdout


def test_no_secret_is_shown(run: Run, shop: Shop) -> None:
    """Not even a password that stands in an address."""
    file = shop.other_file(base_url=shop.url.replace("://", "://user:hidden@"))
    for more in (("--offline",), ("--offline", "--json")):
        done = run("gateways", "--config", file, *more)
        assert "hidden" not in done.output
        assert shop.settings["client_secret"] not in done.output


def test_the_place_in_a_route_is_in_words() -> None:
    """First or second, alone, not in it, or nowhere; nothing where it takes no new charges."""
    able = {"create_charge": True}
    both = {"a": (("qris", able), ("retail alfamart", able)), "b": (("qris", able),)}
    routes = {("qris", ""): ("b",), ("retail", "other"): ("a",)}
    said = {name: [place.said for place in places(name, both, routes)] for name in both}
    assert {"a": ["not in it: b", "this alone"], "b": ["this alone"]} == said
    assert ["none, though several can", "none: no other can"] == [one.said for one in places("a", both, {})]
    assert "-" == Place("a", "qris", "", {"create_charge": False}, (), is_told=False).said
