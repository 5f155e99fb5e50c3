"""A pretend Ayolinx over loopback, in a process of its own: canned replies, counted, late if so wished.

It checks nothing (the strict simulator does that, before anything is timed), so it costs its clients nothing
but the kernel's part. `python -m benchmarks.server` prints its port and ends with its standard input.
"""

import argparse
import asyncio
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.rounds import Broken, pin

TOKEN_PATH: Final = "/v1.0/access-token/b2b"
CHARGE_PATH: Final = "/v1.0/qr/qr-mpm-generate"
COUNT_PATH: Final = "/count"
PAYLOAD: Final = (
    "00020101021226620025ID.CO.BANKNEOCOMMERCE.WWW01189360049000000000010303UMI51440014ID.CO.QRIS.WWW"
    "0215ID10200000000010303UMI5204581253033605409150000.005802ID5914WARUNG PAYGATE6007JAKARTA63046D21"
)
REPLIES: Final[dict[str, bytes]] = {
    TOKEN_PATH: json.dumps(
        {
            "responseCode": "2007300",
            "responseMessage": "Successful",
            "accessToken": "c2FuZGJveC10b2tlbi1mb3ItYmVuY2htYXJrcw",
            "tokenType": "Bearer",
            "expiresIn": "3600",
        }
    ).encode(),
    # No partnerReferenceNo: one reply fits every charge, for nothing of the request is echoed.
    CHARGE_PATH: json.dumps(
        {
            "responseCode": "2004700",
            "responseMessage": "Successful",
            "referenceNo": "AYO2026010200000001",
            "qrContent": PAYLOAD,
            "expiredDate": "1893456000",
        }
    ).encode(),
}
"""What the provider answers, by path; the transport without a network says the same."""

LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
CPU: Final = 1
ROOT: Final = Path(__file__).parent.parent


def message(body: bytes, status: bytes = b"200 OK") -> bytes:
    """A whole HTTP reply."""
    head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


class Provider(asyncio.Protocol):
    """One connection; HTTP/1.1 with keep-alive, as much of it as our clients speak."""

    messages: Final = {path.encode(): message(body) for path, body in REPLIES.items()}

    def __init__(self, counts: dict[str, int], delay: float) -> None:
        self._counts = counts
        self._delay = delay
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._counts["connections"] += 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            self._buffer = self._buffer[whole:]
            self._answer(head.split(b" ", 2)[1])

    def _answer(self, path: bytes) -> None:
        reply = self.messages.get(path)
        if reply is None:
            known = path == COUNT_PATH.encode()
            body = json.dumps(self._counts).encode()
            self._transport.write(message(body) if known else message(b"{}", b"404 Not Found"))
            return
        self._counts[path.decode()] += 1
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, reply)
        else:
            self._transport.write(reply)


class Loopback:
    """A server that runs."""

    def __init__(self, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}"

    def counts(self) -> dict[str, int]:
        """How often each path was asked for, and how many connections there were."""
        with urllib.request.urlopen(self.base_url + COUNT_PATH, timeout=10) as reply:
            counts: dict[str, int] = json.load(reply)
        return counts


@contextmanager
def serving(delay: float = 0.0) -> Iterator[Loopback]:
    """A server of its own for as long as it is needed; each answer waits `delay` seconds."""
    command = [sys.executable, "-m", "benchmarks.server", "--delay", str(delay)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line.strip().isdigit():
                raise Broken("the loopback server did not start")
            yield Loopback(int(line))
        finally:
            process.stdin.close()
            process.wait(10)


async def _serve(delay: float) -> None:
    loop = asyncio.get_running_loop()
    counts = dict.fromkeys((*REPLIES, "connections"), 0)
    server = await loop.create_server(lambda: Provider(counts, delay), "127.0.0.1", 0, backlog=2048)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    print(server.sockets[0].getsockname()[1], flush=True)
    await ended.wait()


def main(arguments: list[str] | None = None) -> Any:
    """Serve until standard input is closed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    pin(CPU)
    asyncio.run(_serve(parser.parse_args(arguments).delay))


if __name__ == "__main__":
    main()
