"""`paygate query`: ask how a charge stands."""

from typing import Annotated

import typer

from paygate.cli.charge import StoredMethod
from paygate.cli.configuration import FILE, Config, GatewayName, meant, read
from paygate.cli.output import AsJson, explained
from paygate.cli.showing import another_place, print_charge
from paygate.routing import Paygate


def query(
    reference: Annotated[str, typer.Argument(help="The number that the charge was made with.")],
    method: StoredMethod = None,
    gateway: GatewayName = None,
    config: Config = FILE,
    as_json: AsJson = False,
) -> None:
    """Ask the provider how a charge stands; it changes nothing."""
    paygate: Paygate | None = None
    with explained(as_json=as_json, config=config, hint=lambda error: another_place(error, paygate)):
        paygate = Paygate(read(config))
        with paygate:
            taker, charge = meant(paygate, reference, method, gateway)
            told = taker.query(charge)
        print_charge(told, as_json=as_json)
