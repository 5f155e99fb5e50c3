"""Refunds that others learn of between a look at the journal and the change that follows from it."""

from typing import Any

import msgspec
import pytest

from paygate import ChargeStatus, Money, Refund, RefundRequest, RefundStatus
from paygate.errors import NotSent
from paygate.store.entries import Source, Step
from paygate.worker import Worker
from tests.store.callers import nothing, opened

PART = RefundRequest(reference="R-1", amount=Money.idr(5_000), reason="the cake was cold")


def test_a_refund_that_is_told_of_meanwhile_is_not_sent(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was free to be sent when it was looked at, and a callback says that it is made."""
    with opened(store_url) as shop:
        charge = shop.charge()
        shop.call()
        assert 1 == Worker(shop.paygate, nothing).run_once()
        refunds = shop.store.refunds
        refunds.ended(refunds.begin(charge, PART, "1"), NotSent("away"))
        paid = shop.store.journal.find(charge)
        assert paid is not None
        done = Refund(reference="R-1", amount=Money.idr(5_000), status=RefundStatus.DONE)
        told = msgspec.structs.replace(
            paid,
            status=ChargeStatus.PARTIALLY_REFUNDED,
            refunds=(done,),
            refunded_amount=Money.idr(5_000),
        )
        looked = refunds._row
        looks: list[Any] = []

        def slow(*names: Any) -> Any:
            found = looked(*names)
            if not looks:
                shop.store.history.learn(told, Source.CALLBACK)
            looks.append(found)
            return found

        monkeypatch.setattr(refunds, "_row", slow)
        assert Step.TAKE is refunds.begin(charge, PART, "2").step
        assert ["free", "known"] == [row["state"] for row in looks]
