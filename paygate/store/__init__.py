"""What must survive a crash: charges (the journal) and callbacks (the inbox), in an SQL database."""

from paygate.store.entries import State
from paygate.store.listed import AskedRefund, Counts, HandedOver, HistoryLine, StoredCharge
from paygate.store.records import CallbackRecord
from paygate.store.store import Store
from paygate.store_settings import StoreSettings

__all__ = [
    "AskedRefund",
    "CallbackRecord",
    "Counts",
    "HandedOver",
    "HistoryLine",
    "State",
    "Store",
    "StoreSettings",
    "StoredCharge",
]
