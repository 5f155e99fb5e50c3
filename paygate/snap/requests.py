"""A request with a JSON body, made the cheap way."""

import httpx


def post(url: httpx.URL, body: bytes) -> httpx.Request:
    """Make an unsigned POST of these very bytes, without headers: `SnapCredential.sign` adds them all.

    With its headers made once, it costs a third of httpx.Request("POST", url, content=body).
    """
    return call("POST", url, body)


def call(verb: str, url: httpx.URL, body: bytes) -> httpx.Request:
    """As `post`, by another verb: SNAP BI deletes a virtual account by a DELETE that has a body."""
    request = httpx.Request(verb, url, stream=httpx.ByteStream(body))
    request.read()
    return request
