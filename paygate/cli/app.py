"""The command `paygate` and its commands."""

import typer

from paygate.cli.cancel import cancel
from paygate.cli.charge import charge
from paygate.cli.demo import demo
from paygate.cli.doctor import doctor
from paygate.cli.keygen import keygen
from paygate.cli.plugins import plugins
from paygate.cli.query import query
from paygate.cli.sandbox import sandbox
from paygate.cli.sign import sign
from paygate.cli.verify import verify

app = typer.Typer(
    help="One interface to Indonesian payment gateways.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (demo, sandbox, plugins, keygen, doctor, charge, query, cancel, sign, verify):
    app.command()(command)
