"""The same program, async: `await`, and nothing else.

python -m switch.aprogram switch/ayolinx.toml INV-1
"""

import sys

import anyio
from switch.program import named, shown, wanted

from paygate import (
    AsyncPaygate,
    CallbackRejected,
    CallbackReply,
    CallbackRequest,
    Charge,
    ChargeRequest,
    ChargeStatus,
    OutcomeUnknown,
    PaygateError,
    RefundRequest,
)


class AsyncTill:
    """Sells, looks, gives up and gives back; keeps its orders in memory, where yours are in a database."""

    def __init__(self, paygate: AsyncPaygate) -> None:
        self._paygate = paygate
        self.orders: dict[str, Charge] = {}
        self.delivered: list[str] = []
        self.doubts: list[str] = []

    async def sell(self, request: ChargeRequest) -> Charge:
        """Have money collected. What nobody knows is settled by asking, never by sending it again.

        Your own program writes the request down before it calls this.
        """
        try:
            charge = await self._paygate.create_charge(request)
        except OutcomeUnknown as lost:
            charge = await self._paygate.query(named(request, lost))
        return self._learn(charge)

    async def look(self, reference: str) -> Charge:
        """Ask how an order stands; deliver it where it has been paid."""
        return self._learn(await self._paygate.query(self.orders[reference]))

    async def give_up(self, reference: str) -> Charge | None:
        """End an unpaid order; None where its gateway cannot."""
        charge = self.orders[reference]
        if not self._paygate.gateway(charge.gateway).supports("cancel", charge.method):
            return None
        return self._learn(await self._paygate.cancel(charge))

    async def give_back(self, reference: str, refund: RefundRequest) -> Charge | None:
        """Give a paid order's money back; None where its gateway cannot."""
        charge = self.orders[reference]
        if not self._paygate.gateway(charge.gateway).supports("refund", charge.method):
            return None
        return self._learn(await self._paygate.refund(charge, refund))

    async def receive(self, gateway: str, request: CallbackRequest) -> CallbackReply:
        """Take a call of the provider's: what it proves, what it says, what we know, in this order."""
        try:
            callback = self._paygate.parse_callback(gateway, request)
        except CallbackRejected as forged:
            reply: CallbackReply = forged.reply
            return reply
        try:
            # It asks only where the call does not prove what it says.
            callback = await self._paygate.confirm(callback)
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


async def main(configuration: str, reference: str) -> None:
    """Sell a coffee and wait until it is paid."""
    async with AsyncPaygate.from_file(configuration) as paygate:
        till = AsyncTill(paygate)
        print(shown((await till.sell(wanted(reference))).instructions))
        while (await till.look(reference)).status is ChargeStatus.PENDING:
            await anyio.to_thread.run_sync(input, "not paid yet; Enter asks again ")
        print(till.orders[reference].status)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2])
