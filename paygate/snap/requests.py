"""A request with a JSON body, made the cheap way."""

import httpx


def post(url: httpx.URL, body: bytes) -> httpx.Request:
    """Make an unsigned POST of these very bytes.

    It is what `httpx.Request("POST", url, content=body)` makes, for a third of its cost.
    """
    headers = [(b"Host", url.netloc), (b"Content-Length", b"%d" % len(body))]
    request = httpx.Request("POST", url, headers=headers, stream=httpx.ByteStream(body))
    request.read()
    return request
