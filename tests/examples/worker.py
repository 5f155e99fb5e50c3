"""One worker of a shop, a process of its own that does a step for each line it reads.

`known` looks up the order of a callback, `take` acts upon it; the first line is the told charge in JSON.
"""

import sys

import msgspec
from orders import Orders, Overtaken

from paygate import Callback, Charge
from paygate.conflicts import compared
from tests.examples.telling import callback


def main(file: str) -> None:
    """Work on one callback."""
    book = Orders(file)
    heard = callback(msgspec.json.decode(sys.stdin.readline(), type=Charge))
    fitting = heard
    for step in sys.stdin:
        if step == "known\n":
            fitting = compared(heard, [book.known(charge) for charge in heard.charges])
            said = "conflict" if fitting.conflicts else "fits"
        else:
            said = taken(book, fitting)
        sys.stdout.write(f"{said}\n")
        sys.stdout.flush()


def taken(book: Orders, fitting: Callback) -> str:
    """Take a callback; what came of it."""
    try:
        book.take(fitting)
    except Overtaken:
        return "again"
    return "taken"


if __name__ == "__main__":
    main(sys.argv[1])
