"""A shop on FastAPI with a store: `uvicorn store_shop:app`.

The journal makes each charge once, and the inbox tells of each callback once, so the shop keeps neither. What
was ordered is in the same database.
"""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import sqlalchemy as sa
from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from orders import CALLBACK_PATH, CONFIG, GATEWAY, WRONG, refusal, shown, wanted
from starlette.routing import Route

from paygate import AsyncPaygate, Callback, ChargeStatus, OutcomeUnknown, PaygateError, StoreUnavailable
from paygate.callbacks import AsgiCallbacks
from paygate.worker import AsyncWorker

log = logging.getLogger("shop")

TABLES = (
    "CREATE TABLE IF NOT EXISTS orders (reference VARCHAR(36) PRIMARY KEY, item TEXT, is_sent BOOLEAN)",
    "CREATE TABLE IF NOT EXISTS parcels (reference VARCHAR(36))",
)
ORDERED = sa.text("INSERT INTO orders VALUES (:reference, :item, FALSE)")
SENT = sa.text("UPDATE orders SET is_sent = TRUE WHERE reference = :reference AND NOT is_sent")
PACKED = sa.text("INSERT INTO parcels VALUES (:reference)")

paygate = AsyncPaygate.from_file(CONFIG)  # with [store] url = { env = "SHOP_STORE" }
database = sa.create_engine(os.environ["SHOP_STORE"])


def enter(reference: str, item: str) -> None:
    """Enter an order *before* its charge is asked for, so that a callback always finds it."""
    with database.begin() as connection:
        connection.execute(ORDERED, {"reference": reference, "item": item})


def handle(callback: Callback, connection: sa.Connection) -> None:
    """Send what was paid for. What is written here is committed with the mark that the callback is done."""
    for charge in callback.charges:
        order = {"reference": charge.reference}
        if charge.status is ChargeStatus.PAID and connection.execute(SENT, order).rowcount:
            connection.execute(PACKED, order)
    for conflict in callback.conflicts:  # `paygate charges --flagged` lists them
        log.warning("somebody must look at order %s: %s", conflict.told.reference, conflict.kind.value)


async def settle() -> None:
    """Ask about charges whose answer was lost, and about those whose callback never came."""
    while True:
        with suppress(StoreUnavailable):  # it looks again, a minute later
            await paygate.reconcile()
        await anyio.sleep(60)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Have callbacks handled and charges settled, as long as the shop runs."""
    with database.begin() as connection:
        for table in TABLES:
            connection.execute(sa.text(table))
    async with paygate, anyio.create_task_group() as tasks:
        tasks.start_soon(AsyncWorker(paygate, handle).run)
        tasks.start_soon(settle)
        yield
        tasks.cancel_scope.cancel()


callbacks = AsgiCallbacks(paygate.gateway(GATEWAY))
app = FastAPI(lifespan=lifespan, routes=[Route(CALLBACK_PATH + "{below:path}", callbacks)])


@app.post("/orders", status_code=201)
async def order(request: Request) -> dict[str, str]:
    """Take an order, and tell the buyer where to see how to pay for it."""
    try:
        charge_request = wanted(await request.body())
    except WRONG as error:
        raise HTTPException(422, str(error)) from None
    reference = charge_request.reference
    await run_in_threadpool(enter, reference, charge_request.items[0].name)
    try:
        try:
            await paygate.create_charge(charge_request, GATEWAY)
        except OutcomeUnknown:  # the same again: it asks first, and makes no second one
            await paygate.create_charge(charge_request, GATEWAY)
    except PaygateError as error:
        log.warning("no charge for order %s: %s", reference, error)  # its text has nothing of the buyer's
        raise HTTPException(*refusal(error)) from None
    return {"reference": reference, "see": f"/orders/{reference}"}


@app.get("/orders/{reference}")
async def show(reference: str) -> dict[str, Any]:
    """Tell how an order stands: the journal knows."""
    try:
        charge = await paygate.known(reference, GATEWAY)
    except OutcomeUnknown:
        raise HTTPException(503, "nobody knows yet: look again in a minute") from None
    if charge is None:
        raise HTTPException(404, "no such order")
    return shown(charge)
