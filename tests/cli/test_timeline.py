import io
import sys

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from paygate import ChargeStatus, Money
from paygate.cli import timeline as module
from paygate.cli.timeline import Timeline
from paygate.hookspecs import Exchange
from paygate.sandbox import qris_payload

LEFT = 9
PAYLOAD = qris_payload(
    Money.idr(25_000),
    acquirer="ID.CO.BANKNEOCOMMERCE.WWW",
    merchant="WARUNG PAYGATE",
    city="JAKARTA",
    label="DEMO-1",
)


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the timeline prints to a person, without colours."""
    written = io.StringIO()
    monkeypatch.setattr(module, "console", Console(file=written, width=200, highlight=False))
    return written


def exchange(status: int | None = 200, signed: str | None = "<a>|<b>") -> Exchange:
    return Exchange(
        gateway="main",
        operation="create_charge",
        method="POST",
        path="/v1.0/qr/qr-mpm-generate",
        status=status,
        seconds=0.0123,
        external_id="1",
        signed=signed,
    )


def modules(drawing: str) -> list[list[int]]:
    """The squares of a drawing in half blocks: 1 is dark."""
    found = []
    for line in drawing.splitlines():
        found.append([int(sign in "▀█") for sign in line[LEFT:]])
        found.append([int(sign in "▄█") for sign in line[LEFT:]])
    return found


def drawn(payload: str, monkeypatch: pytest.MonkeyPatch) -> str:
    written = io.StringIO()
    monkeypatch.setattr(module, "console", Console(file=written, width=200, highlight=False))
    Timeline(silent=False).qr(payload)
    return written.getvalue()


@given(payload=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=250))
def test_the_drawn_code_is_the_payload(payload: str) -> None:
    """Square by square it is the QR code that another program makes of the payload, with a light rim."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        found = modules(drawn(payload, monkeypatch).rstrip("\n"))
    expected = [list(map(int, row)) for row in segno.make(payload, micro=False).matrix_iter(border=4)]
    assert expected == found[: len(expected)]
    assert all(square == 0 for row in found[len(expected) :] for square in row)
    assert len(found) - len(expected) <= 1


def test_the_payload_of_a_charge_fits_a_terminal_of_eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line of the drawing is broken."""
    lines = drawn(PAYLOAD, monkeypatch).rstrip("\n").splitlines()
    assert 1 == len({len(line) for line in lines})
    assert len(lines[0]) <= 80


def test_the_code_is_dark_on_light_whatever_the_terminals_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line of it sets both colours, so that it can be scanned from a dark terminal as well."""
    written = io.StringIO()
    colourful = Console(
        file=written, width=200, force_terminal=True, color_system="standard", highlight=False
    )
    monkeypatch.setattr(module, "console", colourful)
    Timeline(silent=False).qr(PAYLOAD)
    lines = [line for line in written.getvalue().splitlines() if line.strip()]
    assert all(line.startswith(" " * LEFT + "\x1b[30;47m") for line in lines)
    assert all(line.endswith("\x1b[0m") for line in lines)


def test_the_story_keeps_the_payload() -> None:
    """For programs the code is its payload."""
    timeline = Timeline(silent=True)
    timeline.qr(PAYLOAD)
    assert [{"qr": PAYLOAD}] == timeline.story


def test_right_steps_close_well(paper: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """All are counted, and the reader is sent on, to the program that runs and no other."""
    monkeypatch.setattr(sys, "argv", ["[x]/.venv/bin/paygate", "demo"])
    timeline = Timeline(silent=False)
    timeline.chapter("Begin")
    timeline.step("one", 1, 1)
    timeline.step("two", ChargeStatus.PAID, ChargeStatus.PAID)
    assert timeline.closing()
    assert "✓ two: PAID" in paper.getvalue()
    assert "All 2 steps are as they should be." in paper.getvalue()
    assert "Next: `'[x]/.venv/bin/paygate' sandbox`" in paper.getvalue()


def test_a_wrong_step_closes_badly(paper: io.StringIO) -> None:
    """It says what came and what should have come; one is enough."""
    timeline = Timeline(silent=False)
    timeline.step("one", 1, 1)
    timeline.step("two", ChargeStatus.PAID, ChargeStatus.FAILED)
    assert not timeline.closing()
    assert "✗ two: FAILED instead of PAID" in paper.getvalue()
    assert "1 of 2 steps went wrong." in paper.getvalue()
    assert {"step": "two", "expected": "PAID", "actual": "FAILED", "ok": False} == timeline.story[-1]


def test_a_story_without_steps_is_not_wrong() -> None:
    """Nothing was expected, and nothing failed."""
    assert Timeline(silent=True).closing()


def test_an_exchange_is_shown_with_the_shape_of_what_was_signed(paper: io.StringIO) -> None:
    """Method, path, status and milliseconds; the values that were signed are not there to be shown."""
    timeline = Timeline(silent=False)
    timeline.exchanged(exchange())
    assert "→ POST /v1.0/qr/qr-mpm-generate  HTTP 200  12 ms" in paper.getvalue()
    assert "signed over <a>|<b>" in paper.getvalue()
    assert [
        {
            "exchange": "create_charge",
            "path": "/v1.0/qr/qr-mpm-generate",
            "status": 200,
            "signed": "<a>|<b>",
        }
    ] == timeline.story


def test_an_exchange_without_an_answer_says_so(paper: io.StringIO) -> None:
    """Nothing is said of a signature where there was none."""
    Timeline(silent=False).exchanged(exchange(None, None))
    assert "no answer" in paper.getvalue()
    assert "signed" not in paper.getvalue()


@pytest.mark.parametrize("text", ["[bold]not bold[/]", "[/]", "a [red] herring"])
def test_square_brackets_are_shown_as_they_are(paper: io.StringIO, text: str) -> None:
    """What others say is no markup of ours."""
    timeline = Timeline(silent=False)
    timeline.say(text)
    timeline.step(text, text, text)
    assert f"{text}: {text}" in paper.getvalue()


def test_a_silent_timeline_prints_nothing(paper: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    """It keeps the story for whoever asks."""
    timeline = Timeline(silent=True)
    timeline.opening("ayolinx", "http://a", "http://b")
    timeline.chapter("Begin")
    timeline.say("something")
    timeline.step("one", 1, 2)
    timeline.exchanged(exchange())
    timeline.closing()
    assert "" == paper.getvalue() + "".join(capsys.readouterr())
    assert 3 == len(timeline.story)
