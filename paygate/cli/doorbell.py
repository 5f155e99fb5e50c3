"""Whether a callback URL is answered by paygate: an unsigned call to it, which must be refused."""

import socket
import ssl
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import httpx

from paygate.addresses import LOOPBACK
from paygate.callback import CallbackReply, CallbackRequest
from paygate.diagnosis import Finding, Verdict
from paygate.errors import CallbackRejected, PaygateError
from paygate.gateway import Gateway
from paygate.redaction import scrub
from paygate.transports import ssl_context

SUBJECT: Final = "callback URL"
HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "paygate-doctor"}
BODY: Final = b"{}"
MEANINGS: Final = (
    (
        range(200, 300),
        "it takes a call that nobody signed",
        "Whoever answers there believes anybody: have parse_callback verify the raw request first.",
    ),
    (range(404, 405), "nothing is there", "Receive callbacks at this path, or mend the proxy's routes."),
    (range(405, 406), "it takes no POST", "Let POST through to the program that receives callbacks."),
    (range(500, 600), "the server fails", "Look in its log, and in the proxy's."),
)


def ring(gateway: Gateway, url: str, seconds: float, provider: str | None = None) -> Iterator[Finding]:
    """Call a callback URL as a stranger would, and say whether a gateway of this kind refuses.

    `provider` is the provider's address, where the settings tell one.
    """
    parts = urlsplit(url)
    is_here = parts.hostname in LOOPBACK
    if is_here and provider is not None and urlsplit(provider).hostname in LOOPBACK:
        yield Finding(SUBJECT, Verdict.GOOD, f"{parts.hostname} is this machine, as the provider is")
    elif is_here:
        what = f"{parts.hostname} is this machine, which no provider can call"
        yield Finding(SUBJECT, Verdict.UNSURE, what, "Use a public address, or a tunnel to this one.")
    elif parts.scheme != "https":
        yield _bad(
            "it is not https: callbacks could be read on their way", "Put a certificate in front of it."
        )
    try:
        reply = httpx.post(
            url, content=BODY, headers=HEADERS, timeout=seconds, verify=ssl_context(), trust_env=not is_here
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        yield _unanswered(error)
        return
    expected = _refusal_of(gateway, parts.path)
    if expected is not None and (reply.status_code, reply.content) == (expected.status, expected.body):
        what = f"a paygate gateway of this kind answers there: it refuses an unsigned call with HTTP {expected.status}"
        yield Finding(SUBJECT, Verdict.GOOD, what)
    else:
        yield _answered(reply)


def _refusal_of(gateway: Gateway, path: str) -> CallbackReply | None:
    """What this gateway says to such a call."""
    try:
        gateway.parse_callback(CallbackRequest("POST", path, HEADERS, BODY))
    except CallbackRejected as rejected:
        reply: CallbackReply = rejected.reply
        return reply
    except PaygateError:
        return None
    return None


def _answered(reply: httpx.Response) -> Finding:
    """What another answer than such a refusal means."""
    status = reply.status_code
    if reply.has_redirect_location:
        target = scrub(urlsplit(reply.headers["Location"]).path) or "/"
        cure = "Providers follow none, and the signature is over one path: give them the final address."
        return _bad(f"it answers HTTP {status}: a redirect to {target}", cure)
    for statuses, meaning, cure in MEANINGS:
        if status in statuses:
            return _bad(f"it answers HTTP {status}: {meaning}", cure)
    kind = reply.headers.get("Content-Type", "").partition(";")[0].strip() or "no type"
    what = f"it answers HTTP {status} ({scrub(kind)}), which is not the refusal of a gateway of this kind"
    if kind == "application/json":
        cure = "Something refuses: see that it is your program, with this very configuration."
        return Finding(SUBJECT, Verdict.UNSURE, what, cure)
    return _bad(what, "A web server, firewall or login stands before your program: let the provider through.")


def _unanswered(error: Exception) -> Finding:
    """Why no answer came."""
    cause = _cause(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        cure = "The provider checks it as well: install a certificate for this name, with its whole chain."
        return _bad(f"its certificate is not good: {cause.verify_message}", cure)
    if isinstance(cause, ssl.SSLError):
        return _bad(f"no TLS there ({cause.reason})", "See that https is served at this port.")
    if isinstance(cause, socket.gaierror):
        return _bad("its name is not known", "Mend the address, or the name server's entry.")
    if isinstance(cause, ConnectionRefusedError):
        return _bad("the connection is refused", "Start the program that listens there, or mend the port.")
    if isinstance(error, httpx.TimeoutException):
        return _bad("no answer came in time", "See that a firewall lets this port through, from everywhere.")
    return _bad(f"no answer came ({type(error).__name__})", "See that an HTTP server listens there.")


def _cause(error: BaseException) -> BaseException:
    """What the network said, below what the libraries made of it."""
    while True:
        inner = error.__cause__ or error.__context__
        if inner is None:
            return error
        error = inner


def _bad(what: str, cure: str) -> Finding:
    return Finding(SUBJECT, Verdict.BAD, what, cure)
