"""What a broken promise looks like: which one, what happened, and why it matters."""

from msgspec import Struct


class Broken(Struct, frozen=True):
    """A promise that an adapter does not keep.

    `scenario` is the scenario's id, with the method in brackets where it was played by one. `what` says in
    a sentence what happened, `why` in another one why it matters.
    """

    scenario: str
    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.scenario}: {self.what}. It matters because {self.why}."


class Breach(Exception):
    """Raised by a scenario: what the adapter did, as the rest of a sentence without a full stop."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
