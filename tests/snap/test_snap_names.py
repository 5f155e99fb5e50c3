"""What the SNAP layer shows to authors of adapters is in order, and explains itself."""

import inspect

import paygate.sandbox
import paygate.snap


def test_every_public_name_explains_itself() -> None:
    """Each class and function that an author meets has a docstring."""
    for module in (paygate.snap, paygate.sandbox):
        shown = {name: getattr(module, name) for name in module.__all__}
        assert [] == [
            name
            for name, one in shown.items()
            if (inspect.isclass(one) or inspect.isfunction(one)) and not (one.__doc__ or "").strip()
        ]


def test_names_stand_in_order_once() -> None:
    """Constants, then classes, then functions, each in the order of the alphabet."""
    for module in (paygate.snap, paygate.sandbox):
        assert len(module.__all__) == len(set(module.__all__))
        assert module.__all__ == sorted(
            module.__all__, key=lambda name: (0 if name.isupper() else 1 if name[0].isupper() else 2, name)
        )
