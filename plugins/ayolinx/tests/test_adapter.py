from paygate import ChargeRequest, ChargeStatus, Money, Paygate, Qris


def test_a_charge_is_made(paygate: Paygate) -> None:
    """A QRIS charge is pending and has a payload for the payer."""
    charge = paygate.create_charge(
        ChargeRequest(reference="INV-1", amount=Money.idr(25_000), method=Qris())
    )
    assert ChargeStatus.PENDING is charge.status
