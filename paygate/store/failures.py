"""What is wrong with a database, in words of our own: an error's text quotes statements and values."""

import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import exc

from paygate.errors import StoreUnavailable

AWAY: Final = "it cannot be reached, or hung up"
BUSY: Final = "it is busy: others kept it locked for too long"
FULL: Final = "its disk is full"
UNWRITABLE: Final = "it can only be read"
DAMAGED: Final = "its file is damaged, or is no database"
CLOSED: Final = "its file cannot be opened"
DENIED: Final = "it refuses the login, or this user may not work on its tables"
BARE: Final = "it has not the tables or columns that it should have"
CROWDED: Final = "all its connections are in use"
STORAGE: Final = "its disk cannot be read or written"
GONE: Final = "its file is gone"

SQLITE: Final[Mapping[str, str]] = {
    "SQLITE_BUSY": BUSY,
    "SQLITE_LOCKED": BUSY,
    "SQLITE_FULL": FULL,
    "SQLITE_READONLY": UNWRITABLE,
    "SQLITE_CORRUPT": DAMAGED,
    "SQLITE_NOTADB": DAMAGED,
    "SQLITE_CANTOPEN": CLOSED,
    "SQLITE_PERM": CLOSED,
    "SQLITE_AUTH": CLOSED,
    "SQLITE_IOERR": STORAGE,
}
"""By the name of the primary code; a longer name begins with it."""

SQLSTATES: Final[Mapping[str, str]] = {
    "08": AWAY,
    "57P": AWAY,
    "28": DENIED,
    "42501": DENIED,
    "3D": AWAY,
    "53100": FULL,
    "53": CROWDED,
    "25006": UNWRITABLE,
    "40": BUSY,
    "55P03": BUSY,
    "57014": BUSY,
    "58": STORAGE,
    "XX": DAMAGED,
    "42P01": BARE,
    "42703": BARE,
}
"""By the beginning of PostgreSQL's code; the longest that fits counts."""

MARIADB: Final[Mapping[int, str]] = {
    1040: CROWDED,
    1044: DENIED,
    1045: DENIED,
    1142: DENIED,
    1049: AWAY,
    1053: AWAY,
    1927: AWAY,
    2002: AWAY,
    2003: AWAY,
    2006: AWAY,
    2013: AWAY,
    2055: AWAY,
    1021: FULL,
    1114: FULL,
    1205: BUSY,
    1213: BUSY,
    1290: UNWRITABLE,
    1792: UNWRITABLE,
    1836: UNWRITABLE,
    1054: BARE,
    1146: BARE,
}

FAILURES: Final = (exc.DBAPIError, exc.TimeoutError, exc.PendingRollbackError, sqlite3.Error)
"""What a database that cannot be worked with raises."""


def unavailable(failure: BaseException) -> StoreUnavailable:
    """The error to raise for a failure: its kind, and nothing that it says itself."""
    if isinstance(failure, exc.TimeoutError):
        return StoreUnavailable(f"the store does not answer: {CROWDED}")
    own: Any = failure.orig if isinstance(failure, exc.DBAPIError) else failure
    kind = type(own).__name__
    why = _why(own)
    if why is None and _is_hung_up(failure, own):
        why = AWAY
    if why is None:
        return StoreUnavailable(f"the store did not do what it was asked ({kind})")
    return StoreUnavailable(f"the store does not answer: {why} ({kind})")


def _why(own: Any) -> str | None:
    if isinstance(own, sqlite3.Error):
        name = getattr(own, "sqlite_errorname", None) or ""
        return next((why for code, why in SQLITE.items() if name.startswith(code)), None)
    number = own.args[0] if own.args else None
    if isinstance(number, int):
        return MARIADB.get(number)
    state = getattr(own, "sqlstate", None) or ""
    fitting = [code for code in SQLSTATES if state.startswith(code)]
    return SQLSTATES[max(fitting, key=len)] if fitting else None


def _is_hung_up(failure: BaseException, own: Any) -> bool:
    """Whether a server cannot be reached: a driver that notices it by itself has no code for it."""
    if isinstance(failure, exc.PendingRollbackError) or getattr(failure, "connection_invalidated", False):
        return True
    has_code = isinstance(own, sqlite3.Error) or getattr(own, "sqlstate", None) is not None
    return isinstance(failure, (exc.OperationalError, exc.InterfaceError)) and not has_code
