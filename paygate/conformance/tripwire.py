"""A wire across the network and the clock: what touches them while it is stretched is noted and refused."""

import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, NoReturn, Self

TOUCHED: Final = (
    (socket.socket, "connect", "a socket"),
    (socket.socket, "connect_ex", "a socket"),
    (socket.socket, "sendto", "a socket"),
    (socket, "create_connection", "a socket"),
    (socket, "getaddrinfo", "the name service"),
)
SLEPT: Final = ((time, "sleep", "time.sleep"),)


class Touched(OSError):
    """Somebody used the network although nobody should."""


class Tripwire:
    """Refuses the network to the code within, and sleeping too where that is asked for."""

    def __init__(self, *, awake: bool = False) -> None:
        self.touched: list[str] = []
        self._places = (*TOUCHED, *SLEPT) if awake else TOUCHED
        self._before: list[tuple[Any, str, Any, bool]] = []

    def __enter__(self) -> Self:
        for owner, name, what in self._places:
            self._before.append((owner, name, getattr(owner, name), name in vars(owner)))
            setattr(owner, name, self._refusing(what))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> None:
        while self._before:
            owner, name, before, own = self._before.pop()
            if own:
                setattr(owner, name, before)
            else:
                delattr(owner, name)

    def _refusing(self, what: str) -> Callable[..., NoReturn]:
        def refuse(*_: Any, **__: Any) -> NoReturn:
            self.touched.append(what)
            raise Touched(f"the conformance kit lets nobody use {what} here")

        return refuse
