"""The pretend Ayolinx tells how a charge stands, refuses doubles, and its faults speak each API's own codes."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from paygate_ayolinx.door import SandboxAccount
from paygate_ayolinx.simulator import AyolinxSimulator

from paygate.sandbox import Fault, PayerAction
from paygate.sandbox.simulator import play
from tests.merchant import (
    ACCOUNT,
    HOST,
    LINK,
    LOGIN,
    ORDERS,
    QRIS,
    QUERIES,
    QUERY_SERVICES,
    SERVICES,
    STORE,
    WALLET,
    Clock,
    Merchant,
)

CANCEL = "/v1.0/qr/qr-mpm-cancel"
OTHERS = {
    QRIS: "BNC_QRIS",
    WALLET: "EMONEY_DANA_SNAP",
    ACCOUNT: "VIRTUAL_ACCOUNT_BNI",
    STORE: "RETAIL_ALFAMART",
}


@pytest.fixture
def clock() -> Clock:
    """The simulator's clock."""
    return Clock()


@pytest.fixture
def merchant(
    make_simulator: Callable[..., AyolinxSimulator], account: SandboxAccount, clock: Clock
) -> Merchant:
    """A merchant of a pretend Ayolinx."""
    return Merchant(make_simulator(clock=clock), account, clock)


@pytest.mark.parametrize("path", QUERIES)
def test_an_open_charge(merchant: Merchant, path: str) -> None:
    """An open charge is pending, and has not finished."""
    merchant.order(path)
    [charge] = merchant.simulator.ledger.charges
    described = {"transactionStatusDesc": "PENDING"} if path == WALLET else {}
    assert {
        "responseCode": f"200{QUERY_SERVICES[path]}00",
        "responseMessage": "Successful",
        "originalReferenceNo": charge.provider_reference,
        "originalPartnerReferenceNo": "INV-1",
        "latestTransactionStatus": "03",
        "finishedTime": "",
        "amount": {"currency": "IDR", "value": "10000.00"},
    } | described == merchant.query(path)


@pytest.mark.parametrize("path", QUERIES)
@pytest.mark.parametrize(
    ("action", "status", "described"),
    [
        (PayerAction.PAY, "00", "SUCCESS"),
        (PayerAction.FAIL, "06", "FAILED"),
        (PayerAction.EXPIRE, "05", "CANCELED"),
    ],
)
def test_a_charge_that_has_ended(
    merchant: Merchant, clock: Clock, path: str, action: PayerAction, status: str, described: str
) -> None:
    """How it ended and when; a wallet says it in a word too."""
    merchant.order(path)
    clock.go(minutes=2)
    merchant.simulator.act("INV-1", action)
    clock.go(minutes=2)
    answer = merchant.query(path)
    assert (status, "2026-09-14T10:17:00+07:00") == (
        answer["latestTransactionStatus"],
        answer["finishedTime"],
    )
    assert answer.get("transactionStatusDesc", described) == described


@pytest.mark.parametrize(
    ("path", "minutes"), [(QRIS, 30), (WALLET, 60), (STORE, 60), (ACCOUNT, 24 * 60), (LINK, 495)]
)
def test_a_charge_that_runs_out(merchant: Merchant, clock: Clock, path: str, minutes: int) -> None:
    """Each kind of charge has its end, after which nobody pays it."""
    merchant.order(path)
    clock.go(minutes=minutes, seconds=-1)
    if path in QUERIES:
        assert "03" == merchant.query(path)["latestTransactionStatus"]
    clock.go(seconds=1)
    if path in QUERIES:
        assert "05" == merchant.query(path)["latestTransactionStatus"]
    with pytest.raises(ValueError, match="expired"):
        merchant.simulator.act("INV-1", PayerAction.PAY)


@pytest.mark.parametrize("path", QUERIES)
@pytest.mark.parametrize("asked", QUERIES)
def test_a_charge_of_another_kind(merchant: Merchant, path: str, asked: str) -> None:
    """A charge is found by its own API under its own channel, and by no other."""
    merchant.order(path)
    for channel in ("BNC_QRIS", "EMONEY_DANA_SNAP", "VIRTUAL_ACCOUNT_BNI", "RETAIL_ALFAMART"):
        code = merchant.query(asked, channel=channel)["responseCode"]
        service = QUERY_SERVICES[asked]
        serves = channel == OTHERS[asked]
        status, case = ("200", "00") if serves and asked == path else ("404" if serves else "400", "01")
        assert status + service + case == code


@pytest.mark.parametrize(("path", "channel"), [(ACCOUNT, "VIRTUAL_ACCOUNT_BRI"), (STORE, "RETAIL_DANDAN")])
def test_a_charge_of_another_bank_or_store(merchant: Merchant, path: str, channel: str) -> None:
    """A channel of the same API is not enough."""
    merchant.order(path)
    assert f"404{QUERY_SERVICES[path]}01" == merchant.query(path, channel=channel)["responseCode"]


@pytest.mark.parametrize("path", QUERIES)
@pytest.mark.parametrize(
    ("body", "case", "name"),
    [
        ({}, "40002", "originalPartnerReferenceNo"),
        ({"originalPartnerReferenceNo": ""}, "40002", "originalPartnerReferenceNo"),
        ({"originalPartnerReferenceNo": 1}, "40001", "originalPartnerReferenceNo"),
        ({"originalPartnerReferenceNo": "INV-1"}, "40002", "additionalInfo"),
        ({"originalPartnerReferenceNo": "INV-1", "additionalInfo": {}}, "40002", "channel"),
        ({"originalPartnerReferenceNo": "INV-1", "additionalInfo": {"channel": 1}}, "40001", "channel"),
    ],
)
def test_a_question_that_is_wrong(
    merchant: Merchant, path: str, body: dict[str, Any], case: str, name: str
) -> None:
    """A question needs the merchant's number and the channel."""
    answer = merchant.ask(body, QUERIES[path])
    assert case[:3] + QUERY_SERVICES[path] + case[3:] == answer["responseCode"]
    assert name in answer["responseMessage"]


@pytest.mark.parametrize("path", QUERIES)
def test_an_unknown_reference(merchant: Merchant, path: str) -> None:
    """What was never ordered is not found; nor is the merchant's charge by Ayolinx's number of it."""
    merchant.order(path)
    [charge] = merchant.simulator.ledger.charges
    for reference in ("INV-2", charge.provider_reference):
        assert f"404{QUERY_SERVICES[path]}01" == merchant.query(path, reference)["responseCode"]


@pytest.mark.parametrize("path", [WALLET, ACCOUNT, STORE, LINK])
@pytest.mark.parametrize("channel", ["BNC_QRIS", "EMONEY_DANA_SNAP"])
def test_nothing_but_a_qr_is_cancelled(merchant: Merchant, path: str, channel: str) -> None:
    """There is no API to cancel anything else, and the one for QRIS does not."""
    merchant.order(path)
    named = {"originalPartnerReferenceNo": "INV-1", "additionalInfo": {"channel": channel}}
    code = merchant.ask(named, CANCEL)["responseCode"]
    assert ("4047701" if channel == "BNC_QRIS" else "4007701") == code
    merchant.simulator.act("INV-1", PayerAction.PAY)


@pytest.mark.parametrize("first", ORDERS)
@pytest.mark.parametrize("second", ORDERS)
def test_a_reference_is_used_once(merchant: Merchant, first: str, second: str) -> None:
    """A number of the merchant's names one charge, whatever the method."""
    merchant.order(first)
    assert f"409{SERVICES[second]}01" == merchant.ask(ORDERS[second], second)["responseCode"]
    assert 1 == merchant.simulator.ledger.count("INV-1")


@pytest.mark.parametrize("path", ORDERS)
def test_a_careless_provider(
    make_simulator: Callable[..., AyolinxSimulator], account: SandboxAccount, clock: Clock, path: str
) -> None:
    """Where doubles are let through, the books show them, and each is a charge of its own."""
    merchant = Merchant(make_simulator(clock=clock, refuse_duplicates=False), account, clock)
    merchant.order(path)
    merchant.order(path)
    assert 2 == merchant.simulator.ledger.count("INV-1")
    assert 2 == len({charge.provider_reference for charge in merchant.simulator.ledger.charges})


OPERATIONS = [
    (LOGIN, "authorize", "73"),
    *[(path, "create_charge", service) for path, service in SERVICES.items()],
    *[(QUERIES[path], "query", service) for path, service in QUERY_SERVICES.items()],
    (CANCEL, "cancel", "77"),
]


@pytest.mark.parametrize(("path", "operation", "service"), OPERATIONS)
def test_a_fault_has_the_code_of_the_path(
    merchant: Merchant, path: str, operation: str, service: str
) -> None:
    """Eleven APIs; too many requests and a refusal that was not meant come under the service of the one asked."""
    assert 11 == len(OPERATIONS)
    request = httpx.Request("POST", HOST + path)
    assert operation == merchant.simulator.operation(request)
    for fault, code, status in ((Fault.RATE_LIMIT, "429", 429), (Fault.CODE_DISAGREES, "400", 200)):
        merchant.simulator.faults.plan(fault, operation)
        reply = play(merchant.simulator, request).reply
        assert reply is not None
        assert (status, f"{code}{service}00") == (reply.status_code, reply.json()["responseCode"])
