"""A pretend SNAP provider on a real port: charges over HTTP, and the payer's page of a wallet."""

import time

import httpx
import msgspec
import pytest

from paygate import ChargeStatus, EWallet, Gateway, Redirect, RefundRequest, StateConflict, VirtualAccount
from paygate.sandbox.host import serve
from paygate.snap import SnapSettings
from tests.snap.dompet import Dompet, dompet
from tests.snap.talking import SITI, fitted, order
from tests.watch import CANARIES


def test_charges_over_http_and_a_page_to_pay_on() -> None:
    """A wallet's address leads to a page whose button pays; an account is deleted by a DELETE with a body."""
    simulator = dompet("http://127.0.0.1:9/callbacks/main")
    CANARIES.add(simulator.account.client_secret)
    with serve(simulator) as running:
        settings = {**simulator.settings, "base_url": running.url}
        adapter = fitted(Dompet, SnapSettings, settings, time.time, callback_url=None)
        with Gateway("main", adapter) as gateway:
            charge = gateway.create_charge(order(EWallet("dana"), return_url="https://shop.example/thanks"))
            assert isinstance(charge.instructions, Redirect)
            with httpx.Client(trust_env=False, timeout=30) as browser:
                page = browser.get(charge.instructions.url)
                assert "25.000" in page.text
                paid = browser.post(
                    charge.instructions.url, data={"do": "pay"}, headers={"Origin": running.url}
                )
            assert (303, "https://shop.example/thanks") == (paid.status_code, paid.headers["Location"])
            paid_charge = gateway.query(charge)
            assert (ChargeStatus.PAID, charge.amount) == (paid_charge.status, paid_charge.paid_amount)
            back = gateway.refund(paid_charge, RefundRequest(reference="R-1", reason="Habis"))
            assert ChargeStatus.REFUNDED is back.status
            assert back.refunded_amount == gateway.query(back).refunded_amount == charge.amount
            request = order(VirtualAccount("bca"), customer=SITI)
            account = gateway.create_charge(msgspec.structs.replace(request, reference="INV-2"))
            assert ChargeStatus.CANCELLED is gateway.cancel(account).status
            with pytest.raises(StateConflict):
                gateway.cancel(account)
