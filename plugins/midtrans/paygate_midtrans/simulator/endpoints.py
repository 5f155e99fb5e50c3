"""The paths that Midtrans has, what a merchant does at each, and who answers there."""

import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import httpx
from msgspec import Struct

from paygate.sandbox import qris_picture
from paygate_midtrans.simulator.books import Books
from paygate_midtrans.simulator.charges import Call, create
from paygate_midtrans.simulator.door import MESSAGES, Turned
from paygate_midtrans.simulator.fields import Form
from paygate_midtrans.simulator.orders import LARGEST
from paygate_midtrans.simulator.refunds import refund
from paygate_midtrans.simulator.standing import FOUND, opening, standing

Answering: TypeAlias = Callable[[Books, Call], dict[str, Any]]
NAME: Final = "(?P<name>[^/]+)"
PICTURE: Final = re.compile(f"/v[24]/(qris|gopay)/{NAME}/qr-code")


class Endpoint(Struct, frozen=True):
    """One path and verb. A merchant `cancel`s by either of two."""

    verb: str
    path: re.Pattern[str]
    operation: str
    answer: Answering


def query(books: Books, call: Call) -> dict[str, Any]:
    """Tell how a charge stands, signed as a callback is."""
    charge = books.named(call.name)
    code = FOUND.get(books.sheet(charge).status, "200")
    return {
        "status_code": code,
        "status_message": "Success, transaction is found",
        **standing(books, charge),
    }


def cancel(books: Books, call: Call) -> dict[str, Any]:
    """Make an open charge void. A card's may be cancelled on the day it was paid, too; there is none here."""
    return _end(books, call, "cancel", "200", "Success, transaction is canceled")


def expire(books: Books, call: Call) -> dict[str, Any]:
    """End an open charge before its time; 407 says that it was done."""
    return _end(books, call, "expire", "407", "Success, transaction has expired")


def decide(books: Books, call: Call) -> dict[str, Any]:
    """Approve or deny what a card's bank has challenged; nothing here ever is."""
    books.named(call.name)
    raise Turned(412)


def capture(books: Books, call: Call) -> dict[str, Any]:
    """Take what a card was authorized for; nothing here ever is."""
    form = Form(call.body)
    number = form.text("transaction_id", needed=True)
    form.whole("gross_amount", 1, LARGEST)
    form.check()
    books.named(number)
    raise Turned(412)


def _end(books: Books, call: Call, status: str, code: str, message: str) -> dict[str, Any]:
    charge = books.named(call.name)
    if books.sheet(charge).status != "pending":
        raise Turned(412)
    books.turn(charge, status)
    return {"status_code": code, "status_message": message, **opening(books, charge)}


def _endpoint(verb: str, path: str, operation: str, answer: Answering) -> Endpoint:
    return Endpoint(verb, re.compile(path), operation, answer)


ENDPOINTS: Final = (
    _endpoint("POST", "/v2/(?P<name>charge)", "create_charge", create),
    _endpoint("POST", "/v2/(?P<name>capture)", "capture", capture),
    _endpoint("GET", f"/v2/{NAME}/status", "query", query),
    _endpoint("POST", f"/v2/{NAME}/cancel", "cancel", cancel),
    _endpoint("POST", f"/v2/{NAME}/expire", "cancel", expire),
    _endpoint("POST", f"/v2/{NAME}/refund(/online/direct)?", "refund", refund),
    _endpoint("POST", f"/v2/{NAME}/approve", "approve", decide),
    _endpoint("POST", f"/v2/{NAME}/deny", "deny", decide),
)


def endpoint_of(request: httpx.Request) -> tuple[Endpoint, str]:
    """Where a request goes, and the name in its path; turned away where Midtrans has no such path or verb."""
    path = request.url.path
    found = [(one, match["name"]) for one in ENDPOINTS if (match := one.path.fullmatch(path))]
    if not found:
        raise Turned(404)
    here = next((one for one in found if one[0].verb == request.method), None)
    if here is None:
        raise Turned(405)
    return here


def picture(books: Books, request: httpx.Request) -> httpx.Response | None:
    """The picture of a QR code, for whoever has its address; None where it is not what is asked for."""
    match = PICTURE.fullmatch(request.url.path)
    if match is None or request.method != "GET":
        return None
    charge = books.ledger.numbered(match["name"])
    if charge is None or not books.sheet(charge).qr:
        raise Turned(404)
    kind = {"Content-Type": "image/png"}
    return httpx.Response(200, headers=kind, content=qris_picture(books.sheet(charge).qr))


def problem(code: int, number: str, problems: tuple[str, ...] = ()) -> dict[str, Any]:
    """The body of a "no"; `number` is Midtrans' number of this answer."""
    told: dict[str, Any] = {"status_code": str(code), "status_message": MESSAGES[code]}
    if problems:
        told["validation_messages"] = list(problems)
    return {**told, "id": number}
