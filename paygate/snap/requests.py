"""A request with a JSON body, made the cheap way."""

import httpx


def post(url: httpx.URL, body: bytes) -> httpx.Request:
    """Make an unsigned POST of these very bytes, without headers: `SnapCredential.sign` adds them all.

    With its headers made once, it costs a third of httpx.Request("POST", url, content=body).
    """
    request = httpx.Request("POST", url, stream=httpx.ByteStream(body))
    request.read()
    return request
