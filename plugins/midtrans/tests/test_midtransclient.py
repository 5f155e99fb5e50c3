"""Midtrans' own client, unmodified, finds in the simulator what it finds at Midtrans.

It is `midtransclient` 1.4.2 from PyPI, with `requests` under it. It is told where to go as it tells itself:
by a configuration of its own class. Nothing of paygate's adapter is here.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from midtransclient import CoreApi
from midtransclient.config import ApiConfig  # type: ignore[import-untyped]
from midtransclient.error_midtrans import MidtransAPIError  # type: ignore[import-untyped]
from paygate_midtrans.simulator import MidtransSimulator

from paygate import ChargeStatus
from paygate.sandbox import Fault, PayerAction
from paygate.sandbox.host import serve
from paygate.sandbox.server import Server
from tests.midtrans_merchant import ACCOUNTS, ORDERS, order, signed, watch
from tests.sandbox.shop import Shop, shop

REFUND = {"refund_key": "R-1", "amount": 5_000, "reason": "Barang habis"}
WALLETS = ("qris", "airpay", "gopay", "shopeepay")


@pytest.fixture
def merchant() -> Iterator[Shop]:
    """Where the merchant is called back."""
    with shop() as one:
        yield one


@pytest.fixture
def simulator(merchant: Shop) -> MidtransSimulator:
    """A pretend Midtrans that calls there."""
    made = MidtransSimulator(merchant.url)
    watch(made.server_key)
    return made


@pytest.fixture
def host(simulator: MidtransSimulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Its host, on this machine; no proxy is to be asked for it."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve(simulator) as running:
        yield running


@pytest.fixture
def connect(simulator: MidtransSimulator, host: Server) -> Callable[..., Any]:
    """Make a client of that host, with this key and these headers."""

    def make(server_key: str | None = None, **headers: str) -> Any:
        class Here(ApiConfig):  # type: ignore[misc]
            CORE_SANDBOX_BASE_URL = host.url

        client = CoreApi()
        client.api_config = Here(
            server_key=simulator.server_key if server_key is None else server_key,
            custom_headers={name.replace("_", "-"): value for name, value in headers.items()},
        )
        return client

    return make


@pytest.fixture
def client(connect: Callable[..., Any]) -> Any:
    """The client of the merchant."""
    return connect()


def refused(call: Callable[..., Any], *given: Any) -> tuple[int, str, dict[str, Any]]:
    """The HTTP status, the code and the answer by which a call is refused."""
    with pytest.raises(MidtransAPIError) as caught:
        call(*given)
    answer = caught.value.api_response_dict
    return caught.value.http_status_code, answer["status_code"], answer


@pytest.mark.parametrize("kind", ORDERS)
def test_a_charge_of_every_kind(client: Any, simulator: MidtransSimulator, kind: str) -> None:
    """It is made, and answered with what the payer needs."""
    told = client.charge(order(kind))
    assert ("201", "pending", "20000.00") == (
        told["status_code"],
        told["transaction_status"],
        told["gross_amount"],
    )
    needed = {
        **dict.fromkeys(WALLETS, "actions"),
        **dict.fromkeys(ACCOUNTS, "va_numbers"),
        "permata": "permata_va_number",
        "mandiri": "bill_key",
    }
    assert told[needed[kind]]
    assert 1 == simulator.ledger.count("INV-1")


def test_a_charge_as_text(client: Any, simulator: MidtransSimulator) -> None:
    """The client takes JSON too."""
    assert "201" == client.charge(json.dumps(order("bca")))["status_code"]
    assert 1 == simulator.ledger.count("INV-1")


@pytest.mark.parametrize("kind", ORDERS)
def test_status_by_either_name(client: Any, simulator: MidtransSimulator, kind: str) -> None:
    """By order_id and by transaction_id, open and paid; the answer is signed."""
    number = client.charge(order(kind))["transaction_id"]
    assert client.transactions.status("INV-1") == client.transactions.status(number)
    assert "pending" == client.transactions.status(number)["transaction_status"]
    simulator.act("INV-1", PayerAction.PAY)
    told = client.transactions.status("INV-1")
    assert ("200", "settlement") == (told["status_code"], told["transaction_status"])
    assert signed(told, simulator.server_key) == told["signature_key"]


@pytest.mark.parametrize("kind", ORDERS)
def test_cancel(client: Any, simulator: MidtransSimulator, kind: str) -> None:
    """Once; the second time it is refused."""
    number = client.charge(order(kind))["transaction_id"]
    told = client.transactions.cancel(number)
    assert ("200", "cancel") == (told["status_code"], told["transaction_status"])
    assert (200, "412") == refused(client.transactions.cancel, "INV-1")[:2]
    assert ChargeStatus.CANCELLED is simulator.ledger.charges[0].status


@pytest.mark.parametrize("kind", ORDERS)
def test_expire(client: Any, kind: str) -> None:
    """407 is no error to the client, neither as the answer nor when it asks; then the order_id is free."""
    client.charge(order(kind))
    told = client.transactions.expire("INV-1")
    assert ("407", "expire") == (told["status_code"], told["transaction_status"])
    assert "407" == client.transactions.status("INV-1")["status_code"]
    assert (200, "412") == refused(client.transactions.expire, "INV-1")[:2]
    assert "201" == client.charge(order(kind))["status_code"]


@pytest.mark.parametrize("path", ["refund", "refundDirect"])
@pytest.mark.parametrize("kind", WALLETS)
def test_refund(client: Any, simulator: MidtransSimulator, kind: str, path: str) -> None:
    """The whole of a charge, by both of the client's ways; again under its key it is the same one."""
    client.charge(order(kind))
    simulator.act("INV-1", PayerAction.PAY)
    whole = {"refund_key": "R-1", "reason": "Barang habis"}
    told = getattr(client.transactions, path)("INV-1", whole)
    assert ("200", "refund", "20000.00") == (
        told["status_code"],
        told["transaction_status"],
        told["refund_amount"],
    )
    assert told == getattr(client.transactions, path)("INV-1", whole)
    assert 1 == len(simulator.ledger.charges[0].refunds)


@pytest.mark.parametrize("path", ["refund", "refundDirect"])
def test_refund_in_parts(client: Any, simulator: MidtransSimulator, path: str) -> None:
    """Until the whole is given back; a status lists them."""
    client.charge(order("gopay"))
    simulator.act("INV-1", PayerAction.PAY)
    refund = getattr(client.transactions, path)
    assert "partial_refund" == refund("INV-1", REFUND)["transaction_status"]
    assert (200, "414") == refused(refund, "INV-1", REFUND | {"refund_key": "R-2", "amount": 15_001})[:2]
    assert "refund" == refund("INV-1", REFUND | {"refund_key": "R-2", "amount": 15_000})["transaction_status"]
    told = client.transactions.status("INV-1")
    assert ["5000.00", "15000.00"] == [one["refund_amount"] for one in told["refunds"]]


@pytest.mark.parametrize("kind", ["bca", "permata", "mandiri"])
def test_a_transfer_is_not_refunded(client: Any, simulator: MidtransSimulator, kind: str) -> None:
    """Nor is what nobody has paid."""
    client.charge(order(kind))
    assert (200, "412") == refused(client.transactions.refund, "INV-1", REFUND)[:2]
    simulator.act("INV-1", PayerAction.PAY)
    assert (200, "412") == refused(client.transactions.refund, "INV-1", REFUND)[:2]


@pytest.mark.parametrize("as_text", [False, True])
@pytest.mark.parametrize(
    ("action", "status"),
    [(PayerAction.PAY, "settlement"), (PayerAction.FAIL, "deny"), (PayerAction.EXPIRE, "expire")],
)
def test_notification(
    client: Any, simulator: MidtransSimulator, merchant: Shop, action: PayerAction, status: str, as_text: bool
) -> None:
    """What arrives at the shop is given to the client as it is; it asks, and finds it to be so."""
    client.charge(order())
    assert "pending" == json.loads(merchant.next().body)["transaction_status"]
    simulator.act("INV-1", action)
    arrived = merchant.next()
    told = json.loads(arrived.body)
    assert "Veritrans" == arrived.header("user-agent")
    assert signed(told, simulator.server_key) == told["signature_key"]
    found = client.transactions.notification(arrived.body.decode() if as_text else told)
    assert status == told["transaction_status"] == found["transaction_status"]


def test_notification_of_what_is_not_so(client: Any, simulator: MidtransSimulator, merchant: Shop) -> None:
    """The client's own answer to a forged message: the question brings the truth."""
    client.charge(order())
    merchant.next()
    simulator.tell("INV-1", "settlement", key="SB-Mid-server-forged")
    told = json.loads(merchant.next().body)
    assert "pending" == client.transactions.notification(told)["transaction_status"]


@pytest.mark.parametrize("call", ["approve", "deny"])
def test_what_is_for_cards(client: Any, call: str) -> None:
    """There is nothing to decide, and of what is not there 404."""
    client.charge(order())
    assert (200, "412") == refused(getattr(client.transactions, call), "INV-1")[:2]
    assert (200, "404") == refused(getattr(client.transactions, call), "INV-2")[:2]


def test_capture(client: Any) -> None:
    """Nothing was authorized."""
    number = client.charge(order())["transaction_id"]
    assert (200, "412") == refused(client.capture, {"transaction_id": number, "gross_amount": 20_000})[:2]


@pytest.mark.parametrize("call", ["status", "cancel", "expire", "refund", "refundDirect", "approve", "deny"])
def test_an_unknown_charge(client: Any, call: str) -> None:
    """404, in the body only."""
    given = [REFUND] if call.startswith("refund") else []
    assert (200, "404") == refused(getattr(client.transactions, call), "INV-1", *given)[:2]


@pytest.mark.parametrize("call", ["status", "cancel", "expire", "approve", "deny"])
def test_a_wrong_key(connect: Callable[..., Any], call: str) -> None:
    """401, in the body and by HTTP."""
    stranger = connect("SB-Mid-server-other")
    assert (401, "401") == refused(getattr(stranger.transactions, call), "INV-1")[:2]
    assert (401, "401") == refused(stranger.charge, order())[:2]


def test_refused_charges(client: Any) -> None:
    """Each by its code; of what is wrong with the fields, the client hands over the list."""
    _, code, told = refused(client.charge, order(amount=20_000, item_details=[]))
    assert "400" == code
    assert ["transaction_details.gross_amount is not equal to the sum of item_details"] == (
        told["validation_messages"]
    )
    assert (200, "408") == refused(client.charge, order(amount="20000"))[:2]
    assert (200, "402") == refused(client.charge, order(payment_type="cstore"))[:2]
    assert (200, "411") == refused(client.charge, order(payment_type="credit_card"))[:2]
    client.charge(order())
    status, code, told = refused(client.charge, order())
    assert (200, "406") == (status, code)
    assert re.fullmatch("[0-9a-f-]{36}", told["id"])


def test_an_idempotency_key(connect: Callable[..., Any], simulator: MidtransSimulator) -> None:
    """Given as a header, it brings the first answer again."""
    client = connect(Idempotency_Key="K-1")
    assert client.charge(order()) == client.charge(order())
    assert 1 == simulator.ledger.count("INV-1")


def test_too_many_requests(client: Any, simulator: MidtransSimulator) -> None:
    """429, by HTTP too."""
    simulator.faults.plan(Fault.RATE_LIMIT)
    assert (429, "429") == refused(client.charge, order())[:2]
    assert () == simulator.ledger.charges


@pytest.mark.parametrize(
    ("call", "given"),
    [
        ("card_token", [{"card_number": "4811111111111114"}]),
        ("card_register", [{}]),
        ("card_point_inquiry", ["token"]),
        ("create_subscription", [{}]),
        ("get_subscription", ["id"]),
        ("link_payment_account", [{}]),
        ("get_payment_account", ["id"]),
    ],
)
def test_what_the_simulator_has_not(client: Any, call: str, given: list[Any]) -> None:
    """Cards, subscriptions and linked accounts are not ours: the client is told 404 by HTTP."""
    assert (404, "404") == refused(getattr(client, call), *given)[:2]
