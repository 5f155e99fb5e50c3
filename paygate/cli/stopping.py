"""Work in threads that ends in order: by itself, or when Ctrl-C or SIGTERM tells a command to stop."""

import signal
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Self

GLANCE: Final = 0.25
"""Seconds between two looks at how it goes."""

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Threads:
    """Threads that do the same work, each until it returns; an error of one stops them all.

    `stop`, which any thread may call, lets the work return soon. They do not outlive the program.
    """

    def __init__(
        self, work: Callable[[], None], stop: Callable[[], None], *, count: int, name: str = "paygate"
    ) -> None:
        self.error: Exception | None = None
        self._work = work
        self._stop = stop
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._worked, name=f"{name}-{number}", daemon=True)
            for number in range(count)
        ]

    def run(
        self, look: Callable[[], None] = lambda: None, stopping: Callable[[], None] = lambda: None
    ) -> None:
        """Let them work to their end; raise the first error that one of them ended with.

        `look` is called meanwhile, again and again. Ctrl-C and SIGTERM let them stop in order, and `stopping`
        is called then; the second one ends this at once, by KeyboardInterrupt.
        """
        with _Signals() as signals:
            self.start()
            while not (signals.is_heard or self.wait(GLANCE)):
                look()
            if signals.is_heard:
                self._stop()
                stopping()
            while not self.wait(GLANCE):
                pass
        if self.error is not None:
            raise self.error

    def start(self) -> None:
        """Let them begin."""
        for thread in self._threads:
            thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait for their end, no longer than that; whether all have ended."""
        ends = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, ends - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _worked(self) -> None:
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - raised by whoever waits
            with self._lock:
                self.error = self.error or error
            self._stop()


class _Signals:
    """Whether Ctrl-C or SIGTERM was heard; the second one raises KeyboardInterrupt.

    The first one raises nothing, so that it breaks nothing off. Only the main thread can hear any.
    """

    def __init__(self) -> None:
        self.is_heard = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {one: signal.signal(one, self._hear) for one in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)

    def _hear(self, *_: object) -> None:
        if self.is_heard:
            raise KeyboardInterrupt
        self.is_heard = True
