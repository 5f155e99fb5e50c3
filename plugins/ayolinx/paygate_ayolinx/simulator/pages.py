"""Where the payer's pages are: on the sandbox that serves the simulator."""

import httpx


def base_of(request: httpx.Request) -> str:
    """Scheme, host and port of the address at which the simulator was reached."""
    return f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"


def page(base: str, number: str) -> str:
    """The page of one charge."""
    return f"{base}/_sandbox/pay/{number}"
