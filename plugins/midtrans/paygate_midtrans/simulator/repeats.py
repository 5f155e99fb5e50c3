"""`Idempotency-Key`: the same key within five minutes gets the first answer again, and does nothing."""

import threading
from collections.abc import Callable
from typing import Final

import httpx

from paygate_midtrans.simulator.fields import Json

LONGEST: Final = 46
LIFETIME: Final = 300.0


class Repeats:
    """The answers that were given under a key. One key holds for all paths, and the body is not compared."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: dict[str, tuple[float, bytes]] = {}
        self._under_way: set[str] = set()

    def begin(self, key: str) -> httpx.Response | None:
        """The answer to a key that is known, or is just being answered (202); None for a new one."""
        with self._lock:
            told = self._answers.get(key)
            if told is not None and self._clock() < told[0] + LIFETIME:
                return httpx.Response(200, headers={"Content-Type": "application/json"}, content=told[1])
            if key in self._under_way:
                return httpx.Response(202, json={"status_code": "202", "status_message": "In progress."})
            self._under_way.add(key)
            return None

    def end(self, key: str, answer: httpx.Response | None) -> None:
        """Keep an answer; only those that tell of success are given."""
        with self._lock:
            self._under_way.discard(key)
            if answer is not None:
                self._answers[key] = (self._clock(), answer.content)


def key_of(request: httpx.Request, body: Json) -> str | None:
    """The key of a request; None where it has none that counts: only a POST's does, and not Permata's."""
    key = request.headers.get("Idempotency-Key", "")
    transfer = body.get("bank_transfer")
    bank = transfer.get("bank") if isinstance(transfer, dict) else body.get("payment_type")
    if request.method != "POST" or not 0 < len(key) <= LONGEST or bank == "permata":
        return None
    return str(key)
