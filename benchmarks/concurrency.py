"""Many charges at once, in tasks and in threads, beside few."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from benchmarks.charge import configuration, order
from benchmarks.rounds import Broken, Row, Sample, interleave
from benchmarks.server import CHARGE_PATH, TOKEN_PATH, Loopback, serving
from paygate import AsyncPaygate, Paygate, PaygateError

TASKS: Final = 1_000
FEW: Final = 10
DELAY: Final = 0.05
THREADS: Final = 50
FROM_THREADS: Final = 20_000
TASK_ROUNDS: Final = 7
THREAD_ROUNDS: Final = 10


def tasks(rounds: int) -> Row:
    """A thousand charges at once, each on a cold start: a provider of 50 ms, default settings."""
    rounds = min(rounds, TASK_ROUNDS)
    with serving(DELAY) as server:
        result = interleave(
            lambda: _from_tasks(server, TASKS),
            lambda: _from_tasks(server, FEW),
            rounds,
        )
    return Row(
        name="tasks",
        subject=f"{TASKS:,} charges at once on a new AsyncPaygate",
        baseline=f"the same, {FEW} at once",
        bar=1.50,
        result=result,
        note=f"the provider takes {DELAY * 1000:.0f} ms; in each of {2 * rounds + 2} turns none of {TASKS:,} "
        "charges failed, and there was one login",
    )


def threads(rounds: int) -> Row:
    """Twenty thousand charges from fifty threads."""
    rounds = min(rounds, THREAD_ROUNDS)
    share = -(-FROM_THREADS // (rounds * THREADS))
    with (
        serving() as server,
        ThreadPoolExecutor(THREADS) as pool,
        Paygate.from_mapping(configuration(server.base_url)) as many,
        Paygate.from_mapping(configuration(server.base_url)) as one,
    ):
        result = interleave(
            _from_threads(pool, many, THREADS, share),
            _from_threads(pool, one, 1, share * THREADS),
            rounds,
        )
    return Row(
        name="threads",
        subject=f"charges from {THREADS} threads on one Paygate",
        baseline="from one thread",
        bar=1.50,
        result=result,
        note=f"{rounds * share * THREADS:,} charges from {THREADS} threads, and none failed",
    )


def _from_tasks(server: Loopback, at_once: int) -> float:
    """CPU of one charge of TASKS, `at_once` under way at any time, on a gateway that has to log in first."""
    before = server.counts()
    paygate = AsyncPaygate.from_mapping(configuration(server.base_url))

    async def some(count: int) -> None:
        for _ in range(count):
            await paygate.create_charge(order())

    async def work() -> float:
        started = time.process_time()
        done = await asyncio.gather(*(some(TASKS // at_once) for _ in range(at_once)), return_exceptions=True)
        spent = time.process_time() - started
        await paygate.close()
        failures = [error for error in done if error is not None]
        if failures:
            raise Broken(f"{len(failures)} of {at_once} tasks failed, one by: {failures[0]!r}")
        return spent / TASKS

    spent = asyncio.run(work())
    after = server.counts()
    if after[TOKEN_PATH] - before[TOKEN_PATH] != 1:
        raise Broken(f"{after[TOKEN_PATH] - before[TOKEN_PATH]} logins where one was due")
    if after[CHARGE_PATH] - before[CHARGE_PATH] != TASKS:
        raise Broken(f"{after[CHARGE_PATH] - before[CHARGE_PATH]} requests for {TASKS} charges")
    return spent


def _from_threads(pool: ThreadPoolExecutor, paygate: Paygate, at_once: int, share: int) -> Sample:
    def some() -> list[PaygateError]:
        failures = []
        for _ in range(share):
            try:
                paygate.create_charge(order())
            except PaygateError as error:
                failures.append(error)
        return failures

    def sample() -> float:
        started = time.process_time()
        done = [pool.submit(some) for _ in range(at_once)]
        failures = [error for future in done for error in future.result()]
        spent = time.process_time() - started
        if failures:
            raise Broken(f"{len(failures)} charges failed, one by: {failures[0]!r}")
        return spent / (at_once * share)

    return sample
