"""The sandbox for people: its charges and callbacks in a browser, with a tester's buttons. No scripts.

What a button does is answered by "see the page", so that reloading a page never does it twice.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import anyio
import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from paygate.sandbox import wording
from paygate.sandbox.addresses import HOME
from paygate.sandbox.control import TO_ALL, TO_ONE, Delay, WantedFault, number_in
from paygate.sandbox.deliveries import Deliveries
from paygate.sandbox.simulator import Simulator

SHOWN: Final = 100
GLANCES: Final = 100
GLANCE: Final = 0.01
FILES: Final = Path(__file__).parent / "templates"
OPERATIONS: Final = ("create_charge", "query", "cancel", "refund", "authorize")
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)
HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("paygate.sandbox"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    writers: tuple[Callable[..., object], ...] = (
        wording.brand,
        wording.charge_state,
        wording.instant,
        wording.is_open,
        wording.method,
        wording.moment,
        wording.rupiah,
    )
    made.filters.update({writer.__name__: writer for writer in writers})
    made.globals["zone"] = wording.zone
    return made


_templates: Final = _environment()


def page(template: str, status: int = 200, leads_to: str = "", **shown: Any) -> Response:
    """A page of ours; its forms may lead to another site's address only where one is named."""
    body = _templates.get_template(template).render(home=HOME, **shown)
    policy = f"{POLICY} {leads_to}".rstrip()
    return HTMLResponse(body, status, {**HEADERS, "Content-Security-Policy": policy})


def problem(status: int, title: str, what: str, way_on: tuple[str, str] | None = None) -> Response:
    """A page that says what cannot be done, with a way home and perhaps another."""
    return page("problem.html", status, title=title, what=what, way_on=way_on)


async def not_here(_: Request, error: Exception) -> Response:
    """The page for an address or a method that the sandbox does not have."""
    assert isinstance(error, HTTPException)
    reply = problem(error.status_code, error.detail, "The sandbox has nothing at this address.")
    reply.headers.update(error.headers or {})
    return reply


def see(address: str) -> Response:
    """Send the browser on, to look at a page."""
    return RedirectResponse(address, 303, HEADERS)


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form; of one that is sent twice, the last."""
    return dict(parse_qsl((await request.body()).decode("latin-1")))


async def settled(deliveries: Deliveries) -> None:
    """Wait a moment for callbacks on their way, so that the next page shows what came of them."""
    for _ in range(GLANCES):
        if not deliveries.busy:
            return
        await anyio.sleep(GLANCE)


def routes(simulator: Simulator) -> list[Route]:
    """All pages but those of the payer, and what their buttons do."""
    pages = _Pages(simulator)
    return [
        Route("/", pages.overview),
        Route("/callback/{number}", pages.callback),
        Route("/callback/{number}", pages.tell_one, methods=["POST"]),
        Route("/set/callbacks", pages.tell_all, methods=["POST"]),
        Route("/set/variant", pages.choose, methods=["POST"]),
        Route("/set/faults", pages.plan, methods=["POST"]),
        Route("/style.css", _style),
        Route("/icon.svg", _icon),
    ]


class _Pages:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def overview(self, request: Request) -> Response:
        simulator = self._simulator
        charges, callbacks = simulator.ledger.charges, simulator.deliveries.all
        return page(
            "overview.html",
            base_url=str(request.base_url).rstrip("/"),
            charges=charges[: -SHOWN - 1 : -1],
            charge_count=len(charges),
            callbacks=callbacks[: -SHOWN - 1 : -1],
            callback_count=len(callbacks),
            operations=OPERATIONS,
            faults=wording.FAULTS,
            simulator=simulator,
            state=self._state,
            target=simulator.settings.get("callback_url"),
        )

    async def callback(self, request: Request) -> Response:
        try:
            delivery = self._simulator.deliveries.find(number_in(request))
        except KeyError:
            return _no_callback()
        charge = self._simulator.ledger.find(delivery.reference)
        return page("callback.html", callback=delivery, charge=charge, state=self._state)

    async def tell_one(self, request: Request) -> Response:
        deliveries = self._simulator.deliveries
        form = await form_of(request)
        action, _, seconds = form.get("do", "").partition(" ")
        try:
            number = number_in(request)
            if action == "delay":
                deliveries.delay(number, msgspec.convert({"seconds": seconds}, Delay, strict=False).seconds)
            elif action in TO_ONE:
                TO_ONE[action](deliveries, number)
            else:
                return _unreadable()
        except KeyError:
            return _no_callback()
        except msgspec.ValidationError:
            return _unreadable()
        except ValueError as error:
            return problem(409, "Not now", f"The {error}.")
        await settled(deliveries)
        return see(f"{HOME}callback/{number}" if "stay" in form else f"{HOME}#callback-{number}")

    async def tell_all(self, request: Request) -> Response:
        action = (await form_of(request)).get("do", "")
        if action not in TO_ALL:
            return _unreadable()
        TO_ALL[action](self._simulator.deliveries)
        await settled(self._simulator.deliveries)
        return see(f"{HOME}#callbacks")

    async def choose(self, request: Request) -> Response:
        variant = (await form_of(request)).get("variant", "")
        if variant not in self._simulator.variants:
            return _unreadable()
        self._simulator.variant = variant
        return see(f"{HOME}#provider")

    async def plan(self, request: Request) -> Response:
        form = await form_of(request)
        if form.pop("do", "") == "clear":
            self._simulator.faults.clear()
            return see(f"{HOME}#provider")
        try:
            wanted = msgspec.convert(form, WantedFault, strict=False)
        except msgspec.ValidationError:
            return _unreadable()
        self._simulator.faults.plan(wanted.fault, wanted.operation, wanted.nth)
        return see(f"{HOME}#provider")

    def _state(self, delivery: Any) -> wording.State:
        return wording.delivery_state(self._simulator.deliveries, delivery)


def _no_callback() -> Response:
    return problem(404, "No such callback", "No callback has this number.")


def _unreadable() -> Response:
    return problem(400, "Not understood", "The form holds something that the sandbox does not know.")


async def _style(_: Request) -> Response:
    return Response((FILES / "style.css").read_bytes(), headers=HEADERS, media_type="text/css")


async def _icon(_: Request) -> Response:
    return Response((FILES / "icon.svg").read_bytes(), headers=HEADERS, media_type="image/svg+xml")
