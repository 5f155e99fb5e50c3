"""Callbacks as the inbox's rows hold them: their key, their content, and how a row is written or counted."""

from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import blake2b, sha256
from itertools import takewhile
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy import bindparam

from paygate.callback import AGAIN, Callback, CallbackReply
from paygate.derivation import KEY_LENGTH, fact_key
from paygate.store.entries import DeliveryState, Source, Told
from paygate.store.schema import callbacks
from paygate.store.statements import NewOrChanged

WAITING: Final = (DeliveryState.NEW, DeliveryState.READY)
ENDED: Final = (DeliveryState.DEAD, DeliveryState.STUCK)

OWN: Final = (callbacks.c.id == bindparam("own_id"), callbacks.c.state == bindparam("own_state"))
"""A delivery's row, as long as it is in the state that it was taken in."""

LEASED: Final = (*OWN, callbacks.c.due_at == bindparam("own_lease"))
"""The same, as long as nobody else has taken it."""

OWN_KEY: Final = ("gateway", "key")
_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Told)
encoded: Final = _encoder.encode
decoded: Final = _decoder.decode


class Delivery(Struct, frozen=True, kw_only=True):
    """A row that a worker has taken; until `lease`, in microseconds, it is nobody else's.

    `attempts` are those that failed before this one.
    """

    id: int
    gateway: str
    state: DeliveryState
    told: Told
    body: bytes
    received_at: int
    attempts: int
    repeats: int
    lease: int

    @property
    def own(self) -> dict[str, Any]:
        """What names this row, as long as it is this worker's."""
        return {"own_id": self.id, "own_state": self.state, "own_lease": self.lease}

    @property
    def is_new(self) -> bool:
        """Whether it is to be applied first."""
        return self.state is DeliveryState.NEW

    @property
    def is_vague(self) -> bool:
        """Whether it does not say how its charges stand: a repeat may mean something else."""
        return is_vague(self.told)

    @property
    def callback(self) -> Callback:
        """The callback as it was verified and read, to be confirmed."""
        return Callback(
            gateway=self.gateway,
            charges=self.told.charges,
            confirm=self.told.confirm,
            claimed=self.told.claimed,
            reply=CallbackReply(200, {}, b""),
            again=AGAIN,
            sent_at=None,
        )


def done(taken: Delivery) -> dict[str, Any]:
    """What a row becomes with which nothing is left to do; its attempts are those that failed."""
    return {"state": DeliveryState.DONE, "due_at": None, "problem": None, "attempts": taken.attempts}


def is_vague(told: Told | Callback) -> bool:
    """Whether some charge is named of which nothing is said."""
    return len(told.claimed) < len(told.confirm) or None in told.claimed


def key_of(callback: Callback, body: bytes) -> bytes:
    """16 bytes, the same for calls that tell the same fact; of one charge, they are the fact's own key."""
    keys = [fact_key(charge) for charge in callback.charges]
    if not callback.confirm and len(keys) == 1:
        return keys[0]
    asked = encoded((callback.confirm, callback.claimed)) + sha256(body).digest() if callback.confirm else b""
    return blake2b(b"".join(keys) + asked, digest_size=KEY_LENGTH).digest()


def callback_row(
    gateway: str, key: bytes, source: Source, state: DeliveryState, told: Told, now: int, **content: Any
) -> dict[str, Any]:
    """The row of what is due now; `content` is path, headers and body, where a call brought them."""
    return {
        "gateway": gateway,
        "key": key,
        "source": source.value,
        "state": state.value,
        "told": encoded(told),
        "path": None,
        "headers": None,
        "body": None,
        "received_at": now,
        "repeats": 0,
        "attempts": 0,
        "due_at": now,
        "problem": None,
        **content,
    }


def delivery_of(row: Mapping[str, Any]) -> Delivery:
    """What a worker has taken, from its row. Raises ValueError, or an error of msgspec's."""
    return Delivery(
        id=row["id"],
        gateway=row["gateway"],
        state=DeliveryState(row["state"]),
        told=decoded(row["told"]),
        body=row["body"] or b"",
        received_at=row["received_at"],
        attempts=row["attempts"],
        repeats=row["repeats"],
        lease=row["lease"],
    )


def together(rows: Sequence[sa.RowMapping]) -> list[sa.RowMapping]:
    """Those that may be worked on one after the other; the first by itself, where it was tried before."""
    if rows and rows[0]["attempts"]:
        return [rows[0]]
    return [*takewhile(lambda row: not row["attempts"], rows)]


def insertion(engine: sa.Engine, *reopened: DeliveryState) -> NewOrChanged:
    """Puts a row into the inbox, or counts a repeat where it is there already.

    A repeat fills in what a query left open; a row in one of the states `reopened` is new again.
    """
    return NewOrChanged(callbacks, engine, OWN_KEY, partial(_repeated, reopened))


def _repeated(reopened: Sequence[DeliveryState], given: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What a repeat changes; the state comes last, for MariaDB sets one column after the other."""
    table = callbacks.c
    is_reopened = sa.or_(*(table.state == state.value for state in reopened))
    return [
        ("repeats", table.repeats + 1),
        *((name, sa.func.coalesce(table[name], given[name])) for name in ("path", "headers", "body")),
        ("due_at", sa.case((is_reopened, given["due_at"]), else_=table.due_at)),
        ("attempts", sa.case((is_reopened, 0), else_=table.attempts)),
        ("state", sa.case((is_reopened, DeliveryState.NEW.value), else_=table.state)),
    ]
