"""`paygate demo`: charges from beginning to end against a pretend provider, over real HTTP."""

import socket
import time
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from paygate.assembly import NO_STORE
from paygate.callback import Callback
from paygate.cli.arguments import typed
from paygate.cli.merchant import Merchant
from paygate.cli.output import AsJson, explained, print_json
from paygate.cli.places import takes
from paygate.cli.sandbox import pretenders, server, simulator_of
from paygate.cli.showing import instructed
from paygate.cli.timeline import Timeline, Warnings
from paygate.errors import CallbackRejected, ConfigurationError, InstructionsLost, OutcomeUnknown
from paygate.methods import EWallet, Method, PaymentLink, QrCode, Qris, Retail, VirtualAccount
from paygate.model import ChargeRef, ChargeRequest, ChargeStatus, Customer
from paygate.money import Money
from paygate.routing import Paygate
from paygate.sandbox.delivery import Delivery
from paygate.sandbox.faults import Fault
from paygate.sandbox.simulator import PayerAction, Simulator
from paygate.worker import Worker

if TYPE_CHECKING:
    from paygate.store.store import Store

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
    """Watch charges being made, paid, called back and cancelled; answers that are lost; a gateway that is down."""
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
                    _kept(settings, merchant, simulator, timeline)
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
            timeline.say(f"  {error.advice()}")
    timeline.step("create_charge", OutcomeUnknown.__name__, outcome)
    timeline.say("It is not sent again. It is asked for:")
    reference = ChargeRef("main", order.reference, order.method)
    timeline.step("query settles it", ChargeStatus.PENDING, paygate.query(reference).status)


def _kept(settings: dict[str, Any], merchant: Merchant, simulator: Simulator, timeline: Timeline) -> None:
    """What a store adds: a call that may be repeated, and callbacks that count once."""
    timeline.chapter("With a store: an answer is lost, and the same call makes no second charge")
    with TemporaryDirectory() as folder:
        document = {"gateways": {"main": settings}, "store": {"url": f"sqlite:///{folder}/demo.db"}}
        try:
            shop = Paygate.from_mapping(document, listeners=[timeline])
        except ConfigurationError as error:
            if error.what != NO_STORE:
                raise
            timeline.say("left out: it needs SQLAlchemy and Alembic, the extra `store`")
            return
        with shop, merchant.served_by(shop):
            _made(shop.store)
            _asked_again(shop, simulator, timeline)
            _told_thrice(shop, simulator, timeline)


def _made(store: "Store | None") -> None:
    """Make the tables on purpose, as `paygate store upgrade` does: by itself a store says that it is new."""
    from paygate.store.migrations import upgrade

    if store is not None:
        upgrade(store.database)


def _asked_again(shop: Paygate, simulator: Simulator, timeline: Timeline) -> None:
    simulator.faults.plan(Fault.CLOSE, "create_charge")
    order = _order("DEMO-9")
    try:
        outcome: Any = shop.create_charge(order).status
    except OutcomeUnknown as error:
        outcome = type(error).__name__
        timeline.say(f"  {error.advice()}")
    timeline.step("create_charge", OutcomeUnknown.__name__, outcome)
    timeline.say("The same call again, which asks first:")
    try:
        charge = shop.create_charge(order)
    except InstructionsLost as lost:
        timeline.say(f"  {type(lost).__name__}: {lost.what}")
        charge = lost.charge
    timeline.step("the charge is there, and it is", ChargeStatus.PENDING, charge.status)
    timeline.step(f"charges with reference {order.reference}", 1, simulator.ledger.count(order.reference))


def _told_thrice(shop: Paygate, simulator: Simulator, timeline: Timeline) -> None:
    timeline.chapter("The provider calls three times, and the merchant's handler hears it once")
    heard: list[ChargeStatus] = []
    charge = shop.create_charge(_order("DEMO-10"))
    timeline.step("create_charge", ChargeStatus.PENDING, charge.status)
    simulator.act(charge.reference, PayerAction.PAY)
    calls = [one for one in simulator.deliveries.all if one.reference == charge.reference]
    if not calls:
        timeline.step("the provider calls back", "a callback", "none")
        return
    call = calls[-1]
    _wait_for(call)
    copy = simulator.deliveries.duplicate(call.number)
    _wait_for(call, copy)
    taken = sum(attempt.accepted for attempt in (*call.attempts, *copy.attempts))
    timeline.step("calls that are stored, and acknowledged", 3, taken)
    worker = Worker(shop, lambda callback: heard.extend(one.status for one in callback.charges))
    while worker.run_once():
        pass
    timeline.step("times that the handler hears of it as paid", 1, heard.count(ChargeStatus.PAID))
    stands = shop.known(charge.reference)
    timeline.step("the journal has it, without asking anybody", ChargeStatus.PAID, stands and stands.status)


def _wait_for(*calls: Delivery) -> None:
    """Wait until the provider has finished with these calls."""
    end = time.monotonic() + PATIENCE
    while not all(one.done for one in calls) and time.monotonic() < end:
        time.sleep(0.01)


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
