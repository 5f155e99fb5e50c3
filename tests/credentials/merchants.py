"""A merchant's server with several processes, as one that loads its program first and forks then.

`python -m tests.credentials.merchants SHELL PROCESSES CHARGES` reads a configuration as JSON from its standard
input, and says for each process what its charges came to, a line of JSON each.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Mapping
from typing import Any

import anyio

from paygate import AsyncPaygate, ChargeRequest, Money, Paygate, PaygateError, Qris


def order(process: int, number: int) -> ChargeRequest:
    return ChargeRequest(reference=f"INV-{process}-{number}", amount=Money.idr(25_000), method=Qris())


def blocking(paygate: Paygate, process: int, count: int) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    with paygate:
        for number in range(count):
            try:
                paygate.create_charge(order(process, number))
                outcomes["made"] += 1
            except PaygateError as error:
                outcomes[type(error).__name__] += 1
    return outcomes


async def waiting(document: Mapping[str, Any], process: int, count: int) -> Counter[str]:
    outcomes: Counter[str] = Counter()

    async def one(number: int) -> None:
        try:
            await paygate.create_charge(order(process, number))
            outcomes["made"] += 1
        except PaygateError as error:
            outcomes[type(error).__name__] += 1

    async with AsyncPaygate.from_mapping(document) as paygate, anyio.create_task_group() as group:
        for number in range(count):
            group.start_soon(one, number)
    return outcomes


def main(shell: str, processes: int, count: int) -> None:
    document = json.load(sys.stdin)
    loaded = Paygate.from_mapping(document)
    children = []
    for process in range(processes):
        child = os.fork()
        if child == 0:
            if shell == "blocking":
                outcomes = blocking(loaded, process, count)
            else:
                outcomes = anyio.run(waiting, document, process, count, backend=shell)
            os.write(1, f"{json.dumps(outcomes)}\n".encode())
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
