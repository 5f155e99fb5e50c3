"""The lines of a history that tell no status: what was tried, and how it failed. JSON, kept for ever."""

from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from paygate.errors import PaygateError
from paygate.redaction import scrub

LONGEST_CODE: Final = 100


class NoteKind(StrEnum):
    """What a note is about."""

    SENT = "sent"
    """It was written down to be sent once more; the first sending of a charge has no note."""
    FAILED = "failed"
    """Sending or asking brought an error."""
    BROKEN_OFF = "broken_off"
    """The process left off before an answer came."""
    ABSENT = "absent"
    """The provider does not have it, and that is believed."""
    DOUBTED = "doubted"
    """The provider does not have it, and that is not believed so soon after it was sent."""


class Note(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was tried with a charge, or with the refund of that reference, and how it failed.

    Of what was sent: which attempt it was, its X-EXTERNAL-ID, and that of the attempt before, which stands
    nowhere else. Of a failure: the kind of its error and the provider's code, none of its words.
    """

    kind: NoteKind
    refund: str | None = None
    attempt: int | None = None
    external_id: str | None = None
    before: str | None = None
    error: str | None = None
    code: str | None = None


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Note)
written: Final = _encoder.encode
read: Final = _decoder.decode

ABSENT: Final = Note(kind=NoteKind.ABSENT)
DOUBTED: Final = Note(kind=NoteKind.DOUBTED)


def sent(attempt: int, external_id: str | None, before: str | None, refund: str | None = None) -> Note:
    """One more sending."""
    return Note(kind=NoteKind.SENT, refund=refund, attempt=attempt, external_id=external_id, before=before)


def failed(failure: PaygateError | None, refund: str | None = None) -> Note:
    """An end without an answer; None is one that tells nothing."""
    if failure is None:
        return Note(kind=NoteKind.BROKEN_OFF, refund=refund)
    code = scrub(failure.provider_code)[:LONGEST_CODE] if failure.provider_code else None
    return Note(kind=NoteKind.FAILED, refund=refund, error=type(failure).__name__, code=code)
