"""What helps a person to find a fault: what a signature may have been made of, and what the settings lack."""

from collections.abc import Iterator
from typing import Final

from paygate import CallbackRejected, CallbackRequest, Finding, Money, Trial, Verdict
from paygate_midtrans import callbacks, wire
from paygate_midtrans.settings import KEY, SANDBOX_KEY, Settings

SCHEME: Final = "SHA-512"
SERVER_KEY: Final = "server_key"
RECEIVED: Final = "order_id, status_code and gross_amount as received"


def trials(settings: Settings, request: CallbackRequest) -> tuple[Trial, ...]:
    """Try the amount in other forms, other orders of the texts, and the key as it is often copied wrong."""
    try:
        told = callbacks.read(request.body)
    except CallbackRejected:
        return ()
    order_id, status_code, amount = (
        wire.text(told.get(field)) for field in ("order_id", "status_code", "gross_amount")
    )
    key = settings.server_key.reveal()
    keys = {SERVER_KEY: key, "server_key with its colon, as in the header": f"{key}:", "no key at all": ""}
    texts = {order_id + status_code + amount: RECEIVED}
    read = wire.money(amount)
    for form in _forms(read) if read is not None else ():
        texts.setdefault(order_id + status_code + form, f"gross_amount as {form}")
    texts.setdefault(order_id, "order_id alone, before the key")
    status = wire.text(told.get("transaction_status"))
    texts.setdefault(order_id + status + amount, "transaction_status in place of status_code")
    given = wire.text(told.get("signature_key"))
    return tuple(
        Trial(
            SCHEME,
            "",
            body,
            name,
            fits=callbacks.signature_key(text, value) == given.lower(),
            accepted=body == RECEIVED and name == SERVER_KEY,
        )
        for text, body in texts.items()
        for name, value in keys.items()
    )


def _forms(amount: Money) -> tuple[str, ...]:
    """How programs write an amount."""
    whole = int(amount.amount)
    return str(whole), f"{whole}.0", f"{amount.amount:.2f}"


def findings(settings: Settings) -> Iterator[Finding]:
    """What could not be refused at start, and may still be wrong."""
    yield _finding_of_key(settings)
    if settings.callback_url is None:
        yield Finding(
            "callback_url",
            Verdict.UNSURE,
            "Midtrans calls at the address in its dashboard, which nobody can see from here",
            "look in the dashboard (Settings, Configuration, Payment Notification URL), or set callback_url",
        )
    else:
        yield Finding("callback_url", Verdict.GOOD, "it goes with each charge, in place of the dashboard's")


def _finding_of_key(settings: Settings) -> Finding:
    key = settings.server_key.reveal()
    if key.startswith(SANDBOX_KEY) or (key.startswith(KEY) and settings.environment == "production"):
        return Finding(SERVER_KEY, Verdict.GOOD, f"it looks like one of {settings.environment}")
    if key.startswith(KEY):
        return Finding(
            SERVER_KEY,
            Verdict.UNSURE,
            "it may be of either environment: newer keys of the sandbox look like those of production",
            "see that the dashboard stood at Sandbox when you copied it; the sandbox refuses any other",
        )
    return Finding(
        SERVER_KEY,
        Verdict.UNSURE,
        f"it does not begin with {SANDBOX_KEY} or {KEY}",
        "copy the server key once more, from the dashboard (Settings, Access Keys)",
    )
