"""Texts of a provider's that no column takes as they are: those with a NUL, and those that are too long."""

import os
from collections.abc import Iterator
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate import (
    Callback,
    CallbackReply,
    CallbackRequest,
    Charge,
    ChargeStatus,
    Money,
    PaymentLink,
    Qris,
    RefundRequest,
)
from paygate.store.entries import LONGEST_NUMBER, Source, State, word_of
from paygate.store.schema import callbacks, charges
from paygate.worker import Worker
from tests.provider import order
from tests.store.callers import Notes, Shop, drained, opened
from tests.store.tills import row_of, rows_of

LONG: Final = "9" * LONGEST_NUMBER
ODD: Final = ["A\0B", "9" * 200, "\N{GRINNING FACE}" * 200 + "\0"]
NAMES: Final = ["a NUL", "long", "both"]
PENDING: Final = Charge(
    gateway="main", reference="INV-1", status=ChargeStatus.PENDING, method=Qris(), amount=Money.idr(25_000)
)
PAID: Final = msgspec.structs.replace(PENDING, status=ChargeStatus.PAID, paid_amount=Money.idr(25_000))
replace = msgspec.structs.replace


@pytest.fixture
def shop(store_url: str) -> Iterator[Shop]:
    """A merchant's paygate over each kind of database."""
    with opened(store_url) as one:
        yield one


def made(shop: Shop, answer: Charge) -> None:
    """Make a charge that the provider answers so."""
    entry = shop.store.journal.begin("main", order(answer.reference), "1")
    shop.store.outcomes.answered(entry, answer, "1")


def called(shop: Shop, told: Charge, path: str = "/callbacks/main") -> bool:
    """Let the provider tell of a charge; whether it is news."""
    reply = CallbackReply(200, {}, b"")
    callback = Callback(gateway="main", charges=(told,), reply=reply, sent_at=None)
    return shop.inbox.receive(callback, CallbackRequest("POST", path, {}, os.urandom(8)))


@given(text=st.text() | st.text(st.sampled_from("\0a9"), min_size=60), longest=st.integers(64, 128))
def test_a_word_is_short_without_a_nul_and_its_own(text: str, longest: int) -> None:
    """It fits its column; what does so by itself is left as it is, and so is what has become a word."""
    word = word_of(text, longest)
    assert len(word) <= longest
    assert "\0" not in word
    assert (word == text) is (len(text) <= longest and "\0" not in text)
    assert word == word_of(word, longest)


@given(
    texts=st.lists(st.text(st.sampled_from("\0a9?"), min_size=1), unique=True),
    prefix=st.sampled_from(["", LONG]),
)
def test_words_of_different_texts_differ(texts: list[str], prefix: str) -> None:
    """Also where they differ in a NUL alone, or after the cut."""
    assert len(texts) == len({word_of(prefix + text, LONGEST_NUMBER) for text in texts})


@pytest.mark.parametrize("number", ODD, ids=NAMES)
def test_an_answer_with_an_odd_number_is_written_down(shop: Shop, number: str) -> None:
    """The charge tells it as it came, and a callback by that number alone finds its charge."""
    made(shop, replace(PENDING, provider_reference=number))
    found = shop.store.journal.find(PENDING)
    assert found is not None
    assert (number, State.KNOWN) == (found.provider_reference, row_of(shop.store)["state"])
    learnt = shop.store.history.learn(replace(PAID, reference=number), Source.CALLBACK)
    assert ("INV-1", ChargeStatus.PAID) == (learnt.charge.reference, learnt.charge.status)
    assert 1 == len(rows_of(shop.store, charges))


@pytest.mark.parametrize("reference", ODD, ids=NAMES)
def test_a_stranger_of_an_odd_reference_is_taken_in_and_told(shop: Shop, reference: str) -> None:
    """Once, under its own reference: by the callback's row, to the handler, to who looks it up, and refunded."""
    told = replace(PAID, reference=reference)
    notes = Notes()
    assert called(shop, told, "/callbacks/\0")
    drained(Worker(shop.paygate, notes))
    assert not called(shop, told, "/callbacks/\0")
    drained(Worker(shop.paygate, notes))
    assert [[reference]] == [[one.told.reference for one in callback.conflicts] for callback in notes.told]
    assert [("done", 1, None, None)] == shop.rows("state", "repeats", "problem", "path")
    assert told == shop.store.journal.find(told)
    assert [told] == [one.charge for one in shop.store.listing.named(reference)]
    shop.store.outcomes.changing(told)
    shop.store.refunds.begin(told, RefundRequest(reference="R-1", reason="broken"), "1")
    [row] = rows_of(shop.store, charges)
    assert row["due_at"] is not None


def test_a_refund_of_a_stranger_is_joined_with_it(shop: Shop) -> None:
    """It was asked for before the journal had heard of the charge."""
    told = replace(PAID, reference="A\0" + LONG)
    shop.store.refunds.begin(told, RefundRequest(reference="R-1", reason="broken"), "1")
    shop.store.history.learn(told, Source.QUERY)
    [one] = shop.store.listing.named(told.reference)
    assert ["R-1"] == [refund.reference for refund in shop.store.listing.refunds(one.id)]


def test_numbers_that_differ_at_their_ends_are_two(shop: Shop) -> None:
    """Each finds its own charge, however much of them is the same."""
    for end in "12":
        made(shop, replace(PENDING, reference=f"INV-{end}", provider_reference=LONG + end))
    learnt = shop.store.history.learn(replace(PAID, reference=LONG + "2"), Source.CALLBACK)
    assert "INV-2" == learnt.charge.reference
    link = PaymentLink()
    made(shop, replace(PENDING, reference="INV-3", method=link, provider_reference=LONG + "3"))
    other = replace(PAID, reference="THEIRS-3", method=link, provider_reference=LONG + "3")
    assert "INV-3" == shop.store.history.learn(other, Source.CALLBACK).charge.reference
    stranger = replace(PAID, reference="THEIRS-4", method=link, provider_reference=LONG + "4")
    assert "THEIRS-4" == shop.store.history.learn(stranger, Source.CALLBACK).charge.reference


def test_a_failure_with_a_nul_is_written_down(shop: Shop) -> None:
    """A provider's code may have any character."""
    called(shop, PAID)
    [taken] = shop.inbox.take(1, {"main"})
    shop.inbox.failed(taken, "Refused 4\0 4")
    assert ["Refused 4? 4"] == [row["problem"] for row in rows_of(shop.store, callbacks)]
