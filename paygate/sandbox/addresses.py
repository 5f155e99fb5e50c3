"""Where a pretend provider is reached, and where the host of simulators has the page of a charge."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import httpx

HOME: Final = "/_sandbox/"


def origin_of(url: "httpx.URL") -> str:
    """Scheme, host and port of an address."""
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def page_of(origin: str, number: str) -> str:
    """The payer's page of a charge with this number of the provider's, at the host reached by `origin`."""
    return f"{origin}{HOME}pay/{number}"
