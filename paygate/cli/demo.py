"""`paygate demo`: charges from beginning to end against a pretend provider, over real HTTP."""

import socket
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from paygate.advice import advice_for
from paygate.callback import Callback
from paygate.cli.arguments import typed
from paygate.cli.merchant import Merchant
from paygate.cli.output import AsJson, explained, print_json
from paygate.cli.places import takes
from paygate.cli.sandbox import pretenders, server, simulator_of
from paygate.cli.showing import instructed
from paygate.cli.timeline import Timeline, Warnings
from paygate.errors import CallbackRejected, OutcomeUnknown
from paygate.methods import EWallet, Method, PaymentLink, QrCode, Qris, Retail, VirtualAccount
from paygate.model import ChargeRef, ChargeRequest, ChargeStatus, Customer
from paygate.money import Money
from paygate.routing import Paygate
from paygate.sandbox.faults import Fault
from paygate.sandbox.simulator import PayerAction, Simulator

CALLBACK_PATH = "/callbacks/main"
PATIENCE = 10.0
PRICE = Money.idr(25_000)
QRIS = Qris()
BANK = VirtualAccount("bni")
OTHERS: tuple[Method, ...] = (BANK, EWallet("dana"), Retail("alfamart"), PaymentLink())
BUDI = Customer(name="Budi Santoso", email="budi@shop.example", phone="+6281234567890")


def demo(
    adapter: Annotated[
        str | None, typer.Argument(help="Whose provider to pretend; the first that can, unless told.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Watch charges being made, paid, called back and cancelled; an answer that is lost; a gateway that is down."""
    with explained(as_json=as_json):
        serve = server()
        timeline = Timeline(silent=as_json)
        with Merchant(CALLBACK_PATH) as merchant:
            simulator = simulator_of(adapter, merchant.url + CALLBACK_PATH, 1.0)
            with serve(simulator) as provider:
                settings = {**simulator.settings, "base_url": provider.url, "timeout_seconds": 30}
                with Paygate.from_mapping({"gateways": {"main": settings}}, listeners=[timeline]) as paygate:
                    merchant.paygate = paygate
                    timeline.opening(simulator.settings["adapter"], provider.url, merchant.url)
                    _paid(paygate, merchant, provider.url, timeline)
                    _forged(merchant, timeline)
                    _cancelled(paygate, timeline)
                    _others(paygate, merchant.url, timeline)
                    _logged_in(paygate, merchant, simulator, timeline)
                    _lost(paygate, {**settings, "timeout_seconds": 1}, simulator, timeline)
                    _passed_on(settings, other_than(simulator, merchant.url), serve, timeline)
                    _counted(simulator, timeline)
        if as_json:
            print_json(timeline.story)
        if not timeline.closing():
            raise typer.Exit(1)


def _order(reference: str, method: Method = QRIS, shop: str | None = None) -> ChargeRequest:
    return ChargeRequest(
        reference=reference,
        amount=PRICE,
        method=method,
        expires_at=datetime.now(UTC) + timedelta(minutes=15),
        customer=BUDI,
        return_url=shop,
    )


def _paid(paygate: Paygate, merchant: Merchant, provider: str, timeline: Timeline) -> None:
    timeline.chapter("A charge is made, paid and called back")
    charge = paygate.create_charge(_order("DEMO-1"))
    timeline.step("create_charge", ChargeStatus.PENDING, charge.status)
    if isinstance(charge.instructions, QrCode):
        timeline.qr(charge.instructions.payload)
    timeline.say("The payer scans the code and pays.")
    merchant.post(f"{provider}/_sandbox/charges/DEMO-1/pay", b"")
    callback = merchant.wait_for_news(PATIENCE)
    if callback is None:
        timeline.step("the provider calls back", "a callback", "none in ten seconds")
        return
    told = callback.charges[0]
    timeline.step("the callback is verified, and the charge is", ChargeStatus.PAID, told.status)
    timeline.step("its amount is the order's", PRICE, told.paid_amount)
    timeline.step("query agrees", ChargeStatus.PAID, paygate.query(charge).status)


def _forged(merchant: Merchant, timeline: Timeline) -> None:
    timeline.chapter("Somebody else says that a charge is paid")
    answered = merchant.post(merchant.url + CALLBACK_PATH, b'{"originalPartnerReferenceNo":"DEMO-2"}')
    rejected = merchant.wait_for_refusal(PATIENCE)
    timeline.step("the forged callback", CallbackRejected.__name__, type(rejected).__name__)
    if isinstance(rejected, CallbackRejected):
        timeline.say(f"  because {rejected.what}")
    timeline.step("it is answered with HTTP", 401, answered)


def _cancelled(paygate: Paygate, timeline: Timeline) -> None:
    if not paygate.gateway("main").supports("cancel", QRIS):
        return
    timeline.chapter("A second charge is cancelled")
    charge = paygate.create_charge(_order("DEMO-2"))
    timeline.step("create_charge", ChargeStatus.PENDING, charge.status)
    timeline.step("cancel", ChargeStatus.CANCELLED, paygate.cancel(charge).status)
    timeline.step("query agrees", ChargeStatus.CANCELLED, paygate.query(charge).status)


def _others(paygate: Paygate, shop: str, timeline: Timeline) -> None:
    timeline.chapter("Other ways to pay")
    for number, method in enumerate(OTHERS, 3):
        if paygate.gateway("main").supports("create_charge", method):
            charge = paygate.create_charge(_order(f"DEMO-{number}", method, f"{shop}/thanks"))
            timeline.step(f"create_charge, {typed(method)}", ChargeStatus.PENDING, charge.status)
            for name, value in instructed(charge.instructions):
                timeline.say(f"  {name}: {value}")


def _logged_in(paygate: Paygate, merchant: Merchant, simulator: Simulator, timeline: Timeline) -> None:
    """The provider's other way to call back, where it has one: it asks us for a token first."""
    usual, *others = simulator.variants
    if not others or not paygate.gateway("main").supports("create_charge", BANK):
        return
    timeline.chapter(f"The transfer arrives, and the provider calls back in its other way: {others[0]}")
    simulator.variant = others[0]
    simulator.act("DEMO-3", PayerAction.PAY)
    told = [merchant.wait(PATIENCE), merchant.wait(PATIENCE)]
    proven = sum(isinstance(one, Callback) for one in told)
    timeline.step("calls that are proven: one for a token of ours, one with it", 2, proven)
    if isinstance(told[1], Callback) and told[1].charges:
        timeline.step(
            "the callback is verified, and the charge is", ChargeStatus.PAID, told[1].charges[0].status
        )
    simulator.variant = usual


def _lost(paygate: Paygate, impatient: dict[str, Any], simulator: Simulator, timeline: Timeline) -> None:
    timeline.chapter("The provider makes one more charge, and its answer is lost")
    simulator.faults.plan(Fault.HANG, "create_charge")
    order = _order("DEMO-7")
    with Paygate.from_mapping({"gateways": {"main": impatient}}, listeners=[timeline]) as hasty:
        try:
            outcome: Any = hasty.create_charge(order).status
        except OutcomeUnknown as error:
            outcome = type(error).__name__
            timeline.say(f"  {error.what}")
            timeline.say(f"  {advice_for(type(error), 'en')}")
    timeline.step("create_charge", OutcomeUnknown.__name__, outcome)
    timeline.say("It is not sent again. It is asked for:")
    reference = ChargeRef("main", order.reference, order.method)
    timeline.step("query settles it", ChargeStatus.PENDING, paygate.query(reference).status)


def _passed_on(settings: dict[str, Any], other: Simulator, serve: Any, timeline: Timeline) -> None:
    """A charge that the first gateway of a route cannot get, for nobody listens at its address."""
    timeline.chapter("The first gateway is down, and the next one takes the charge")
    with serve(other) as provider:
        gateways = {
            "main": {**settings, "base_url": _nowhere()},
            "backup": {**other.settings, "base_url": provider.url, "timeout_seconds": 30},
        }
        document = {"gateways": gateways, "routes": {"qris": ["main", "backup"]}}
        timeline.say(
            f"qris goes to main ({settings['adapter']}), then to backup ({other.settings['adapter']})."
        )
        with Paygate.from_mapping(document, listeners=[timeline]) as both, Warnings(timeline):
            charge = both.create_charge(_order("DEMO-8"))
            timeline.step("create_charge", ChargeStatus.PENDING, charge.status)
            timeline.step("the gateway that has it", "backup", charge.gateway)
            timeline.step("query asks there", ChargeStatus.PENDING, both.query(charge).status)
    for reference, count in other.ledger.counts().items():
        timeline.step(f"charges with reference {reference}", 1, count)


def other_than(simulator: Simulator, shop: str) -> Simulator:
    """A second provider: of another adapter where one ships a simulator, else another one of the same."""
    name = simulator.settings["adapter"]
    others = (
        found.plugin.name
        for found in pretenders(but=name)
        if found.failure is None and takes(found.methods, QRIS.kind, "")
    )
    return simulator_of(next(others, name), f"{shop}/callbacks/backup", 1.0)


def _nowhere() -> str:
    """An address at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def _counted(simulator: Simulator, timeline: Timeline) -> None:
    timeline.chapter("The provider's books")
    for reference, count in simulator.ledger.counts().items():
        timeline.step(f"charges with reference {reference}", 1, count)
