"""The command `paygate` and its commands."""

import typer

from paygate.cli.demo import demo
from paygate.cli.keygen import keygen
from paygate.cli.plugins import plugins
from paygate.cli.sandbox import sandbox

app = typer.Typer(
    help="One interface to Indonesian payment gateways.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (demo, sandbox, plugins, keygen):
    app.command()(command)
