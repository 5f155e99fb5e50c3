"""What both applications do with a callback: whom they tell, and what the provider is answered."""

import logging
from datetime import UTC, datetime
from typing import Any

import pytest
from paygate_tiny import OK, Tiny

from paygate import (
    Callback,
    CallbackReply,
    CallbackRequest,
    Charge,
    ChargeStatus,
    ConflictKind,
    Money,
    Qris,
    hookimpl,
)
from paygate.callback import AGAIN as ASK_AGAIN
from paygate.desk import LARGEST_CALLBACK
from tests.callbacks.doors import DOORS, Answer, AsyncHandler, Door, Handler, sealed, told
from tests.provider import CANARY, tiny

PERSONAL = "0812-3456-7890"
SUCCESS = Answer(200, {"content-type": "text/plain", "content-length": "2"}, b"OK", 0)
AGAIN = Answer(500, {"content-type": "text/plain", "content-length": "21"}, b"Internal Server Error", 0)


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest) -> Door:
    """Each of the applications."""
    return Door(request.param)


def ours(**other: Any) -> Charge:
    """What the merchant knows of INV-1."""
    asked = {
        "gateway": "main",
        "reference": "INV-1",
        "status": ChargeStatus.PENDING,
        "method": Qris(),
        "amount": Money.idr(25_000),
    }
    return Charge(**{**asked, **other})


class Teller(Tiny):
    """Tiny, but a callback is answered as a test wants, and about as many charges as it wants."""

    references: tuple[str, ...] = ("INV-1",)
    reply: CallbackReply = OK
    again: CallbackReply = ASK_AGAIN

    @hookimpl
    def parse_callback(self, request: CallbackRequest) -> Callback:
        """Believe anybody."""
        paid = {"status": ChargeStatus.PAID, "paid_amount": Money.idr(25_000)}
        charges = tuple(ours(reference=reference, **paid) for reference in self.references)
        now = datetime.now(UTC)
        return Callback(gateway="main", charges=charges, reply=self.reply, again=self.again, sent_at=now)


def test_the_handler_gets_the_callback_and_the_provider_its_reply(door: Door) -> None:
    """A charge is told once, in our words, and the adapter's reply goes out as it is."""
    handler = Handler()
    assert SUCCESS == door.tell(door.made(handler))
    [callback] = handler.given
    [charge] = callback.charges
    assert ("INV-1", ChargeStatus.PAID, Money.idr(25_000)) == (
        charge.reference,
        charge.status,
        charge.paid_amount,
    )
    assert () == callback.conflicts


@pytest.mark.parametrize(
    "pieces", [[b""], [b"", b""], [told()[:10], b"", told()[10:]], [bytes([x]) for x in told()]]
)
@pytest.mark.parametrize("length", [True, False])
def test_the_body_may_come_in_any_pieces(door: Door, pieces: list[bytes], length: bool) -> None:
    """The raw bytes are put together and verified as they came, with a length told before or without."""
    handler = Handler()
    body = b"".join(pieces)
    answer = door.call(door.made(handler), pieces, sealed(body, length=length))
    assert ((200, 1) if body else (401, 0)) == (answer.status, len(handler.given))


def test_a_repeat_gets_the_same_success(door: Door) -> None:
    """The handler is told again, and must not mind."""
    handler = Handler()
    app = door.made(handler)
    assert [SUCCESS, SUCCESS] == [door.tell(app), door.tell(app)]
    assert 2 == len(handler.given)


def test_a_call_about_no_charge_is_the_adapters_alone(door: Door) -> None:
    """A request for a token disturbs neither the handler nor the merchant's books."""
    handler = Handler()
    looked_up: list[Charge] = []
    adapter = tiny(kind=Teller)
    adapter.references = ()
    app = door.made(handler, adapter, known=looked_up.append)
    assert SUCCESS == door.tell(app)
    assert ([], []) == (handler.given, looked_up)


def test_a_charge_that_fits_is_told_in_the_merchants_words(door: Door) -> None:
    """After a look-up it has the amount that was asked for."""
    handler = Handler()
    assert SUCCESS == door.tell(door.made(handler, known=lambda _: ours()))
    [callback] = handler.given
    assert [Money.idr(25_000)] == [charge.amount for charge in callback.charges]
    assert () == callback.conflicts


@pytest.mark.parametrize(
    ("known", "status", "amount", "kind", "answer"),
    [
        (None, "paid", "25000", ConflictKind.UNKNOWN, AGAIN),
        (ours(gateway="other"), "paid", "25000", ConflictKind.UNKNOWN, AGAIN),
        (ours(), "paid", "24999", ConflictKind.AMOUNT, SUCCESS),
        (ours(status=ChargeStatus.PAID), "open", "25000", ConflictKind.REGRESSION, SUCCESS),
        (ours(status=ChargeStatus.EXPIRED), "paid", "25000", ConflictKind.LATE, SUCCESS),
    ],
)
def test_a_contradiction_is_told_as_such(
    door: Door, known: Charge | None, status: str, amount: str, kind: ConflictKind, answer: Answer
) -> None:
    """It stands among the conflicts and not among the charges; only an unknown charge is asked for again."""
    handler = Handler()
    app = door.made(handler, known=lambda _: known)
    assert answer == door.tell(app, told(status=status, amount=amount))
    [callback] = handler.given
    assert () == callback.charges
    assert [(kind, known)] == [(one.kind, one.known) for one in callback.conflicts]


def test_several_charges_are_looked_up_each(door: Door) -> None:
    """The handler gets all in one call: those that fit, and those that do not."""
    handler = Handler()
    adapter = tiny(kind=Teller)
    adapter.references = ("INV-1", "INV-2", "INV-3")
    books = {"INV-1": ours(), "INV-3": ours(reference="INV-3")}
    app = door.made(handler, adapter, known=lambda charge: books.get(charge.reference))
    assert AGAIN == door.tell(app)
    [callback] = handler.given
    assert ["INV-1", "INV-3"] == [charge.reference for charge in callback.charges]
    assert ["INV-2"] == [conflict.told.reference for conflict in callback.conflicts]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_what_is_async_is_awaited(backend: str) -> None:
    """The handler and the look-up may be coroutine functions, or objects called like one."""
    door, handler = Door(backend), AsyncHandler()

    async def known(_: Charge) -> Charge:
        return ours()

    assert SUCCESS == door.tell(door.made(handler, known=known))
    assert 1 == len(handler.given)


def failing(_: object) -> None:
    """Quote what must not be quoted."""
    raise RuntimeError(f"no row for {PERSONAL}, key {CANARY}")


@pytest.mark.parametrize("fault", ["handler", "look-up"])
def test_a_failure_of_the_merchants_makes_the_provider_call_again(
    door: Door, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The log tells kind and place, and not a word of the error; the handler waits for a good look-up."""
    handler = Handler()
    app = door.made(failing) if fault == "handler" else door.made(handler, known=failing)
    assert AGAIN == door.tell(app)
    [record] = caplog.records
    assert ("paygate", logging.ERROR, None) == (record.name, record.levelno, record.exc_info)
    assert "gateway main failed (RuntimeError in failing, line " in record.message
    assert "of test_reception.py)" in record.message
    assert PERSONAL not in record.message
    assert [] == handler.given


def test_the_adapter_says_how_to_ask_again(door: Door) -> None:
    """A provider with a form of its own for "again" gets that."""
    adapter = tiny(kind=Teller)
    adapter.again = CallbackReply(504, {"Content-Type": "application/json"}, b'{"code":"5042500"}')
    answer = door.tell(door.made(failing, adapter))
    assert (504, b'{"code":"5042500"}') == (answer.status, answer.body)


def test_a_look_up_that_gives_something_else_is_a_failure(door: Door) -> None:
    """What is no charge is not compared with one."""
    handler = Handler()
    assert AGAIN == door.tell(door.made(handler, known=lambda _: "INV-1"))
    assert [] == handler.given


def test_what_is_no_failure_passes_through(door: Door) -> None:
    """An exit is the server's business."""

    def leave(_: Callback) -> None:
        raise SystemExit(3)

    with pytest.raises(BaseException) as raised:
        door.tell(door.made(leave))
    assert isinstance(raised.value, SystemExit) or raised.group_contains(SystemExit)


def test_a_callback_that_is_not_proven_reaches_nobody(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """It is answered as the adapter wants; the log has the reason, and no value."""
    handler = Handler()
    body = told(reference=PERSONAL)
    headers = [(name, "0" * 64 if name == "x-mac" else value) for name, value in sealed(body)]
    answer = door.call(door.made(handler), [body], headers)
    assert (401, b"Unauthorized") == (answer.status, answer.body)
    assert [] == handler.given
    assert [("paygate", logging.WARNING)] == [(one.name, one.levelno) for one in caplog.records]
    assert ["paygate: a call to gateway main was turned away: signature"] == caplog.messages


def test_an_adapter_that_fails_is_asked_again(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """The bytes were proven, but could not be read: the provider calls again."""

    class Careless(Tiny):
        @hookimpl
        def parse_callback(self, request: CallbackRequest) -> Callback:
            raise KeyError(super().parse_callback(request).charges[0].reference)

    handler = Handler()
    assert AGAIN == door.tell(door.made(handler, tiny(kind=Careless)))
    assert [] == handler.given
    assert ["paygate: a call to gateway main was turned away: adapter"] == caplog.messages


@pytest.mark.parametrize("status", [200, 202, 299, 401, 504, 599])
@pytest.mark.parametrize("name", ["content-length", "Content-Length", "X-Other"])
def test_the_reply_goes_out_with_its_own_length(door: Door, status: int, name: str) -> None:
    """One Content-Length, the true one, whatever the adapter says; all else is the adapter's."""
    adapter = tiny(kind=Teller)
    adapter.reply = CallbackReply(status, {"Content-Type": "text/plain", name: "7"}, b"\x00\xff!")
    answer = door.tell(door.made(Handler(), adapter))
    expected = {"content-type": "text/plain", name.lower(): "7", "content-length": "3"}
    assert (status, expected, b"\x00\xff!") == answer[:3]


def test_what_contradicts_the_books_is_logged_by_its_kind(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    """An unknown charge is answered so that it comes again, which must not look like a crash."""
    with caplog.at_level(logging.WARNING, "paygate"):
        door.tell(door.made(Handler(), known=lambda _: None))
    assert "contradicts what you know: unknown; the provider is to repeat it" in caplog.text
    assert "INV-1" not in caplog.text


@pytest.mark.parametrize("largest", [0, -1, LARGEST_CALLBACK + 1])
def test_a_limit_that_could_not_hold_is_refused(door: Door, largest: int) -> None:
    """More than the gateway reads would be promised and not kept."""
    with pytest.raises(ValueError, match="largest_body"):
        door.made(Handler(), largest_body=largest)
