"""What an operation makes of its answers: after one that nobody could read, nothing is called "refused"."""

from typing import Any, Final

import httpx
import pytest
from paygate_tiny import Tiny, answer

from paygate import (
    Charge,
    ChargeNotFound,
    ChargeRef,
    ChargeStatus,
    Flow,
    OutcomeUnknown,
    PaygateError,
    PermissionDenied,
    Qris,
    RateLimited,
    StateConflict,
    UnsupportedOperation,
    for_methods,
    hookimpl,
    read,
)
from paygate.snap import read_reply
from tests.provider import Both, Provider, opened, order, tiny
from tests.test_gateway import LOST

UNREADABLE: Final = [
    httpx.Response(502, text="<html>"),
    httpx.Response(500, json={"id": "INV-1", "status": "open"}),
    httpx.Response(200, text="<html>"),
    httpx.Response(200, content=b""),
    httpx.Response(403, text="<html>"),
    LOST,
]
NOES: Final = [
    (404, ChargeNotFound),
    (403, PermissionDenied),
    (429, RateLimited),
    (409, StateConflict),
    (501, UnsupportedOperation),
]


class Asking(Tiny):
    """Asks where the answer to its charge is none, and believes a "no" of that question."""

    @hookimpl
    @for_methods(Qris)
    def create_charge(self, request: Any) -> Flow[Charge]:
        try:
            reply = yield httpx.Request("POST", "https://tiny.example/charges")
            self._read(reply)
        except OutcomeUnknown:
            pass
        reply = yield httpx.Request("GET", "https://tiny.example/charges/x")
        for status, kind in NOES:
            if reply.status_code == status:
                raise kind("no")
        return self._charge(request.reference, request.amount, reply)

    @hookimpl
    def query(self, charge: ChargeRef) -> Flow[Charge]:
        return (yield from self.create_charge(order(charge.reference)))

    def _read(self, reply: httpx.Response) -> Any:
        return read(reply, answer)


@pytest.mark.parametrize("first", UNREADABLE, ids=repr)
@pytest.mark.parametrize("second", [status for status, _ in NOES])
def test_no_no_is_believed_after_an_answer_that_nobody_could_read(
    both: Both, first: Any, second: int
) -> None:
    """The charge may be there; it is neither sent again nor taken elsewhere."""
    provider = Provider(first, httpx.Response(second), opened())
    with pytest.raises(OutcomeUnknown) as failed:
        both.call(provider, "create_charge", order(), tiny(kind=Asking))
    assert (False, 1) == (failed.value.elsewhere, provider.creates)


@pytest.mark.parametrize("first", UNREADABLE, ids=repr)
def test_the_question_may_settle_it(both: Both, first: Any) -> None:
    """Its charge was found."""
    charge = both.call(Provider(first, opened()), "create_charge", order(), tiny(kind=Asking))
    assert ChargeStatus.PENDING is charge.status


@pytest.mark.parametrize(("status", "kind"), NOES[:4])
def test_a_no_after_a_readable_answer_is_a_no(both: Both, status: int, kind: type[PaygateError]) -> None:
    """As before, and no other gateway is asked, for an earlier step was done."""
    provider = Provider(opened(), httpx.Response(status))
    with pytest.raises(kind) as failed:
        both.call(provider, "create_charge", order(), tiny(kind=Asking))
    assert not failed.value.elsewhere


def test_what_changes_nothing_is_refused_all_the_same(both: Both) -> None:
    """A query has no outcome to be unsure of."""
    provider = Provider(httpx.Response(502), httpx.Response(404))
    with pytest.raises(ChargeNotFound):
        both.call(provider, "query", ChargeRef("main", "INV-1", Qris()), tiny(kind=Asking))


class Sure(Tiny):
    """Takes the HTTP status of any answer for a "no"."""

    @hookimpl
    @for_methods(Qris)
    def create_charge(self, request: Any) -> Flow[Charge]:
        yield httpx.Request("POST", "https://tiny.example/charges")
        raise PermissionDenied("no")


@pytest.mark.parametrize(
    ("status", "kind"), [(403, PermissionDenied), (500, OutcomeUnknown), (503, OutcomeUnknown)]
)
def test_a_server_error_is_never_a_no(both: Both, status: int, kind: type[PaygateError]) -> None:
    """Whatever the adapter makes of it, no other gateway is asked for the charge."""
    with pytest.raises(PaygateError) as failed:
        both.call(Provider(httpx.Response(status)), "create_charge", order(), tiny(kind=Sure))
    assert (kind, kind is PermissionDenied) == (type(failed.value), failed.value.elsewhere)


class Twofold(Asking):
    """Its provider answers in either of two forms."""

    def _read(self, reply: httpx.Response) -> Any:
        try:
            return read(reply, Nothing())
        except OutcomeUnknown:
            return super()._read(reply)


class Nothing:
    """Decodes nothing."""

    def decode(self, buf: bytes, /) -> Any:
        raise UnicodeDecodeError("utf-8", buf, 0, 1, "no")


def test_an_answer_that_could_be_read_after_all_is_an_answer(both: Both) -> None:
    """In the second of two forms."""
    provider = Provider(opened(), httpx.Response(404))
    with pytest.raises(ChargeNotFound):
        both.call(provider, "create_charge", order(), tiny(kind=Twofold))


class Snap(Asking):
    """Its provider speaks SNAP BI."""

    def _read(self, reply: httpx.Response) -> Any:
        return read_reply(reply, SnapAnswers())


class SnapAnswers:
    """Decodes any body as the code that it holds."""

    def decode(self, buf: bytes, /) -> Any:
        return type("Told", (), {"response_code": buf.decode(), "response_message": "told"})()


@pytest.mark.parametrize(
    ("reply", "is_known"),
    [
        (httpx.Response(200, text="2004700"), True),
        (httpx.Response(200, text="4034700"), False),
        (httpx.Response(200, text="what"), False),
        (httpx.Response(400, text="4004799"), False),
        (httpx.Response(500, text="5004700"), False),
    ],
    ids=repr,
)
def test_a_snap_code_that_says_nothing_certain_is_no_answer_either(
    both: Both, reply: httpx.Response, is_known: bool
) -> None:
    """Contradictory, formless or unknown."""
    provider = Provider(reply, httpx.Response(404))
    with pytest.raises(ChargeNotFound if is_known else OutcomeUnknown):
        both.call(provider, "create_charge", order(), tiny(kind=Snap))
