"""A merchant's whole program, blocking. It names no provider: the configuration file alone does.

python -m switch.program switch/ayolinx.toml INV-1
python -m switch.program switch/midtrans.toml INV-1
"""

import sys

from paygate import (
    AccountNumber,
    CallbackRejected,
    CallbackReply,
    CallbackRequest,
    Charge,
    ChargeRef,
    ChargeRequest,
    ChargeStatus,
    Customer,
    Instructions,
    Money,
    OutcomeUnknown,
    Paygate,
    PaygateError,
    PaymentCode,
    QrCode,
    Qris,
    Redirect,
    RefundRequest,
)

BUYER = Customer(name="Siti", email="siti@shop.example", phone="+6281234567890")


class Till:
    """Sells, looks, gives up and gives back; keeps its orders in memory, where yours are in a database."""

    def __init__(self, paygate: Paygate) -> None:
        self._paygate = paygate
        self.orders: dict[str, Charge] = {}
        self.delivered: list[str] = []
        self.doubts: list[str] = []

    def sell(self, request: ChargeRequest) -> Charge:
        """Have money collected. What nobody knows is settled by asking, never by sending it again.

        Your own program writes the request down before it calls this.
        """
        try:
            charge = self._paygate.create_charge(request)
        except OutcomeUnknown as lost:
            charge = self._paygate.query(named(request, lost))
        return self._learn(charge)

    def look(self, reference: str) -> Charge:
        """Ask how an order stands; deliver it where it has been paid."""
        return self._learn(self._paygate.query(self.orders[reference]))

    def give_up(self, reference: str) -> Charge | None:
        """End an unpaid order; None where its gateway cannot."""
        charge = self.orders[reference]
        if not self._paygate.gateway(charge.gateway).supports("cancel", charge.method):
            return None
        return self._learn(self._paygate.cancel(charge))

    def give_back(self, reference: str, refund: RefundRequest) -> Charge | None:
        """Give a paid order's money back; None where its gateway cannot."""
        charge = self.orders[reference]
        if not self._paygate.gateway(charge.gateway).supports("refund", charge.method):
            return None
        return self._learn(self._paygate.refund(charge, refund))

    def receive(self, gateway: str, request: CallbackRequest) -> CallbackReply:
        """Take a call of the provider's: what it proves, what it says, what we know, in this order."""
        try:
            callback = self._paygate.parse_callback(gateway, request)
        except CallbackRejected as forged:
            reply: CallbackReply = forged.reply
            return reply
        try:
            # It asks only where the call does not prove what it says.
            callback = self._paygate.confirm(callback)
        except PaygateError:
            return callback.again
        known = [self.orders.get(one.reference) for one in callback.charges]
        callback = self._paygate.compare(callback, known)
        for charge in callback.charges:
            self._learn(charge)
        self.doubts += [f"{one.kind} {one.told.reference}" for one in callback.conflicts]
        return callback.reply

    def _learn(self, charge: Charge) -> Charge:
        self.orders[charge.reference] = charge
        in_full = charge.status is ChargeStatus.PAID and charge.paid_amount == charge.amount
        if in_full and charge.reference not in self.delivered:
            self.delivered.append(charge.reference)
        return charge


def shown(instructions: Instructions | None) -> str:
    """What the payer is told to do."""
    match instructions:
        case QrCode(payload):
            return f"scan {payload}"
        case Redirect(url):
            return f"open {url}"
        case AccountNumber(number, bank):
            return f"transfer to {bank} {number}"
        case PaymentCode(code, store):
            return f"say {code} at the till of {store}"
    return "nothing to do yet"


def wanted(reference: str) -> ChargeRequest:
    """A coffee."""
    return ChargeRequest(reference=reference, amount=Money.idr(25_000), method=Qris(), customer=BUYER)


def named(request: ChargeRequest, lost: OutcomeUnknown) -> ChargeRef:
    """The charge that may have been made: the error knows at which gateway."""
    assert lost.gateway is not None
    return ChargeRef(lost.gateway, request.reference, request.method, amount=request.amount)


def main(configuration: str, reference: str) -> None:
    """Sell a coffee and wait until it is paid."""
    with Paygate.from_file(configuration) as paygate:
        till = Till(paygate)
        print(shown(till.sell(wanted(reference)).instructions))
        while till.look(reference).status is ChargeStatus.PENDING:
            input("not paid yet; Enter asks again ")
        print(till.orders[reference].status)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
