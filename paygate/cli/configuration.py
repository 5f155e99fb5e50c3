"""Which configuration, gateway, charge and store a command works with."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paygate import settings
from paygate.assembly import opened
from paygate.cli.arguments import method_of
from paygate.cli.output import misuse
from paygate.errors import ConfigurationError
from paygate.gateway import Gateway
from paygate.methods import Method
from paygate.model import ChargeRef
from paygate.routing import Paygate
from paygate.settings import Settings

if TYPE_CHECKING:
    from paygate.store.store import Store

FILE = Path("paygate.toml")

Config = Annotated[Path, typer.Option("--config", help="The configuration.")]
GatewayName = Annotated[
    str | None, typer.Option("--gateway", help="Which one; the only one there is, or that can, unless told.")
]


def read(file: Path) -> Settings:
    """The configuration of a file; where there is none, the error says how to get one."""
    if not file.exists():
        raise misuse(
            f"{file}: there is no such file",
            "Name yours with --config FILE, or begin with the README's example; `paygate sandbox` makes "
            "sandbox-account/paygate.toml, to play with.",
        )
    return settings.from_file(file)


def one_of(paygate: Paygate, name: str | None) -> Gateway:
    """The gateway of that name, or the only one."""
    if name is None and len(paygate.gateways) > 1:
        raise ConfigurationError(f"name one with --gateway: {', '.join(paygate.gateways)}")
    return paygate.gateway(name or next(iter(paygate.gateways)))


def taking(paygate: Paygate, method: Method, name: str | None) -> tuple[Gateway, ...]:
    """The gateway of that name, or those that a method goes to, in order; raise where nobody takes it."""
    if name is not None:
        return (paygate.gateway(name),)
    names = paygate.route(method)
    if names:
        return tuple(paygate.gateway(one) for one in names)
    able = [
        gateway.name for gateway in paygate.gateways.values() if gateway.supports("create_charge", method)
    ]
    if able:
        raise ConfigurationError(
            f"several gateways take this method, name one with --gateway: {', '.join(able)}"
        )
    return (one_of(paygate, None),)


def holding(paygate: Paygate, method: Method, name: str | None) -> Gateway:
    """The gateway of that name, or the only one that can have made a charge by this method.

    The routes do not tell: they may have been others, or the charge was given to a gateway by name.
    """
    able = [one.name for one in paygate.gateways.values() if one.supports("create_charge", method)]
    if name is None and len(able) > 1:
        raise misuse(
            f"several gateways can have made this charge: {', '.join(able)}",
            "Name the one that did with --gateway: it stands in the charge.",
        )
    return taking(paygate, method, name)[0]


def meant(
    paygate: Paygate, reference: str, method: str | None, gateway: str | None
) -> tuple[Gateway, ChargeRef]:
    """The charge of that reference and the gateway that has it: as they are told, else as the store has it.

    The store is asked only where that is needed, so that it may be away where it is not. Raises InvalidCharge
    where several gateways have one, ConfigurationError where nothing tells.
    """
    is_open = method is None or (gateway is None and len(paygate.gateways) > 1)
    known = paygate.store.listing.one(reference, gateway) if is_open and paygate.store is not None else None
    if known is not None:
        taker = paygate.gateway(known.gateway)
        way = method_of(method) if method is not None else known.charge.method
        if way is not None:
            charge = known.charge
            return taker, ChargeRef(taker.name, reference, way, charge.provider_reference, charge.amount)
    if method is None:
        kept = "the store does not tell" if paygate.store is not None else "there is no store to tell"
        raise misuse(f"{kept} how {reference} is to be paid", "Name its --method.")
    way = method_of(method)
    taker = holding(paygate, way, gateway)
    return taker, ChargeRef(taker.name, reference, way)


def store_of(configuration: Settings) -> "Store":
    """The store of a configuration; its gateways are not opened. Raises ConfigurationError where there is none."""
    store = opened(configuration, time.time)
    if store is None:
        raise no_store()
    return store


def no_store() -> ConfigurationError:
    """The error of a command that works on a store, where none is configured."""
    return misuse(
        "there is no store",
        "Add [store] to the configuration, with its url; what was made without one is not kept.",
    )


def is_production(configuration: Settings, gateway: str) -> bool:
    """Whether a gateway's settings say that it collects real money."""
    return bool(configuration.gateways[gateway].own.get("environment") == "production")
