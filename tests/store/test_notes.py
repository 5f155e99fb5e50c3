"""Notes in histories: what is written down is read again, whatever a provider put into it."""

import json

from hypothesis import given
from hypothesis import strategies as st

from paygate import Refused
from paygate.store import notes
from paygate.store.notes import LONGEST_CODE, Note, NoteKind

TEXTS = st.none() | st.text(max_size=200)


@given(
    note=st.builds(
        Note,
        kind=st.sampled_from(NoteKind),
        refund=TEXTS,
        attempt=st.none() | st.integers(1, 1000),
        external_id=TEXTS,
        before=TEXTS,
        error=TEXTS,
        code=TEXTS,
    )
)
def test_a_note_is_read_as_it_was_written(note: Note) -> None:
    """As JSON without what it does not tell."""
    kept = notes.written(note)
    assert note == notes.read(kept)
    assert None not in json.loads(kept).values()


def test_what_a_newer_paygate_adds_to_a_note_is_passed_over() -> None:
    """A history is kept for ever, and read by whoever comes."""
    assert notes.ABSENT == notes.read(b'{"kind":"absent","more":[1]}')


@given(code=st.none() | st.text("ABC-_ 012", max_size=7))
def test_of_a_failure_its_kind_and_code_are_kept(code: str | None) -> None:
    """None of its words."""
    note = notes.failed(Refused("Siti's phone", provider_code=code, provider_message="Siti"))
    assert ("Refused", code or None) == (note.error, note.code)
    assert b"Siti" not in notes.written(notes.failed(Refused("Siti", provider_message="Siti")))


def test_an_end_that_tells_nothing_is_no_failure() -> None:
    """As where a task was cancelled: nobody knows what became of it."""
    assert Note(kind=NoteKind.BROKEN_OFF, refund="R-1") == notes.failed(None, "R-1")


def test_of_a_code_nothing_personal_is_kept() -> None:
    """Whatever a provider puts there, and no more than a code is long."""
    assert LONGEST_CODE == len(notes.failed(Refused("no", provider_code="long " * 100)).code or "")
    note = notes.failed(Refused("no", provider_code="404\nsiti@shop.example 081234567890"))
    assert "404 *** ***" == note.code
