"""Which faulty adapters there are, and what the kit must say of each."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from msgspec import Struct

from paygate.conformance.scenarios import SCENARIOS
from tests.conformance.sound.kit import SoundKit

T = TypeVar("T", bound=type[Any])


class Faulty(Struct, frozen=True):
    """One faulty adapter, and how the kit must catch it.

    `scenario` is the one that must fail, and `saying` stands in its sentence. `also` are scenarios that the
    same fault breaks of necessity; no other may fail. Where the fault stops a whole operation, so that
    nothing that needs it can be kept, `also` is EVERYTHING.
    """

    kit: type[SoundKit]
    scenario: str
    saying: str
    also: frozenset[str]

    @property
    def name(self) -> str:
        """The adapter's name."""
        return str(self.kit.adapter.__name__)


EVERYTHING: Final = frozenset(one.name for one in SCENARIOS)
FAULTY: Final[list[Faulty]] = []


def caught_by(
    scenario: str, saying: str, *also: str | frozenset[str], kit: type[SoundKit] = SoundKit
) -> Callable[[T], T]:
    """Say by which scenario an adapter is caught, and a phrase of its sentence."""

    def enter(adapter: T) -> T:
        others = frozenset[str]().union(*({one} if isinstance(one, str) else one for one in also))
        made = type(f"{adapter.__name__}Kit", (kit,), {"adapter": adapter, "__doc__": adapter.__doc__})
        FAULTY.append(Faulty(made, scenario, saying, others))
        return adapter

    return enter
