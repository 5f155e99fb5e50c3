"""What an adapter is made of, before anything is sent."""

import inspect
from typing import Any, Final

from msgspec import Struct

from paygate.conformance.bench import Bench, ref_of, told
from paygate.conformance.report import Breach
from paygate.conformance.scenario import scenario
from paygate.conformance.tripwire import Tripwire
from paygate.errors import UnsupportedOperation
from paygate.flow import Conversation, Flow
from paygate.hookspecs import API_VERSION, QUESTIONS
from paygate.methods import METHODS, SAMPLES
from paygate.model import ChargeRef
from paygate.registration import registered


@scenario("paygate refuses it at start, or a hook that is never asked fails in silence")
def adapter_is_well_formed(bench: Bench) -> None:
    """The class says which interface it was written for, what its settings are and whom its hooks serve."""
    kind = bench.kit.adapter
    version = getattr(kind, "api_version", None)
    if type(version) is not int or version != API_VERSION:
        raise Breach(f"`api_version` is {version!r} where this paygate has {API_VERSION}")
    shape = getattr(kind, "settings_type", None)
    if not (isinstance(shape, type) and issubclass(shape, Struct) and shape.__struct_config__.frozen):
        raise Breach("`settings_type` is no frozen msgspec Struct")
    if issubclass(kind, Struct):
        raise Breach("the adapter is a Struct; two of them would be equal, and pluggy refuses the second")
    registered("main", bench.adapter(), ())
    for name in QUESTIONS:
        hook = getattr(kind, name, None)
        if inspect.iscoroutinefunction(hook) or inspect.isasyncgenfunction(hook):
            raise Breach(
                f"`{name}` is async; a flow is a plain generator, and paygate drives it in both shells"
            )
        if callable(hook) and name != "simulator" and not hasattr(hook, "paygate_impl"):
            raise Breach(f"`{name}` has no `@hookimpl`, so it is never asked")
    _check_marks(kind)


def _check_marks(kind: type[Any]) -> None:
    """See that the marks name methods, and that each operation fits those before it."""
    for name in QUESTIONS:
        hook = getattr(kind, name, None)
        for mark in (*getattr(hook, "paygate_methods", ()), *getattr(hook, "paygate_parts", ())):
            if mark not in METHODS and type(mark) not in METHODS:
                raise Breach(f"a mark of `{name}` names {mark!r}, which is no method")
    served = {name: _served(kind, name) for name in ("create_charge", "query", "cancel", "refund")}
    parts = {_key(mark) for mark in getattr(getattr(kind, "refund", None), "paygate_parts", ())}
    if not _within(parts, served["refund"]):
        raise Breach("`in_part_for` names a method that `refund` does not serve")
    for name in ("cancel", "refund"):
        if not _within(served[name], served["query"]):
            raise Breach(
                f"`{name}` serves a method that `query` does not, so its outcome can never be settled"
            )


def _served(kind: type[Any], name: str) -> set[tuple[Any, str]]:
    hook = getattr(kind, name, None)
    if not hasattr(hook, "paygate_impl"):
        return set()
    return {_key(mark) for mark in getattr(hook, "paygate_methods", METHODS)}


def _key(mark: Any) -> tuple[Any, str]:
    return (mark, "") if isinstance(mark, type) else (type(mark), mark.brand)


def _within(some: set[tuple[Any, str]], all_of: set[tuple[Any, str]]) -> bool:
    return all((kind, brand) in all_of or (kind, "") in all_of for kind, brand in some)


@scenario("a flow that does I/O stops every other charge of an async program, and escapes the fault rules")
def first_step_does_no_io(bench: Bench) -> None:
    """A flow asks nobody by itself: made and begun, it has used no socket and has not slept."""
    adapter = bench.adapter()
    request = bench.request()
    ref = ref_of(request)
    for name, about in (
        ("authorize", ()),
        ("create_charge", (request,)),
        ("query", (ref,)),
        ("cancel", (ref,)),
        ("refund", (ref, bench.refund())),
    ):
        if name == "authorize" or bench.abilities.can(name, bench.method):
            failure: Exception | None = None
            with Tripwire(awake=True) as tripwire:
                try:
                    _begun(getattr(adapter, name)(*about))
                except Exception as error:  # noqa: BLE001 - what it touched is what counts
                    failure = error
            if failure is not None and not tripwire.touched:
                raise failure
            if tripwire.touched:
                raise Breach(f"the first step of {name} used {tripwire.touched[0]}")


def _begun(flow: Flow[Any]) -> None:
    talk = Conversation(flow)
    talk.close()


@scenario("a charge would be sent that the provider cannot collect, or money asked back that it keeps")
def unsupported_is_refused_unsent(bench: Bench) -> None:
    """What an adapter does not offer is UnsupportedOperation, and nothing leaves the machine."""
    gateway = bench.gateway()
    for method in {**SAMPLES, type(bench.method): bench.method}.values():
        ref = ChargeRef("main", bench.reference(), method)
        for name, about in (("query", (ref,)), ("cancel", (ref,)), ("refund", (ref, bench.refund()))):
            if not bench.abilities.can(name, method):
                before = bench.mark
                outcome = bench.tried(gateway, name, *about)
                if not isinstance(outcome, UnsupportedOperation):
                    raise Breach(
                        f"{name}, which the adapter does not offer for {method.kind}, {told(outcome)}"
                    )
                if bench.mark != before:
                    raise Breach(f"{name} was sent although the adapter does not offer it for {method.kind}")


SCENARIOS: Final = (adapter_is_well_formed, first_step_does_no_io, unsupported_is_refused_unsent)
