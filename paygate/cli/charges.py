"""`paygate charges`: the charges in the store, or one with its whole history."""

from typing import Annotated

import typer

from paygate.cli.configuration import FILE, Config, read, store_of
from paygate.cli.output import AsJson, Cure, explained, misuse, print_json
from paygate.errors import InvalidCharge, PaygateError
from paygate.model import ChargeStatus


def charges(
    reference: Annotated[
        str | None, typer.Argument(help="One charge, to be explained; a list of them unless told.")
    ] = None,
    gateway: Annotated[str | None, typer.Option(help="Of this one alone.")] = None,
    status: Annotated[ChargeStatus | None, typer.Option(help="Those that stand so.")] = None,
    unsettled: Annotated[
        bool,
        typer.Option("--unsettled", metavar="", help="Those of which nobody knows whether they arrived."),
    ] = False,
    flagged: Annotated[
        bool, typer.Option("--flagged", metavar="", help="Those that somebody should look at.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")] = 50,
    after: Annotated[
        int | None,
        typer.Option(min=1, help="Those that follow this number, the last one's of a list before."),
    ] = None,
    body: Annotated[
        bool, typer.Option("--body", metavar="", help="Show the stored bodies, as they were redacted.")
    ] = False,
    config: Config = FILE,
    as_json: AsJson = False,
) -> None:
    """List the charges in the store, or explain one: all that was sent, told and asked, and what is next."""
    with explained(as_json=as_json, config=config):
        configuration = read(config)
        with store_of(configuration) as store:
            from paygate.cli.stored_charges import account_of, plain_account, print_account, print_all

            if reference is None:
                if body:
                    raise misuse("--body shows the bodies of one charge", "Name its reference.")
                found = store.listing.charges(
                    gateway=gateway,
                    status=status,
                    unsettled=unsettled,
                    flagged=flagged,
                    limit=limit + 1,
                    after=after,
                )
                print_all(found[:limit], is_all=len(found) <= limit, as_json=as_json)
                return
            if status is not None or unsettled or flagged or after is not None:
                raise misuse(
                    "--status, --unsettled, --flagged and --after choose from a list",
                    "Leave them out, or leave the reference out.",
                )
            ones = store.listing.named(reference, gateway)
            if not ones:
                raise _unheard_of(reference, gateway)
            accounts = [account_of(one, store, configuration, with_bodies=body) for one in ones]
        if as_json:
            print_json([*map(plain_account, accounts)])
        else:
            for account in accounts:
                print_account(account)


def _unheard_of(reference: str, gateway: str | None) -> PaygateError:
    where = f" of gateway {gateway}" if gateway is not None else ""
    error = InvalidCharge("reference", f"the store has no charge {reference}{where}")
    error.add_note(
        Cure("See those that it has with `paygate charges`, or ask the provider: `paygate query`.")
    )
    return error
