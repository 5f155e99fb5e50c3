"""The handler is called, and that is written down: in one transaction where it takes the connection."""

from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import exc

from paygate.callback import Callback
from paygate.handlers import Ended, call, takes_connection
from paygate.store.database import Database
from paygate.store.deliveries import Delivery
from paygate.store.handover import Moved, Overtaken, finish, given, is_overtaken

MARK: Final = "paygate_told"
"""It is gone when the transaction that it was set in has ended, by whatever call or text."""


class Failed(Exception):
    """The handler failed with `error`; it is not the database's own, whatever its kind."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class Telling:
    """One handler, to be told of what is ready in one database; blocking."""

    def __init__(self, database: Database, handle: Callable[..., Any]) -> None:
        self._database = database
        self._handle = handle
        self._takes_connection = takes_connection(handle)

    def tell(self, ready: Delivery) -> bool:
        """Call the handler; False where a charge moved meanwhile, and it is to be called again.

        Whatever the handler raises is raised, after what it wrote on the connection has been undone.
        """
        if not self._takes_connection:
            told = self.given(ready)
            if told is None:
                return True
            if not is_overtaken(told):
                call(self._handle, told)
            return self.finish(ready, told)
        try:
            with self._database.writing() as connection:
                told = given(connection, ready)
                if told is not None:
                    if not is_overtaken(told):
                        self._call(told, connection)
                    finish(connection, ready, told)
        except Overtaken:
            return True
        except Moved:
            return False
        except Failed as failed:
            raise failed.error from None
        return True

    def given(self, ready: Delivery) -> Callback | None:
        """What the handler is to be told; None where that is another worker's by now."""
        with self._database.reading() as connection:
            return given(connection, ready)

    def finish(self, ready: Delivery, told: Callback) -> bool:
        """Write down that the handler was told; False where it is to be told again."""
        try:
            with self._database.writing() as connection:
                finish(connection, ready, told)
        except Overtaken:
            return True
        except Moved:
            return False
        return True

    def _call(self, told: Callback, connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"SAVEPOINT {MARK}")
        try:
            call(self._handle, told, connection)
        except Exception as error:  # noqa: BLE001 - the merchant's own
            raise Failed(error) from None
        if connection.in_nested_transaction():
            raise Ended
        try:
            connection.exec_driver_sql(f"RELEASE SAVEPOINT {MARK}")
        except exc.SQLAlchemyError as error:
            if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
                raise  # the database went away meanwhile
            raise Ended from None
