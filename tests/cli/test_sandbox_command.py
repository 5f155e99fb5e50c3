import json
import re
import socket
import stat
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from paygate_tiny import Tiny
from typer.testing import Result

from paygate import ChargeRequest, ChargeStatus, Money, Paygate, Qris, adapters
from paygate.cli.sandbox import write_account
from paygate.sandbox.server import Server
from tests.cli.running import sandbox, told
from tests.cli.strangers import install_in
from tests.watch import CANARIES

Run = Callable[..., Result]
Alone = Callable[..., "subprocess.CompletedProcess[str]"]


def watched(file: Path) -> None:
    """Watch for the secrets of a configuration."""
    gateway = tomllib.loads(file.read_text())["gateways"]["main"]
    CANARIES.add(gateway["client_secret"])
    CANARIES.update((file.parent / "private_key.pem").read_text().splitlines()[1:-1])


def test_a_program_can_use_it_from_beginning_to_end(tmp_path: Path) -> None:
    """It tells its address as JSON; with the configuration it wrote a charge is made, paid and queried."""
    with sandbox(tmp_path / "account", "--json") as running:
        where = told(running)
        file = Path(where["configuration"])
        watched(file)
        with Paygate.from_file(file) as paygate:
            charge = paygate.create_charge(
                ChargeRequest(reference="INV-1", amount=Money.idr(25_000), method=Qris())
            )
            paid = httpx.post(f"{where['url']}/_sandbox/charges/INV-1/pay", trust_env=False, timeout=30)
            assert ChargeStatus.PENDING is charge.status
            assert "paid" == paid.json()["status"]
            assert ChargeStatus.PAID is paygate.query(charge).status
    assert tmp_path / "account" / "paygate.toml" == file
    assert "http://127.0.0.1:8000/callbacks/main" == where["callback_url"]


def test_a_person_is_told_how_to_use_it(tmp_path: Path) -> None:
    """The text names its address, the configuration, and commands that work as they stand."""
    with sandbox(tmp_path) as running:
        text = running.read_until("faults -d")
        found = re.search(r"A pretend provider listens at (http://127\.0\.0\.1:\d+)", text)
        assert found is not None
        assert f"{found[1]}/_sandbox/ in a browser" in text
        assert f"curl {found[1]}/_sandbox/charges" in text
        body = re.search(r"-d '(.+)'", text)
        assert body is not None
        planned = httpx.post(f"{found[1]}/_sandbox/faults", content=body[1], trust_env=False, timeout=30)
        assert 200 == planned.status_code
    assert str(tmp_path / "paygate.toml") in text.replace("\n", "")


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_ctrl_c_ends_it_cleanly(tmp_path: Path, form: list[str]) -> None:
    """The exit code is 0, there is no traceback, and nobody listens any more."""
    with sandbox(tmp_path, *form) as running:
        text = running.read_until("faults -d" if not form else "}")
        found = re.search(r"http://127\.0\.0\.1:(\d+)", text)
        assert found is not None
        code, _, errors = running.interrupt()
    assert 0 == code
    assert "Traceback" not in errors
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(found[1])), 30)


def test_what_it_prints_for_programs_is_json_to_the_end(tmp_path: Path) -> None:
    """Its whole output is one JSON object, also after Ctrl-C."""
    with sandbox(tmp_path, "--json") as running:
        running.read_until("}")
        _, output, _ = running.interrupt()
    assert {"url", "configuration", "callback_url"} == set(json.loads(output))


def test_only_the_owner_may_read_what_it_writes(
    run: Run, tmp_path: Path, stopped_at_once: list[Server]
) -> None:
    """The configuration holds a secret and names two key files beside it; all have the mode 0600."""
    done = run("sandbox", "--port", 0, "--folder", tmp_path)
    watched(tmp_path / "paygate.toml")
    assert 0 == done.exit_code
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert {"paygate.toml": 0o600, "private_key.pem": 0o600, "provider_public_key.pem": 0o600} == modes
    gateway = tomllib.loads((tmp_path / "paygate.toml").read_text())["gateways"]["main"]
    assert {"file": "private_key.pem"} == gateway["private_key"]
    assert stopped_at_once[0].url == gateway["base_url"]
    assert "/callbacks/main" == gateway["callback_path"]


def test_the_server_is_closed_when_it_ends(run: Run, tmp_path: Path, stopped_at_once: list[Server]) -> None:
    """Ctrl-C is no error, and leaves no thread."""
    done = run("sandbox", "--port", 0, "--folder", tmp_path)
    watched(tmp_path / "paygate.toml")
    assert (0, "stopped") == (done.exit_code, done.stdout.splitlines()[-1])
    assert not stopped_at_once[0]._thread.is_alive()


def test_the_variant_of_the_callbacks_can_be_chosen(tmp_path: Path) -> None:
    """The provider calls back in that way from the start."""
    with sandbox(tmp_path, "--json", "--variant", "snap") as running:
        url = told(running)["url"]
        watched(tmp_path / "paygate.toml")
        chosen = httpx.get(f"{url}/_sandbox/variant", trust_env=False, timeout=30).json()
    assert "snap" == chosen["variant"]


def test_an_unknown_variant_is_refused(run: Run, tmp_path: Path) -> None:
    """The error names those that there are, and nothing is written."""
    done = run("sandbox", "--port", 0, "--folder", tmp_path, "--variant", "pigeon")
    assert (2, True) == (done.exit_code, "notice or snap" in done.stderr)
    assert [] == list(tmp_path.iterdir())


def test_the_path_of_the_callbacks_is_that_of_their_address(
    run: Run, tmp_path: Path, stopped_at_once: list[Server]
) -> None:
    """What is signed and what is configured agree."""
    run("sandbox", "--port", 0, "--folder", tmp_path, "--callback-url", "https://toko.example/a/b?c=d")
    watched(tmp_path / "paygate.toml")
    gateway = tomllib.loads((tmp_path / "paygate.toml").read_text())["gateways"]["main"]
    assert "/a/b" == gateway["callback_path"]


def test_a_configuration_that_exists_is_not_overwritten(
    run: Run, tmp_path: Path, stopped_at_once: list[Server]
) -> None:
    """It is named, it stays, no key is made beside it, and the exit code is that of a wrong configuration."""
    file = tmp_path / "paygate.toml"
    file.write_text("precious")
    done = run("sandbox", "--port", 0, "--folder", tmp_path)
    assert 2 == done.exit_code
    assert f"{file} exists, and is not overwritten" in done.stderr
    assert "precious" == file.read_text()
    assert [file] == list(tmp_path.iterdir())
    assert [] == stopped_at_once


def test_another_providers_account_takes_the_place_of_the_last(
    run: Run, tmp_path: Path, stopped_at_once: list[Server]
) -> None:
    """Nothing of the former is left: neither its settings nor its keys."""
    assert 0 == run("sandbox", "ayolinx", "--port", 0, "--folder", tmp_path).exit_code
    watched(tmp_path / "paygate.toml")
    assert 0 == run("sandbox", "midtrans", "--port", 0, "--folder", tmp_path).exit_code
    gateway = tomllib.loads((tmp_path / "paygate.toml").read_text())["gateways"]["main"]
    CANARIES.add(gateway["server_key"])
    assert ("midtrans", stopped_at_once[-1].url) == (gateway["adapter"], gateway["base_url"])
    assert [tmp_path / "paygate.toml"] == list(tmp_path.iterdir())


def test_the_account_of_a_sandbox_that_runs_is_left_alone(run: Run, tmp_path: Path) -> None:
    """The second is told to take a folder of its own, and both can run then."""
    with sandbox(tmp_path / "account", "--json") as running:
        url = told(running)["url"]
        file = tmp_path / "account" / "paygate.toml"
        watched(file)
        before = file.read_bytes()
        done = run("sandbox", "midtrans", "--port", 0, "--folder", tmp_path / "account")
        assert before == file.read_bytes()
        with sandbox(tmp_path / "other", "midtrans", "--json") as second:
            other = told(second)
            key = tomllib.loads(Path(other["configuration"]).read_text())["gateways"]["main"]["server_key"]
            CANARIES.add(key)
    assert 2 == done.exit_code
    assert f"is that of a sandbox which is running at {url}" in done.stderr
    assert "a folder of its own with --folder" in done.stderr


@pytest.mark.parametrize("name", ["private_key.pem", "provider_public_key.pem"])
def test_a_key_that_exists_is_not_overwritten(
    run: Run, tmp_path: Path, stopped_at_once: list[Server], name: str
) -> None:
    """A merchant's own key in that folder may be the only copy: it stays."""
    (tmp_path / name).write_text("precious")
    done = run("sandbox", "--port", 0, "--folder", tmp_path)
    assert "precious" == (tmp_path / name).read_text()
    assert 2 == done.exit_code
    assert name in done.stderr


def test_a_port_in_use_is_a_clear_error(run_alone: Alone, tmp_path: Path) -> None:
    """It names the port and the reason; nothing is written and there is no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_alone("sandbox", "--port", port, "--folder", tmp_path / "account")
    assert 2 == done.returncode
    assert f"port {port} cannot be had (Address already in use)" in done.stderr
    assert "Another sandbox may be running: stop it, or let --port 0 take a free one." in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "account").exists()


@pytest.mark.parametrize("port", [65536, -1])
def test_a_port_that_no_machine_has_is_a_clear_error(run_alone: Alone, tmp_path: Path, port: int) -> None:
    """Likewise a wrong use of the command, without a traceback."""
    done = run_alone("sandbox", "--port", port, "--folder", tmp_path / "account")
    assert 2 == done.returncode
    assert "port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_is_a_file_is_a_clear_error(
    run: Run, tmp_path: Path, stopped_at_once: list[Server]
) -> None:
    """The error names what could not be written."""
    (tmp_path / "file").write_text("")
    done = run("sandbox", "--port", 0, "--folder", tmp_path / "file")
    assert 2 == done.exit_code
    assert "cannot be written" in done.stderr


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://x:abc/", "localhost:8000/callbacks", "/callbacks", ""]
)
def test_an_address_that_cannot_be_called_is_a_clear_error(
    run: Run, tmp_path: Path, stopped_at_once: list[Server], url: str
) -> None:
    """Callbacks go to an http or https address with a host; anything else is refused at the start."""
    done = run("sandbox", "--port", 0, "--folder", tmp_path / "account", "--callback-url", url)
    assert 2 == done.exit_code
    assert "callback" in done.stderr
    assert [] == stopped_at_once


@pytest.mark.parametrize("pace", ["0", "-1", "x"])
def test_a_pace_must_be_above_zero(
    run: Run, tmp_path: Path, stopped_at_once: list[Server], pace: str
) -> None:
    """Nothing is divided by zero."""
    done = run("sandbox", "--port", 0, "--folder", tmp_path, "--pace", pace)
    assert 2 == done.exit_code
    assert [] == stopped_at_once


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["tiny"], "adapter 'tiny' ships no simulator"),
        (["ayolink"], "did you mean 'ayolinx'?"),
    ],
)
def test_an_adapter_that_cannot_be_pretended_is_an_error(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], why: str
) -> None:
    """It says why; nothing is written."""
    monkeypatch.delattr(Tiny, "simulator")
    done = run("sandbox", "--port", 0, "--folder", tmp_path / "account", *words)
    assert 2 == done.exit_code
    assert why in done.stderr
    assert not (tmp_path / "account").exists()


def installed(monkeypatch: pytest.MonkeyPatch, *names: tuple[str, str]) -> None:
    """Let just these adapters be installed, by name and target."""
    plugins = {name: [adapters.Plugin(name, target, "some-dist", "1.0")] for name, target in names}
    monkeypatch.setattr(adapters, "installed", lambda: plugins)


def test_the_first_adapter_that_has_a_simulator_is_pretended(
    run: Run, tmp_path: Path, stopped_at_once: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has none is passed over."""
    install_in(
        tmp_path / "site", "mute", "from paygate_tiny import Tiny\nclass Adapter(Tiny):\n    simulator = None"
    )
    monkeypatch.syspath_prepend(tmp_path / "site")
    installed(monkeypatch, ("a", "stranger_mute:Adapter"), ("ayolinx", "paygate_ayolinx:Ayolinx"))
    done = run("sandbox", "--port", 0, "--folder", tmp_path)
    watched(tmp_path / "paygate.toml")
    assert 0 == done.exit_code


def test_a_broken_plugin_does_not_stop_the_others(
    run: Run, tmp_path: Path, stopped_at_once: list[Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An adapter that nobody asked for and that cannot be imported is passed over as well."""
    installed(monkeypatch, ("a", "no_such_module:Adapter"), ("ayolinx", "paygate_ayolinx:Ayolinx"))
    done = run("sandbox", "--port", 0, "--folder", tmp_path)
    assert 0 == done.exit_code
    watched(tmp_path / "paygate.toml")


def test_without_any_simulator_it_says_what_to_install(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No adapter, or none with a simulator, is an error that tells the cure."""
    installed(monkeypatch)
    done = run("sandbox", "--port", 0, "--folder", tmp_path)
    assert 2 == done.exit_code
    assert "no installed adapter ships a simulator: pip install one that does" in done.stderr


def test_square_brackets_in_a_folders_name_are_shown(
    run: Run, tmp_path: Path, stopped_at_once: list[Server]
) -> None:
    """The path that is printed is the path that was written."""
    folder = tmp_path / "a [red] folder"
    done = run("sandbox", "--port", 0, "--folder", folder)
    watched(folder / "paygate.toml")
    assert str(folder / "paygate.toml") in done.stdout


@pytest.mark.parametrize("value", ["/plain", '/a"b', "/a\\b", "/a\nb", "/é\t", "/\x7f"])
def test_a_configuration_reads_back_as_it_was_written(tmp_path: Path, value: str) -> None:
    """Whatever signs a setting has, the file is TOML and says the same."""
    file = write_account(tmp_path, {"adapter": "ayolinx", "callback_path": value})
    expected = {"gateways": {"main": {"adapter": "ayolinx", "callback_path": value}}}
    assert expected == tomllib.loads(file.read_text("utf-8"))


def test_a_number_stays_a_number_in_the_configuration(tmp_path: Path) -> None:
    """A setting that is no text is not turned into one."""
    file = write_account(tmp_path, {"adapter": "x", "timeout_seconds": 2.5, "strict": True})
    gateway = tomllib.loads(file.read_text())["gateways"]["main"]
    assert {"adapter": "x", "timeout_seconds": 2.5, "strict": True} == gateway
