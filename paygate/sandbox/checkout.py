"""The page on which a tester plays the payer of one charge: scans, transfers, pays, declines, or is late."""

import re
from typing import Final
from urllib.parse import quote

import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from paygate.methods import EWallet, Method, PaymentLink, QrCode, Qris, Retail, VirtualAccount
from paygate.sandbox.addresses import page_of
from paygate.sandbox.ledger import PretendCharge
from paygate.sandbox.pages import form_of, page, problem, see, settled
from paygate.sandbox.simulator import PayerAction, Simulator
from paygate.sandbox.wording import charge_state, is_open

BUTTONS: Final[dict[type[Method], dict[PayerAction, str]]] = {
    Qris: {PayerAction.PAY: "Pay", PayerAction.FAIL: "Decline"},
    EWallet: {PayerAction.PAY: "Pay", PayerAction.FAIL: "Decline"},
    VirtualAccount: {PayerAction.PAY: "Transfer"},
    Retail: {PayerAction.PAY: "Pay at the till"},
    PaymentLink: {PayerAction.PAY: "Pay", PayerAction.FAIL: "Decline"},
}
LATE: Final = "Let it expire"
IN_A_BROWSER: Final = (EWallet, PaymentLink)
ADDRESS: Final = re.compile(
    r"(?P<origin>https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?)([/?#][!-~]*)?", re.ASCII
)


def address_of(charge: PretendCharge) -> str:
    """Where a charge's page is, on the host."""
    return page_of("", quote(charge.provider_reference, safe=""))


def routes(simulator: Simulator) -> list[Route]:
    """The payer's pages, and what their buttons do."""
    checkout = _Checkout(simulator)
    return [
        Route("/pay/{number}", checkout.show),
        Route("/pay/{number}", checkout.act, methods=["POST"]),
    ]


class _Checkout:
    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def show(self, request: Request) -> Response:
        charge = self._simulator.ledger.numbered(request.path_params["number"])
        if charge is None:
            return _no_charge()
        closed = self._closed(charge)
        return_url = _return_of(charge)
        return page(
            "checkout.html",
            leads_to="" if closed else _origin(return_url),
            charge=charge,
            buttons={**BUTTONS[type(charge.method)], PayerAction.EXPIRE: LATE},
            choices=_choices(charge),
            closed=closed,
            qr=_drawn(charge),
            return_url=return_url,
        )

    async def act(self, request: Request) -> Response:
        charge = self._simulator.ledger.numbered(request.path_params["number"])
        if charge is None:
            return _no_charge()
        form = await form_of(request)
        action, choices = form.get("do", ""), _choices(charge)
        if action not in list(PayerAction):
            return problem(400, "Not understood", "A payer can pay, decline or be late.", _back(charge))
        closed = self._closed(charge)
        if closed:
            return problem(409, "This charge is closed", closed, _back(charge))
        try:
            by = choices[form.get("by", "")] if choices and action == PayerAction.PAY else None
            self._simulator.act(charge.reference, PayerAction(action), by)
        except KeyError:
            return problem(400, "Not understood", "The link does not offer this.", _back(charge))
        except ValueError as error:
            return problem(409, "This charge is closed", f"{str(error).capitalize()}.", _back(charge))
        await settled(self._simulator.deliveries)
        return see((action != PayerAction.EXPIRE and _return_of(charge)) or address_of(charge))

    def _closed(self, charge: PretendCharge) -> str:
        """Why nothing can be done with a charge any more; empty for an open one."""
        if not is_open(charge):
            return f"It is {charge_state(charge).words}."
        if self._simulator.ledger.find(charge.reference) is not charge:
            return "A newer charge has the same reference, and the provider speaks of that one only."
        return ""


def _choices(charge: PretendCharge) -> dict[str, Method]:
    """How a payment link can be paid, by the value that its form sends; nothing where there is no choice."""
    offered = charge.method.offered if isinstance(charge.method, PaymentLink) else ()
    return {str(place): method for place, method in enumerate(offered)}


def _return_of(charge: PretendCharge) -> str:
    """Where the payer's browser goes afterwards, if the payer is in a browser and it is an address."""
    url = charge.return_url or ""
    return url if isinstance(charge.method, IN_A_BROWSER) and ADDRESS.fullmatch(url) else ""


def _origin(url: str) -> str:
    """The part of an address that a page's policy can name; nothing else of it can get in there."""
    found = ADDRESS.fullmatch(url)
    return found["origin"] if found else ""


def _drawn(charge: PretendCharge) -> Markup:
    """The QR code of a charge as a picture; always dark on light, or no scanner reads it."""
    if not isinstance(charge.instructions, QrCode):
        return Markup()
    code = segno.make(charge.instructions.payload or " ", micro=False)
    drawn = code.svg_inline(light="#fff", dark="#000", omitsize=True, svgclass=None, lineclass=None)
    return Markup(drawn)  # noqa: S704 - made by segno, and the payload is in its dots only


def _no_charge() -> Response:
    return problem(404, "No such charge", "No charge has this number.")


def _back(charge: PretendCharge) -> tuple[str, str]:
    return (address_of(charge), f"The page of charge {charge.reference}")
