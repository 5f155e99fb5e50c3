"""Calls that nobody must believe: spoilt, stolen, or signed with another key."""

from collections.abc import Iterable
from typing import Final

import msgspec

from paygate.callback import Callback, CallbackRequest
from paygate.conformance.bench import Bench
from paygate.conformance.calls import Call, believed, paid_in_each_way
from paygate.conformance.report import Breach
from paygate.conformance.scenario import Per, scenario
from paygate.conformance.tampering import (
    Tampered,
    bytes_spoilt,
    garbled,
    headers_spoilt,
    proofs,
    rewritten,
    with_body,
    with_header,
    words_changed,
)
from paygate.conformance.watched import WatchedText
from paygate.model import Charge

NEEDS: Final = ("create_charge", "parse_callback")
WORDS: Final = ("paid", "PAID", "settlement", "capture", "success", "SUCCESS", "SUCCEEDED", "COMPLETED", "00")


def _told(callback: Callback) -> tuple[Charge, ...]:
    """The charges of a callback, without the bytes that they were read from."""
    return tuple(msgspec.structs.replace(one, raw=b"") for one in callback.charges)


def _try(adapter: object, genuine: Call, spoilt: Iterable[Tampered]) -> None:
    """See that none of these is believed: rejected, or telling no charge until somebody has asked."""
    for one in spoilt:
        callback = believed(adapter, one.request)
        if callback is None or not callback.charges:
            continue
        blank = b"".join(one.request.body.split()) == b"".join(genuine.request.body.split())
        if blank and _told(callback) == _told(genuine.callback):
            continue  # only its white space differs: it says what the provider said
        raise Breach(f"a call {one.told} was believed")


@scenario("anybody can have an order delivered that nobody paid", needs=NEEDS, per=Per.KIND)
def tampered_callbacks_are_rejected(bench: Bench) -> None:
    """A call whose signature or body was touched, or that somebody else signed, is rejected."""
    adapter = bench.adapter()
    for call in paid_in_each_way(bench):
        spoilt = list(bytes_spoilt(call.request))
        _try(adapter, call, spoilt)
        _try(adapter, call, rewritten(call.request))
        _try_blanks(adapter, call.request)
        proven = [name for name in proofs(call.request) if _proves(adapter, call.request, name)]
        for name in proven:
            _try_header(adapter, call.request, name)
        spoilt += words_changed(call.request, WORDS)
        if not proven and all(believed(adapter, one.request) for one in spoilt if one.request.body):
            raise Breach("nothing in a call proves whose it is, and it is believed all the same")
    _try_stolen(bench, adapter)


def _proves(adapter: object, genuine: CallbackRequest, name: str) -> bool:
    """Whether a header is part of the proof: with another value of it the call is not believed."""
    return believed(adapter, with_header(genuine, name, garbled(genuine.headers[name]))) is None


def _try_header(adapter: object, genuine: CallbackRequest, name: str) -> None:
    """A header that proves something, spoilt. One that says again what another proves may be absent."""
    for one in headers_spoilt(genuine, name):
        if believed(adapter, one.request) is None:
            continue
        others = [with_body(one.request, other.request.body) for other in bytes_spoilt(genuine)]
        is_absent = not one.request.headers.get(name, "").strip()
        if not is_absent or any(believed(adapter, other) is not None for other in others):
            raise Breach(f"a call {one.told} was believed")


def _try_blanks(adapter: object, genuine: CallbackRequest) -> None:
    """White space means nothing in JSON: a proof covers it everywhere, or nowhere."""
    if not genuine.body.startswith(b"{"):
        return
    taken = {
        told: believed(adapter, with_body(genuine, body)) is not None
        for told, body in (
            ("with a space after its body", genuine.body + b" "),
            ("with a line feed before its body", b"\n" + genuine.body),
            ("with a space within its body", b"{ " + genuine.body[1:]),
        )
    }
    if len(set(taken.values())) > 1:
        told = next(told for told, was in taken.items() if was)
        raise Breach(f"a call {told} was believed: the adapter tries several forms of what was signed")


def _try_stolen(bench: Bench, adapter: object) -> None:
    """The signature of one call under the body of another, and the calls of another account."""
    one, other = paid_in_each_way(bench)[0], paid_in_each_way(bench)[0]
    stolen = with_body(other.request, one.request.body)
    _try(adapter, other, [Tampered("with the body of another genuine call", stolen)])
    bare = CallbackRequest(other.request.method, other.request.path, {}, other.request.body)
    _try(adapter, other, [Tampered("without any header", bare)])
    foreign = Bench(bench.kit, bench.method, bench.abilities, account=1)
    if not bench.differs(foreign):
        return
    for call in paid_in_each_way(foreign):
        if believed(adapter, call.request) is not None:
            raise Breach("a call that was signed with the key of another account was believed")


@scenario(
    "a charge that was cancelled or refunded is told as paid by whoever saw one call",
    needs=NEEDS,
    per=Per.KIND,
)
def unproven_status_is_not_believed(bench: Bench) -> None:
    """Where a word of the body can be changed and the proof fits still, `confirm` names the charge."""
    adapter = bench.adapter()
    words = tuple(dict.fromkeys((*bench.kit.statuses, *WORDS)))
    for call in paid_in_each_way(bench):
        for one in words_changed(call.request, words):
            callback = believed(adapter, one.request)
            if callback is not None and callback.charges:
                raise Breach(f"a call {one.told} was believed without asking")


@scenario(
    "the time that a comparison takes tells a patient thief the signature, sign by sign",
    needs=NEEDS,
    per=Per.KIND,
)
def signatures_are_compared_in_constant_time(bench: Bench) -> None:
    """A signature is compared by hmac.compare_digest or by the key itself, never by `==`."""
    adapter = bench.adapter()
    one, other = paid_in_each_way(bench)[0].request, paid_in_each_way(bench)[0].request
    secret = set(bench.secrets)
    for name in proofs(one):
        value = one.headers[name]
        if value == other.headers.get(name) and not any(part in secret for part in value.split()):
            continue
        compared: list[str] = []
        headers = {**one.headers, name: WatchedText(value, compared)}
        believed(adapter, CallbackRequest(one.method, one.path, headers, one.body))
        if compared:
            raise Breach(f"the header {name} was compared with the right value by `==`")


SCENARIOS: Final = (
    tampered_callbacks_are_rejected,
    unproven_status_is_not_believed,
    signatures_are_compared_in_constant_time,
)
