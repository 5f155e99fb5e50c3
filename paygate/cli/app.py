"""The command `paygate` and its commands."""

from typing import Annotated

import typer

from paygate import adapters
from paygate.cli.callbacks import callbacks
from paygate.cli.cancel import cancel
from paygate.cli.charge import charge
from paygate.cli.charges import charges
from paygate.cli.demo import demo
from paygate.cli.doctor import doctor
from paygate.cli.gateways import gateways
from paygate.cli.keygen import keygen
from paygate.cli.new_adapter import new_adapter
from paygate.cli.plugins import plugins
from paygate.cli.query import query
from paygate.cli.reconcile import reconcile
from paygate.cli.refund import refund
from paygate.cli.sandbox import sandbox
from paygate.cli.sign import sign
from paygate.cli.store import store
from paygate.cli.verify import verify

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    demo,
    sandbox,
    plugins,
    keygen,
    doctor,
    gateways,
    charge,
    query,
    cancel,
    refund,
    charges,
    reconcile,
    sign,
    verify,
    new_adapter,
):
    app.command()(command)
app.add_typer(callbacks, name="callbacks")
app.add_typer(store, name="store")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"paygate {adapters.own_version()}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", metavar="", is_eager=True, callback=_version, help="Show which it is."),
    ] = False,
) -> None:
    """One interface to Indonesian payment gateways."""
