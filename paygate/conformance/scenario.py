"""A scenario: what an adapter must do, why it matters, and to which adapters it applies."""

from collections.abc import Callable
from enum import Enum, auto

from msgspec import Struct

from paygate.conformance.bench import Bench
from paygate.conformance.subject import Abilities, one_of_each_kind
from paygate.methods import Method

Act = Callable[[Bench], None]
Condition = Callable[[Bench], bool]


class Per(Enum):
    """How often a scenario is played: once, by one brand of each method, or by every brand."""

    ADAPTER = auto()
    KIND = auto()
    BRAND = auto()


def always(_: Bench) -> bool:
    """Apply to every adapter."""
    return True


class Scenario(Struct, frozen=True):
    """One promise, and how it is tried.

    `promise` is a sentence of what is asked, `why` the rest of "It matters because …". `needs` are the
    operations without which it does not apply, `when` is what else it takes.
    """

    name: str
    promise: str
    why: str
    act: Act
    per: Per
    needs: tuple[str, ...]
    when: Condition

    def methods(self, abilities: Abilities) -> tuple[Method, ...]:
        """The methods that it is played by for an adapter; none where it does not apply."""
        able = abilities.able(self.needs)
        if self.per is Per.BRAND:
            return able
        return one_of_each_kind(able) if self.per is Per.KIND else able[:1]


def scenario(
    why: str, *, needs: tuple[str, ...] = ("create_charge",), per: Per = Per.ADAPTER, when: Condition = always
) -> Callable[[Act], Scenario]:
    """Make a scenario of a function: its name is the id, the first line of its docstring the promise.

    The function raises Breach for a promise that is not kept.
    """

    def made(act: Act) -> Scenario:
        promise = (act.__doc__ or "").strip().partition("\n")[0]
        return Scenario(act.__name__, promise, why, act, per, needs, when)

    return made
