"""What to do about each error, in English and in Indonesian."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ENGLISH: Final[Mapping[str, str]] = MappingProxyType(
    {
        "PaygateError": "Read the cause below.",
        "NotSent": "Nothing was sent, no money moved: mend this and call again.",
        "ConfigurationError": "Mend the configuration; nothing was sent.",
        "PluginError": "Mend or remove the plugin; nothing was sent.",
        "UnsupportedOperation": "Choose another gateway or operation; nothing was sent.",
        "InvalidCharge": "Mend the charge request; nothing was sent.",
        "ReferenceTaken": "Use a reference of its own for each charge and refund; nothing was sent.",
        "StoreUnavailable": "Nothing was sent, for the store of charges does not answer: mend it and call again.",
        "Unreachable": "Nothing was sent, for the provider or its login could not be used: call again.",
        "CircuitOpen": "Nothing was sent, for this gateway has not answered lately: call again later, or elsewhere.",
        "NotAuthorized": "The login was refused and nothing was sent: check the client key and the key pair.",
        "OutcomeUnknown": "Query this charge and do not send it again: the request may have arrived.",
        "Refused": "The provider refused and did nothing; asking again changes nothing.",
        "AuthenticationFailed": "Check keys, secret, clock and the provider's address list; the provider did nothing.",
        "PermissionDenied": "Ask the provider to enable this; it did nothing.",
        "InvalidRequest": "Mend the named field; the provider did nothing.",
        "DuplicateReference": "Query this reference: its charge exists already and no second one was made.",
        "InstructionsLost": "The charge exists and its payer cannot be shown how to pay: cancel it or let it expire, then use a new reference.",
        "ChargeNotFound": "The provider does not know this charge; if it was sent moments ago, ask again later.",
        "AlreadyPaid": "The charge is paid: query it and deliver.",
        "ChargeExpired": "The charge has expired: query it, then create one with a new reference.",
        "AmountRejected": "Change the amount; the provider did nothing.",
        "LimitExceeded": "Lower the amount or have the limit raised; the provider did nothing.",
        "RateLimited": "Wait and call again: the provider is busy and did nothing.",
        "StateConflict": "Query the charge: its state does not allow this, and nothing was changed.",
        "CallbackRejected": "Do not act on this callback; answer with its `reply`.",
    }
)
INDONESIAN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "PaygateError": "Baca penyebabnya di bawah.",
        "NotSent": "Tidak ada yang terkirim, tidak ada uang yang berpindah: perbaiki lalu panggil lagi.",
        "ConfigurationError": "Perbaiki konfigurasi; tidak ada yang terkirim.",
        "PluginError": "Perbaiki atau hapus plugin ini; tidak ada yang terkirim.",
        "UnsupportedOperation": "Pilih gateway atau operasi lain; tidak ada yang terkirim.",
        "InvalidCharge": "Perbaiki permintaan tagihan; tidak ada yang terkirim.",
        "ReferenceTaken": "Pakai referensi tersendiri untuk setiap tagihan dan refund; tidak ada yang terkirim.",
        "StoreUnavailable": "Tidak ada yang terkirim karena penyimpanan tagihan tidak menjawab: perbaiki lalu panggil lagi.",
        "Unreachable": "Tidak ada yang terkirim karena penyedia atau login-nya tidak dapat dipakai: panggil lagi.",
        "CircuitOpen": "Tidak ada yang terkirim, karena gateway ini belakangan tidak menjawab: panggil lagi nanti, atau lewat gateway lain.",
        "NotAuthorized": "Login ditolak dan tidak ada yang terkirim: periksa client key dan pasangan kunci.",
        "OutcomeUnknown": "Periksa tagihan ini (query), jangan dikirim ulang: permintaan mungkin sudah sampai.",
        "Refused": "Penyedia menolak dan tidak melakukan apa pun; mengulang tidak mengubah hasil.",
        "AuthenticationFailed": "Periksa kunci, secret, jam, dan daftar IP di penyedia; penyedia tidak melakukan apa pun.",
        "PermissionDenied": "Minta penyedia mengaktifkan fitur ini; penyedia tidak melakukan apa pun.",
        "InvalidRequest": "Perbaiki kolom yang disebut; penyedia tidak melakukan apa pun.",
        "DuplicateReference": "Periksa referensi ini (query): tagihannya sudah ada dan tidak dibuat dua kali.",
        "InstructionsLost": "Tagihan sudah ada, tetapi cara bayarnya tidak dapat diambil lagi: batalkan atau tunggu kedaluwarsa, lalu pakai referensi baru.",
        "ChargeNotFound": "Penyedia tidak mengenal tagihan ini; jika baru saja dikirim, tanyakan lagi nanti.",
        "AlreadyPaid": "Tagihan sudah dibayar: periksa statusnya lalu proses pesanan.",
        "ChargeExpired": "Tagihan kedaluwarsa: periksa statusnya, lalu buat dengan referensi baru.",
        "AmountRejected": "Ubah jumlahnya; penyedia tidak melakukan apa pun.",
        "LimitExceeded": "Kurangi jumlah atau minta kenaikan limit; penyedia tidak melakukan apa pun.",
        "RateLimited": "Tunggu lalu panggil lagi: penyedia sibuk dan tidak melakukan apa pun.",
        "StateConflict": "Periksa tagihan (query): statusnya tidak mengizinkan ini, tidak ada yang berubah.",
        "CallbackRejected": "Jangan proses callback ini; jawab dengan `reply`-nya.",
    }
)
LANGUAGES: Final = MappingProxyType({"en": ENGLISH, "id": INDONESIAN})
REFUNDED_ALREADY: Final = MappingProxyType(
    {
        "en": "Query the charge: the provider has a refund of this reference already and made no second one.",
        "id": "Periksa tagihan ini (query): refund dengan referensi ini sudah ada dan tidak dibuat dua kali.",
    }
)
"""Of DuplicateReference, where it was a refund that was asked for."""

KEPT: Final = MappingProxyType(
    {
        "en": "Do exactly this again, or run `paygate reconcile`: it is written down, so the provider is asked first and nothing is made twice.",
        "id": "Ulangi persis seperti ini, atau jalankan `paygate reconcile`: sudah tercatat, jadi penyedia ditanya dulu dan tidak ada yang dibuat dua kali.",
    }
)
"""Of OutcomeUnknown, where a store has what was asked for."""


def advice_for(kind: type, language: str, operation: str | None = None, *, is_kept: bool = False) -> str:
    """Say what to do about an error of this kind; a kind of a plugin's own has its parent's advice.

    `is_kept` is whether a store has written down what was asked for.
    """
    texts = LANGUAGES.get(language)
    if texts is None:
        raise ValueError(f"there is no advice in {language!r}, only in: {', '.join(LANGUAGES)}")
    if operation == "refund" and any(parent.__name__ == "DuplicateReference" for parent in kind.__mro__):
        return REFUNDED_ALREADY[language]
    if is_kept and any(parent.__name__ == "OutcomeUnknown" for parent in kind.__mro__):
        return KEPT[language]
    return next(texts[parent.__name__] for parent in kind.__mro__ if parent.__name__ in texts)
