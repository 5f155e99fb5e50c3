"""Calls that nobody must believe: spoilt, stolen, stale, signed by somebody else, or signed by nobody."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from paygate.callback import Callback, CallbackRequest
from paygate.conformance.bench import Bench
from paygate.conformance.calls import Call, needed, paid_calls
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
from paygate.errors import CallbackRejected, PaygateError
from paygate.model import Charge
from paygate.redaction import place_of

NEEDS: Final = ("create_charge", "parse_callback")
WEEK: Final = 7 * 86_400.0
LARGEST: Final = 256 * 1024
ELSEWHERE: Final = "/somewhere/else"
PATH_HEADERS: Final = (
    "X-Original-URI",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Forwarded-Uri",
    "X-Forwarded-Path",
    "X-Forwarded-Prefix",
    "X-Envoy-Original-Path",
    "X-Request-Path",
    "X-Path",
)
WORDS: Final = ("paid", "PAID", "settlement", "capture", "success", "SUCCESS", "SUCCEEDED", "COMPLETED", "00")


def _variants(bench: Bench) -> list[Call]:
    """A genuine call about a paid charge, in each way in which the provider calls back."""
    gateway, found = bench.gateway(), []
    for number, variant in enumerate(bench.simulator.variants):
        with bench.called_back_by(variant):
            calls = paid_calls(bench, gateway)[1]
        if calls or not number:
            found.append(needed(calls))
    return found


def _read(adapter: Any, request: CallbackRequest, what: str) -> Callback | None:
    """What the adapter itself makes of a call; None where it rejects it, as it should be said."""
    try:
        callback = adapter.parse_callback(request)
    except CallbackRejected:
        return None
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        raise Breach(f"a call {what} made the adapter fail ({place_of(error)}) where it must reject it")
    if not isinstance(callback, Callback):
        raise Breach(f"a call {what} was answered with {type(callback).__name__}, not rejected")
    return callback


def _told(callback: Callback) -> tuple[Charge, ...]:
    """The charges of a callback, without the bytes that they were read from."""
    return tuple(msgspec.structs.replace(one, raw=b"") for one in callback.charges)


def _try(adapter: Any, genuine: Call, spoilt: Iterable[Tampered]) -> None:
    """See that none of these is believed: rejected, or telling no charge until somebody has asked."""
    for one in spoilt:
        callback = _read(adapter, one.request, one.told)
        if callback is None or not callback.charges:
            continue
        blank = b"".join(one.request.body.split()) == b"".join(genuine.request.body.split())
        same_proof = dict(one.request.headers) == dict(genuine.request.headers)
        if blank and same_proof and _told(callback) == _told(genuine.callback):
            continue  # only its white space differs: it says what the provider said
        raise Breach(f"a call {one.told} was believed")


@scenario("anybody can have an order delivered that nobody paid", needs=NEEDS, per=Per.KIND)
def tampered_callbacks_are_rejected(bench: Bench) -> None:
    """A call whose signature or body was touched, or that somebody else signed, is rejected."""
    adapter = bench.adapter()
    for call in _variants(bench):
        proven = 0
        for name in proofs(call.request):
            changed = with_header(call.request, name, garbled(call.request.headers[name]))
            if _read(adapter, changed, f"with another header {name}") is None:
                proven += 1
                _try_header(adapter, call.request, name)
        _try(adapter, call, bytes_spoilt(call.request))
        _try(adapter, call, rewritten(call.request))
        spoilt = [*bytes_spoilt(call.request), *words_changed(call.request, WORDS)]
        if not proven and all(_read(adapter, one.request, one.told) for one in spoilt if one.request.body):
            raise Breach("nothing in a call proves whose it is, and it is believed all the same")
    _try_stolen(bench, adapter)


def _try_header(adapter: Any, genuine: CallbackRequest, name: str) -> None:
    """A header that proves something, spoilt. One that says again what another proves may be absent."""
    for one in headers_spoilt(genuine, name):
        if _read(adapter, one.request, one.told) is None:
            continue
        value = one.request.headers.get(name, "")
        others = [with_body(one.request, other.request.body) for other in bytes_spoilt(genuine)]
        if value.strip() or any(_read(adapter, other, one.told) is not None for other in others):
            raise Breach(f"a call {one.told} was believed")


def _try_stolen(bench: Bench, adapter: Any) -> None:
    """The signature of one genuine call under the body of another, and calls of another merchant's account."""
    one, other = _variants(bench)[0], _variants(bench)[0]
    stolen = with_body(other.request, one.request.body)
    _try(adapter, other, [Tampered("with the body of another genuine call", stolen)])
    foreign = Bench(bench.kit, bench.method, bench.abilities, account=1)
    if not bench.differs(foreign):
        return
    for call in _variants(foreign):
        if _read(adapter, call.request, "of another account of the provider's") is not None:
            raise Breach("a call that was signed with the key of another account was believed")


@scenario("a charge that was cancelled or refunded is told as paid by whoever saw one call", needs=NEEDS, per=Per.KIND)
def unproven_status_is_not_believed(bench: Bench) -> None:
    """Where a word of the body can be changed and the proof still fits, the call tells no charge: `confirm` does."""
    adapter = bench.adapter()
    words = tuple(dict.fromkeys((*bench.kit.statuses, *WORDS)))
    for call in _variants(bench):
        for one in words_changed(call.request, words):
            callback = _read(adapter, one.request, one.told)
            if callback is not None and callback.charges:
                raise Breach(f"a call {one.told} was believed without asking")


@scenario("a call that was seen once can be sent again whenever it suits the thief", needs=NEEDS)
def stale_callbacks_are_rejected(bench: Bench) -> None:
    """Where a call has a signed time, one of a week ago is rejected, and so is one of next week."""
    adapter = bench.adapter()
    for call in _variants(bench):
        for ahead, when in ((WEEK, "of a week ago"), (-WEEK, "of next week")):
            bench.clock.ahead = ahead
            callback = _read(adapter, call.request, when)
            bench.clock.ahead = 0.0
            if callback is None:
                continue
            if callback.sent_at is not None and callback.sent_at != call.callback.sent_at:
                raise Breach("`sent_at` of a call is our own time, not one that the provider signed")
            if callback.sent_at is not None and callback.charges:
                raise Breach(f"a call {when} was believed")


def _tells_its_path(bench: Bench) -> bool:
    return bool(_with_path(bench, "/callbacks/main", ELSEWHERE))


def _with_path(bench: Bench, path: str, other: str) -> Mapping[str, Any] | None:
    """The settings with another callback path; None where they have none."""
    changed = {
        key: value.removesuffix(path) + other
        for key, value in bench.settings.items()
        if isinstance(value, str) and value.endswith(path)
    }
    return {**bench.settings, **changed} if changed else None


@scenario(
    "a call that was signed for another address is replayed at this one by whoever adds a header",
    needs=NEEDS,
    when=_tells_its_path,
)
def told_paths_are_not_trusted(bench: Bench) -> None:
    """The path that a signature covers is the configured one, whatever the request or a header says."""
    for call in _variants(bench):
        path = call.request.path
        settings = _with_path(bench, "/callbacks/main", ELSEWHERE)
        if settings is None:
            return
        adapter = bench.adapter(settings)
        there = CallbackRequest(call.request.method, ELSEWHERE, call.request.headers, call.request.body)
        if _read(adapter, there, "for another address") is not None:
            continue  # the path is no part of the proof
        if _read(adapter, call.request, "for another address") is not None:
            raise Breach("a call that was signed for another path was believed, for it came to that path")
        for header in PATH_HEADERS:
            told = with_header(there, header, path)
            if _read(adapter, told, f"with {header}") is not None:
                raise Breach(f"a call that was signed for another path was believed, for its header {header} says so")
        for header in ("Forwarded", "X-Forwarded-Host", "Referer", "Origin"):
            told = with_header(there, header, f"https://shop.example{path}")
            if _read(adapter, told, f"with {header}") is not None:
                raise Breach(f"a call that was signed for another path was believed, for its header {header} says so")


@scenario("whoever knows that the key is empty signs whatever he likes", needs=NEEDS)
def empty_keys_are_refused(bench: Bench) -> None:
    """A key that is empty, blank or missing is refused at start, or every call is rejected because of it."""
    foreign = Bench(bench.kit, bench.method, bench.abilities, account=1)
    call = _variants(bench)[0]
    for key in bench.differs(foreign):
        wrong = _reason(bench, call, {**bench.settings, key: foreign.settings[key]})
        if wrong is None:
            continue  # calls are not proven with this one
        for value, told in (("", "empty"), (" ", "blank"), (None, "missing")):
            settings = {**bench.settings, key: value}
            if value is None:
                del settings[key]
            reason = _reason(bench, call, settings)
            if reason is None:
                raise Breach(f"with the setting {key} {told} a call was believed")
            if reason == wrong != REFUSED_AT_START:
                raise Breach(f"the setting {key} may be {told}, and calls are checked with that")


REFUSED_AT_START: Final = "refused at start"


def _reason(bench: Bench, call: Call, settings: Mapping[str, Any]) -> str | None:
    """Why a call is not believed under other settings; None where it is."""
    try:
        adapter = bench.adapter(settings)
    except PaygateError:
        return REFUSED_AT_START
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        raise Breach(f"a wrong setting made the adapter fail at start ({place_of(error)})")
    try:
        adapter.parse_callback(call.request)
    except CallbackRejected as rejected:
        return rejected.reason
    except PaygateError as error:
        return type(error).__name__
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        raise Breach(f"under a wrong setting a call made the adapter fail ({place_of(error)})")
    return None


@scenario("a stranger's bytes stop the program, or are answered so that a genuine call is lost", needs=NEEDS)
def rubbish_raises_only_rejected(bench: Bench) -> None:
    """Whatever bytes and headers come, the adapter raises CallbackRejected and nothing else."""
    adapter = bench.adapter()
    genuine = _variants(bench)[0].request
    odd = {name: "\udcff\x00é" for name in genuine.headers}
    blank = dict.fromkeys(genuine.headers, "")
    long = {name: value * 1000 for name, value in genuine.headers.items()}
    for told, body in _rubbish(genuine.body):
        for headers in ({}, dict(genuine.headers), odd, blank, long):
            for method, path in (("POST", genuine.path), ("GET", "/"), ("POST", "/%00\udcff")):
                request = CallbackRequest(method, path, headers, body)
                callback = _read(adapter, request, told)
                if callback is not None and callback.charges:
                    raise Breach(f"a call {told} was believed")


def _rubbish(body: bytes) -> list[tuple[str, bytes]]:
    return [
        ("without a body", b""),
        ("with an empty object", b"{}"),
        ("with null", b"null"),
        ("with a list", b"[]"),
        ("with a list of objects", b"[{}]"),
        ("with a number", b"1e999"),
        ("with JSON nested without end", b"[" * 100_000),
        ("with objects nested without end", b'{"a":' * 50_000),
        ("with a NUL in its body", body + b"\0"),
        ("that is cut off", body[: len(body) // 2]),
        ("in Latin-1", '{"name":"José"}'.encode("latin-1")),
        ("in UTF-16", body.decode("utf-8", "replace").encode("utf-16")),
        ("with half a surrogate", b'{"name":"\\ud800"}'),
        ("with a form instead of JSON", b"status=paid&amount=1"),
        ("of 256 KiB", b"x" * LARGEST),
        ("of 256 KiB of blanks", b" " * (LARGEST - len(body)) + body),
    ]


@scenario("the time that a comparison takes tells a patient thief the signature, sign by sign", needs=NEEDS, per=Per.KIND)
def signatures_are_compared_in_constant_time(bench: Bench) -> None:
    """A signature is compared by hmac.compare_digest or by the key itself, never by `==`."""
    adapter = bench.adapter()
    one, other = _variants(bench)[0].request, _variants(bench)[0].request
    secret = set(bench.secrets)
    for name in proofs(one):
        value = one.headers[name]
        if value == other.headers.get(name) and not any(part in secret for part in value.split()):
            continue
        compared: list[str] = []
        headers = {**one.headers, name: WatchedText(value, compared)}
        _read(adapter, CallbackRequest(one.method, one.path, headers, one.body), f"with its header {name} watched")
        if compared:
            raise Breach(f"the header {name} was compared with the right value by `==`")


SCENARIOS: Final = (
    tampered_callbacks_are_rejected,
    unproven_status_is_not_believed,
    stale_callbacks_are_rejected,
    told_paths_are_not_trusted,
    empty_keys_are_refused,
    rubbish_raises_only_rejected,
    signatures_are_compared_in_constant_time,
)
