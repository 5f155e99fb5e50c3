"""A shop on FastAPI: `uvicorn fastapi_shop:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from orders import CALLBACK_PATH, CONFIG, DATABASE, GATEWAY, WRONG, Orders, shown, wanted
from starlette.routing import Route

from paygate import AsyncPaygate, PaygateError
from paygate.callbacks import AsgiCallbacks

paygate = AsyncPaygate.from_file(CONFIG)
orders = Orders(DATABASE)
callbacks = AsgiCallbacks(paygate.gateway(GATEWAY), orders.take, known=orders.known)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Close the connections to the provider in the end."""
    async with paygate:
        yield


app = FastAPI(lifespan=lifespan, routes=[Route(CALLBACK_PATH + "{below:path}", callbacks)])


@app.post("/orders", status_code=201)
async def order(request: Request) -> dict[str, str]:
    """Take an order, and tell the buyer where to see how to pay for it."""
    try:
        charge_request = wanted(await request.body())
    except WRONG as error:
        raise HTTPException(422, str(error)) from None
    reference = charge_request.reference
    await run_in_threadpool(orders.begin, charge_request)
    try:
        charge = await paygate.create_charge(charge_request, GATEWAY)
    except PaygateError as error:
        refused = await run_in_threadpool(orders.failed, reference, error)
        if refused:
            raise HTTPException(*refused) from None
    else:
        await run_in_threadpool(orders.made, charge)
    return {"reference": reference, "see": f"/orders/{reference}"}


@app.get("/orders/{reference}")
def show(reference: str) -> dict[str, Any]:
    """Tell how an order stands."""
    charge = orders.find(reference)
    if charge is None:
        raise HTTPException(404, "no such order")
    return shown(charge)
