"""`paygate cancel`: ask the provider to stop collecting an unpaid charge."""

from typing import Annotated

import typer

from paygate.cli.charge import StoredMethod, Yes, confirm, interrupted
from paygate.cli.configuration import FILE, Config, GatewayName, is_production, meant, read
from paygate.cli.output import AsJson, explained
from paygate.cli.showing import another_place, print_charge, settling
from paygate.errors import AlreadyPaid, OutcomeUnknown, PaygateError, StateConflict
from paygate.gateway import Gateway
from paygate.model import ChargeRef
from paygate.routing import Paygate


def cancel(
    reference: Annotated[str, typer.Argument(help="The number that the charge was made with.")],
    method: StoredMethod = None,
    gateway: GatewayName = None,
    config: Config = FILE,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Ask the provider to stop collecting an unpaid charge. It is no refund."""
    taker: Gateway | None = None
    charge: ChargeRef | None = None
    paygate: Paygate | None = None

    def command(error: PaygateError) -> str | None:
        is_to_be_asked = isinstance(error, OutcomeUnknown | AlreadyPaid | StateConflict)
        if taker is None or charge is None or not is_to_be_asked:
            return None
        return settling(error, charge, taker, config)

    def hint(error: PaygateError) -> str | None:
        return another_place(error, paygate)

    with explained(as_json=as_json, config=config, command=command, hint=hint):
        configuration = read(config)
        paygate = Paygate(configuration)
        with paygate:
            taker, charge = meant(paygate, reference, method, gateway)
            can = charge.method is not None and taker.supports("cancel", charge.method)
            if can and is_production(configuration, taker.name):
                confirm(f"{taker.name} is in production: cancel {reference}?", yes=yes)
            try:
                told = taker.cancel(charge)
            except KeyboardInterrupt:
                raise interrupted(taker.name, "cancel", reference) from None
        print_charge(told, as_json=as_json)
