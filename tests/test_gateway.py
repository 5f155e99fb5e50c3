import traceback
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from paygate_tiny import Key, Tiny

from paygate import (
    CallbackRequest,
    Charge,
    ChargeNotFound,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    Customer,
    DuplicateReference,
    EWallet,
    Flow,
    Gateway,
    InvalidCharge,
    InvalidRequest,
    NotAuthorized,
    OutcomeUnknown,
    PaygateError,
    PluginError,
    Qris,
    RateLimited,
    Refused,
    Unreachable,
    UnsupportedOperation,
    for_methods,
    hookimpl,
)
from tests.provider import CANARY, Both, Provider, named, opened, order, tiny

LOST = httpx.ReadTimeout("no answer")
NEVER_LEFT = [
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("slow"),
    httpx.PoolTimeout("full"),
    httpx.ProxyError("proxy"),
    httpx.UnsupportedProtocol("ftp"),
]
MAY_HAVE_ARRIVED = [
    LOST,
    httpx.ReadError("cut"),
    httpx.WriteError("cut"),
    httpx.WriteTimeout("slow"),
    httpx.RemoteProtocolError("closed"),
    httpx.LocalProtocolError("odd"),
    httpx.CloseError("cut"),
    httpx.DecodingError("gzip"),
    OSError("anything"),
    ValueError("a transport of somebody's own"),
]


def test_a_charge_is_made_signed_and_with_a_timeout(both: Both) -> None:
    """The request carries the credential's signature and a timeout for every phase."""
    provider = Provider()
    charge = both.call(provider, "create_charge", order(), timeout_seconds=3)
    assert ("main", "INV-1", ChargeStatus.PENDING) == (charge.gateway, charge.reference, charge.status)
    request = provider.requests[0]
    assert "X-Key" in request.headers
    assert dict.fromkeys(("connect", "read", "write", "pool"), 3.0) == request.extensions["timeout"]


@pytest.mark.parametrize("failure", NEVER_LEFT)
def test_what_never_left_is_tried_again_and_then_not_sent(both: Both, failure: Exception) -> None:
    """A failed connection is repeated; when it stays, nothing was sent."""
    lucky = Provider(failure, failure, opened())
    assert ChargeStatus.PENDING is both.call(lucky, "create_charge", order()).status
    assert 3 == lucky.creates
    with pytest.raises(Unreachable) as unreachable:
        both.call(Provider(failure), "create_charge", order())
    assert "INV-1" == unreachable.value.reference
    assert type(failure).__name__ in str(unreachable.value)


@pytest.mark.parametrize("failure", MAY_HAVE_ARRIVED)
def test_what_may_have_arrived_is_never_sent_again(both: Both, failure: Exception) -> None:
    """After bytes may have left, a create and a cancel are sent once and their outcome is unknown."""
    for operation in ("create_charge", "cancel"):
        provider = Provider(failure, opened())
        argument = order() if operation == "create_charge" else named()
        with pytest.raises(OutcomeUnknown) as unknown:
            both.call(provider, operation, argument, tiny(kind=Cancelling))
        assert 1 == len(provider.requests)
        assert operation == unknown.value.operation


class Cancelling(Tiny):
    @hookimpl
    def cancel(self, charge: ChargeRef) -> Flow[Charge]:
        reply = yield httpx.Request("POST", "https://tiny.example/cancel")
        return self._charge(charge.reference, charge.amount, reply)


@pytest.mark.parametrize("reply", [httpx.Response(500), httpx.Response(200, text="<html>")])
def test_an_answer_that_nobody_can_read_is_no_no(both: Both, reply: httpx.Response) -> None:
    """A 5xx or garbage on create leaves the outcome unknown, and nothing is sent again."""
    provider = Provider(reply, opened())
    with pytest.raises(OutcomeUnknown):
        both.call(provider, "create_charge", order())
    assert 1 == provider.creates


@pytest.mark.parametrize("trouble", [*MAY_HAVE_ARRIVED[:3], httpx.Response(502), NEVER_LEFT[0]])
def test_a_query_is_repeated_because_it_changes_nothing(both: Both, trouble: Any) -> None:
    """Asking again is safe, whatever went wrong."""
    provider = Provider(trouble, trouble, opened(status="paid"))
    assert ChargeStatus.PAID is both.call(provider, "query", named()).status
    assert 3 == len(provider.requests)


def test_a_refusal_is_believed_at_once(both: Both) -> None:
    """A definite no is raised as it is, with where it happened, and not repeated."""
    provider = Provider(httpx.Response(409, json={"error": "exists"}), opened())
    with pytest.raises(DuplicateReference) as refused:
        both.call(provider, "create_charge", order())
    assert 1 == provider.creates
    assert ("main", "create_charge", "INV-1") == (
        refused.value.gateway,
        refused.value.operation,
        refused.value.reference,
    )


class Busy(Tiny):
    """Tells 429 for what it is, after one or two steps."""

    steps = 1

    @hookimpl
    @for_methods(Qris)
    def create_charge(self, request: Any) -> Flow[Charge]:
        for _ in range(self.steps):
            reply = yield httpx.Request("POST", "https://tiny.example/charges")
        if reply.status_code == 429:
            raise RateLimited("busy", retry_after=0.001)
        return self._charge(request.reference, request.amount, reply)


class BusyLater(Busy):
    steps = 2


def test_a_busy_provider_is_asked_again(both: Both) -> None:
    """Too many requests is the one refusal that is repeated, after the time that the provider names."""
    provider = Provider(httpx.Response(429), opened())
    assert ChargeStatus.PENDING is both.call(provider, "create_charge", order(), tiny(kind=Busy)).status
    assert 2 == provider.creates


def test_a_later_step_that_is_refused_for_haste_does_not_repeat_the_first(both: Both) -> None:
    """With a first step done, starting over would do it twice, so the refusal is raised."""
    provider = Provider(opened(), httpx.Response(429), opened())
    with pytest.raises(RateLimited):
        both.call(provider, "create_charge", order(), tiny(kind=BusyLater))
    assert 2 == provider.creates


def test_a_wait_longer_than_the_deadline_is_not_begun(both: Both) -> None:
    """Where the provider asks for more patience than we have, the caller is told at once."""

    class VeryBusy(Tiny):
        @hookimpl
        def query(self, charge: ChargeRef) -> Flow[Charge]:
            yield httpx.Request("GET", "https://tiny.example/")
            raise RateLimited("busy", retry_after=3600)

    provider = Provider()
    with pytest.raises(RateLimited) as refused:
        both.call(provider, "query", named(), tiny(kind=VeryBusy))
    assert 3600 == refused.value.retry_after
    assert 1 == len(provider.requests)


class Careful(Tiny):
    """Asks how the charge stands when the answer to its creation is lost."""

    @hookimpl
    @for_methods(Qris)
    def create_charge(self, request: Any) -> Flow[Charge]:
        try:
            reply = yield httpx.Request("POST", "https://tiny.example/charges")
        except OutcomeUnknown:
            reply = yield httpx.Request("GET", "https://tiny.example/charges/INV-1")
        return self._charge(request.reference, request.amount, reply)


@pytest.mark.parametrize(
    "second",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("again"),
        httpx.Response(404, json={"error": "unknown"}),
        httpx.Response(409, json={"error": "exists"}),
        httpx.Response(500),
    ],
)
def test_after_a_lost_answer_no_later_failure_is_a_certain_no(both: Both, second: Any) -> None:
    """A flow that asks after a lost answer cannot turn "unknown" into "not sent" or "refused"."""
    provider = Provider(LOST, second)
    with pytest.raises(OutcomeUnknown):
        both.call(provider, "create_charge", order(), tiny(kind=Careful))
    assert 1 == provider.creates


def test_after_a_lost_answer_a_query_can_settle_it(both: Both) -> None:
    """A flow that asks after a lost answer may find its charge."""
    charge = both.call(Provider(LOST, opened()), "create_charge", order(), tiny(kind=Careful))
    assert ChargeStatus.PENDING is charge.status


class Clumsy(Tiny):
    """Fails in every way an adapter can, at the step named by the reference."""

    @hookimpl
    @for_methods(Qris)
    def create_charge(self, request: Any) -> Flow[Charge]:
        if request.reference == "before":
            raise KeyError("secret of the adapter")
        reply = yield httpx.Request("POST", "https://tiny.example/charges")
        if request.reference == "after":
            raise KeyError("secret of the adapter")
        if request.reference == "unsupported-late":
            raise UnsupportedOperation("too late for that")
        reference = request.reference
        charge = self._charge(reference, request.amount, opened(reference) if reply.is_success else reply)
        return msgspec.structs.replace(charge, reference="another") if reference == "other" else charge

    @hookimpl
    def query(self, charge: ChargeRef) -> Flow[Charge]:
        return None  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("reference", "kind"),
    [
        ("before", PluginError),
        ("after", OutcomeUnknown),
        ("unsupported-late", OutcomeUnknown),
        ("other", OutcomeUnknown),
    ],
)
def test_an_adapters_own_mistake_never_makes_a_false_no(
    both: Both, reference: str, kind: type[Exception]
) -> None:
    """Before sending it is the plugin's fault and nothing was sent; afterwards nobody can say."""
    with pytest.raises(kind) as failed:
        both.call(Provider(), "create_charge", order(reference), tiny(kind=Clumsy))
    assert "secret of the adapter" not in str(failed.value)


def test_an_operation_without_a_flow_is_the_plugins_fault(both: Both) -> None:
    """An adapter that returns nothing is named, and nothing was sent."""
    provider = Provider()
    with pytest.raises(PluginError, match="NoneType"):
        both.call(provider, "query", named(), tiny(kind=Clumsy))
    assert [] == provider.requests


def test_what_is_not_offered_is_refused_before_anything_is_sent(both: Both) -> None:
    """A missing operation, and a method that an operation does not serve, are unsupported."""
    provider = Provider()
    with pytest.raises(UnsupportedOperation, match="cancel"):
        both.call(provider, "cancel", named())
    with pytest.raises(UnsupportedOperation, match="e_wallet"):
        both.call(provider, "create_charge", order(method=EWallet("dana")))
    assert [] == provider.requests


@pytest.mark.parametrize(
    ("operation", "argument", "field"),
    [
        ("create_charge", "INV-1", "request"),
        ("query", "INV-1", "charge"),
        ("query", ChargeRef("backup", "INV-1", Qris()), "gateway"),
    ],
)
def test_a_wrong_argument_is_named(both: Both, operation: str, argument: Any, field: str) -> None:
    """What is no request, no charge, or another gateway's charge is refused before sending."""
    with pytest.raises(InvalidCharge) as refused:
        both.call(Provider(), operation, argument)
    assert field == refused.value.field


def test_a_charge_that_is_not_there_is_said_to_be_so(both: Both) -> None:
    """An unknown reference is ChargeNotFound, which is a refusal."""
    with pytest.raises(ChargeNotFound) as refused:
        both.call(Provider(httpx.Response(404, json={"error": "unknown"})), "query", named())
    assert isinstance(refused.value, Refused)


class Revocable(Key, frozen=True):
    def rejected_by(self, response: httpx.Response) -> bool:
        return response.status_code == 401


class LoggingIn(Tiny):
    """Logs in by a request, and its key can be revoked."""

    @hookimpl
    def authorize(self) -> Flow[Any]:
        reply = yield httpx.Request("PUT", "https://tiny.example/login")
        if reply.status_code == 403:
            raise Refused("wrong key")
        if reply.status_code == 429:
            raise RateLimited("busy", retry_after=0.001)
        if reply.status_code == 418:
            raise KeyError("a bug")
        return Revocable("key")


OK = httpx.Response(200)
REVOKED = httpx.Response(401)


def test_a_revoked_credential_is_renewed_once_and_the_request_signed_again(both: Both) -> None:
    """The rejected request was not done, so it is sent again with the new credential."""
    provider = Provider(OK, REVOKED, OK, opened())
    assert "INV-1" == both.call(provider, "create_charge", order(), tiny(kind=LoggingIn)).reference
    assert ["PUT", "POST", "PUT", "POST"] == [request.method for request in provider.requests]


def test_a_credential_rejected_twice_is_believed(both: Both) -> None:
    """There is one renewal for a request; the second rejection goes to the flow."""
    provider = Provider(OK, REVOKED, OK, httpx.Response(401, json={}))
    with pytest.raises(OutcomeUnknown):
        both.call(provider, "create_charge", order(), tiny(kind=LoggingIn))
    assert 4 == len(provider.requests)


@pytest.mark.parametrize(
    ("login", "kind"),
    [
        (httpx.Response(403), NotAuthorized),
        (httpx.Response(429), Unreachable),
        (httpx.Response(418), PluginError),
        (LOST, Unreachable),
        (httpx.ConnectError("refused"), Unreachable),
    ],
)
def test_a_login_that_fails_means_that_nothing_was_sent(
    both: Both, login: Any, kind: type[Exception]
) -> None:
    """Whatever stops the login, also after a rejected request, the charge was not sent."""
    for provider in (Provider(login), Provider(OK, REVOKED, login)):
        with pytest.raises(kind) as failed:
            both.call(provider, "create_charge", order(), tiny(kind=LoggingIn))
        assert ("INV-1", "authorize") == (
            failed.value.reference,  # type: ignore[attr-defined]
            failed.value.operation,  # type: ignore[attr-defined]
        )


def test_a_gateway_tells_what_it_can_do() -> None:
    """`supports` is read off the adapter's implementations, per method."""
    with Gateway("main", tiny(), transport=Provider()) as gateway:
        assert gateway.supports("create_charge")
        assert gateway.supports("create_charge", Qris())
        assert gateway.supports("create_charge", Qris)
        assert not gateway.supports("create_charge", EWallet("dana"))
        assert gateway.supports("query", EWallet("dana"))
        assert not gateway.supports("cancel")
        assert gateway.supports("parse_callback")
        assert not gateway.supports("fly")


def test_a_gateway_that_reads_no_callbacks_says_so() -> None:
    """Without `parse_callback` a callback is unsupported, not rejected."""

    class Deaf:
        @hookimpl
        def authorize(self) -> Any: ...

    with Gateway("main", Deaf(), transport=Provider()) as gateway, pytest.raises(UnsupportedOperation):
        gateway.parse_callback(CallbackRequest("POST", "/", {}, b""))


@pytest.mark.parametrize("failure", [ValueError(CANARY), httpx.RemoteProtocolError(CANARY)])
def test_what_a_transport_says_is_not_shown(both: Both, failure: Exception) -> None:
    """Its text may quote the provider's bytes or a proxy's password, also as a cause."""
    with pytest.raises(PaygateError) as failed:
        both.call(Provider(failure), "create_charge", order())
    assert CANARY not in "".join(traceback.format_exception(failed.value))


def test_no_error_is_its_own_cause(both: Both) -> None:
    """Whoever follows the causes comes to an end."""
    with pytest.raises(OutcomeUnknown) as failed:
        both.call(Provider(OutcomeUnknown("too large")), "create_charge", order())
    error: BaseException | None = failed.value
    for _ in range(10):
        error = error.__cause__ if error is not None else None
    assert error is None


class Stubborn(Tiny):
    """Goes on after it was closed."""

    @hookimpl
    @for_methods(Qris)
    def create_charge(self, request: Any) -> Flow[Charge]:
        try:
            yield httpx.Request("POST", "https://tiny.example/charges")
        except GeneratorExit:
            yield httpx.Request("POST", "https://tiny.example/charges")
        raise AssertionError


def test_a_flow_that_will_not_end_does_not_hide_the_error(both: Both) -> None:
    """What happened to the charge is told, whatever the adapter does at its end."""

    class Interrupted(Provider):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            super().handle_request(request)
            raise KeyboardInterrupt

    with pytest.raises(BaseException) as failed:
        both.call(Interrupted(), "create_charge", order(), tiny(kind=Stubborn))
    assert "RuntimeError" not in repr(failed.value)


def test_an_expiry_in_the_past_is_refused_before_sending(both: Both) -> None:
    """A charge that has expired already is named, and nothing is sent."""
    provider = Provider()
    past = datetime(2020, 1, 1, tzinfo=UTC)
    with pytest.raises(InvalidCharge, match="in the future") as refused:
        both.call(provider, "create_charge", order(expires_at=past))
    assert ("expires_at", []) == (refused.value.field, provider.requests)


def test_an_implementation_may_take_fewer_arguments(both: Both) -> None:
    """As in pluggy, so that a question can grow without breaking the adapters that are there."""

    class Modest(Tiny):
        @hookimpl
        def query(self) -> Flow[Charge]:  # type: ignore[override]
            return self._charge("INV-1", None, (yield httpx.Request("GET", "https://tiny.example/")))

    assert "INV-1" == both.call(Provider(), "query", named(), tiny(kind=Modest)).reference


def test_what_a_provider_repeats_of_the_payer_is_not_shown(both: Both) -> None:
    """A name in the provider's own words is hidden in every letter case, as e-mail address and phone are."""
    customer = Customer(name="Budi Santoso", email="budi@shop.example", phone="+6281234567890")

    class Chatty(Tiny):
        @hookimpl
        def create_charge(self, request: ChargeRequest) -> Flow[Charge]:
            yield httpx.Request("POST", "https://tiny.example/charges")
            raise InvalidRequest("no, BUDI SANTOSO", provider_message="Budi Santoso budi@shop.example")

    with pytest.raises(InvalidRequest) as refused:
        both.call(Provider(), "create_charge", order(customer=customer), adapter=tiny(kind=Chatty))
    told = f"{refused.value} {refused.value.args} {refused.value.message('id')}".lower()
    assert "***" in told
    assert "budi" not in told
