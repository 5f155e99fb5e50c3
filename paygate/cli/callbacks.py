"""`paygate callbacks`: the inbox of callbacks, listed, shown, tried again, and worked on."""

from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from paygate.cli.configuration import FILE, Config, read, store_of
from paygate.cli.output import AsJson, explained, misuse, print_columns, print_json, print_lines, show
from paygate.cli.showing import plain, plain_time, timed
from paygate.cli.work import work
from paygate.errors import ConfigurationError, PaygateError

if TYPE_CHECKING:
    from paygate.store.records import CallbackRecord

HEAD: Final = ("number", "received", "gateway", "state", "repeats", "failed", "about", "problem")

callbacks = typer.Typer(
    no_args_is_help=True, help="The inbox of callbacks: list it, show one, try it again, work on it."
)


@callbacks.command("list")
def list_(
    dead: Annotated[
        bool, typer.Option("--dead", metavar="", help="Those that are tried no more: dead and stuck.")
    ] = False,
    waiting: Annotated[
        bool, typer.Option("--waiting", metavar="", help="Those that are still to be worked on.")
    ] = False,
    gateway: Annotated[str | None, typer.Option(help="Of this one alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest first.")] = 50,
    config: Config = FILE,
    as_json: AsJson = False,
) -> None:
    """List the callbacks in the store, the newest first."""
    with explained(as_json=as_json, config=config), store_of(read(config)) as store:
        from paygate.store.deliveries import ENDED, WAITING
        from paygate.store.entries import DeliveryState

        chosen = (*(ENDED if dead else ()), *(WAITING if waiting else ()))
        found = store.inbox.records.listed(chosen or tuple(DeliveryState), gateway=gateway, most=limit + 1)
        if as_json:
            print_json({"callbacks": [_plain(one) for one in found[:limit]], "more": len(found) > limit})
            return
        if not found:
            show("There are none.")
            return
        print_columns(HEAD, map(_cells, found[:limit]))
        if len(found) > limit:
            show(("These are the newest: tell more with --limit.", "dim"))


@callbacks.command("show")
def show_(
    number: Annotated[int, typer.Argument(help="Its number, as the list has it.")],
    body: Annotated[
        bool, typer.Option("--body", metavar="", help="Show headers and body as well, as they were redacted.")
    ] = False,
    config: Config = FILE,
    as_json: AsJson = False,
) -> None:
    """Show a callback: what it tells, when it came, how often, and what became of it."""
    with explained(as_json=as_json, config=config), store_of(read(config)) as store:
        one = store.inbox.records.find(number)
        if one is None:
            raise _missing([number])
        if as_json:
            kept = {"headers": one.headers, "body": _text(one.body)} if body else {}
            print_json({**_plain(one), **kept})
            return
        lines = [
            ("number", str(one.id), ""),
            ("state", one.state, _colour(one)),
            ("gateway", one.gateway, ""),
            ("told by", one.source, ""),
            ("received at", timed(one.received_at), ""),
            ("repeats", str(one.repeats), ""),
            ("failed attempts", str(one.attempts), ""),
            ("problem", one.problem or "", "red"),
            ("next attempt at", timed(one.due_at) if one.due_at is not None else "", ""),
            ("path", one.path or "", ""),
            *(("about", told, "") for told in _about(one)),
        ]
        if body:
            lines += [("header", f"{name}: {value}", "") for name, value in (one.headers or {}).items()]
            lines.append(("body", _text(one.body) or "none is kept", ""))
        print_lines([line for line in lines if line[1]])


@callbacks.command()
def replay(
    numbers: Annotated[list[int], typer.Argument(help="Their numbers, as the list has them.")] = [],  # noqa: B006
    all_dead: Annotated[
        bool, typer.Option("--all-dead", metavar="", help="All that are tried no more: dead and stuck.")
    ] = False,
    config: Config = FILE,
    as_json: AsJson = False,
) -> None:
    """Have callbacks tried again that ended without success; a worker takes them at once."""
    with explained(as_json=as_json, config=config):
        if bool(numbers) is all_dead:
            raise misuse(
                "nothing says which callbacks", "Name their numbers, or use --all-dead: one of the two."
            )
        with store_of(read(config)) as store:
            for number in numbers:
                one = store.inbox.records.find(number)
                if one is None:
                    raise _missing([number])
                if not one.has_ended:
                    raise misuse(
                        f"callback {number} is {one.state}", "Only one that is dead or stuck is tried again."
                    )
            count = store.inbox.records.replay(None if all_dead else numbers)
        if as_json:
            print_json({"replayed": count})
        else:
            show(f"{count} {'is' if count == 1 else 'are'} to be tried again; a worker takes them at once.")


callbacks.command()(work)


def _colour(one: "CallbackRecord") -> str:
    if one.has_ended:
        return "red"
    return "yellow" if one.due_at is not None else "green"


def _missing(numbers: list[int]) -> PaygateError:
    what = f"the inbox has no callback {', '.join(map(str, numbers))}"
    error: ConfigurationError = misuse(what, "See those that it has with `paygate callbacks list`.")
    return error


def _cells(one: "CallbackRecord") -> tuple[str | tuple[str, str], ...]:
    """A line of the list."""
    state = (one.state, _colour(one))
    counts = (str(one.repeats), str(one.attempts))
    return (
        str(one.id),
        timed(one.received_at),
        one.gateway,
        state,
        *counts,
        ", ".join(_about(one)),
        one.problem or "",
    )


def _about(one: "CallbackRecord") -> list[str]:
    """What it tells, a text for each charge."""
    asked = [*one.told.confirm]
    claims = [*one.told.claimed, *[None] * len(asked)]
    apart = {conflict.told.reference for conflict in one.told.conflicts}
    return [
        *(
            f"{charge.reference} {charge.status.value}"
            for charge in one.told.charges
            if charge.reference not in apart
        ),
        *(
            f"{ref.reference} {claim.value if claim is not None else '?'} (to be confirmed)"
            for ref, claim in zip(asked, claims, strict=False)
        ),
        *(
            f"{conflict.told.reference} {conflict.told.status.value} (conflict: {conflict.kind.value})"
            for conflict in one.told.conflicts
        ),
    ]


def _plain(one: "CallbackRecord") -> dict[str, Any]:
    """A callback for programs, without headers and body."""
    return {
        "number": one.id,
        "gateway": one.gateway,
        "state": one.state,
        "source": one.source,
        "received_at": plain_time(one.received_at),
        "repeats": one.repeats,
        "failed_attempts": one.attempts,
        "problem": one.problem,
        "due_at": plain_time(one.due_at),
        "path": one.path,
        "charges": [plain(charge) for charge in one.told.charges],
        "confirm": [msgspec.to_builtins(ref, enc_hook=str)["reference"] for ref in one.told.confirm],
        "conflicts": [
            {"kind": conflict.kind.value, "told": plain(conflict.told)} for conflict in one.told.conflicts
        ],
    }


def _text(body: bytes | None) -> str | None:
    return body.decode("utf-8", "backslashreplace") if body is not None else None
