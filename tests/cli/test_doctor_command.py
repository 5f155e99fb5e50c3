"""`paygate doctor`: every gateway looked at, each finding with what to do, and never a charge."""

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import Result

from paygate import Gateway, Paygate, PluginError
from paygate.cli.merchant import Merchant
from paygate.cli.probe import asked
from paygate.cli.recording import Heard, Recording
from paygate.sandbox import Fault
from paygate.snap import public_pem
from tests.cli.shop import Shop
from tests.provider import Provider

Run = Callable[..., Result]
Doctor = Callable[..., tuple[int, dict[str | None, dict[str, tuple[str, str]]]]]


@pytest.fixture
def doctor(run: Run, shop: Shop) -> Doctor:
    """Run the command: the exit code, and by gateway and subject the verdict and the text."""

    def do(*words: object, config: Path = shop.file) -> Any:
        done = run("doctor", "--config", config, "--json", *words)
        told = json.loads(done.stdout)
        findings: dict[str | None, dict[str, tuple[str, str]]] = {}
        for one in told["findings"]:
            assert one["cure"] or one["verdict"] == "good", one
            text = f"{one['what']} {one['cure']}"
            findings.setdefault(one["gateway"], {})[one["subject"]] = (one["verdict"], text)
        assert told["good"] == (done.exit_code == 0)
        return done.exit_code, findings

    return do


def verdicts(findings: dict[str, tuple[str, str]]) -> dict[str, str]:
    return {subject: verdict for subject, (verdict, _) in findings.items()}


def test_a_good_shop_is_good(doctor: Doctor, shop: Shop) -> None:
    """Everything is looked at, the callback URL too, and exit code 0 says that nothing is bad."""
    with Merchant("/callbacks/main") as merchant:
        url = f"{merchant.url}/callbacks/main"
        key = public_pem(shop.simulator.account.merchant_key.public_key())
        config = shop.other_file(callback_url=url, public_key=key)
        with Paygate.from_file(config) as merchant.paygate:
            code, findings = doctor(config=config)
    assert 0 == code
    own = ("plugin", "settings", "public_key", "callback_url", "partner_service_ids")
    provider = ("login", "signed request", "clock", "callback path", "callback URL")
    assert dict.fromkeys((*own, *provider), "good") == verdicts(findings["main"])
    assert {"configuration": "good"} == verdicts(findings[None])


def test_it_never_makes_a_charge(doctor: Doctor, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider is asked for one login and about one charge that cannot exist, and for nothing else."""
    operations: list[str | None] = []
    handle = shop.simulator.handle

    def noted(request: httpx.Request) -> httpx.Response:
        operations.append(shop.simulator.operation(request))
        return handle(request)

    monkeypatch.setattr(shop.simulator, "handle", noted)
    doctor()
    assert ["authorize", "query"] == operations
    assert () == shop.simulator.ledger.charges


def test_offline_asks_nobody(doctor: Doctor, shop: Shop) -> None:
    """Neither login nor callback URL; what can be seen without a network is still looked at."""
    config = shop.other_file(base_url="http://127.0.0.1:1")
    code, findings = doctor("--offline", config=config)
    assert 0 == code
    assert {"plugin", "settings", "callback path"} <= {*findings["main"]}
    assert not {"login", "clock", "callback URL"} & {*findings["main"]}


def test_a_person_sees_marks_and_cures(run: Run, shop: Shop) -> None:
    """One line for a finding, and what to do below it."""
    done = run("doctor", "--offline", "--config", shop.file)
    assert "[main]" in done.stdout
    assert "✓ settings: they are complete" in done.stdout
    assert "? public_key: nobody can tell" in done.stdout
    assert "    copy the public key out of the portal" in done.stdout


def test_a_wrong_url_path_is_bad(doctor: Doctor) -> None:
    """The path of the URL is the one that is signed."""
    code, findings = doctor("--callback-url", "https://shop.example/other", "--offline")
    assert 2 == code
    verdict, text = findings["main"]["callback path"]
    assert "bad" == verdict
    assert "its path is /other, and callback_path is /callbacks/main" in text


def test_a_silent_callback_url_is_bad(doctor: Doctor, shop: Shop) -> None:
    """Exit code 2, and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/callbacks/main"
        code, findings = doctor("--callback-url", url)
    assert 2 == code
    assert ("bad", True) == (
        findings["main"]["callback URL"][0],
        "the connection is refused" in findings["main"]["callback URL"][1],
    )


def test_a_refused_login_is_bad_and_the_clock_is_still_told(doctor: Doctor, shop: Shop) -> None:
    """The refusal's own Date says whether the clock is the reason."""
    config = shop.other_file(client_key="CKSandbox-another")
    code, findings = doctor(config=config)
    assert 2 == code
    assert {"login": "bad", "clock": "good"}.items() <= verdicts(findings["main"]).items()
    assert "check the client key and the key pair" in findings["main"]["login"][1]


def test_a_wrong_client_secret_is_bad_although_the_login_succeeds(doctor: Doctor, shop: Shop) -> None:
    """The login proves the RSA key alone; a question about no charge proves the secret."""
    code, findings = doctor(config=shop.other_file(client_secret="SKSandbox-another"))
    assert 2 == code
    assert {"login": "good", "signed request": "bad"}.items() <= verdicts(findings["main"]).items()
    assert "Compare client_secret" in findings["main"]["signed request"][1]
    assert "clock" in findings["main"]["signed request"][1]


def test_a_question_that_is_answered_as_it_should_be_is_good(doctor: Doctor) -> None:
    """The provider knows no such charge."""
    _, findings = doctor()
    verdict, text = findings["main"]["signed request"]
    assert "good" == verdict
    assert "it is accepted; it knows no such charge, as it should" in text


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.GARBAGE, Fault.CLOSE])
def test_a_question_that_fails_oddly_proves_nothing(doctor: Doctor, shop: Shop, fault: Fault) -> None:
    """It is remarked with what was said, and harmless."""
    for nth in (1, 2, 3):  # a question is repeated
        shop.simulator.faults.plan(fault, "query", nth)
    _, findings = doctor()
    verdict, text = findings["main"]["signed request"]
    assert "unsure" == verdict
    assert "changed nothing" in text


def test_after_a_refused_login_nothing_is_asked(doctor: Doctor, shop: Shop) -> None:
    """One cause, one finding."""
    _, findings = doctor(config=shop.other_file(client_key="CKSandbox-another"))
    assert "signed request" not in findings["main"]


def test_a_charge_that_cannot_exist_and_does_is_remarked(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider that knows everything proves nothing."""
    monkeypatch.setattr(Gateway, "query", lambda *_: None)
    _, findings = doctor()
    verdict, text = findings["main"]["signed request"]
    assert ("unsure", True) == (verdict, "a charge which cannot exist" in text)


def test_an_adapter_that_answers_no_query_is_not_asked() -> None:
    """Nor is anything said about it."""

    class Silent:
        """It answers nothing."""

    with Paygate.from_mapping({"gateways": {"main": {"adapter": "tiny", "api_key": "x"}}}) as paygate:
        assert asked(paygate.gateway("main"), Silent) is None


def test_a_provider_that_cannot_be_reached_is_bad(doctor: Doctor, shop: Shop) -> None:
    """Without a reply there is nothing to say about the clock."""
    code, findings = doctor(config=shop.other_file(base_url="http://127.0.0.1:1"))
    assert 2 == code
    assert "bad" == findings["main"]["login"][0]
    assert "clock" not in findings["main"]


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.GARBAGE, Fault.CLOSE])
def test_a_login_that_fails_oddly_is_bad(doctor: Doctor, shop: Shop, fault: Fault) -> None:
    """It is a finding, never a crash."""
    shop.simulator.faults.plan(fault, "authorize")
    code, findings = doctor()
    assert (2, "bad") == (code, findings["main"]["login"][0])


@pytest.mark.parametrize(
    ("ahead", "verdict", "way"),
    [
        (0.0, "good", "agrees"),
        (30.0, "unsure", "ahead of"),
        (90.0, "bad", "ahead of"),
        (-30.0, "unsure", "behind"),
        (-7200.0, "bad", "behind"),
    ],
)
def test_the_clock_is_compared_with_the_providers(
    doctor: Doctor, monkeypatch: pytest.MonkeyPatch, ahead: float, verdict: str, way: str
) -> None:
    """Up to five seconds are good, more than a minute is bad; the seconds are said."""
    wrong = SimpleNamespace(time=lambda: time.time() + ahead, monotonic=time.monotonic)
    monkeypatch.setattr("paygate.cli.recording.time", wrong)
    code, findings = doctor("--callback-url", "http://127.0.0.1:1/callbacks/main")
    told, text = findings["main"]["clock"]
    assert (2, verdict) == (code, told)
    assert way in text
    seconds = [int(word) for word in text.split() if word.isdigit()]
    assert abs(seconds[0] - (abs(ahead) or 5.0)) <= 2


@given(
    date=st.integers(min_value=0, max_value=4_000_000_000),
    took=st.floats(min_value=0.0, max_value=10.0),
    into=st.floats(min_value=0.0, max_value=0.999),
    reached=st.floats(min_value=0.0, max_value=1.0),
)
def test_a_right_clock_is_never_far_off(date: int, took: float, into: float, reached: float) -> None:
    """Whole seconds and the way there and back cost at most half of each."""
    answered_at = date + into
    heard = Heard(answered_at + took * (1.0 - reached), took, float(date))
    assert heard.skew is not None
    assert abs(heard.skew) <= took / 2 + 0.5 + 1e-3


@pytest.mark.parametrize("date", [None, "", "yesterday", "Thu, 99 Jan 2026 00:00:00 GMT"])
def test_without_a_date_nothing_is_said_about_the_clock(date: str | None) -> None:
    """A missing or broken one is no time."""
    headers = {} if date is None else {"Date": date}
    recording = Recording(Provider(httpx.Response(200, headers=headers)))
    recording.handle_request(httpx.Request("GET", "https://tiny.example"))
    assert [None] == [heard.skew for heard in recording.heard]


def several(shop: Shop, tables: str) -> Path:
    """The shop's configuration with more in it."""
    file = shop.file.parent / "several.toml"
    file.write_text(f"{shop.file.read_text()}\n{tables}")
    return file


def test_a_broken_gateway_does_not_hide_the_others(doctor: Doctor, shop: Shop) -> None:
    """An unset variable, a missing plugin and a wrong key are findings; "main" is looked at all the same."""
    tables = """
        [gateways.unset]
        adapter = "tiny"
        api_key = { env = "NO_SUCH_VARIABLE_OF_PAYGATE" }
        [gateways.missing]
        adapter = "nobody"
        [gateways.wrong]
        adapter = "tiny"
        api_kye = "x"
    """
    code, findings = doctor("--offline", config=several(shop, tables))
    assert 2 == code
    assert "good" == findings["main"]["settings"][0]
    assert "NO_SUCH_VARIABLE_OF_PAYGATE is not set" in findings["unset"]["settings"][1]
    assert ("bad", True) == (
        findings["missing"]["plugin"][0],
        "gateways.missing.adapter: no installed plugin offers an adapter named 'nobody'"
        in findings["missing"]["plugin"][1],
    )
    assert "api_kye: is not a setting of this adapter" in findings["wrong"]["settings"][1]


def test_everything_that_is_missing_is_said_at_once(doctor: Doctor, run: Run, shop: Shop) -> None:
    """Each in a finding of its own, below what is known to be good."""
    tables = """
        [gateways.unset]
        adapter = "tiny"
        api_key = { env = "NO_SUCH_VARIABLE_OF_PAYGATE" }
        base_url = { file = "nowhere.txt" }
    """
    config = several(shop, tables)
    shown = run("doctor", "--offline", "--config", config).stdout
    assert "configuration: it can be read: main, unset" in shown
    unset = shown.partition("[unset]")[2]
    assert "plugin: paygate-tiny 0.3.0 offers tiny" in unset
    assert (
        "settings: gateways.unset.api_key: environment variable NO_SUCH_VARIABLE_OF_PAYGATE is not" in unset
    )
    assert "settings: gateways.unset.base_url: file nowhere.txt cannot be read" in unset
    _, findings = doctor("--offline", config=config)
    assert {"plugin": "good", "settings": "bad"} == verdicts(findings["unset"])


@pytest.mark.parametrize(
    ("tables", "why"),
    [
        ('[routes]\ncash = ["main"]', "routes.cash: is not a method"),
        ("[gatewys.x]", "is not a section"),
        ("[gateways.BIG]\nadapter = 'tiny'", "use a name of lower-case letters"),
    ],
)
def test_what_concerns_the_whole_file_is_said(doctor: Doctor, shop: Shop, tables: str, why: str) -> None:
    """And "main" is looked at all the same."""
    code, findings = doctor("--offline", config=several(shop, tables))
    assert 2 == code
    assert why in str(findings)
    assert "good" == findings["main"]["settings"][0]


def test_a_route_to_who_cannot_is_bad(doctor: Doctor, shop: Shop) -> None:
    """The tiny adapter takes QRIS alone."""
    tables = '[gateways.small]\nadapter = "tiny"\napi_key = "x"\n[routes]\nretail = ["small"]'
    code, findings = doctor("--offline", config=several(shop, tables))
    assert 2 == code
    assert "routes.retail: gateway 'small' does not offer retail" in findings["small"]["settings"][1]


@pytest.mark.parametrize("content", ["[gateways", "", "\x00"])
def test_a_file_that_is_no_configuration_is_a_finding(doctor: Doctor, tmp_path: Path, content: str) -> None:
    """With what to do, as every other; so is a missing file."""
    file = tmp_path / "paygate.toml"
    file.write_text(content)
    code, findings = doctor(config=file)
    assert (2, {"configuration": "bad"}) == (code, verdicts(findings[None]))
    code, findings = doctor(config=tmp_path / "nothing.toml")
    assert (2, True) == (code, "Name yours with --config FILE" in findings[None]["configuration"][1])


def test_sandbox_and_production_in_one_file_are_bad(doctor: Doctor, shop: Shop) -> None:
    """A charge that a sandbox takes looks paid."""
    own = shop.file.read_text().split("[gateways.main]")[1]
    real = own.replace('"sandbox"', '"production"').replace("KSandbox-", "K-")
    local = ("base_url", "callback_url", "return_url")
    real = "\n".join(line for line in real.splitlines() if not line.startswith(local))
    code, findings = doctor("--offline", config=several(shop, f"[gateways.real]\n{real}"))
    verdict, text = findings[None]["environments"]
    assert (2, "bad") == (code, verdict)
    assert "main is sandbox, real is production" in text
    assert "good" == findings["real"]["settings"][0], findings["real"]


def test_one_gateway_alone_can_be_looked_at(doctor: Doctor, run: Run, shop: Shop, tiny_file: Path) -> None:
    """The others are left alone; a wrong name is said; a callback URL belongs to one."""
    config = several(shop, tiny_file.read_text())
    code, findings = doctor("--gateway", "small", config=config)
    assert (0, {None, "small"}) == (code, {*findings})
    good = dict.fromkeys(("plugin", "settings", "login", "clock"), "good")
    unsure = dict.fromkeys(("signed request", "callback URL"), "unsure")
    assert good | unsure == verdicts(findings["small"])
    unknown = run("doctor", "--gateway", "big", "--config", config)
    assert (2, True) == (unknown.exit_code, "no gateway is named 'big'" in unknown.stderr)
    whose = run("doctor", "--callback-url", "https://shop.example/x", "--config", config)
    assert (2, True) == (whose.exit_code, "say with --gateway whose callback URL" in whose.stderr)


def test_no_secret_is_shown(run: Run, shop: Shop) -> None:
    """Neither configured ones nor the token of the login, in both outputs."""
    secrets = [shop.settings["client_secret"], *shop.settings["private_key"].splitlines()[1:-1]]
    for more in ((), ("--json",)):
        done = run("doctor", "--config", shop.file, *more)
        assert [] == [secret for secret in secrets if secret in done.output]


def test_a_provider_without_a_date_is_remarked(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the person compares the clock."""
    monkeypatch.setattr("paygate.cli.recording._date", lambda _: None)
    _, findings = doctor()
    assert ("unsure", True) == (
        findings["main"]["clock"][0],
        "the provider tells no Date" in findings["main"]["clock"][1],
    )


def test_an_adapter_that_fails_to_diagnose_is_named(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it raises is a finding about the plugin, and the rest is looked at."""

    def fail(_: Gateway) -> None:
        raise PluginError("the adapter failed (KeyError in f)")

    monkeypatch.setattr(Gateway, "diagnose", fail)
    code, findings = doctor("--offline")
    assert (2, "bad") == (code, findings["main"]["plugin"][0])
    assert "callback path" in findings["main"]
