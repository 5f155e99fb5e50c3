"""Where requests go, and how each is signed: by paygate, at the moment of sending, with one login."""

import re
from datetime import datetime
from typing import Any, Final

import httpx

from paygate.conformance.accidents import refused
from paygate.conformance.bench import Bench, ref_of
from paygate.conformance.report import Breach
from paygate.conformance.scenario import Per, scenario
from paygate.conformance.watch import seen
from paygate.errors import AuthenticationFailed, NotSent
from paygate.flow import Conversation, Credential
from paygate.model import Charge
from paygate.sandbox.addresses import origin_of

LATER: Final = 1800.0
NEAR: Final = 120.0
YEAR: Final = 366 * 86_400.0
UNIX: Final = re.compile(r"[0-9]{10}([0-9]{3})?", re.ASCII)


def _logs_in(bench: Bench) -> bool:
    return bench.logs_in


@scenario("a request that goes elsewhere carries the merchant's keys there", per=Per.KIND)
def requests_go_to_the_configured_host(bench: Bench) -> None:
    """Every request goes to the `base_url` of the settings, and paygate sends it."""
    gateway = bench.gateway()
    charge = bench.tried(gateway, "create_charge", bench.request())
    if isinstance(charge, Charge):
        for name, about in bench.later(charge):
            bench.tried(gateway, name, *about)
    home = origin_of(httpx.URL(bench.base_url))
    for one in bench.wire.sent:
        if one.origin != home:
            raise Breach(f"a request went to {one.origin}, and `base_url` is {home}")


@scenario(
    "a signature that is made too early or kept is refused on the day when requests wait or are renewed"
)
def requests_are_signed_when_sent(bench: Bench) -> None:
    """A flow yields bare requests; the credential signs each one afresh, and changes nothing else of it."""
    adapter = bench.adapter()
    credential = _credential(bench, adapter)
    canaries = bench.secrets
    request = bench.request()
    flows: list[tuple[str, Any]] = [("create_charge", adapter.create_charge(request))]
    if bench.abilities.can("query", bench.method):
        flows.append(("query", adapter.query(ref_of(request))))
    for name, flow in flows:
        talk = Conversation(flow)
        bare = talk.request
        if bare is None:
            talk.close()
            continue
        shown = seen(canaries, str(bare.headers.raw) + str(bare.url))
        if shown is not None:
            raise Breach(f"{name} yields a request that shows {shown} before it is signed")
        before, body = dict(bare.headers), bare.read()
        _check_signing(bench, name, credential, bare, before, body)
        talk.close()


def _check_signing(
    bench: Bench, name: str, credential: Credential, bare: httpx.Request, before: dict[str, str], body: bytes
) -> None:
    url = str(bare.url)
    bench.clock.ahead = 0.0
    signed = credential.sign(bare)
    first = dict(signed.headers)
    if first == before and str(signed.url) == url:
        raise Breach(f"the credential signs nothing of {name}: the request leaves as it was yielded")
    if signed.read() != body:
        raise Breach(f"the credential changes the body of {name}")
    bench.clock.ahead = LATER
    again = credential.sign(bare)
    names = [key.lower() for key, _ in again.headers.raw]
    if len(names) != len(set(names)):
        raise Breach(f"signing {name} a second time adds a header that is there already")
    for key, value in first.items():
        old, new = _moment(value), _moment(again.headers.get(key, ""))
        if old is None or abs(old - (bench.clock() - LATER)) > NEAR:
            continue
        if new is None or abs(new - bench.clock()) > NEAR:
            raise Breach(f"{name}, signed again half an hour later, has the old time in its header {key}")
    bench.clock.ahead = 0.0


def _moment(value: str) -> float | None:
    """A header's value as unix seconds, where it is a time."""
    if UNIX.fullmatch(value):
        return float(value) / (1000 if len(value) == 13 else 1)
    try:
        return datetime.fromisoformat(value).timestamp()
    except ValueError:
        return None


def _credential(bench: Bench, adapter: Any) -> Credential:
    """A credential of the adapter's own, its login answered by the provider."""
    talk: Conversation[Credential] = Conversation(adapter.authorize())
    while talk.request is not None:
        talk.answer(bench.wire.handle_request(talk.request))
    return talk.result


@scenario(
    "a charge fails although the provider would take it, or a login storm locks the merchant out",
    when=_logs_in,
)
def expired_credential_is_renewed_once(bench: Bench) -> None:
    """When the provider ends a token, there is one login, and that request is signed and sent again."""
    gateway = bench.gateway()
    bench.created(gateway)
    bench.simulator.revoke_tokens()
    before = bench.mark
    request = bench.request()
    outcome = bench.tried(gateway, "create_charge", request)
    logins, sent = bench.wire.asked("authorize", before), bench.wire.asked("create_charge", before)
    if not isinstance(outcome, Charge):
        raise Breach(
            f"after its token had ended the charge raised {type(outcome).__name__} after {logins} logins"
        )
    if (logins, sent) != (1, 2):
        raise Breach(f"after its token had ended there were {logins} logins and {sent} requests, not 1 and 2")
    _check_refused_for_good(bench)
    _check_refused_login(bench)


def _check_refused_for_good(bench: Bench) -> None:
    """A token that never works: two attempts at the most."""

    def revoked(simulator: Any, request: httpx.Request) -> httpx.Response:
        simulator.revoke_tokens()
        reply: httpx.Response = simulator.handle(request)
        return reply

    gateway, before = bench.gateway(), bench.mark
    bench.wire.spoil_all("create_charge", revoked)
    outcome = bench.tried(gateway, "create_charge", bench.request())
    bench.wire.mend()
    logins, sent = bench.wire.asked("authorize", before), bench.wire.asked("create_charge", before)
    if not isinstance(outcome, AuthenticationFailed):
        what = "told a charge" if isinstance(outcome, Charge) else f"raised {type(outcome).__name__}"
        raise Breach(f"a charge whose token was refused twice {what}, not AuthenticationFailed")
    if logins > 2 or sent > 2:
        raise Breach(f"for a token that never works there were {logins} logins and {sent} requests")


def _check_refused_login(bench: Bench) -> None:
    """A login that is refused: trying it again changes nothing, and locks the merchant out."""
    gateway, before = bench.gateway(), bench.mark
    bench.wire.spoil_all("authorize", refused)
    outcome = bench.tried(gateway, "create_charge", bench.request())
    bench.wire.mend()
    logins = bench.wire.asked("authorize", before)
    if not isinstance(outcome, NotSent):
        what = "told a charge" if isinstance(outcome, Charge) else f"raised {type(outcome).__name__}"
        raise Breach(f"a charge whose login was refused {what}, and nothing was sent")
    if logins > 1:
        raise Breach(f"a login that was refused was tried {logins} times")


@scenario("each login may end the token of another process, and many lock the merchant out", when=_logs_in)
def credential_is_kept(bench: Bench) -> None:
    """A credential serves every request until it expires, by the clock that the adapter was given."""
    gateway = bench.gateway()
    for _ in range(3):
        bench.created(gateway)
    logins = bench.wire.asked("authorize")
    if logins != 1:
        raise Breach(f"three charges took {logins} logins")
    credential = gateway.authorize()
    left = credential.expires_at - bench.clock()
    if not 0 < left < YEAR:
        raise Breach("`expires_at` of the credential is no time of the coming year, in unix seconds")
    adapter = bench.adapter()
    before = _credential(bench, adapter).expires_at
    bench.clock.ahead = left + 1
    talk = Conversation(adapter.authorize())
    talk.close()
    bench.clock.ahead = 0.0
    if talk.request is None:
        raise Breach("after the credential had expired `authorize` did not log in: it gave an old one")
    if before <= bench.clock():
        raise Breach("a new credential has expired already")


SCENARIOS: Final = (
    requests_go_to_the_configured_host,
    requests_are_signed_when_sent,
    expired_credential_is_renewed_once,
    credential_is_kept,
)
