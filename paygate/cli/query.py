"""`paygate query`: ask how a charge stands."""

from typing import Annotated

import typer

from paygate.cli.arguments import method_of
from paygate.cli.charge import MethodText
from paygate.cli.charges import another_place, print_charge
from paygate.cli.configuration import FILE, Config, GatewayName, holding, read
from paygate.cli.output import AsJson, explained
from paygate.model import ChargeRef
from paygate.routing import Paygate


def query(
    reference: Annotated[str, typer.Argument(help="The number that the charge was made with.")],
    method: MethodText,
    gateway: GatewayName = None,
    config: Config = FILE,
    as_json: AsJson = False,
) -> None:
    """Ask the provider how a charge stands; it changes nothing."""
    paygate: Paygate | None = None
    with explained(as_json=as_json, hint=lambda error: another_place(error, paygate)):
        way = method_of(method)
        paygate = Paygate(read(config))
        with paygate:
            taker = holding(paygate, way, gateway)
            told = taker.query(ChargeRef(taker.name, reference, way))
        print_charge(told, as_json=as_json)
