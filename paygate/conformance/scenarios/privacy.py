"""Secrets and the payer's values: what an adapter says, logs, raises and shows of itself has none of them."""

import json
from collections.abc import Iterator
from typing import Any, Final

import httpx
import msgspec

from paygate.callback import Callback, Conflict
from paygate.conformance.accidents import ACCIDENTS
from paygate.conformance.bench import ONCE, Bench
from paygate.conformance.calls import delivered, paid_calls
from paygate.conformance.report import Breach
from paygate.conformance.scenario import Per, scenario
from paygate.conformance.tampering import garbled, proofs, with_header
from paygate.conformance.watch import Canaries, overheard, personal_of, proofs_of, seen, shown_by
from paygate.conformance.wire import Answer, copied
from paygate.errors import CallbackRejected, ConfigurationError, PaygateError
from paygate.hookspecs import Exchange, hookimpl
from paygate.model import Charge
from paygate.sandbox.simulator import Simulator

Shown = list[tuple[str, str]]
"""Where something was shown, and what."""
BAD: Final = "kit-canary-no-key-at-all"


class _Listener:
    """Keeps how everything looks that is announced."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown

    @hookimpl
    def exchanged(self, exchange: Exchange) -> None:
        self._shown.append(("an announced exchange", repr(exchange)))

    @hookimpl
    def charge_changed(self, charge: Charge) -> None:
        self._shown.append(("an announced charge", repr(charge)))

    @hookimpl
    def callback_received(self, callback: Callback) -> None:
        self._shown.append(("an announced callback", repr(callback)))

    @hookimpl
    def conflict_found(self, conflict: Conflict) -> None:
        self._shown.append(("an announced conflict", repr(conflict)))


def _echoing(status: int, text: str) -> Answer:
    """A page that says back what was sent."""
    return lambda *_: httpx.Response(status, content=text.encode(), headers={"Content-Type": "text/plain"})


def _quoting(place: int, text: str) -> Answer:
    """A refusal that quotes what was sent, in one of its texts."""

    def answer(simulator: Simulator, request: httpx.Request) -> httpx.Response:
        reply = simulator.refusal(request)
        told = list(_quoted(reply.content, text))
        return copied(reply, content=told[place % len(told)]) if told else copied(reply)

    return answer


def _quoted(content: bytes, text: str) -> Iterator[bytes]:
    """A JSON object, with each of its texts in turn longer by what is quoted."""
    try:
        told: Any = json.loads(content)
    except ValueError:
        return
    if isinstance(told, dict):
        for key, value in told.items():
            if isinstance(value, str):
                yield json.dumps({**told, key: f"{value} {text}"}).encode()


def _shown(bench: Bench, canaries: Canaries) -> Shown:
    """Do all that shows something: what succeeds, what is refused, what nobody can read, what is forged."""
    shown: Shown = []
    with overheard() as heard:
        adapter = bench.adapter()
        gateway = bench.gateway(adapter, retry=ONCE, listeners=[_Listener(shown)])
        _note(shown, "the adapter", adapter)
        _note(shown, "the settings", bench.fitted())
        _note(shown, "the credential", gateway.authorize())
        charge = bench.tried(gateway, "create_charge", bench.request())
        _note(shown, "create_charge", charge)
        for sent in bench.wire.sent:
            canaries |= proofs_of(sent, bench.public)
        for status in (200, 400, 401, 500):
            for text in list(canaries):
                bench.wire.spoil("create_charge", _echoing(status, text))
                _note(shown, "create_charge", bench.tried(gateway, "create_charge", bench.request()))
        for text in _quotable(canaries):
            for place in range(3):
                bench.wire.spoil("create_charge", _quoting(place, text))
                _note(shown, "create_charge", bench.tried(gateway, "create_charge", bench.request()))
        for accident in ACCIDENTS:
            bench.wire.spoil("create_charge", accident.answer)
            _note(shown, "create_charge", bench.tried(gateway, "create_charge", bench.request()))
        bench.wire.mend()
        if isinstance(charge, Charge):
            for name, about in bench.later(charge):
                _note(shown, name, bench.tried(gateway, name, *about))
        _note_callbacks(bench, adapter, shown, canaries)
        _note_settings(bench, shown)
        shown += [("the log", heard.logged), ("what was printed", heard.printed)]
    for sent in bench.wire.sent:
        canaries |= proofs_of(sent, bench.public)
    return shown


def _quotable(canaries: Canaries) -> list[str]:
    """What a provider may quote of a request: headers by their form, and the payer's values."""
    quoted = []
    for value, name in canaries.items():
        if name.startswith("the header authorization"):
            quoted += [f"Authorization: Bearer {value}", f"basic {value}"]
        elif name.startswith("the payer") or len(value) >= 32:
            quoted.append(value)
    return quoted


def _note(shown: Shown, name: str, one: object) -> None:
    if isinstance(one, BaseException):
        shown.append((f"the error of {name}", shown_by(one)))
    elif isinstance(one, Charge):
        shown.append((f"the charge of {name}", f"{one!r} {one} {one.ref!r}"))
    else:
        shown.append((name, f"{one!r} {one}"))


def _note_callbacks(bench: Bench, adapter: Any, shown: Shown, canaries: Canaries) -> None:
    if not bench.abilities.can("parse_callback", bench.method):
        return
    gateway = bench.gateway(adapter, listeners=[_Listener(shown)])
    for variant in bench.simulator.variants:
        with bench.called_back_by(variant):
            for call in paid_calls(bench, gateway)[1]:
                _note(shown, "the callback", call.callback)
                for name in proofs(call.request):
                    value = call.request.headers[name]
                    if len(value) >= 32 and value not in bench.public:
                        canaries[value] = f"the right value of the header {name}"
                    for other in (garbled(value), ""):
                        spoilt = with_header(call.request, name, other)
                        try:
                            gateway.parse_callback(spoilt)
                        except CallbackRejected as rejected:
                            _note(shown, "a rejected callback", rejected)
    delivered(bench, gateway)


def _note_settings(bench: Bench, shown: Shown) -> None:
    """A setting that is wrong is named; its value is not."""
    for field in msgspec.structs.fields(bench.kit.adapter.settings_type):
        if isinstance(bench.settings.get(field.encode_name), str):
            try:
                bench.adapter({**bench.settings, field.encode_name: f"{BAD}\n"})
            except ConfigurationError as error:
                _note(shown, "a wrong setting", error)
            except PaygateError as error:
                _note(shown, "a wrong setting", error)


def _check(shown: Shown, canaries: Canaries) -> None:
    for where, text in shown:
        what = seen(canaries, text)
        if what is not None:
            raise Breach(f"{where} shows {what}")


@scenario("a log or an error report goes to people who may then sign in the merchant's name", per=Per.KIND)
def secrets_stay_hidden(bench: Bench) -> None:
    """No secret setting, token or signature is in a log, an error, a `repr` or an announcement."""
    canaries: Canaries = dict(bench.secrets)
    secrets = {name.removeprefix("the setting ") for name in canaries.values()}
    canaries[BAD] = "the value of a wrong setting"
    shown = _shown(bench, canaries)
    if not secrets:
        del canaries[BAD]
    _check(shown, canaries)


def _knows_the_payer(bench: Bench) -> bool:
    return bench.request().customer is not None


@scenario(
    "a payer's name, address and phone number are no business of a log's readers",
    per=Per.KIND,
    when=_knows_the_payer,
)
def personal_values_stay_hidden(bench: Bench) -> None:
    """The payer's name, e-mail address and phone number are in no log, error, `repr` or announcement."""
    canaries = personal_of(bench.request().customer)
    own = dict(canaries)
    shown = _shown(bench, canaries)
    _check(shown, own)


SCENARIOS: Final = (secrets_stay_hidden, personal_values_stay_hidden)
