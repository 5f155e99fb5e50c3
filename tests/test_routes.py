"""Which gateways a charge may go to, in order, and when it goes on to the next."""

import logging
from typing import Any, Final, cast

import httpx
import pytest
from paygate_tiny import Tiny

from paygate import (
    CallbackRequest,
    Charge,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    CircuitOpen,
    ConfigurationError,
    DuplicateReference,
    EWallet,
    Flow,
    OutcomeUnknown,
    Paygate,
    PaygateError,
    PermissionDenied,
    Qris,
    RefundRequest,
    Retail,
    Unreachable,
    UnsupportedOperation,
    VirtualAccount,
    errors,
    for_methods,
    hookimpl,
)
from paygate.errors import NotSent
from paygate.routes import _Given
from tests.estate import NAMES, Estate, Providers, document, failing
from tests.provider import Provider, opened, order

LOST: Final = httpx.ReadTimeout("no answer")
NO_WAY: Final = httpx.ConnectError("refused")
CREATE: Final = ("create_charge", order())
EVERY_ERROR: Final = sorted(
    {one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, PaygateError)},
    key=lambda kind: kind.__name__,
)
GOES_ON: Final = {
    "AmountRejected",
    "AuthenticationFailed",
    "CircuitOpen",
    "ConfigurationError",
    "InvalidCharge",
    "LimitExceeded",
    "NotAuthorized",
    "NotSent",
    "PermissionDenied",
    "PluginError",
    "RateLimited",
    "Unreachable",
    "UnsupportedOperation",
}


@pytest.fixture(params=["blocking", "asyncio", "trio"])
def estate(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Estate:
    """Three gateways in both shells."""
    return Estate(request.param, monkeypatch)


class Banks(Tiny):
    """Tiny for virtual accounts of some banks, and any wallet."""

    @hookimpl
    @for_methods(VirtualAccount("bni"), VirtualAccount("bri"), EWallet)
    def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
        return (yield from super().create_charge(request))


class OneBank(Tiny):
    """Tiny for one bank alone."""

    @hookimpl
    @for_methods(VirtualAccount("bni"))
    def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
        return (yield from super().create_charge(request))


def test_the_first_of_a_route_takes_the_charge(estate: Estate) -> None:
    """The order is that of the list, not that of the gateways."""
    providers = Providers()
    [charge] = estate.calls(document({"qris": ["third", "main"]}), providers, CREATE)
    assert ("third", {"third": 1}) == (charge.gateway, providers.asked())


def test_the_next_is_asked_where_the_first_sent_nothing(
    estate: Estate, caplog: pytest.LogCaptureFixture
) -> None:
    """No connection to the first, nor to the second: the third has the charge, and the log says why."""
    caplog.set_level(logging.WARNING, "paygate")
    providers = Providers(main=Provider(NO_WAY), backup=Provider(NO_WAY))
    [charge] = estate.calls(document(), providers, CREATE)
    assert ("third", 1) == (charge.gateway, providers.by_name["third"].creates)
    assert [
        "paygate: charge INV-1 goes on from gateway main to backup: Unreachable",
        "paygate: charge INV-1 goes on from gateway backup to third: Unreachable",
    ] == caplog.messages


@pytest.mark.parametrize("kind", EVERY_ERROR, ids=lambda kind: kind.__name__)
def test_it_goes_on_after_exactly_those_errors_that_say_that_nothing_was_done_here(
    estate: Estate, kind: type[PaygateError]
) -> None:
    """And after no other: neither an unknown outcome nor a no that any gateway would give."""
    assert (kind.__name__ in GOES_ON) is kind.elsewhere
    estate.adapters(main=failing(kind))
    providers = Providers()
    [outcome] = estate.calls(document(), providers, CREATE)
    if kind.elsewhere:
        assert "backup" == outcome.gateway
        assert 1 == providers.by_name["backup"].creates
    else:
        assert kind is type(outcome)
        assert "main" == outcome.gateway
        assert (set() if issubclass(kind, errors.NotSent) else {"main"}) == set(providers.asked())


@pytest.mark.parametrize("kind", [PermissionDenied, errors.RateLimited], ids=lambda kind: kind.__name__)
def test_a_refusal_of_a_later_step_goes_nowhere(estate: Estate, kind: type[PaygateError]) -> None:
    """An earlier step was done here: the next gateway might make the same charge."""
    estate.adapters(main=failing(kind, steps=2))
    providers = Providers()
    [outcome] = estate.calls(document(), providers, CREATE)
    assert (kind, False) == (type(outcome), outcome.elsewhere)
    assert {"main": 2} == providers.asked()
    assert kind.elsewhere


def test_no_mistake_of_an_adapter_goes_on_after_something_was_sent(estate: Estate) -> None:
    """A bug after sending is an unknown outcome, a bug before is none of the next gateway's business."""

    class Late(Tiny):
        @hookimpl
        def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
            yield httpx.Request("POST", f"{self._settings.base_url}/charges")
            raise KeyError("a bug")

    class Early(Tiny):
        @hookimpl
        def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
            raise KeyError("a bug")

    for kind, expected in ((Late, OutcomeUnknown), (Early, Charge)):
        estate.adapters(main=kind)
        assert [expected] == [type(one) for one in estate.calls(document(), Providers(), CREATE)]


def test_the_last_error_is_raised_and_tells_of_those_before(estate: Estate) -> None:
    """Where nobody takes the charge."""
    estate.adapters(main=failing(PermissionDenied), third=failing(errors.LimitExceeded))
    [failure] = estate.calls(document(), Providers(backup=Provider(NO_WAY)), CREATE)
    assert ("third", errors.LimitExceeded) == (failure.gateway, type(failure))
    assert [
        "Tried before, and nothing was done there: main (PermissionDenied), backup (Unreachable)."
    ] == failure.__notes__


def test_an_error_of_the_first_has_no_note(estate: Estate) -> None:
    """There was nobody before it."""
    [failure] = estate.calls(document(), Providers(main=Provider(LOST)), CREATE)
    assert not hasattr(failure, "__notes__")


def test_after_an_unknown_outcome_the_reference_stays_with_its_gateway(estate: Estate) -> None:
    """Also when the gateway cannot be reached later, and when its breaker is open: no other has it ever."""
    providers = Providers(main=Provider(LOST, LOST, *[NO_WAY] * 6, opened()))
    configuration = document(breaker_failures=4, breaker_seconds=0.05)
    *failures, other = estate.calls(
        configuration, providers, *[CREATE] * 5, ("create_charge", order("INV-2"))
    )
    assert [OutcomeUnknown, OutcomeUnknown, Unreachable, Unreachable, CircuitOpen] == [
        type(one) for one in failures
    ]
    assert {"main"} == {one.gateway for one in failures}
    assert [False, False, True, True, True] == [one.elsewhere for one in failures]
    assert ("backup", {"main": 8, "backup": 1}) == (other.gateway, providers.asked())


def test_after_an_open_breaker_a_new_charge_goes_to_the_next(estate: Estate) -> None:
    """It is there for that."""
    providers = Providers(main=Provider(LOST))
    outcomes = estate.calls(
        document(breaker_failures=2),
        providers,
        *[("create_charge", order(f"INV-{number}")) for number in range(4)],
        lambda paygate: {name: one.breaker.state for name, one in paygate.gateways.items()},
    )
    assert ["main", "main", "backup", "backup"] == [one.gateway for one in outcomes[:4]]
    assert {"main": 2, "backup": 2} == providers.asked()
    assert {"main": "open", "backup": "closed", "third": "closed"} == outcomes[4]


def test_a_charge_that_was_made_stays_with_its_gateway(estate: Estate) -> None:
    """Asked for again, the one who has it says so."""
    there = httpx.Response(409, json={"error": "exists"})
    providers = Providers(main=Provider(NO_WAY), backup=Provider(opened(), there))
    first, second = estate.calls(document(), providers, CREATE, CREATE)
    assert ("backup", DuplicateReference, "backup") == (first.gateway, type(second), second.gateway)
    assert 3 == len(providers.by_name["main"].requests)


def test_a_reference_that_nobody_has_is_free_again(estate: Estate) -> None:
    """Where nothing was done the next attempt begins at the first gateway."""
    providers = Providers(
        main=Provider(*[NO_WAY] * 3, opened()), backup=Provider(NO_WAY), third=Provider(NO_WAY)
    )
    first, second = estate.calls(document(), providers, CREATE, CREATE)
    assert (Unreachable, "third") == (type(first), first.gateway)
    assert "main" == second.gateway


@pytest.mark.parametrize("kind", [errors.InvalidRequest, errors.StateConflict, errors.AlreadyPaid])
def test_after_a_no_that_any_would_give_it_is_asked_there_again(
    estate: Estate, kind: type[PaygateError]
) -> None:
    """A gateway that may know the reference keeps it."""
    estate.adapters(main=failing(kind))
    providers = Providers()
    outcomes = estate.calls(document(), providers, CREATE, CREATE)
    assert [(kind, "main")] * 2 == [(type(one), one.gateway) for one in outcomes]
    assert {"main": 2} == providers.asked()


def test_naming_a_gateway_overrules_the_route(estate: Estate) -> None:
    """The one named is asked, and no other after it."""
    providers = Providers(third=Provider(NO_WAY))
    outcomes = estate.calls(
        document(),
        providers,
        ("create_charge", order(), {"gateway": "backup"}),
        ("create_charge", order("INV-2"), "third"),
        ("create_charge", order("INV-3"), "thrid"),
    )
    assert ["backup", "third"] == [one.gateway for one in outcomes[:2]]
    assert [Unreachable, ConfigurationError] == [type(one) for one in outcomes[1:]]
    assert {"backup": 1, "third": 3} == providers.asked()


def test_naming_another_gateway_in_vain_lets_the_reference_where_it_was(estate: Estate) -> None:
    """The first may have the charge still; one that did nothing does not take its place."""
    providers = Providers(main=Provider(LOST, opened()), backup=Provider(NO_WAY))
    outcomes = estate.calls(document(), providers, CREATE, ("create_charge", order(), "backup"), CREATE)
    assert [OutcomeUnknown, Unreachable] == [type(one) for one in outcomes[:2]]
    assert "main" == outcomes[2].gateway
    assert "third" not in providers.asked()


def test_the_gateway_that_was_named_and_has_it_keeps_it(estate: Estate) -> None:
    """A later call without a name goes there."""
    outcomes = estate.calls(
        document(), Providers(), CREATE, ("create_charge", order(), "third"), CREATE, CREATE
    )
    assert ["main", "third", "third", "third"] == [one.gateway for one in outcomes]


def test_a_bank_has_its_route_and_the_others_have_theirs(estate: Estate) -> None:
    """By brand first, then `other`."""
    estate.adapters(**dict.fromkeys(NAMES, Banks))
    routes = {"virtual_account": {"bni": ["backup", "main"], "other": ["third"]}, "e_wallet": ["main"]}
    methods = [VirtualAccount("bni"), VirtualAccount("bni", "98829172"), VirtualAccount("bri"), EWallet("x")]
    outcomes = estate.calls(
        document(routes),
        Providers(),
        *[("create_charge", order(f"INV-{at}", method=one)) for at, one in enumerate(methods)],
        *[("route", one) for one in (*methods, VirtualAccount("bca"), Qris(), Retail("alfamart"))],
    )
    assert ["backup", "backup", "third", "main"] == [one.gateway for one in outcomes[:4]]
    assert [("backup", "main")] * 2 + [("third",), ("main",), (), (), ()] == outcomes[4:]


def test_a_route_of_a_whole_method_is_for_every_brand_of_it(estate: Estate) -> None:
    """Those of its gateways that take the brand are asked, in order."""
    estate.adapters(main=OneBank, backup=Banks, third=OneBank)
    routes = {"virtual_account": ["main", "backup", "third"]}
    providers = Providers(main=Provider(NO_WAY), backup=Provider(NO_WAY))
    bni, bri, bca = [order(bank, method=VirtualAccount(bank)) for bank in ("bni", "bri", "bca")]
    *outcomes, way, other_way = estate.calls(
        document(routes),
        providers,
        *[("create_charge", one) for one in (bni, bri, bca)],
        ("route", VirtualAccount("bni")),
        ("route", VirtualAccount("bri")),
    )
    assert ["third", "backup"] == [one.gateway for one in outcomes[:2]]
    assert UnsupportedOperation is type(outcomes[2])
    assert "routes.virtual_account goes to main, backup, third, and none of them takes bca" in str(
        outcomes[2]
    )
    assert (("main", "backup", "third"), ("backup",)) == (way, other_way)


def test_a_charge_goes_back_to_its_gateway_after_the_routes_have_changed(estate: Estate) -> None:
    """Routes are about new charges alone."""
    charge = Charge(gateway="backup", reference="INV-1", status=ChargeStatus.PENDING, method=Qris())
    providers = Providers()
    [told] = estate.calls(document({"qris": ["main"]}), providers, ("query", charge))
    assert ("backup", {"backup": 1}) == (told.gateway, providers.asked())


@pytest.mark.parametrize(
    "step",
    [
        ("query", ChargeRef("mian", "INV-1", Qris())),
        ("cancel", ChargeRef("mian", "INV-1", Qris())),
        ("refund", ChargeRef("mian", "INV-1", Qris()), RefundRequest(reference="R-1", reason="broken")),
    ],
    ids=lambda step: step[0],
)
def test_a_gateway_that_was_removed_is_to_be_put_back(estate: Estate, step: Any) -> None:
    """The error names it, what may have been meant, and how to go on; nothing is sent."""
    providers = Providers()
    [failure] = estate.calls(document(), providers, step)
    assert ConfigurationError is type(failure)
    assert "INV-1" == failure.reference
    assert (
        "gateway 'mian' made this charge and is no longer configured: put [gateways.mian] back until its "
        "charges are settled; routes need not name it; did you mean 'main'?"
    ) in str(failure)
    assert {} == providers.asked()


def test_a_callback_for_a_gateway_that_was_removed_names_those_that_are_there(estate: Estate) -> None:
    """It is no provider's fault, so it is not CallbackRejected."""
    call = ("parse_callback", "old", CallbackRequest("POST", "/", {}, b""))
    [failure] = estate.calls(document(), Providers(), call)
    assert ConfigurationError is type(failure)
    assert "no gateway is named 'old'; configured: main, backup, third" in str(failure)


@pytest.mark.parametrize(
    ("routes", "place", "why"),
    [
        ({"qriss": ["main"]}, "routes.qriss", "did you mean 'qris'"),
        ({"qris": []}, "routes.qris", "list of gateways"),
        ({"qris": "main"}, "routes.qris", "list of gateways"),
        ({"qris": ["main", 7]}, "routes.qris", "list of gateways"),
        ({"qris": 7}, "routes.qris", "list of gateways"),
        ({"qris": ["main", "bakcup"]}, "routes.qris", "'backup'"),
        ({"qris": ["main", "backup", "main"]}, "routes.qris", "a gateway twice"),
        ({"qris": {"bni": ["main"]}}, "routes.qris", "takes a list"),
        ({"virtual_account": {"bni": []}}, "routes.virtual_account.bni", "list of gateways"),
        ({"virtual_account": {"bni": "main"}}, "routes.virtual_account.bni", "list of gateways"),
        ({"virtual_account": {"": ["main"]}}, "routes.virtual_account", "takes names"),
        ({"virtual_account": {7: ["main"]}}, "routes.virtual_account", "takes names"),
        ({"virtual_account": ["main"]}, "routes.virtual_account", "gateway 'main' does not offer"),
        ({"virtual_account": {"other": ["main"]}}, "routes.virtual_account.other", "'main' does not offer"),
        (
            {"virtual_account": {"bni": ["backup", "third"]}},
            "routes.virtual_account.bni",
            "gateway 'third' does not offer virtual_account bni",
        ),
        ({"virtual_account": {"bca": ["backup"]}}, "routes.virtual_account.bca", "virtual_account bca"),
        ({"e_wallet": ["main"]}, "routes.e_wallet", "gateway 'main' does not offer e_wallet"),
        ("qris", "[routes]", "not a table"),
    ],
    ids=repr,
)
def test_a_route_that_cannot_work_is_refused_at_start(
    monkeypatch: pytest.MonkeyPatch, routes: Any, place: str, why: str
) -> None:
    """By its place, before any charge is lost to it."""
    Estate("blocking", monkeypatch).adapters(backup=Banks)
    configuration = {**document(), "routes": routes}
    with pytest.raises(ConfigurationError) as refused:
        Paygate.from_mapping(configuration, transport=Providers())
    assert place in str(refused.value)
    assert why in str(refused.value)
    assert isinstance(refused.value, NotSent)


def test_a_route_may_be_a_tuple(monkeypatch: pytest.MonkeyPatch) -> None:
    """For those who write the configuration in Python."""
    Estate("blocking", monkeypatch)
    with Paygate.from_mapping(document({"qris": ("third", "main")}), transport=Providers()) as paygate:
        assert ("third", "main") == paygate.route(Qris())


def test_only_the_latest_references_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory is bounded, and the oldest goes first."""
    Estate("blocking", monkeypatch)
    monkeypatch.setattr("paygate.routes.REMEMBERED", 2)
    providers = Providers(main=Provider(LOST))
    with Paygate.from_mapping(document(breaker_failures=100), transport=providers) as paygate:
        for number in (1, 2, 3):
            with pytest.raises(OutcomeUnknown):
                paygate.create_charge(order(f"INV-{number}"))
        assert ["INV-2", "INV-3"] == list(paygate._switchboard._given._claims)


def test_a_call_under_way_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many newer references there are; those that nobody waits for go first, the oldest before."""
    monkeypatch.setattr("paygate.routes.REMEMBERED", 2)
    given = _Given()
    slow = given.make("SLOW", "backup")
    for number in range(5):
        claim = given.make(f"INV-{number}", "main")
        given.left(f"INV-{number}", claim, None, is_undone=False)
        assert given.make("SLOW", "main") is slow
    assert ["SLOW", "INV-4"] == list(given._claims)
    more = [given.make(f"MORE-{number}", "main") for number in range(3)]
    assert ["SLOW", "MORE-0", "MORE-1", "MORE-2"] == list(given._claims), "all of them are under way"
    for number, claim in enumerate(more):
        given.left(f"MORE-{number}", claim, None, is_undone=False)
    assert ["SLOW", "MORE-2"] == list(given._claims)


def test_a_reference_that_is_used_again_is_a_late_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the first to be forgotten."""
    monkeypatch.setattr("paygate.routes.REMEMBERED", 2)
    given = _Given()
    for reference in ("A", "B", "A", "C"):
        given.left(reference, given.make(reference, "main"), None, is_undone=False)
    assert ["A", "C"] == list(given._claims)


def test_naming_a_gateway_is_one_step() -> None:
    """No other call comes between the look and the claim."""

    class Crowded:
        """A lock that lets another call of the same reference in as soon as it is open."""

        def __init__(self, given: _Given) -> None:
            self.given, self.inner, self.others = given, given._lock, list[Any]()

        def __enter__(self) -> None:
            self.inner.acquire()

        def __exit__(self, *_: object) -> None:
            self.inner.release()
            if not self.others:
                self.others.append(None)
                self.others[0] = self.given.make("INV-1", "backup")

    given = _Given()
    given._lock = cast("Any", Crowded(given))
    named = given.name("INV-1", "main")
    assert "main" == named.gateway
    given.left("INV-1", named, None, is_undone=False)
    given.left("INV-1", cast("Any", given._lock).others[0], None, is_undone=True)
    assert "main" == given._claims["INV-1"].gateway


def test_one_gateway_alone_remembers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no other that a reference could go to."""
    Estate("blocking", monkeypatch)
    with Paygate.from_mapping(document({}, ("main",)), transport=Providers()) as paygate:
        assert "main" == paygate.create_charge(order()).gateway
        assert {} == paygate._switchboard._given._claims
