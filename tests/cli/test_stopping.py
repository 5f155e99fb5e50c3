"""Work in threads: it ends by itself, by an error, or in order when the program is told to stop."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from paygate.cli.stopping import SIGNALS, Threads
from tests.cli.running import PATIENCE


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Whatever happens, the handlers of signals are those from before."""
    before = [signal.getsignal(one) for one in SIGNALS]
    yield
    assert before == [signal.getsignal(one) for one in SIGNALS]


class Work:
    """Work that goes on until it is stopped, or for ever where it does not listen."""

    def __init__(self, *, listens: bool = True) -> None:
        self.listens = listens
        self.stops = 0
        self.ended = threading.Semaphore(0)
        self._stopped = threading.Event()

    def __call__(self) -> None:
        assert self._stopped.wait(PATIENCE)
        self.ended.release()

    def stop(self) -> None:
        self.stops += 1
        if self.listens:
            self._stopped.set()

    def let_go(self) -> None:
        """End it after all."""
        self._stopped.set()


def told(*signals: signal.Signals) -> None:
    """Tell this process to stop."""
    for one in signals:
        os.kill(os.getpid(), one)


def test_it_ends_when_all_have_done_their_work() -> None:
    """Each thread does it, and none is told to stop."""
    done = threading.Semaphore(0)
    work = Work()
    Threads(done.release, work.stop, count=3).run()
    assert [True, True, True, False] == [done.acquire(blocking=False) for _ in range(4)]
    assert 0 == work.stops


@pytest.mark.parametrize("one", SIGNALS)
def test_one_signal_lets_them_end_in_order(one: signal.Signals) -> None:
    """What is under way is ended first, and it is said; nothing is looked at any more."""
    work, said = Work(), []

    def look() -> None:
        said.append("look")
        told(one)

    Threads(work, work.stop, count=2).run(look, lambda: said.append("stopping"))
    assert (1, ["look", "stopping"]) == (work.stops, said)
    assert [True, True] == [work.ended.acquire(blocking=False) for _ in range(2)]


def test_the_second_signal_ends_it_at_once() -> None:
    """Whether it is Ctrl-C or SIGTERM: the work does not listen, and is left behind."""
    work = Work(listens=False)
    with pytest.raises(KeyboardInterrupt):
        Threads(work, work.stop, count=1).run(lambda: told(signal.SIGTERM), lambda: told(signal.SIGINT))
    assert (1, False) == (work.stops, work.ended.acquire(blocking=False))
    work.let_go()


def test_an_error_of_one_stops_all_and_is_raised() -> None:
    """The others end in order."""
    work = Work()
    turns = iter([False, True])

    def failing() -> None:
        if next(turns):
            raise LookupError("a mistake")
        work()

    with pytest.raises(LookupError, match="a mistake"):
        Threads(failing, work.stop, count=2).run()
    assert (1, True) == (work.stops, work.ended.acquire(blocking=False))


def test_in_another_thread_than_the_main_one_it_hears_no_signal() -> None:
    """Python lets the main thread alone have handlers; the work is done all the same."""
    done = threading.Semaphore(0)
    outer = threading.Thread(target=Threads(done.release, lambda: None, count=1).run)
    outer.start()
    outer.join(PATIENCE)
    assert done.acquire(blocking=False)
