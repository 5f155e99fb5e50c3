"""The journal of charges: written before anything is sent, and after each answer.

No transaction is open while anybody waits for a provider: each method here is one short piece of work.
"""

from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import bindparam, exc

from paygate.errors import (
    ReferenceTaken,
    StoreUnavailable,
)
from paygate.held import HeldElsewhere
from paygate.model import Charge, ChargeRef, ChargeRequest, ChargeStatus
from paygate.store import notes
from paygate.store.database import Database
from paygate.store.entries import (
    Entry,
    Row,
    Source,
    State,
    Step,
    charge_of,
    entry_of,
    reference_of,
)
from paygate.store.facts import Facts
from paygate.store.history import NOTHING
from paygate.store.moments import Clock
from paygate.store.requests import awaited, difference, digest, kept
from paygate.store.schema import charges
from paygate.store.statements import NewRow

ENDLESS: Final = 40
"""How often a reference may be found changed by others before something must be wrong."""

KEPT: Final = ("gateway", "reference", "created_at")
"""What stays of a charge that is sent anew."""

_BY_REFERENCE: Final = sa.select(charges).where(charges.c.reference == bindparam("reference"))


class Journal:
    """What one database knows of charges; blocking, and safe to share between threads."""

    def __init__(self, database: Database, facts: Facts, clock: Clock) -> None:
        self._database = database
        self._facts = facts
        self._clock = clock
        self._row = NewRow(charges, database.engine)

    def begin(self, gateway: str, request: ChargeRequest, external_id: str, *, routed: bool = False) -> Entry:
        """Write a charge down before it is sent, or find what is known of it: see `Entry.step`.

        `routed` is a charge that routes brought here: raises HeldElsewhere where they gave its reference to
        another gateway before. Raises ReferenceTaken for another request of the same reference, and
        StoreUnavailable; nothing was sent then.
        """
        asked = digest(request)
        claim: str | None = request.reference
        values: dict[str, Any] = {
            "gateway": gateway,
            "reference": request.reference,
            "digest": asked,
            "request": kept(request),
            "external_id": external_id,
        }
        for _ in range(ENDLESS):
            now = self._clock.now()
            lease = self._clock.lease(now)
            fresh = self._started(now, lease) | values
            found = self._inserted(fresh | {"claim": claim})
            if found is not None:
                return entry_of(fresh | {"id": found}, Step.SEND, awaited(gateway, request))
            rows = self._rows(request.reference)
            own = next((one for one in rows if one["gateway"] == gateway), None)
            holder = next((one for one in rows if one["claim"] and one["gateway"] != gateway), None)
            if routed and holder is not None and (own is None or own["state"] == State.FREE):
                raise HeldElsewhere(holder["gateway"])
            claim = None if holder is not None else request.reference
            if own is None:
                continue
            if own["state"] != State.FREE and own["digest"] != asked:
                raise _taken(own, request)
            entry = self._found(own, request, fresh | {"claim": claim})
            if entry is not None:
                return entry
        raise _restless(request)

    def find(self, charge: Charge | ChargeRef) -> Charge | None:
        """How a charge stands, as the journal has it; None where it does not have it."""
        rows = self._rows(reference_of(charge))
        return next((charge_of(one) for one in rows if one["gateway"] == charge.gateway), None)

    def same(self, gateway: str, request: ChargeRequest) -> Entry | None:
        """What is known of a request that is not to be sent; None where nothing is there.

        Raises as `begin`.
        """
        for _ in range(ENDLESS):
            own = next((one for one in self._rows(request.reference) if one["gateway"] == gateway), None)
            if own is None or own["state"] == State.FREE:
                return None
            if own["digest"] != digest(request):
                raise _taken(own, request)
            now = self._clock.now()
            entry = self._found(own, request, {"sent_at": now, "lease_until": self._clock.lease(now)})
            if entry is not None:
                return entry
        raise _restless(request)

    def _found(self, own: Row, request: ChargeRequest, fresh: dict[str, Any]) -> Entry | None:
        """What to do with a charge that is there already; None where it has changed meanwhile."""
        if own["state"] == State.KNOWN:
            return self._there(own)
        if own["state"] == State.FREE:
            taken = {key: value for key, value in fresh.items() if key not in KEPT}
            taken["attempt"] = own["attempt"] + 1
            step, charge = Step.SEND, awaited(own["gateway"], request)
        else:
            step, charge = Step.ASK, charge_of(own)
            taken = {"lease_until": fresh["lease_until"], "state": State.UNKNOWN}
            if own["lease_until"] > fresh["sent_at"]:
                return entry_of(own, Step.WAIT, charge)
        return entry_of({**own, **taken}, step, charge) if self._changed(own, taken) else None

    def _there(self, own: Row) -> Entry:
        """A charge that the provider has; its instructions are lost where no answer ever brought any."""
        charge = charge_of(own)
        entry = entry_of(own, Step.TAKE, charge)
        if charge.instructions is not None or charge.status is not ChargeStatus.PENDING:
            return entry
        return msgspec.structs.replace(entry, is_lost=not self._facts.has_reply(own["id"]))

    def _changed(self, own: Row, values: dict[str, Any]) -> bool:
        """Change a row, unless somebody else has since it was read."""
        is_unchanged = [charges.c[name] == own[name] for name in ("id", "attempt", "lease_until", "state")]
        try:
            with self._database.writing() as connection:
                done = connection.execute(charges.update().where(*is_unchanged).values(values)).rowcount
                if done and values["state"] == State.SENDING:
                    note = notes.sent(values["attempt"], values["external_id"], own["external_id"])
                    self._facts.note(connection, own["id"], Source.SENT, note)
        except exc.IntegrityError:  # its reference was claimed for another gateway in between
            return False
        return bool(done)

    def _inserted(self, values: dict[str, Any]) -> int | None:
        with self._database.writing(single=True) as connection:
            return self._row.add(connection, values)

    def _rows(self, reference: str) -> list[Row]:
        with self._database.reading() as connection:
            return [*connection.execute(_BY_REFERENCE, {"reference": reference}).mappings()]

    def _started(self, now: int, lease: int) -> dict[str, Any]:
        return {
            "state": State.SENDING,
            "attempt": 1,
            "sent_at": now,
            "lease_until": lease,
            "due_at": lease,
            "created_at": now,
            "changed_at": now,
        }


def _restless(request: ChargeRequest) -> StoreUnavailable:
    return StoreUnavailable("others change this charge all the time", reference=request.reference)


def _taken(own: Row, request: ChargeRequest) -> ReferenceTaken:
    if own["request"] == NOTHING:
        why = "is that of a charge which was not made through this store: query it"
    else:
        why = f"has another charge already: {difference(request, own['request'])}"
    return ReferenceTaken("reference", why, gateway=own["gateway"], reference=request.reference)
