"""How workers of this process hear at once that there is work; those of others look from time to time."""

import threading


class Bell:
    """Rung when there may be work; safe to share between threads."""

    def __init__(self) -> None:
        self._rings = 0
        self._condition = threading.Condition()

    @property
    def rings(self) -> int:
        """How often it was rung: ask before you look for work, and give it to `wait` where there was none."""
        return self._rings

    def ring(self) -> None:
        """Wake whoever waits."""
        with self._condition:
            self._rings += 1
            self._condition.notify_all()

    def wait(self, heard: int, seconds: float) -> None:
        """Wait until it is rung once more than was heard, no longer than `seconds`."""
        with self._condition:
            self._condition.wait_for(lambda: self._rings != heard, seconds)
