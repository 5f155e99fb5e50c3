"""What must survive a crash: charges (the journal) and callbacks (the inbox), in an SQL database."""

from paygate.store.listed import AskedRefund, Counts, Handed, Line, Listed
from paygate.store.store import Store
from paygate.store_settings import StoreSettings

__all__ = ["AskedRefund", "Counts", "Handed", "Line", "Listed", "Store", "StoreSettings"]
