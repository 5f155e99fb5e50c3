"""Which scenarios apply, and what the kit says of an author who has not finished."""

from collections.abc import Mapping
from typing import Any, ClassVar

import httpx
import pytest
from paygate_tiny import STATUSES, Tiny

from paygate import (
    Charge,
    ChargeNotFound,
    ChargeRequest,
    ChargeStatus,
    EWallet,
    Flow,
    Method,
    Money,
    PaygateError,
    PaymentLink,
    Qris,
    Retail,
    VirtualAccount,
    for_methods,
    hookimpl,
)
from paygate.conformance import Broken, GatewayConformance, broken
from paygate.conformance.kit import abilities_of, cases_of
from paygate.conformance.subject import methods_of, name_of, one_of_each_kind
from tests.conformance.sound.kit import SoundKit


class TinyKit(GatewayConformance):
    """Tiny, with its request."""

    adapter = Tiny

    def request(self, method: Method, reference: str) -> ChargeRequest:
        return ChargeRequest(reference=reference, amount=Money.idr(25_000), method=method)


class Brands(Tiny):
    """An adapter for two banks, and for wallets as a whole."""

    @hookimpl
    @for_methods(VirtualAccount("bca"), VirtualAccount("bri"), EWallet)
    def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
        return super().create_charge(request)


class BrandsKit(TinyKit):
    """An adapter for two banks, and for wallets as a whole."""

    adapter = Brands


def names(kit: GatewayConformance) -> list[str]:
    """The ids of all cases that apply."""
    return [case.name for case in cases_of(kit)]


def test_a_method_served_as_a_whole_has_one_sample() -> None:
    """Brands that are named are tried one by one; a whole method by one brand of it."""
    assert (VirtualAccount("bca"), VirtualAccount("bri"), EWallet("dana")) == methods_of(Brands)
    assert (VirtualAccount("bca"), EWallet("dana")) == one_of_each_kind(methods_of(Brands))
    unmarked = type("Unmarked", (), {"create_charge": None})
    assert [Qris(), EWallet("dana"), VirtualAccount("bni"), Retail("alfamart"), PaymentLink()] == [
        *methods_of(unmarked)
    ]
    assert "virtual_account_bca" == name_of(VirtualAccount("bca"))


def test_a_scenario_is_played_once_per_brand_or_per_method_or_once() -> None:
    """Each as often as it says, and its id says by what."""
    found = names(BrandsKit())
    assert "adapter_is_well_formed" in found
    for brand in ("virtual_account_bca", "virtual_account_bri", "e_wallet_dana"):
        assert f"create_never_sends_twice-{brand}" in found
    assert "times_are_aware-virtual_account_bca" in found
    assert "times_are_aware-virtual_account_bri" not in found


def test_the_methods_can_be_named() -> None:
    """A kit may try fewer methods than the adapter serves."""
    kit = type("OneKit", (BrandsKit,), {"methods": (EWallet("dana"),)})()
    assert {"e_wallet_dana"} == {name.partition("-")[2] for name in names(kit)} - {""}
    assert (EWallet("dana"),) == abilities_of(kit).methods


def test_what_the_adapter_does_not_offer_is_not_asked() -> None:
    """Tiny neither cancels nor refunds nor logs in, and its kit was told no codes."""
    absent = {"cancel_never_sends_twice", "refund_never_sends_twice", "expired_credential_is_renewed_once"}
    absent |= {
        "credential_is_kept",
        "declared_codes_map",
        "declared_statuses_map",
        "told_paths_are_not_trusted",
    }
    tiny = {name.partition("-")[0] for name in names(TinyKit())}
    assert not absent & tiny
    assert absent <= {name.partition("-")[0] for name in names(SoundKit())}


def test_only_the_scenarios_that_are_named_are_played() -> None:
    """`broken(only=...)` leaves out the others."""
    kit = type("WrongKit", (TinyKit,), {"statuses": {"open": ChargeStatus.PAID}, "standing": standing})()
    found = broken(kit, only=["declared_statuses_map", "create_never_sends_twice"])
    assert ["declared_statuses_map[qris]"] == [one.scenario for one in found]
    assert "the state open is declared as paid" in found[0].what
    assert () == broken(kit, only=[])


def standing(_: object, reply: httpx.Response, status: str) -> httpx.Response:
    """The same charge in another state of Tiny's."""
    return httpx.Response(200, json={**reply.json(), "status": status})


@pytest.mark.parametrize(
    ("told", "scenario", "owed"),
    [
        ({"codes": {"unknown": ChargeNotFound}}, "declared_codes_map", "`coded`"),
        ({"codes": {"unknown": ChargeNotFound}}, "unknown_code_is_unknown", "`coded`"),
        ({"statuses": STATUSES}, "declared_statuses_map", "`standing`"),
        ({"statuses": STATUSES}, "unknown_status_is_no_status", "`standing`"),
    ],
)
def test_a_kit_that_is_not_finished_says_what_is_owed(
    told: Mapping[str, Any], scenario: str, owed: str
) -> None:
    """Codes without the way to tell one are not taken for an answer of the provider's."""
    kit = type("UnfinishedKit", (TinyKit,), dict(told))()
    (found,) = broken(kit, only=[scenario])
    assert "something is still to be written" in found.what
    assert owed in found.what


def mistaken(_: httpx.Request) -> httpx.Response:
    """A simulator's method with a mistake in it."""
    raise KeyError("nowhere")


def test_a_simulator_that_fails_is_not_taken_for_a_provider() -> None:
    """The author hears where it failed, not that the outcome is unknown."""

    class Failing(TinyKit):
        """Tiny, with a simulator that has a mistake."""

        def simulator(self) -> Any:
            made = super().simulator()
            made.refusal = mistaken  # type: ignore[method-assign, assignment]
            return made

    (found,) = broken(Failing(), only=["refused_is_not_unknown"])
    assert "KeyError" in found.what
    assert "test_kit_cases.py" in found.what


def test_an_adapter_without_a_simulator_is_told_so() -> None:
    """The kit needs one, of the adapter's or of its own."""

    class Lonely(TinyKit):
        """Tiny, without its simulator."""

        adapter: ClassVar[type[Any]] = type("Alone", (Tiny,), {"simulator": None})

    found = broken(Lonely(), only=["create_never_sends_twice"])
    assert ["create_never_sends_twice[qris]"] == [one.scenario for one in found]
    assert "simulator" in found[0].what


def test_an_error_of_paygates_is_named_without_a_secret() -> None:
    """What the adapter raises where it must not is told, and a secret setting in it is hidden."""

    class Leaky(Tiny):
        """Shows its key in an error."""

        @hookimpl
        @for_methods(Qris)
        def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
            raise PaygateError(f"the key {self._settings.api_key.reveal()} is no good")
            yield  # type: ignore[unreachable] # what makes it a generator

    class LeakyKit(TinyKit):
        """Shows its key in an error."""

        adapter = Leaky

    kit = LeakyKit()
    (found,) = broken(kit, only=["operations_complete"])
    assert "ended with PaygateError: the key *** is no good" in found.what
    assert kit.provider(0).settings["api_key"] not in str(found)


def test_each_kit_has_pretend_providers_of_its_own() -> None:
    """They are made once for a class, and their accounts differ."""
    one, other = TinyKit(), BrandsKit()
    assert one.provider(0) is TinyKit().provider(0)
    assert one.provider(0) is not other.provider(0)
    assert one.provider(0).settings != one.provider(1).settings


def test_a_broken_promise_reads_as_a_report() -> None:
    """The scenario, what happened, and why it matters."""
    found = Broken("create_never_sends_twice", "after HTTP 502 the adapter sent a second request", "it costs")
    assert (
        "create_never_sends_twice: after HTTP 502 the adapter sent a second request. "
        "It matters because it costs."
    ) == str(found)
