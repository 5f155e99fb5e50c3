"""What of a request the journal keeps: enough to tell two apart, and nothing that is personal."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate import (
    ChargeRequest,
    ChargeStatus,
    Customer,
    EWallet,
    Item,
    Method,
    Money,
    Qris,
    Retail,
    VirtualAccount,
)
from paygate.store.requests import awaited, difference, digest, kept

WHEN: Final = datetime(2027, 1, 2, 3, 4, tzinfo=UTC)
NAMES: Final = st.text("abcdefghij SitiBudi", min_size=4, max_size=20).filter(lambda one: one.strip() == one)
METHODS: Final[st.SearchStrategy[Method]] = st.sampled_from(
    [Qris(), EWallet("dana"), Retail("alfamart"), VirtualAccount("bni")]
)
CUSTOMERS: Final = st.builds(Customer, name=st.none() | NAMES)


@dataclass(frozen=True)
class Made:
    """A request's fields, before one of them differs."""

    fields: dict[str, Any]

    @property
    def request(self) -> ChargeRequest:
        return ChargeRequest(**self.fields)


@st.composite
def requests(draw: st.DrawFn) -> ChargeRequest:
    """Any request that is right."""
    rupiah = draw(st.integers(1, 10**9))
    has_items = draw(st.booleans())
    return ChargeRequest(
        reference=draw(st.sampled_from(["INV-1", "INV-2"])),
        amount=Money.idr(rupiah),
        method=draw(METHODS),
        expires_at=draw(st.none() | st.just(WHEN)),
        customer=draw(st.none() | CUSTOMERS),
        description=draw(st.none() | NAMES),
        items=(Item(draw(NAMES), Money.idr(rupiah)),) if has_items else (),
        return_url=draw(st.none() | st.just("https://shop.example/siti")),
    )


@given(one=requests(), other=requests())
def test_requests_are_the_same_when_all_but_their_end_is(one: ChargeRequest, other: ChargeRequest) -> None:
    """Then their digests are, and nothing differs; else both say so."""
    timeless = [msgspec.structs.replace(request, expires_at=None) for request in (one, other)]
    is_same = timeless[0] == timeless[1]
    assert (digest(one) == digest(other)) is is_same
    assert (not difference(one, kept(other))) is is_same
    assert 16 == len(digest(one))


@given(one=requests(), other=requests())
def test_nothing_personal_is_kept_or_told(one: ChargeRequest, other: ChargeRequest) -> None:
    """Names, descriptions, items and addresses: neither in what is kept nor in what is said to differ."""
    values = [request.description for request in (one, other)]
    values += [request.customer.name for request in (one, other) if request.customer is not None]
    values += [item.name for request in (one, other) for item in request.items]
    texts = [kept(one).decode(), kept(other).decode()]
    told = re.sub("customer|description|items|return_url", "", difference(one, kept(other)))
    for value in values:
        if value is not None and not value.isalpha():  # a word like "amount" is no telling
            assert value not in told
            assert all(value not in text for text in texts)
    assert all("shop.example" not in text for text in [*texts, told])


@given(request=requests())
def test_the_charge_that_is_awaited_is_what_was_asked_for(request: ChargeRequest) -> None:
    """Pending, with the request's own amount, method and end."""
    charge = awaited("main", request)
    assert (request.reference, request.amount, request.method, request.expires_at, ChargeStatus.PENDING) == (
        charge.reference,
        charge.amount,
        charge.method,
        charge.expires_at,
        charge.status,
    )


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("amount", Money.idr(1), "amount was IDR 25000.00, now IDR 1.00"),
        ("method", VirtualAccount("bni"), "method was qris, now virtual_account bni"),
        ("customer", Customer(name="Siti"), "customer"),
        ("description", "Siti", "description"),
        ("return_url", "https://shop.example/siti", "return_url"),
        ("expires_at", WHEN, ""),
    ],
)
def test_each_field_that_differs_is_named(field: str, value: Any, words: str) -> None:
    """With both values where they are not personal; a moment of expiry is none of it."""
    before = Made({"reference": "INV-1", "amount": Money.idr(25_000), "method": Qris()})
    after = Made({**before.fields, field: value})
    assert words == difference(after.request, kept(before.request))
    assert (digest(after.request) == digest(before.request)) is (not words)


def test_the_same_words_of_two_charges_do_not_look_the_same() -> None:
    """Who reads the database cannot see that two customers are one."""
    rows = [
        msgspec.json.decode(
            kept(
                ChargeRequest(reference=reference, amount=Money.idr(1), method=Qris(), description="for Siti")
            )
        )
        for reference in ("INV-1", "INV-2")
    ]
    assert rows[0]["description"] != rows[1]["description"]


def test_a_digest_stays_what_it_was() -> None:
    """Rows outlive versions: were it computed otherwise, every charge would be another's."""
    request = ChargeRequest(reference="INV-1", amount=Money.idr(25_000), method=Qris())
    assert GOLDEN == digest(request).hex()


GOLDEN: Final = "17c3c072276d4d76ab96f68e4786a51a"
