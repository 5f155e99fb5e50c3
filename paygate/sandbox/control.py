"""The sandbox for programs: JSON under `/_sandbox`, to look in, to play the payer and to plan faults."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from paygate.sandbox.deliveries import Deliveries
from paygate.sandbox.faults import Fault
from paygate.sandbox.simulator import PayerAction, Simulator

NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
LONGEST_DELAY: Final = 30 * 24 * 3600


class WantedFault(Struct, forbid_unknown_fields=True):
    """A fault as it is asked for."""

    fault: Fault
    operation: Annotated[str, msgspec.Meta(pattern="^[a-z_]{1,40}$")] = "create_charge"
    nth: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1


class Delay(Struct, forbid_unknown_fields=True):
    """How long a callback is to wait."""

    seconds: Annotated[float, msgspec.Meta(ge=0, le=LONGEST_DELAY)] = 60.0


class _Variant(Struct, forbid_unknown_fields=True):
    variant: str


_fault: Final = msgspec.json.Decoder(WantedFault)
_delay: Final = msgspec.json.Decoder(Delay)
_variant: Final = msgspec.json.Decoder(_Variant)
UNREADABLE: Final = (msgspec.MsgspecError, ValueError, RecursionError)

TO_ONE: Final[Mapping[str, Callable[[Deliveries, int], Any]]] = {
    "resend": Deliveries.resend,
    "duplicate": Deliveries.duplicate,
    "corrupt": Deliveries.corrupt,
}
TO_ALL: Final[Mapping[str, Callable[[Deliveries], None]]] = {
    "hold": Deliveries.hold,
    "release": Deliveries.release,
    "reverse": lambda deliveries: deliveries.release(newest_first=True),
    "now": Deliveries.send_now,
}


def number_in(request: Request) -> int:
    """The number of the callback that a path names; KeyError for what cannot be one."""
    text = request.path_params["number"]
    if NUMBER.fullmatch(text) is None:
        raise KeyError(text)
    return int(text)


def routes(simulator: Simulator) -> list[Route]:
    """All paths for programs."""
    control = _Control(simulator)
    return [
        Route("/charges", control.charges),
        Route("/charges/{reference:path}/count", control.count),
        Route("/charges/{reference:path}/{action}", control.act, methods=["POST"]),
        Route("/callbacks", control.callbacks),
        Route("/callbacks/{action}", control.tell_all, methods=["POST"]),
        Route("/callbacks/{number}/{action}", control.tell_one, methods=["POST"]),
        Route("/faults", control.faults, methods=["GET", "POST", "DELETE"]),
        Route("/variant", control.variant, methods=["GET", "PUT"]),
    ]


class _Control:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def charges(self, _: Request) -> JSONResponse:
        return JSONResponse([charge.summary() for charge in self._simulator.ledger.charges])

    async def count(self, request: Request) -> JSONResponse:
        reference = request.path_params["reference"]
        return JSONResponse({"reference": reference, "count": self._simulator.ledger.count(reference)})

    async def act(self, request: Request) -> JSONResponse:
        reference = request.path_params["reference"]
        action = request.path_params["action"]
        if action not in list(PayerAction):
            return _problem(404, f"a payer can {', '.join(PayerAction)}")
        try:
            charge = self._simulator.act(reference, PayerAction(action))
        except KeyError:
            return _problem(404, f"no charge has the reference {reference!r}")
        except ValueError as error:
            return _problem(409, str(error))
        return JSONResponse(charge.summary())

    async def callbacks(self, _: Request) -> JSONResponse:
        return JSONResponse([delivery.summary() for delivery in self._simulator.deliveries.all])

    async def tell_one(self, request: Request) -> JSONResponse:
        action = request.path_params["action"]
        deliveries = self._simulator.deliveries
        try:
            number = number_in(request)
            if action == "delay":
                delivery = deliveries.delay(number, _delay.decode(await request.body() or b"{}").seconds)
            elif action in TO_ONE:
                delivery = TO_ONE[action](deliveries, number)
            else:
                return _problem(404, f"a callback can be told to delay, {', '.join(TO_ONE)}")
        except KeyError:
            return _problem(404, f"no callback has the number {request.path_params['number']!r}")
        except (msgspec.MsgspecError, RecursionError):
            return _problem(400, f'send {{"seconds": …}}, from 0 to {LONGEST_DELAY}')
        except ValueError as error:
            return _problem(409, str(error))
        return JSONResponse({"number": delivery.number, **delivery.summary()})

    async def tell_all(self, request: Request) -> JSONResponse:
        action = request.path_params["action"]
        if action not in TO_ALL:
            return _problem(404, f"callbacks can be told {', '.join(TO_ALL)}")
        TO_ALL[action](self._simulator.deliveries)
        return JSONResponse({"held": self._simulator.deliveries.held})

    async def faults(self, request: Request) -> JSONResponse:
        faults = self._simulator.faults
        if request.method == "DELETE":
            faults.clear()
        elif request.method == "POST":
            try:
                wanted = _fault.decode(await request.body())
                faults.plan(wanted.fault, wanted.operation, wanted.nth)
            except UNREADABLE:
                known = ", ".join(Fault)
                return _problem(400, f'send {{"fault": …, "operation": …, "nth": …}}; faults: {known}')
        waiting: list[dict[str, Any]] = [
            {"fault": one.fault.value, "operation": one.operation, "nth": one.nth} for one in faults.planned
        ]
        return JSONResponse(waiting)

    async def variant(self, request: Request) -> JSONResponse:
        simulator = self._simulator
        if request.method == "PUT":
            try:
                wanted = _variant.decode(await request.body()).variant
            except UNREADABLE:
                wanted = ""
            if wanted not in simulator.variants:
                return _problem(400, f'send {{"variant": …}}; variants: {", ".join(simulator.variants)}')
            simulator.variant = wanted
        return JSONResponse({"variant": simulator.variant, "variants": list(simulator.variants)})


def _problem(status: int, what: str) -> JSONResponse:
    return JSONResponse({"error": what}, status)
