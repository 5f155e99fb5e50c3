"""What the trials of a callback's signature mean: what fits, what differs from what is believed, what to do."""

from collections.abc import Iterator, Sequence

from paygate.diagnosis import ANOTHER, Finding, Trial, Verdict

SUBJECT = "signature"
MOST = 5
ALTERED = (
    "the provider's key made this signature, over another body, path or time than received: the callback was "
    "changed on its way, or the body is not the raw one"
)
CHECKS = (
    "Check that X-SIGNATURE and X-TIMESTAMP are complete, that the body is the raw bytes as received, and that "
    "the provider's key is the one its portal shows for this environment (sandbox and production have "
    "their own). Try other paths with --try-path."
)


def is_altered(trials: Sequence[Trial]) -> bool:
    """Whether a key that is believed made the signature, over a text that nobody can guess."""
    keys = {trial.key for trial in trials if trial.accepted}
    fitting = [trial for trial in trials if trial.fits]
    return bool(fitting) and all(trial.path == ANOTHER and trial.key in keys for trial in fitting)


def meaning(trials: Sequence[Trial]) -> list[Finding]:
    """Say which readings fit, and what to do about those that would not be believed."""
    fitting = [trial for trial in trials if trial.fits]
    believed = [trial for trial in fitting if trial.accepted]
    if believed:
        return [Finding(SUBJECT, Verdict.GOOD, f"it fits {_told(believed[0])}")]
    if not fitting:
        what = (
            f"none of {len(trials)} readings of path, body and key fits" if trials else "there is none to try"
        )
        return [Finding(SUBJECT, Verdict.BAD, what, CHECKS)]
    return [
        Finding(SUBJECT, Verdict.BAD, f"it fits {_told(trial)}", " ".join(_cures(trial, trials)))
        for trial in fitting[:MOST]
    ]


def _told(trial: Trial) -> str:
    if trial.path == ANOTHER:
        return f"the key {trial.key}, but no text that was tried ({trial.scheme})"
    parts = f"the path {trial.path}, the body {trial.body}" if trial.path else trial.body
    return f"{parts} and the key {trial.key} ({trial.scheme})"


def _cures(trial: Trial, trials: Sequence[Trial]) -> Iterator[str]:
    """What to do for each part in which a trial differs from those that are believed."""
    good = [one for one in trials if one.accepted]
    if trial.key not in {one.key for one in good}:
        yield _cure_of_key(trial, good)
    if trial.path == ANOTHER:
        yield (
            "The key is known, so the text is another one: the path, the body or X-TIMESTAMP was changed on "
            "the way. Take the raw request, and try the public path with --try-path."
        )
        return
    if trial.scheme not in {one.scheme for one in good}:
        yield f"It was signed by {trial.scheme}: ask the provider which scheme it uses for this callback."
    if trial.path not in {one.path for one in good}:
        yield (
            f"The provider signs the path {trial.path}: set callback_path to it if that is the path of your "
            "public URL, or register the URL again in the provider's portal."
        )
    if trial.body in {one.body for one in good}:
        return
    if not trial.path:
        yield f"The text that was signed holds {trial.body}: agree with the provider on what it sends."
    else:
        yield (
            f"The body that was signed is yours {trial.body}: something parsed or changed it on the way. "
            "Hand over the raw bytes, before any framework reads them."
        )


def _cure_of_key(trial: Trial, good: Sequence[Trial]) -> str:
    keys = " or ".join(dict.fromkeys(one.key for one in good)) or "another key"
    return (
        f"It was signed with {trial.key}, and {keys} is believed: whoever sent this is not the provider, or "
        "the wrong key stands in the configuration or in the portal."
    )
