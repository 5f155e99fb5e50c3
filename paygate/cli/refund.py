"""`paygate refund`: ask the provider to give a paid charge back, or a part of it."""

from typing import Annotated, Final

import typer

from paygate.cli.arguments import amount_of
from paygate.cli.charge import StoredMethod, Yes, confirm, interrupted
from paygate.cli.configuration import FILE, Config, GatewayName, is_production, meant, read
from paygate.cli.output import AsJson, explained
from paygate.cli.showing import another_place, print_charge, settling
from paygate.errors import (
    AmountRejected,
    DuplicateReference,
    InvalidCharge,
    OutcomeUnknown,
    PaygateError,
    StateConflict,
    UnsupportedOperation,
)
from paygate.gateway import Gateway
from paygate.model import ChargeRef
from paygate.refunds import RefundRequest
from paygate.routing import Paygate

SETTLED: Final = (OutcomeUnknown, StateConflict, AmountRejected, DuplicateReference)
"""After these errors the charge tells how its refunds stand."""

OPTIONS: Final = {"refund.reference": "--refund", "refund.reason": "--reason", "refund.amount": "--amount"}


def refund(
    reference: Annotated[str, typer.Argument(help="The number that the charge was made with.")],
    refund: Annotated[
        str,
        typer.Option("--refund", help="Your own number of this refund, the same when you ask for it again."),
    ],
    reason: Annotated[str, typer.Option(help="Why; for the provider, and some show it to the payer.")],
    amount: Annotated[
        str | None, typer.Option(help="A part, in rupiah as for `charge`; the whole charge unless told.")
    ] = None,
    method: StoredMethod = None,
    gateway: GatewayName = None,
    config: Config = FILE,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Ask the provider to give a paid charge back, the whole or a part."""
    taker: Gateway | None = None
    charge: ChargeRef | None = None
    paygate: Paygate | None = None

    def command(error: PaygateError) -> str | None:
        if taker is None or charge is None or not isinstance(error, SETTLED):
            return None
        return settling(error, charge, taker, config)

    def hint(error: PaygateError) -> str | None:
        if isinstance(error, InvalidCharge) and error.field in OPTIONS:
            return f"Give it with {OPTIONS[error.field]}."
        if isinstance(error, OutcomeUnknown) and (paygate is None or paygate.store is None):
            return f"If the charge tells no refund {refund}, this command may be run again just as it was."
        if isinstance(error, UnsupportedOperation) and error.operation == "partial_refund":
            return "Without --amount the whole charge is given back."
        return another_place(error, paygate)

    with explained(as_json=as_json, config=config, command=command, hint=hint):
        wanted = RefundRequest(
            reference=refund,
            reason=reason,
            amount=amount_of(amount, "refund.amount") if amount is not None else None,
        )
        configuration = read(config)
        paygate = Paygate(configuration)
        with paygate:
            taker, charge = meant(paygate, reference, method, gateway)
            can = charge.method is not None and taker.supports("refund", charge.method)
            if can and is_production(configuration, taker.name):
                much = wanted.amount or "the whole"
                confirm(f"{taker.name} is in production: give {much} of {reference} back?", yes=yes)
            try:
                told = taker.refund(charge, wanted)
            except KeyboardInterrupt:
                raise interrupted(taker.name, "refund", reference) from None
        print_charge(told, as_json=as_json)
