"""What every request must bring before any business is done: the server key, the headers, readable JSON."""

import base64
import json
import secrets
from collections.abc import Sequence
from typing import Any, Final, Never

import httpx

KEY_PREFIX: Final = "SB-Mid-server-"
MESSAGES: Final = {
    400: "One or more parameters in the payload is invalid.",
    401: "Transaction cannot be authorized with the current client/server key.",
    402: "Payment channel is not activated.",
    403: "The requested content type is not acceptable.",
    404: "Transaction doesn't exist.",
    405: "Method is not allowed.",
    406: (
        "The request could not be completed due to a conflict with the current state of the target "
        "resource, please try again"
    ),
    408: "Wrong data type.",
    411: "Credit card token is missing or invalid.",
    412: "Transaction status cannot be updated.",
    413: "The request cannot be processed due to malformed syntax in the request body.",
    414: "Refund request is rejected.",
    429: "Too many requests.",
}


class Turned(Exception):
    """A request is turned away with a code of Midtrans'; `problems` are what is wrong with its fields."""

    def __init__(self, code: int, problems: Sequence[str] = ()) -> None:
        super().__init__(MESSAGES[code], *problems)
        self.code = code
        self.problems = tuple(problems)


def new_key() -> str:
    """A server key of the sandbox's form."""
    return KEY_PREFIX + secrets.token_urlsafe(18)


def let_in(request: httpx.Request, server_key: str) -> dict[str, Any]:
    """Check who asks and in which form, and read the body; a GET and an empty POST have none."""
    if not _is_known(request.headers.get("Authorization", ""), server_key):
        raise Turned(401)
    if "application/json" not in _kinds(request.headers.get("Accept", "")):
        raise Turned(403)
    if request.method == "GET":
        return {}
    # The docs ask for both headers of every request; that a POST without a body needs them is a guess.
    if _kinds(request.headers.get("Content-Type", "")) != ["application/json"]:
        raise Turned(403)
    content = request.read()
    return _read(content) if content else {}


def _is_known(authorization: str, server_key: str) -> bool:
    """Basic, with the key as the name and no password."""
    expected = base64.b64encode(f"{server_key}:".encode()).decode()
    scheme, _, given = authorization.partition(" ")
    return scheme.lower() == "basic" and secrets.compare_digest(given.encode(), expected.encode())


def _kinds(header: str) -> list[str]:
    """The media types of a header, without their parameters."""
    return [one.partition(";")[0].strip().lower() for one in header.split(",")]


def _read(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Turned(413) from None
    if not isinstance(body, dict):
        raise Turned(413)
    return body


def _no_constant(name: str) -> Never:
    """NaN and its kin are Python's, not JSON's."""
    raise ValueError(name)
