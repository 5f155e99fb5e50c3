import logging
from typing import Any

import msgspec
import pytest
from paygate_tiny import STATUSES, Tiny, answer

from paygate import (
    Callback,
    CallbackRejected,
    CallbackRequest,
    Charge,
    ChargeStatus,
    Conflict,
    ConflictKind,
    Exchange,
    Finding,
    Gateway,
    InvalidCharge,
    Money,
    PluginError,
    Qris,
    Signed,
    Trial,
    Unsigned,
    UnsupportedOperation,
    hookimpl,
)
from paygate.conflicts import contradiction
from tests.provider import Both, Provider, named, opened, order, tiny

SIGNED = b'{"id":"INV-1","status":"paid","amount":"25000.00"}'


def callback(body: bytes = SIGNED, key: bytes | None = None) -> CallbackRequest:
    """A callback of Tiny's."""
    from hmac import digest

    from tests.provider import CANARY

    mac = digest(key or CANARY.encode(), body, "sha256").hex()
    return CallbackRequest("POST", "/anything", {"X-Mac": mac}, body)


class Ear:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    @hookimpl
    def exchanged(self, exchange: Exchange) -> None:
        self.heard.append(exchange)

    @hookimpl
    def charge_changed(self, charge: Charge) -> None:
        self.heard.append(charge)

    @hookimpl
    def callback_received(self, callback: Callback) -> None:
        self.heard.append(callback)


class Broken:
    """A listener that fails."""

    @hookimpl
    def exchanged(self) -> None:
        raise RuntimeError("a value that must not be logged")

    @hookimpl
    def charge_changed(self, charge: Charge) -> None:
        raise RuntimeError("a value that must not be logged")

    @hookimpl
    def callback_received(self) -> None:
        raise RuntimeError("a value that must not be logged")


def test_listeners_hear_exchanges_and_changes_and_a_broken_one_harms_nobody(
    both: Both, caplog: pytest.LogCaptureFixture
) -> None:
    """Every listener is called, each guarded; what fails is logged by name alone."""
    ear = Ear()
    both.call(Provider(), "create_charge", order(), listeners=[Broken(), ear, Broken()])
    exchange, charge = ear.heard
    assert ("main", "create_charge", "POST", "/charges", 200) == (
        exchange.gateway,
        exchange.operation,
        exchange.method,
        exchange.path,
        exchange.status,
    )
    assert exchange.seconds > 0
    assert ChargeStatus.PENDING is charge.status
    assert 4 == len(caplog.records)
    assert "must not be logged" not in caplog.text
    assert "listener Broken failed" in caplog.text
    assert "RuntimeError" in caplog.text


def test_a_query_announces_only_a_status_that_the_caller_did_not_have(both: Both) -> None:
    """Asking about a charge that stands as before is no news."""
    ear = Ear()
    paid = Charge(gateway="main", reference="INV-1", status=ChargeStatus.PAID, method=named().method)
    both.call(Provider(opened(status="paid")), "query", paid, listeners=[ear])
    assert [Exchange] == [type(heard) for heard in ear.heard]
    both.call(Provider(opened(status="paid")), "query", named(), listeners=[ear])
    assert Charge is type(ear.heard[-1])


def test_an_exchange_without_an_answer_is_announced_too(both: Both) -> None:
    """A lost answer has no status."""
    ear = Ear()
    with pytest.raises(Exception, match="Query this charge"):
        both.call(Provider(OSError()), "create_charge", order(), listeners=[ear])
    assert ear.heard[0].status is None


def test_a_verified_callback_is_announced_a_rejected_one_is_not() -> None:
    """Listeners hear of what was proven."""
    ear = Ear()
    with Gateway("main", tiny(), transport=Provider(), listeners=[ear, Broken()]) as gateway:
        told = gateway.parse_callback(callback())
        with pytest.raises(CallbackRejected) as rejected:
            gateway.parse_callback(callback(key=b"another"))
    assert [told] == ear.heard
    assert ChargeStatus.PAID is told.charges[0].status
    assert ("signature", 401, "main") == (
        rejected.value.reason,
        rejected.value.reply.status,
        rejected.value.gateway,
    )


class Careless(Tiny):
    """Takes for granted that a body can be read."""

    @hookimpl
    def parse_callback(self, request: CallbackRequest) -> Callback:
        told = answer.decode(request.body)
        raise AssertionError(STATUSES[told.status])


@pytest.mark.parametrize("body", [b"{}", b"null", b'{"status":"new","amount":"1"}', b"\xff"])
def test_an_adapter_that_fails_on_a_callback_rejects_it(body: bytes) -> None:
    """A stranger's bytes do not choose our exception, and the provider may try again."""
    with Gateway("main", tiny(kind=Careless), transport=Provider()) as gateway:
        with pytest.raises(CallbackRejected) as rejected:
            gateway.parse_callback(callback(body))
    assert ("adapter", 500) == (rejected.value.reason, rejected.value.reply.status)
    assert rejected.value.__cause__ is None


def test_a_body_of_ten_megabytes_is_not_even_shown_to_the_adapter() -> None:
    """Size is checked first."""
    with Gateway("main", tiny(), transport=Provider()) as gateway:
        with pytest.raises(CallbackRejected) as rejected:
            gateway.parse_callback(callback(b" " * 10_000_000))
    assert ("size", 413) == (rejected.value.reason, rejected.value.reply.status)


def test_an_adapter_that_returns_no_callback_rejects_it() -> None:
    """None is not "accepted"."""

    class Careless(Tiny):
        @hookimpl
        def parse_callback(self, request: CallbackRequest) -> Any:
            return True

    with Gateway("main", tiny(kind=Careless), transport=Provider()) as gateway:
        with pytest.raises(CallbackRejected):
            gateway.parse_callback(callback())


class Helpful(Tiny):
    """Answers the questions that help a person; one of them badly."""

    @hookimpl
    def sign(self, message: Unsigned) -> Signed:
        return Signed("none", f"{message.method} {message.path}", "", {})

    @hookimpl
    def explain_callback(self, request: CallbackRequest, paths: tuple[str, ...]) -> tuple[Trial, ...]:
        if not paths:
            raise InvalidCharge("paths", "name one")
        return tuple(Trial("none", path, "as received", "none", fits=False, accepted=False) for path in paths)

    @hookimpl
    def diagnose(self) -> tuple[Finding, ...]:
        raise ValueError("a value that must not be told")


def test_what_helps_a_person_is_asked_of_the_adapter() -> None:
    """The answer comes back as it is; paths in any sequence arrive as a tuple; nothing is sent."""
    provider = Provider()
    with Gateway("main", tiny(kind=Helpful), transport=provider) as gateway:
        assert "GET /x" == gateway.sign(Unsigned("GET", "/x", b"", "now")).text
        assert ["/a", "/b"] == [one.path for one in gateway.explain_callback(callback(), ["/a", "/b"])]
    assert [] == provider.requests


def test_an_adapter_that_fails_to_explain_is_named_and_its_values_are_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Our own errors pass with their place; any other one is the plugin's, without its words."""
    with Gateway("main", tiny(kind=Helpful), transport=Provider()) as gateway:
        with pytest.raises(InvalidCharge) as refused:
            gateway.explain_callback(callback())
        with pytest.raises(PluginError, match="ValueError") as failed:
            gateway.diagnose()
    assert [("main", "explain_callback"), ("main", "diagnose")] == [
        (error.value.gateway, error.value.operation) for error in (refused, failed)
    ]
    assert "must not be told" not in f"{failed.value}{failed.value!r}{caplog.text}"
    assert failed.value.__cause__ is None


@pytest.mark.parametrize(
    ("question", "arguments"),
    [("sign", (Unsigned("GET", "/x", b"", "now"),)), ("explain_callback", (callback(),)), ("diagnose", ())],
)
def test_an_adapter_need_not_explain(question: str, arguments: tuple[Any, ...]) -> None:
    """One that does not says so."""
    with Gateway("main", tiny(), transport=Provider()) as gateway:
        assert not gateway.supports(question)
        with pytest.raises(UnsupportedOperation, match=f"does not answer {question}") as refused:
            getattr(gateway, question)(*arguments)
    assert ("main", question) == (refused.value.gateway, refused.value.operation)


class Misspelt(Tiny):
    @hookimpl
    def create_chrage(self, request: Any) -> Any: ...


class Greedy(Tiny):
    @hookimpl
    def query(self, charge: Any, cache: Any) -> Any: ...  # type: ignore[override]


class Wrapping:
    @hookimpl(wrapper=True)
    def create_charge(self, request: Any) -> Any:
        return (yield)


class Answering:
    @hookimpl
    def query(self, charge: Any) -> Any: ...


class Waiting:
    @hookimpl
    async def exchanged(self, exchange: Any) -> None: ...


class Around:
    @hookimpl(wrapper=True)
    def exchanged(self, exchange: Any) -> Any:
        return (yield)


class Silent:
    @hookimpl
    def query(self, charge: Any) -> Any: ...


@pytest.mark.parametrize(
    ("adapter", "listeners", "cure"),
    [
        (tiny(kind=Misspelt), [], "did you mean 'create_charge'"),
        (tiny(kind=Greedy), [], "cache"),
        (tiny(), [Wrapping()], "answers create_charge"),
        (tiny(), [Answering()], "answers query"),
        (tiny(), [Waiting()], "Waiting.exchanged: a listener is a plain function"),
        (tiny(), [Around()], "Around.exchanged: a listener is a plain function"),
        (Silent(), [], "no `authorize`"),
    ],
)
def test_a_plugin_that_does_not_fit_is_refused_at_start(
    adapter: Any, listeners: list[object], cure: str
) -> None:
    """A misspelt hook, a wrong argument, a wrapper or a second answer is found before any charge."""
    with pytest.raises(PluginError, match=cure) as refused:
        Gateway("main", adapter, transport=Provider(), listeners=listeners)
    assert "main" == refused.value.gateway


def test_a_gateway_writes_nothing_to_the_log_when_all_is_well(
    both: Both, caplog: pytest.LogCaptureFixture
) -> None:
    """paygate is quiet."""
    with caplog.at_level(logging.DEBUG, "paygate"):
        both.call(Provider(), "create_charge", order())
    assert [] == [record for record in caplog.records if record.name.startswith("paygate")]


@pytest.mark.parametrize(
    ("told", "status", "kind"),
    [
        ("open", ChargeStatus.PAID, ConflictKind.REGRESSION),
        ("paid", ChargeStatus.CANCELLED, ConflictKind.LATE),
        ("paid", ChargeStatus.PENDING, None),
        ("open", ChargeStatus.PENDING, None),
    ],
)
def test_a_query_is_held_against_what_was_known(
    told: str, status: ChargeStatus, kind: ConflictKind | None
) -> None:
    """Old news is not applied: a paid charge stays paid. What contradicts yours is announced as a conflict."""
    heard: list[tuple[str, str]] = []

    class Listener:
        @hookimpl
        def charge_changed(self, charge: Charge) -> None:
            heard.append(("changed", charge.status.value))

        @hookimpl
        def conflict_found(self, conflict: Conflict) -> None:
            heard.append(("conflict", conflict.kind.value))

    known = Charge(gateway="main", reference="INV-1", status=status, method=Qris(), amount=Money.idr(25_000))
    answer = opened(status=told)
    with Gateway("main", tiny(), transport=Provider(answer), listeners=[Listener()]) as gateway:
        charge = gateway.query(known)
        bare = gateway.query(known.ref)
    assert told == {ChargeStatus.PAID: "paid", ChargeStatus.PENDING: "open"}[bare.status]
    assert charge.status is (status if kind is ConflictKind.REGRESSION else bare.status)
    first = [one for one in heard if one[0] == "conflict"]
    assert ([("conflict", kind.value)] if kind else []) == first


@pytest.mark.parametrize(
    ("paid", "is_conflict"), [(Money.idr(25_000), False), (Money.idr(1), True), (None, False)]
)
def test_a_query_that_tells_another_amount_is_a_conflict(paid: Money | None, is_conflict: bool) -> None:
    """One that tells no amount contradicts nothing."""
    known = Charge(
        gateway="main",
        reference="INV-1",
        status=ChargeStatus.PENDING,
        method=Qris(),
        amount=Money.idr(25_000),
    )
    told = msgspec.structs.replace(known, status=ChargeStatus.PAID, paid_amount=paid)
    found = contradiction(told, known)
    assert (found is not None and found.kind is ConflictKind.AMOUNT) is is_conflict
