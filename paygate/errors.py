"""What can go wrong, in three branches by what happened to the money.

    PaygateError
    ├── NotSent                 nothing left this machine: mend it, call again
    │   ├── ConfigurationError  a setting is missing, wrong or unsafe
    │   ├── PluginError         an adapter cannot be found, loaded or trusted
    │   ├── UnsupportedOperation
    │   ├── InvalidCharge       the request could never be right (field, why)
    │   ├── Unreachable         no connection, or no login because of the network
    │   └── NotAuthorized       the provider refused the login
    ├── OutcomeUnknown          it may have arrived: query, never resend
    └── Refused                 the provider said no, and nothing was done
        ├── AuthenticationFailed, PermissionDenied, InvalidRequest, DuplicateReference,
        │   ChargeNotFound, AlreadyPaid, ChargeExpired, AmountRejected, LimitExceeded,
        │   RateLimited, StateConflict
        └── CallbackRejected    a callback that must not be believed (reason, reply)

A payer's decline is no error: it is a charge whose status is FAILED.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

Advice = Mapping[str, str]
CONTEXT = (
    "gateway",
    "operation",
    "reference",
    "provider_code",
    "provider_message",
    "http_status",
    "external_id",
)


def advice(en: str, id: str) -> Advice:  # noqa: A002 - the language's code
    """Say what to do, in English and in Indonesian."""
    return MappingProxyType({"en": en, "id": id})


class PaygateError(Exception):
    """Anything that paygate raises on purpose.

    `str()` leads with what to do. `what` says what happened; the attributes say where:
    gateway, operation, reference, provider_code, provider_message, http_status and
    external_id (the X-EXTERNAL-ID to quote to the provider). Unknown ones are None.
    """

    advice: ClassVar[Advice] = advice("Read the cause below.", "Baca penyebabnya di bawah.")
    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        what: str,
        *,
        gateway: str | None = None,
        operation: str | None = None,
        reference: str | None = None,
        provider_code: str | None = None,
        provider_message: str | None = None,
        http_status: int | None = None,
        external_id: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.gateway = gateway
        self.operation = operation
        self.reference = reference
        self.provider_code = provider_code
        self.provider_message = provider_message
        self.http_status = http_status
        self.external_id = external_id

    def message(self, language: str = "en") -> str:
        """Say what to do and what happened, in `language`: "en" or "id"."""
        context = self.context
        where = " ".join(f"{key}={value}" for key, value in context.items())
        text = f"{self.advice[language]} {self.what}"
        return f"{text} [{where}]" if where else text

    @property
    def context(self) -> dict[str, Any]:
        """Where it happened: every attribute that is known."""
        known = ((key, getattr(self, key)) for key in CONTEXT)
        return {key: value for key, value in known if value is not None}

    def locate(self, **context: Any) -> None:
        """Add where it happened, keeping what is known already."""
        for key, value in context.items():
            if getattr(self, key) is None:
                setattr(self, key, value)

    def __str__(self) -> str:
        return self.message()


class NotSent(PaygateError):
    """Nothing left this machine, so nothing was charged: mend it and call again."""

    advice = advice(
        "Nothing was sent, no money moved: mend this and call again.",
        "Tidak ada yang terkirim, tidak ada uang yang berpindah: perbaiki lalu panggil lagi.",
    )
    exit_code = 2


class ConfigurationError(NotSent, ValueError):
    """A setting is missing, wrong or unsafe; the text names gateway and key, never the value."""

    advice = advice(
        "Mend the configuration; nothing was sent.",
        "Perbaiki konfigurasi; tidak ada yang terkirim.",
    )


class PluginError(NotSent):
    """An adapter cannot be found, loaded or trusted; the text says which distribution and stage."""

    advice = advice(
        "Mend or remove the plugin; nothing was sent.",
        "Perbaiki atau hapus plugin ini; tidak ada yang terkirim.",
    )


class UnsupportedOperation(NotSent):
    """The adapter does not offer this operation for this method; known before anything is sent."""

    advice = advice(
        "Choose another gateway or operation; nothing was sent.",
        "Pilih gateway atau operasi lain; tidak ada yang terkirim.",
    )


class InvalidCharge(NotSent, ValueError):
    """The request could never be right: `field` names the part, `why` the reason."""

    advice = advice(
        "Mend the charge request; nothing was sent.",
        "Perbaiki permintaan tagihan; tidak ada yang terkirim.",
    )

    def __init__(self, field: str, why: str, **context: Any) -> None:
        super().__init__(f"{field}: {why}", **context)
        self.field = field
        self.why = why

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.field, self.why), self.__dict__


class Unreachable(NotSent):
    """The provider could not be reached, so nothing was sent; `retry_after` is in seconds."""

    advice = advice(
        "The provider was not reached and nothing was sent: call again.",
        "Penyedia tidak terhubung dan tidak ada yang terkirim: panggil lagi.",
    )

    def __init__(self, what: str, *, retry_after: float | None = None, **context: Any) -> None:
        super().__init__(what, **context)
        self.retry_after = retry_after


class NotAuthorized(NotSent):
    """The provider refused our login, so the operation was never sent: check keys and client key."""

    advice = advice(
        "The login was refused and nothing was sent: check the client key and the key pair.",
        "Login ditolak dan tidak ada yang terkirim: periksa client key dan pasangan kunci.",
    )


class OutcomeUnknown(PaygateError):
    """The request may have arrived and nobody can say: query, and never send it again."""

    advice = advice(
        "Query this charge and do not send it again: the request may have arrived.",
        "Periksa tagihan ini (query), jangan dikirim ulang: permintaan mungkin sudah sampai.",
    )
    exit_code = 3


class Refused(PaygateError):
    """The provider said no: nothing was done, and asking again changes nothing."""

    advice = advice(
        "The provider refused and did nothing; asking again changes nothing.",
        "Penyedia menolak dan tidak melakukan apa pun; mengulang tidak mengubah hasil.",
    )
    exit_code = 4


class AuthenticationFailed(Refused):
    """The provider does not accept our signature, token, client key or address."""

    advice = advice(
        "Check keys, secret, clock and the provider's address list; the provider did nothing.",
        "Periksa kunci, secret, jam, dan daftar IP di penyedia; penyedia tidak melakukan apa pun.",
    )


class PermissionDenied(Refused):
    """The provider knows us and does not allow this: a feature, partner or merchant setting."""

    advice = advice(
        "Ask the provider to enable this; it did nothing.",
        "Minta penyedia mengaktifkan fitur ini; penyedia tidak melakukan apa pun.",
    )


class InvalidRequest(Refused):
    """The provider could not accept a field of the request."""

    advice = advice(
        "Mend the named field; the provider did nothing.",
        "Perbaiki kolom yang disebut; penyedia tidak melakukan apa pun.",
    )


class DuplicateReference(Refused):
    """A charge with this reference exists at the provider; this call made no second one."""

    advice = advice(
        "Query this reference: its charge exists already and no second one was made.",
        "Periksa referensi ini (query): tagihannya sudah ada dan tidak dibuat dua kali.",
    )


class ChargeNotFound(Refused):
    """The provider does not know this charge, or not yet if it was sent moments ago."""

    advice = advice(
        "The provider does not know this charge; if it was sent moments ago, ask again later.",
        "Penyedia tidak mengenal tagihan ini; jika baru saja dikirim, tanyakan lagi nanti.",
    )


class AlreadyPaid(Refused):
    """The charge is paid, so it cannot be changed as asked."""

    advice = advice(
        "The charge is paid: query it and deliver.",
        "Tagihan sudah dibayar: periksa statusnya lalu proses pesanan.",
    )


class ChargeExpired(Refused):
    """The charge expired or was closed before this request."""

    advice = advice(
        "The charge has expired: query it, then create one with a new reference.",
        "Tagihan kedaluwarsa: periksa statusnya, lalu buat dengan referensi baru.",
    )


class AmountRejected(Refused):
    """The provider does not accept this amount."""

    advice = advice(
        "Change the amount; the provider did nothing.",
        "Ubah jumlahnya; penyedia tidak melakukan apa pun.",
    )


class LimitExceeded(Refused):
    """The amount or the number of charges is over a limit of the provider, merchant or payer."""

    advice = advice(
        "Lower the amount or have the limit raised; the provider did nothing.",
        "Kurangi jumlah atau minta kenaikan limit; penyedia tidak melakukan apa pun.",
    )


class RateLimited(Refused):
    """Too many requests: the one refusal that may be asked again, after `retry_after` seconds."""

    advice = advice(
        "Wait and call again: the provider is busy and did nothing.",
        "Tunggu lalu panggil lagi: penyedia sibuk dan tidak melakukan apa pun.",
    )

    def __init__(self, what: str, *, retry_after: float | None = None, **context: Any) -> None:
        super().__init__(what, **context)
        self.retry_after = retry_after


class StateConflict(Refused):
    """The charge is in a state that does not allow this operation."""

    advice = advice(
        "Query the charge: its state does not allow this, and nothing was changed.",
        "Periksa tagihan (query): statusnya tidak mengizinkan ini, tidak ada yang berubah.",
    )


class CallbackRejected(Refused):
    """A callback that must not be believed; answer the caller with `reply`.

    `reason` is a short fixed word for counting: "signature", "timestamp", "body", …
    """

    advice = advice(
        "Do not act on this callback; answer with its `reply`.",
        "Jangan proses callback ini; jawab dengan `reply`-nya.",
    )

    def __init__(self, reason: str, what: str, reply: Any = None, **context: Any) -> None:
        super().__init__(what, **context)
        self.reason = reason
        self.reply = reply

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.what), self.__dict__
