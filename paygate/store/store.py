"""A store, opened: the journal of charges and the inbox of callbacks in one database."""

import time
from collections.abc import Callable
from typing import Self

from paygate.store.agenda import Agenda
from paygate.store.database import Database
from paygate.store.facts import Facts
from paygate.store.history import History
from paygate.store.inbox import Inbox
from paygate.store.journal import Journal
from paygate.store.listing import Listing
from paygate.store.moments import Clock
from paygate.store.outcomes import Outcomes
from paygate.store.refunds import RefundBook
from paygate.store_settings import StoreSettings


class Store:
    """One database with a merchant's charges and callbacks; blocking, and safe to share between threads.

    Opening it connects to nothing. Raises ConfigurationError for settings that no database can have.
    """

    def __init__(self, settings: StoreSettings, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.database = Database(settings)
        own = Clock(settings, clock)
        self.facts = Facts(self.database, own)
        self.history = History(self.database, self.facts, own)
        self.journal = Journal(self.database, self.facts, own)
        self.outcomes = Outcomes(self.database, self.history, self.facts, own)
        self.refunds = RefundBook(self.database, self.facts, own)
        self.agenda = Agenda(self.database, own)
        self.listing = Listing(self.database, own)
        self.inbox = Inbox(self.database, self.history, own)

    def close(self) -> None:
        """Close the connections."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
