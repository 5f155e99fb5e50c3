from collections.abc import Awaitable
from typing import Any

import anyio
import pytest

from paygate import (
    AsyncPaygate,
    CallbackRejected,
    CallbackRequest,
    ChargeRef,
    ConfigurationError,
    EWallet,
    InvalidCharge,
    Paygate,
    Qris,
    UnsupportedOperation,
)
from tests.provider import CANARY, Provider, order

TINY = {"adapter": "tiny", "api_key": CANARY}
TWO = {"gateways": {"main": TINY, "backup": TINY}}


class House:
    """A paygate in one of its two shells, called the same way."""

    def __init__(self, shell: str) -> None:
        self.shell = shell

    def call(self, document: Any, operation: str, *arguments: Any, **named: Any) -> Any:
        provider = Provider()
        if self.shell == "blocking":
            with Paygate.from_mapping(document, transport=provider) as paygate:
                return getattr(paygate, operation)(*arguments, **named)

        async def run() -> Any:
            async with AsyncPaygate.from_mapping(document, transport=provider) as paygate:
                result = getattr(paygate, operation)(*arguments, **named)
                return await result if isinstance(result, Awaitable) else result

        return anyio.run(run, backend=self.shell)


@pytest.fixture(params=["blocking", "asyncio", "trio"])
def house(request: pytest.FixtureRequest) -> House:
    return House(request.param)


def test_the_only_gateway_that_can_takes_the_charge(house: House) -> None:
    """Without routes there is no question where there is one gateway."""
    document = {"gateways": {"main": TINY}}
    assert "main" == house.call(document, "create_charge", order()).gateway


def test_a_route_decides_among_several_and_a_name_overrules_it(house: House) -> None:
    """[routes] names the gateway of a method; an argument names another."""
    document = {**TWO, "routes": {"qris": ["backup"]}}
    assert "backup" == house.call(document, "create_charge", order()).gateway
    assert "main" == house.call(document, "create_charge", order(), gateway="main").gateway


def test_several_without_a_route_is_a_question_to_the_merchant(house: House) -> None:
    """paygate does not guess who collects the money."""
    with pytest.raises(ConfigurationError, match=r"add routes\.qris"):
        house.call(TWO, "create_charge", order())


def test_a_method_that_nobody_offers_is_unsupported(house: House) -> None:
    """It is said before anything is sent."""
    with pytest.raises(UnsupportedOperation, match="e_wallet"):
        house.call(TWO, "create_charge", order(method=EWallet("dana")))


def test_a_charge_goes_back_to_the_gateway_that_made_it(house: House) -> None:
    """query follows the charge's own gateway, whatever the routes say."""
    document = {**TWO, "routes": {"qris": ["main"]}}
    charge = house.call(document, "query", ChargeRef("backup", "INV-1", Qris()))
    assert "backup" == charge.gateway


@pytest.mark.parametrize("operation", ["query", "cancel"])
def test_a_gateway_that_is_gone_is_named(house: House, operation: str) -> None:
    """A charge of a gateway that was removed says how to go on with it; a callback, which names there are."""
    with pytest.raises(ConfigurationError, match=r"put \[gateways\.old\] back until its charges are settled"):
        house.call(TWO, operation, ChargeRef("old", "INV-1", Qris()))
    with pytest.raises(ConfigurationError, match="'old'; configured: main, backup"):
        house.call(TWO, "parse_callback", "old", CallbackRequest("POST", "/", {}, b""))


def test_cancel_and_callbacks_are_passed_on(house: House) -> None:
    """Both reach the gateway named, and are judged there."""
    with pytest.raises(UnsupportedOperation):
        house.call(TWO, "cancel", ChargeRef("main", "INV-1", Qris()))
    with pytest.raises(CallbackRejected) as rejected:
        house.call(TWO, "parse_callback", "main", CallbackRequest("POST", "/", {}, b""))
    assert "main" == rejected.value.gateway


def test_a_gateway_can_be_had_by_name(house: House) -> None:
    """`gateway` gives the Gateway itself."""
    assert "backup" == house.call(TWO, "gateway", "backup").name
    with pytest.raises(ConfigurationError):
        house.call(TWO, "gateway", "bakcup")


def test_configuration_files_serve_both_shells(tmp_path: Any) -> None:
    """from_file is there for the async one too."""
    file = tmp_path / "paygate.toml"
    file.write_text(f'[gateways.main]\nadapter = "tiny"\napi_key = "{CANARY}"\n')

    async def run() -> list[str]:
        async with AsyncPaygate.from_file(file) as paygate:
            return list(paygate.gateways)

    assert ["main"] == anyio.run(run)


@pytest.mark.parametrize(
    ("operation", "argument"),
    [("create_charge", {}), ("create_charge", "INV-1"), ("query", "INV-1"), ("cancel", None)],
)
def test_a_wrong_argument_is_named(house: House, operation: str, argument: Any) -> None:
    """What is no request or no charge is refused with what to use, before anything is sent."""
    with pytest.raises(InvalidCharge, match="use "):
        house.call(TWO, operation, argument)
