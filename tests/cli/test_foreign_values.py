"""What strangers wrote is shown as it is, and never moves the terminal that it is printed in."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer import Exit
from typer.testing import CliRunner, Result

from paygate import (
    AccountNumber,
    Callback,
    CallbackReply,
    Charge,
    ChargeStatus,
    ConfigurationError,
    Finding,
    Gateway,
    OutcomeUnknown,
    Paygate,
    PaymentCode,
    PluginError,
    QrCode,
    Qris,
    Redirect,
    Trial,
    Verdict,
    adapters,
)
from paygate.capabilities import OPERATIONS
from paygate.cli import sandbox
from paygate.cli.charge import confirm
from paygate.cli.inspection import Inspected
from paygate.cli.output import console, explained, print_json, problems, visible
from paygate.cli.timeline import Timeline
from tests.cli.shop import Shop

Run = Callable[..., Result]
HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b31m\x7f\u202egnp\u2066\ufeff\u2028\r\nRun: rm\t\udc9b\U000e0041"
MARKUP = "shop:key:17 [bold]x[/] [red] \\[ 'one' 1 http://a.example"
FOREIGN = st.text(st.one_of(st.sampled_from(HOSTILE), st.characters()), max_size=40)
PRINTABLE = st.text(st.characters().filter(str.isprintable), max_size=40)
A_FEW = settings(max_examples=25)


def unfit(text: str) -> list[str]:
    """The characters that must not reach a terminal."""
    return [sign for sign in text if not sign.isprintable() and sign != "\n"]


def charge(text: str, method: int = 0) -> Charge:
    """A charge whose every foreign part is this text."""
    shows = (
        QrCode(text),
        Redirect(text),
        AccountNumber(text, text),
        PaymentCode(text, text, text),
    )
    return Charge(
        gateway="main",
        reference=text,
        status=ChargeStatus.PENDING,
        method=Qris(),
        provider_reference=text,
        instructions=shows[method],
    )


@example(HOSTILE)
@given(FOREIGN)
def test_what_no_terminal_should_get_is_marked(text: str) -> None:
    """Controls, format characters and whatever else cannot be seen, line ends included."""
    assert [] == unfit(visible(text))
    assert "\n" not in visible(text)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("\x1b", r"\x1b"),
        ("\x9b", r"\x9b"),
        ("\x7f", r"\x7f"),
        ("\n", r"\n"),
        ("\u202e", r"\u202e"),
        ("\udc9b", r"\udc9b"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_a_mark_tells_which_character_it_was(text: str, mark: str) -> None:
    """As Python writes it."""
    assert f"a{mark}b" == visible(f"a{text}b")


@given(PRINTABLE)
def test_what_can_be_seen_is_not_touched(text: str) -> None:
    """Letters of every script included."""
    assert text == visible(text)


@example(HOSTILE, 3)
@given(FOREIGN, st.integers(0, 3))
@A_FEW
@pytest.mark.parametrize("command", ["charge", "query", "cancel"])
def test_a_charge_moves_no_terminal(run: Run, shop: Shop, command: str, text: str, method: int) -> None:
    """Whatever the provider's number, payload, code, address, store or reference is."""
    hook = {"charge": "create_charge"}.get(command, command)
    amount = ["25000"] if command == "charge" else []
    words = (command, "INV-1", *amount, "--method", "qris", "--config", shop.file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gateway, hook, lambda *_: charge(text, method))
        for more in ((), ("--json",)):
            done = run(*words, *more)
            assert (0, []) == (done.exit_code, unfit(done.output))
    assert text == json.loads(done.stdout)["provider_reference"]


@example(MARKUP)
@given(PRINTABLE.filter(str.strip))
@A_FEW
def test_a_printed_value_is_not_changed(run: Run, shop: Shop, text: str) -> None:
    """Neither an emoji's name nor markup means anything in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gateway, "query", lambda *_: charge(text, 1))
        done = run("query", "INV-1", "--method", "qris", "--config", shop.file)
    assert f"send the payer to  {text}" in done.stdout.split("\n")


def test_the_consoles_change_no_text() -> None:
    """Also where a text is printed past `show`."""
    for one in (console, problems):
        with one.capture() as caught:
            one.print(MARKUP)
        assert f"{MARKUP}\n" == caught.get()


@example(HOSTILE)
@given(FOREIGN)
@A_FEW
def test_an_error_moves_no_terminal(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Nor can it fake a line of its own, such as the command to run."""
    for as_json in (False, True):
        with pytest.raises(Exit), explained(as_json=as_json, command=lambda _: text, hint=lambda _: text):
            raise OutcomeUnknown(f"the provider says: {text}", provider_message=text)
        told = "".join(capsys.readouterr())
        assert [] == unfit(told)
        assert as_json or 3 == told.count("\n")


def test_a_configuration_error_keeps_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """They are ours: one for each thing that is missing."""
    with pytest.raises(Exit), explained(as_json=False):
        raise ConfigurationError("one\ntwo\x1b")
    assert "ConfigurationError one\ntwo\\x1b\n" in capsys.readouterr().err


def test_a_question_moves_no_terminal() -> None:
    """It may name a reference that somebody else chose."""
    with CliRunner().isolation(input="n\n") as (_, errors, _):
        with pytest.raises(Exit):
            confirm(f"cancel {HOSTILE}?", yes=False)
        told = errors.getvalue().decode()
    assert f"cancel {visible(HOSTILE)}?" in told
    assert [] == unfit(told)


@example(HOSTILE)
@given(FOREIGN)
@settings(max_examples=8)  # each looks at all that is installed, twice
def test_findings_move_no_terminal(run: Run, shop: Shop, text: str) -> None:
    """Whatever an adapter or a server said."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gateway, "diagnose", lambda _: (Finding(text, Verdict.UNSURE, text, text),))
        for more in ((), ("--json",)):
            done = run("doctor", "--offline", "--config", shop.file, *more)
            assert (0, []) == (done.exit_code, unfit(done.output))


@example("/\x1b]0;pwned\x07\x9b2Jbelieved", HOSTILE)
@given(FOREIGN, FOREIGN)
@A_FEW
def test_a_callback_moves_no_terminal(run: Run, shop: Shop, tmp_path: Path, path: str, value: str) -> None:
    """Whatever its path, a header or its body is."""
    dump = f"POST /{path} HTTP/1.1\r\nX-SIGNATURE: {value}\r\nContent-Length: {value}\r\n\r\n{value}"
    (tmp_path / "dump").write_bytes(dump.encode("utf-8", "replace"))
    for more in ((), ("--json",), ("--try-path", f"/{path}")):
        done = run("verify", "--request", tmp_path / "dump", "--config", shop.file, *more)
        assert done.exit_code in {2, 4}
        assert [] == unfit(done.output)


@example(HOSTILE)
@given(FOREIGN)
@A_FEW
def test_a_believed_callback_moves_no_terminal(run: Run, shop: Shop, text: str) -> None:
    """A reference of another shop's making is printed beside the verdict."""
    reply = CallbackReply(200, {}, b"")
    told = Callback(gateway="main", charges=(charge(text),), reply=reply, sent_at=datetime.now(UTC))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Paygate, "parse_callback", lambda *_: told)
        done = run("verify", "--path", "/x", "--config", shop.file)
    assert (0, []) == (done.exit_code, unfit(done.output))


@example(HOSTILE)
@given(FOREIGN)
@A_FEW
def test_a_path_that_fits_moves_no_terminal(run: Run, shop: Shop, text: str) -> None:
    """Whoever knows a key can sign any path, and is then told which one fits."""
    trial = Trial(key=text, path=f"/{text}", body=text, scheme=text, fits=True, accepted=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gateway, "explain_callback", lambda *_: (trial,))
        done = run("verify", "--path", "/x", "--config", shop.file)
    assert (4, []) == (done.exit_code, unfit(done.output))
    assert f"it fits the path /{visible(text)}, the body" in done.stdout


@example(HOSTILE)
@given(FOREIGN)
@A_FEW
def test_a_signature_moves_no_terminal(run: Run, shop: Shop, text: str) -> None:
    """The path and the token are shown as they are signed."""
    for more in ((), ("--json",)):
        done = run("sign", f"--path=/{text}", f"--token={text}", "--config", shop.file, *more)
        assert done.exit_code in {0, 2}
        assert [] == unfit(done.output)


@example(HOSTILE)
@given(FOREIGN)
@A_FEW
def test_a_plugin_moves_no_terminal(run: Run, text: str) -> None:
    """Whatever it is called, and however it fails; in the table of methods as well."""
    with pytest.MonkeyPatch.context() as patch:
        plugin = adapters.Plugin(text, text, text, text)
        found = Inspected(plugin, (text,), failure=PluginError(text), remarks=(text,))
        patch.setattr("paygate.cli.plugins.inspected", lambda *_: [found])
        for more in ((), ("--json",)):
            assert [] == unfit(run("plugins", *more).output)
    with pytest.MonkeyPatch.context() as patch:
        methods = ((text, dict.fromkeys(OPERATIONS, True)),)
        patch.setattr("paygate.cli.plugins.inspect", lambda *_: Inspected(plugin, (text,), methods))
        assert [] == unfit(run("plugins", "ayolinx").output)


@example(HOSTILE)
@given(FOREIGN)
@A_FEW
def test_the_demo_moves_no_terminal(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """The provider's words and payload in its story."""
    timeline = Timeline(silent=False)
    timeline.opening(text, text, text)
    timeline.chapter(text)
    timeline.say(text)
    timeline.qr(text)
    timeline.step(text, text, f"{text}!")
    timeline.closing()
    assert [] == unfit(capsys.readouterr().out)


def test_the_sandbox_moves_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Its addresses and its folder are printed too."""
    sandbox._tell(HOSTILE, Path("a" + HOSTILE), HOSTILE, as_json=False)
    assert [] == unfit(capsys.readouterr().out)


@example(HOSTILE)
@given(FOREIGN)
def test_json_holds_the_value_and_no_raw_sign(text: str) -> None:
    """What cannot be seen is escaped, and read again it is the same."""
    with CliRunner().isolation() as (out, *_):
        print_json({text: [text]})
        told = out.getvalue().decode()
    assert [] == unfit(told)
    assert {text: [text]} == json.loads(told)
