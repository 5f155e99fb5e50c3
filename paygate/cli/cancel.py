"""`paygate cancel`: ask the provider to stop collecting an unpaid charge."""

from typing import Annotated

import typer

from paygate.cli.arguments import method_of
from paygate.cli.charge import MethodText, Yes, confirm, interrupted
from paygate.cli.charges import another_place, print_charge, settling
from paygate.cli.configuration import FILE, Config, GatewayName, holding, is_production, read
from paygate.cli.output import AsJson, explained
from paygate.errors import AlreadyPaid, OutcomeUnknown, PaygateError, StateConflict
from paygate.gateway import Gateway
from paygate.model import ChargeRef
from paygate.routing import Paygate


def cancel(
    reference: Annotated[str, typer.Argument(help="The number that the charge was made with.")],
    method: MethodText,
    gateway: GatewayName = None,
    config: Config = FILE,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Ask the provider to stop collecting an unpaid charge. It is no refund."""
    taker: Gateway | None = None
    paygate: Paygate | None = None

    def command(error: PaygateError) -> str | None:
        if taker is None or not isinstance(error, OutcomeUnknown | AlreadyPaid | StateConflict):
            return None
        return settling(error, ChargeRef(taker.name, reference, method_of(method)), taker, config)

    def hint(error: PaygateError) -> str | None:
        return another_place(error, paygate)

    with explained(as_json=as_json, command=command, hint=hint):
        way = method_of(method)
        configuration = read(config)
        paygate = Paygate(configuration)
        with paygate:
            taker = holding(paygate, way, gateway)
            if is_production(configuration, taker.name) and taker.supports("cancel", way):
                confirm(f"{taker.name} is in production: cancel {reference}?", yes=yes)
            try:
                told = taker.cancel(ChargeRef(taker.name, reference, way))
            except KeyboardInterrupt:
                raise interrupted(taker.name, "cancel", reference) from None
        print_charge(told, as_json=as_json)
