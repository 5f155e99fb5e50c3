"""A shop on Starlette: `uvicorn starlette_shop:app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orders import CALLBACK_PATH, CONFIG, DATABASE, GATEWAY, WRONG, Orders, shown, wanted
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from paygate import AsyncPaygate, PaygateError
from paygate.callbacks import AsgiCallbacks

paygate = AsyncPaygate.from_file(CONFIG)
orders = Orders(DATABASE)
callbacks = AsgiCallbacks(paygate.gateway(GATEWAY), orders.take, known=orders.known)


async def order(request: Request) -> JSONResponse:
    """Take an order, and tell the buyer how to pay for it."""
    try:
        charge_request = wanted(await request.body())
    except WRONG as error:
        return JSONResponse({"error": str(error)}, 422)
    reference = charge_request.reference
    await run_in_threadpool(orders.begin, charge_request)
    try:
        charge = await paygate.create_charge(charge_request, GATEWAY)
    except PaygateError as error:
        refused = await run_in_threadpool(orders.failed, reference, error)
        if refused:
            status, why = refused
            return JSONResponse({"error": why}, status)
    else:
        await run_in_threadpool(orders.made, charge)
    return JSONResponse({"reference": reference, "see": f"/orders/{reference}"}, 201)


async def show(request: Request) -> JSONResponse:
    """Tell how an order stands."""
    charge = await run_in_threadpool(orders.find, request.path_params["reference"])
    return JSONResponse(shown(charge)) if charge else JSONResponse({"error": "no such order"}, 404)


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """Close the connections to the provider in the end."""
    async with paygate:
        yield


app = Starlette(
    routes=[
        Route("/orders", order, methods=["POST"]),
        Route("/orders/{reference}", show),
        Route(CALLBACK_PATH + "{below:path}", callbacks),
    ],
    lifespan=lifespan,
)
