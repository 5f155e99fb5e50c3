"""A shop on Flask: `gunicorn flask_shop:app`."""

from typing import Any

from flask import Flask, request
from orders import CALLBACK_PATH, CONFIG, DATABASE, GATEWAY, WRONG, Orders, shown, wanted
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from paygate import Paygate, PaygateError
from paygate.callbacks import WsgiCallbacks

paygate = Paygate.from_file(CONFIG)
orders = Orders(DATABASE)
callbacks = WsgiCallbacks(paygate.gateway(GATEWAY), orders.take, known=orders.known)

app = Flask(__name__)
app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {CALLBACK_PATH: callbacks})  # type: ignore[method-assign]


@app.post("/orders")
def order() -> tuple[dict[str, str], int]:
    """Take an order, and tell the buyer where to see how to pay for it."""
    try:
        charge_request = wanted(request.get_data())
    except WRONG as error:
        return {"error": str(error)}, 422
    reference = charge_request.reference
    orders.begin(charge_request)
    try:
        charge = paygate.create_charge(charge_request, GATEWAY)
    except PaygateError as error:
        refused = orders.failed(reference, error)
        if refused:
            status, why = refused
            return {"error": why}, status
    else:
        orders.made(charge)
    return {"reference": reference, "see": f"/orders/{reference}"}, 201


@app.get("/orders/<reference>")
def show(reference: str) -> tuple[dict[str, Any], int]:
    """Tell how an order stands."""
    charge = orders.find(reference)
    return (shown(charge), 200) if charge else ({"error": "no such order"}, 404)
