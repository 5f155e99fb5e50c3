"""Calls out of place: stale, meant for another address, proven with an empty key, or plain rubbish."""

from collections.abc import Mapping
from typing import Any, Final

from paygate.callback import Callback, CallbackRequest
from paygate.conformance.bench import Bench
from paygate.conformance.calls import Call, believed, paid_in_each_way
from paygate.conformance.report import Breach
from paygate.conformance.scenario import scenario
from paygate.conformance.tampering import bytes_spoilt, headers_spoilt, with_header, words_changed
from paygate.errors import CallbackRejected, PaygateError
from paygate.redaction import place_of

NEEDS: Final = ("create_charge", "parse_callback")
WEEK: Final = 7 * 86_400.0
LARGEST: Final = 256 * 1024
PATH: Final = "/callbacks/main"
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
URL_HEADERS: Final = ("Forwarded", "X-Forwarded-Host", "Referer", "Origin")
REFUSED_AT_START: Final = "refused at start"


@scenario("a call that was seen once can be sent again whenever it suits the thief", needs=NEEDS)
def stale_callbacks_are_rejected(bench: Bench) -> None:
    """Where a call has a signed time, one of a week ago is rejected, and so is one of next week."""
    adapter = bench.adapter()
    for call in paid_in_each_way(bench):
        for ahead, when in ((WEEK, "of a week ago"), (-WEEK, "of next week")):
            bench.clock.ahead = ahead
            callback = believed(adapter, call.request)
            bench.clock.ahead = 0.0
            if callback is None:
                continue
            if callback.sent_at is not None and callback.sent_at != call.callback.sent_at:
                raise Breach("`sent_at` of a call is our own time, not one that the provider signed")
            if callback.sent_at is not None and callback.charges:
                raise Breach(f"a call {when} was believed")


def _tells_its_path(bench: Bench) -> bool:
    return bool(_with_path(bench, PATH, ELSEWHERE))


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
    for call in paid_in_each_way(bench):
        path = call.request.path
        settings = _with_path(bench, PATH, ELSEWHERE)
        if settings is None:
            return
        adapter = bench.adapter(settings)
        there = CallbackRequest(call.request.method, ELSEWHERE, call.request.headers, call.request.body)
        if believed(adapter, there) is not None:
            continue  # the path is no part of the proof
        if believed(adapter, call.request) is not None:
            raise Breach("a call that was signed for another path was believed, for it came to that path")
        told = {
            **dict.fromkeys(PATH_HEADERS, path),
            **dict.fromkeys(URL_HEADERS, f"https://shop.example{path}"),
        }
        for header, value in told.items():
            if believed(adapter, with_header(there, header, value)) is not None:
                raise Breach(
                    f"a call that was signed for another path was believed, for its header {header} says so"
                )


@scenario("whoever knows that the key is empty signs whatever he likes", needs=NEEDS)
def empty_keys_are_refused(bench: Bench) -> None:
    """A key that is empty, blank or missing is refused at start, or every call is rejected because of it."""
    foreign = Bench(bench.kit, bench.method, bench.abilities, account=1)
    call = paid_in_each_way(bench)[0]
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
    for call in paid_in_each_way(bench):
        genuine = call.request
        for name in genuine.headers:
            for one in headers_spoilt(genuine, name):
                _read(adapter, one.request, one.told)
        for one in (*bytes_spoilt(genuine), *words_changed(genuine, ("", "paid"))):
            _read(adapter, one.request, one.told)
        odd = dict.fromkeys(genuine.headers, "\udcff\x00é")
        blank = dict.fromkeys(genuine.headers, "")
        huge = {name: value * 1000 for name, value in genuine.headers.items()}
        for told, body in _rubbish(genuine.body):
            for headers in ({}, dict(genuine.headers), odd, blank, huge):
                for method, path in (("POST", genuine.path), ("GET", "/"), ("POST", "/%00\udcff")):
                    _read(adapter, CallbackRequest(method, path, headers, body), told)


def _read(adapter: Any, request: CallbackRequest, what: str) -> None:
    """Give a call to the adapter itself: a callback or CallbackRejected must come of it."""
    try:
        callback = adapter.parse_callback(request)
    except CallbackRejected:
        return
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        raise Breach(f"a call {what} made the adapter fail ({place_of(error)}) where it must reject it")
    if not isinstance(callback, Callback):
        raise Breach(f"a call {what} was answered with {type(callback).__name__}, not rejected")


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


SCENARIOS: Final = (
    stale_callbacks_are_rejected,
    told_paths_are_not_trusted,
    empty_keys_are_refused,
    rubbish_raises_only_rejected,
)
