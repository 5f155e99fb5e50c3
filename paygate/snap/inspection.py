"""What helps a person to find a fault: how a call may have been signed, and what the settings lack."""

from collections.abc import Collection, Iterator
from typing import Final

from paygate.callback import CallbackRequest
from paygate.diagnosis import Finding, Trial, Verdict
from paygate.snap.callbacks import SnapCallbacks
from paygate.snap.catalogue import NOTIFIED, PATHS
from paygate.snap.diagnosis import explain_notice, explain_symmetric, explain_token_request
from paygate.snap.settings import Configured, SnapAccount

SHORTEST_LOT: Final = 12
PROVIDER_KEY: Final = "provider_public_key"
SECRET: Final = "client_secret"  # noqa: S105 - a name
AGREED: Final = "inbound_client_key"
OURS: Final = "client_key"
DOCUMENTED: Final = tuple(PATHS[service] for service in NOTIFIED)
NOT_NAMED: Final = "nobody can tell whether the address in the portal ends in callback_path"


def callback_trials(
    settings: Configured,
    account: SnapAccount,
    callbacks: SnapCallbacks,
    request: CallbackRequest,
    paths: Collection[str],
) -> tuple[Trial, ...]:
    """Try the readings of the kind of call that a request claims to be, or of a notice where that fits."""
    keys = {
        PROVIDER_KEY: account.provider_public_key,
        "the public half of private_key": account.keys.private_key.public_key(),
    }
    others = dict.fromkeys((*paths, *DOCUMENTED), False)
    taken = dict.fromkeys(callbacks.notice_paths, True)
    as_notice = explain_notice(request, others | taken, keys, PROVIDER_KEY)
    if callbacks.takes_any_notice and any(trial.fits and trial.accepted for trial in as_notice):
        return as_notice
    if callbacks.claims_a_token(request):
        accepted = dict.fromkeys(callbacks.call_paths, True)
        secrets = {SECRET: settings.client_secret.reveal(), OURS: settings.client_key}
        return explain_symmetric(request, others | accepted, secrets, SECRET, callbacks.digest)
    if request.header("x-client-key") is not None:
        client_keys = {OURS: settings.client_key}
        if settings.inbound_client_key is not None:
            client_keys[AGREED] = settings.inbound_client_key
        agreed = {AGREED if settings.inbound_client_key is not None else OURS}
        return explain_token_request(request, client_keys, agreed, keys, PROVIDER_KEY)
    return as_notice


def is_hard_to_guess(path: str) -> bool:
    """Whether some part of a path looks drawn by lot: long, with digits in it."""
    return any(len(part) >= SHORTEST_LOT and any(sign.isdigit() for sign in part) for part in path.split("/"))


def setting_findings(
    settings: Configured, provider: str, banks: Collection[str], without_callback_url: str = NOT_NAMED
) -> Iterator[Finding]:
    """What could not be refused at start, and may still be wrong.

    `without_callback_url` says what it means for this provider that `callback_url` is not set.
    """
    if settings.public_key is None:
        yield Finding(
            "public_key",
            Verdict.UNSURE,
            f"nobody can tell whether the key in {provider}'s portal is the other half of private_key",
            "copy the public key out of the portal into public_key: then the pair is checked at start",
        )
    else:
        yield Finding("public_key", Verdict.GOOD, "the key in the portal is the other half of private_key")
    if settings.callback_url is None:
        yield Finding(
            "callback_url",
            Verdict.UNSURE,
            without_callback_url,
            "set callback_url to your public address; it ends in callback_path",
        )
    else:
        what = f"it ends in callback_path, which is what {provider} signs"
        yield Finding("callback_url", Verdict.GOOD, what)
    if settings.environment == "production" and not is_hard_to_guess(settings.callback_path):
        yield Finding(
            "callback_path",
            Verdict.UNSURE,
            "anybody can guess it",
            "make one: python -c \"import secrets; print('/callbacks/main-' + secrets.token_hex(8))\"",
        )
    missing = [bank for bank in banks if bank not in settings.partner_service_ids]
    yield Finding(
        "partner_service_ids",
        Verdict.UNSURE if missing else Verdict.GOOD,
        f"no prefix for {', '.join(missing)}" if missing else "every bank has its prefix",
        f"ask {provider} for the prefixes of the banks that you want; sandbox and production differ"
        if missing
        else "",
    )
