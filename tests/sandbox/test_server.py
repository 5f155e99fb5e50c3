"""The server's life: from the moment it is made until its thread has ended."""

import gc
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate.sandbox import Fault, PayerAction
from paygate.sandbox.host import serve
from paygate.sandbox.server import Server
from tests.sandbox.orders import ORDER, place, pretend
from tests.sandbox.shop import SUCCESS, shop
from tests.sandbox.waiting import PATIENCE, until


def port_of(server: Server) -> int:
    return urlsplit(server.url).port or 0


def closed(server: Server) -> bool:
    """Close it from another thread, and say whether that came to an end."""
    closing = threading.Thread(target=server.close, daemon=True)
    closing.start()
    closing.join(PATIENCE)
    return not (closing.is_alive() or server._thread.is_alive())


def test_it_serves_from_the_moment_it_is_made(simulator: AyolinxSimulator) -> None:
    """No wait and no second try is needed."""
    for _ in range(5):
        with serve(simulator) as server:
            reply = httpx.get(f"{server.url}/_sandbox/charges", trust_env=False, timeout=PATIENCE)
            assert [] == reply.json()


def test_close_ends_the_thread_and_frees_the_port(simulator: AyolinxSimulator) -> None:
    """Nothing of it is left, and the same port can be had again."""
    before = set(threading.enumerate())
    server = serve(simulator)
    httpx.get(f"{server.url}/_sandbox/charges", trust_env=False, timeout=PATIENCE)
    assert closed(server)
    assert set() == set(threading.enumerate()) - before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port_of(server)), PATIENCE)
    with serve(simulator, port_of(server)) as again:
        assert server.url == again.url


def test_it_can_be_closed_before_it_has_begun(simulator: AyolinxSimulator) -> None:
    """Closing at once ends it as well."""
    for _ in range(5):
        assert closed(serve(simulator))


def test_closing_twice_does_no_harm(simulator: AyolinxSimulator) -> None:
    """The second time there is nothing to do."""
    server = serve(simulator)
    assert closed(server)
    assert closed(server)


def test_wait_ends_when_somebody_closes_it(simulator: AyolinxSimulator) -> None:
    """Whoever waits for its end is told."""
    with serve(simulator) as server:
        waiting = threading.Thread(target=server.wait, daemon=True)
        waiting.start()
        waiting.join(0.1)
        assert waiting.is_alive()
    waiting.join(PATIENCE)
    assert not waiting.is_alive()


def test_a_request_that_hangs_does_not_keep_it_alive(simulator: AyolinxSimulator) -> None:
    """Its connection ends without an answer."""
    simulator.faults.plan(Fault.HANG)
    server = serve(simulator)
    with socket.create_connection(("127.0.0.1", port_of(server)), PATIENCE) as waiting:
        waiting.sendall(f"POST {ORDER} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
        until(lambda: not simulator.faults.planned)
        assert closed(server)
        said = waiting.recv(65536)
    assert not said.startswith(b"HTTP/1.1 200")


def test_a_callback_that_hangs_does_not_keep_it_alive(
    make_simulator: Callable[..., AyolinxSimulator],
) -> None:
    """A merchant that does not answer cannot hold the sandbox."""
    release = threading.Event()

    def answer(_: object) -> tuple[int, bytes]:
        release.wait(PATIENCE)
        return SUCCESS

    with shop(answer) as merchant:
        simulator = make_simulator(merchant.url)
        server = serve(simulator)
        place(simulator, "INV-1")
        simulator.act("INV-1", PayerAction.PAY)
        merchant.next()
        assert closed(server)
        release.set()


def test_an_error_ends_it_too(simulator: AyolinxSimulator) -> None:
    """It is closed by its context manager whatever happens inside."""
    with pytest.raises(ZeroDivisionError), serve(simulator) as server:
        1 / 0  # noqa: B018
    assert not server._thread.is_alive()


def test_two_servers_are_apart(make_simulator: Callable[..., AyolinxSimulator]) -> None:
    """Each has its own port and books."""
    first, second = make_simulator(), make_simulator()
    first.ledger.add(pretend("INV-1"))
    with serve(first) as one, serve(second) as other:
        counts = [
            len(httpx.get(f"{server.url}/_sandbox/charges", trust_env=False, timeout=PATIENCE).json())
            for server in (one, other)
        ]
    assert [1, 0] == counts


def test_a_port_in_use_is_an_error_that_leaves_nothing_open(simulator: AyolinxSimulator) -> None:
    """OSError at once, no thread, and no socket for the garbage collector to complain of."""
    before = set(threading.enumerate())
    with warnings.catch_warnings(record=True) as complaints, socket.create_server(("127.0.0.1", 0)) as taken:
        warnings.simplefilter("always")
        with pytest.raises(OSError, match="in use"):
            serve(simulator, taken.getsockname()[1])
        gc.collect()
    assert set() == set(threading.enumerate()) - before
    assert [] == [str(one.message) for one in complaints]


INTERRUPTED = """
import signal, sys, threading, time
from paygate.sandbox.host import serve
from paygate_ayolinx.simulator import AyolinxSimulator

signal.signal(signal.SIGINT, signal.default_int_handler)
server = serve(AyolinxSimulator("http://127.0.0.1:1/"))
serving = server._thread.ident
hit = {"main": threading.main_thread().ident, "server": serving}[sys.argv[1]]

def press():
    time.sleep(0.5)  # most likely in wait by then; if not, the test only proves less
    signal.pthread_kill(hit, signal.SIGINT)

try:
    threading.Thread(target=press, daemon=True).start()
    server.wait()
except KeyboardInterrupt:
    print("interrupted")
server.close()
print("still running" if serving in sys._current_frames() else "ended")
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals of threads are a matter of POSIX")
@pytest.mark.parametrize("hit", ["main", "server"])
def test_ctrl_c_ends_the_wait_and_close_ends_the_thread(hit: str) -> None:
    """Whichever thread the signal hits, and so also one that comes just before the wait begins."""
    command = [sys.executable, "-c", INTERRUPTED, hit]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert "interrupted\nended\n" == done.stdout
    assert 0 == done.returncode
