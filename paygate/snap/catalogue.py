"""The services of SNAP BI that collect money: their codes, and where the standard puts them.

Source: SNAP BI, the portal's pages Virtual Account, QR MPM and Direct Debit. A path begins behind whatever
a provider puts in front, and its version.
"""

from types import MappingProxyType
from typing import Final

QR_GENERATE: Final = "47"
QR_QUERY: Final = "51"
QR_NOTIFY: Final = "52"
QR_CANCEL: Final = "77"
QR_REFUND: Final = "78"
ACCOUNT_NOTIFY: Final = "25"
ACCOUNT_STATUS: Final = "26"
ACCOUNT_CREATE: Final = "27"
ACCOUNT_DELETE: Final = "31"
DEBIT_CREATE: Final = "54"
DEBIT_STATUS: Final = "55"
DEBIT_NOTIFY: Final = "56"
DEBIT_CANCEL: Final = "57"
DEBIT_REFUND: Final = "58"
TOKEN: Final = "73"  # noqa: S105 - a code

PATHS: Final = MappingProxyType(
    {
        QR_GENERATE: "/v1.0/qr/qr-mpm-generate",
        QR_QUERY: "/v1.0/qr/qr-mpm-query",
        QR_NOTIFY: "/v1.0/qr/qr-mpm-notify",
        QR_CANCEL: "/v1.0/qr/qr-mpm-cancel",
        QR_REFUND: "/v1.0/qr/qr-mpm-refund",
        ACCOUNT_NOTIFY: "/v1.0/transfer-va/payment",
        ACCOUNT_STATUS: "/v1.0/transfer-va/status",
        ACCOUNT_CREATE: "/v1.0/transfer-va/create-va",
        ACCOUNT_DELETE: "/v1.0/transfer-va/delete-va",
        DEBIT_CREATE: "/v1.0/debit/payment-host-to-host",
        DEBIT_STATUS: "/v1.0/debit/status",
        DEBIT_NOTIFY: "/v1.0/debit/notify",
        DEBIT_CANCEL: "/v1.0/debit/cancel",
        DEBIT_REFUND: "/v1.0/debit/refund",
    }
)
"""Where each service is, by its code. The three that notify are the merchant's own to offer."""

NOTIFIED: Final = (ACCOUNT_NOTIFY, QR_NOTIFY, DEBIT_NOTIFY)
"""The services by which a provider tells a merchant."""
