"""`paygate charge`: ask any configured gateway to collect money."""

import sys
from typing import Annotated, Final

import typer

from paygate.cli.arguments import amount_of, item_of, method_of, moment_of, phone_of
from paygate.cli.configuration import FILE, Config, GatewayName, is_production, read, taking
from paygate.cli.output import AsJson, explained, visible
from paygate.cli.showing import print_charge, settling
from paygate.errors import DuplicateReference, InvalidCharge, OutcomeUnknown, PaygateError
from paygate.gateway import Gateway
from paygate.model import ChargeRef, ChargeRequest, Customer
from paygate.routing import Paygate

INTERRUPTED = "you interrupted it"
OPTIONS: Final = {
    "customer": "--name, --email and --phone",
    "customer.name": "--name",
    "customer.email": "--email",
    "customer.phone": "--phone",
    "return_url": "--return-url",
    "description": "--description",
    "items": "--item",
    "expires_at": "--expires",
}
Yes = Annotated[bool, typer.Option("--yes", metavar="", help="Do not ask, also in production.")]
METHODS: Final = "qris, e_wallet:dana, virtual_account:bni, retail:alfamart or payment_link"
MethodText = Annotated[str, typer.Option("--method", help=f"{METHODS}.")]
StoredMethod = Annotated[
    str | None, typer.Option("--method", help=f"{METHODS}; not needed where a store has the charge.")
]


def charge(
    reference: Annotated[str, typer.Argument(help="Your own number of this charge, never used before.")],
    amount: Annotated[str, typer.Argument(help="In rupiah: 25000, 25000.00, Rp25000 or IDR 25000.")],
    method: MethodText,
    gateway: GatewayName = None,
    config: Config = FILE,
    expires: Annotated[
        str | None,
        typer.Option(help="15m, 2h, 1d or 2026-01-31T17:00:00+07:00; the provider's, unless told."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="The payer's name.")] = None,
    email: Annotated[str | None, typer.Option(help="The payer's e-mail address.")] = None,
    phone: Annotated[
        str | None, typer.Option(help="The payer's phone, as in +6281234567890 or 081234567890.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="What the payer reads about it.")] = None,
    item: Annotated[
        list[str], typer.Option(help="NAME:PRICE:QUANTITY; once for each line of what is bought.")
    ] = [],  # noqa: B006 - typer copies it
    return_url: Annotated[str | None, typer.Option(help="Where the payer's browser goes afterwards.")] = None,
    offer: Annotated[
        list[str], typer.Option(help="A method that a payment link offers; once for each.")
    ] = [],  # noqa: B006
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Ask a gateway to collect money, the next of its route where nothing was done, and show what the payer needs."""
    takers: dict[str, Gateway] = {}

    def command(error: PaygateError) -> str | None:
        if not isinstance(error, OutcomeUnknown | DuplicateReference):
            return None
        way = method_of(method, tuple(offer))
        asked = [takers[error.gateway]] if error.gateway in takers else takers.values()
        commands = [settling(error, ChargeRef(one.name, reference, way), one, config) for one in asked]
        return "; ".join(filter(None, commands)) or None

    with explained(as_json=as_json, config=config, command=command, hint=option):
        is_told = any(one is not None for one in (name, email, phone))
        request = ChargeRequest(
            reference=reference,
            amount=amount_of(amount),
            method=method_of(method, tuple(offer)),
            expires_at=moment_of(expires) if expires is not None else None,
            customer=Customer(name=name, email=email, phone=phone_of(phone)) if is_told else None,
            description=description,
            items=tuple(item_of(one) for one in item),
            return_url=return_url,
        )
        configuration = read(config)
        with Paygate(configuration) as paygate:
            takers |= {one.name: one for one in taking(paygate, request.method, gateway)}
            real = [
                name
                for name, one in takers.items()
                if is_production(configuration, name) and one.supports("create_charge", request.method)
            ]
            if real:
                which = " or ".join(real)
                confirm(f"{which} collects real money: {request.amount} for {reference}. Go on?", yes=yes)
            try:
                made = paygate.create_charge(request, gateway)
            except KeyboardInterrupt:
                raise interrupted(" or ".join(takers), "create_charge", reference) from None
        print_charge(made, as_json=as_json)


def option(error: PaygateError) -> str | None:
    """Which option gives the part of a charge that an error is about."""
    name = OPTIONS.get(error.field) if isinstance(error, InvalidCharge) else None
    return f"Give it with {name}." if name is not None else None


def confirm(question: str, *, yes: bool) -> None:
    """Ask a person, unless they have said yes already; end the command at a no, or where nobody is there."""
    if yes:
        return
    is_anybody_there = sys.stdin is not None
    try:
        if is_anybody_there and typer.confirm(visible(question), err=True):
            return
    except typer.Abort:
        is_anybody_there = False
        typer.echo(err=True)  # the question's line is still open
    told = "nothing was sent"
    typer.echo(told if is_anybody_there else f"{told}; use --yes to go on without asking", err=True)
    raise typer.Exit(1)


def interrupted(gateway: str, operation: str, reference: str) -> OutcomeUnknown:
    """What Ctrl-C says about the money: the request may have left."""
    return OutcomeUnknown(INTERRUPTED, gateway=gateway, operation=operation, reference=reference)
