"""What must be seen nowhere: secrets and the payer's own values, and where to look for them."""

import contextlib
import io
import logging
import traceback
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from paygate.conformance.wire import Sent
from paygate.errors import HIDDEN, PaygateError
from paygate.model import Customer
from paygate.redaction import Secret

if TYPE_CHECKING:
    from paygate.conformance.kit import GatewayConformance

SECRET_NAMES: Final = ("secret", "password", "private", "server_key", "api_key", "token")
PROOF_NAMES: Final = ("authorization", "signature", "sign", "token", "secret", "api-key", "mac")
SHORTEST: Final = 8
SHORTEST_PROOF: Final = 16

Canaries = dict[str, str]
"""What must not be seen, and how it is called where it was."""


def secrets_of(settings: Mapping[str, Any], shape: type[Any]) -> Canaries:
    """The secret settings: those of type Secret, and those whose name says that they should be."""
    found: Canaries = {}
    for field in msgspec.structs.fields(shape):
        value = settings.get(field.encode_name)
        is_secret = field.type is Secret or Secret in getattr(field.type, "__args__", ())
        named = any(word in field.encode_name for word in SECRET_NAMES)
        if isinstance(value, str) and (is_secret or (named and "public" not in field.encode_name)):
            for line in value.splitlines():
                if len(line) >= SHORTEST and not line.startswith("-----"):
                    found[line] = f"the setting {field.encode_name}"
    return found


def proofs_of(sent: Sent, public: frozenset[str] = frozenset()) -> Canaries:
    """What a request proved itself with: tokens, signatures, and the header of Basic authentication."""
    found: Canaries = {}
    for name, value in sent.request.headers.items():
        if any(word in name.lower() for word in PROOF_NAMES):
            for part in value.split():
                if len(part) >= SHORTEST_PROOF and part not in public:
                    found[part] = f"the header {name}"
    return found


def personal_of(customer: Customer | None) -> Canaries:
    """The payer's values, in the forms in which they go over the wire."""
    if customer is None:
        return {}
    found = dict.fromkeys(customer.values, "")
    for name in ("name", "email", "phone"):
        value = getattr(customer, name)
        if value:
            found[value] = f"the payer's {name}"
    if customer.phone:
        national = customer.phone.removeprefix("+62")
        found |= dict.fromkeys((customer.phone.removeprefix("+"), national), "the payer's phone")
    return found


def seen(canaries: Canaries, text: str) -> str | None:
    """What of it a text shows."""
    low = text.lower()
    return next((name for value, name in canaries.items() if value.lower() in low), None)


def hidden(kit: "GatewayConformance", text: str) -> str:
    """A sentence of the kit's own without a secret setting."""
    with contextlib.suppress(Exception):
        given = kit.settings(kit.provider(0))
        for value in secrets_of(given, kit.adapter.settings_type):
            text = text.replace(value, HIDDEN)
    return text


def shown_by(error: BaseException) -> str:
    """All that an exception shows: texts, arguments, notes and traceback, and the same of all its causes."""
    texts: list[str] = []
    left, known = [error], set[int]()
    while left:
        one = left.pop()
        if id(one) in known:
            continue
        known.add(id(one))
        notes: list[str] = getattr(one, "__notes__", [])
        texts += [str(one), repr(one), repr(one.args), *notes]
        texts += [repr(value) for name, value in vars(one).items() if name != "reply"]
        if isinstance(one, PaygateError):
            texts += [one.message("en"), one.message("id")]
        if one.__cause__ is not None:
            left.append(one.__cause__)
        if one.__context__ is not None and not one.__suppress_context__:
            left.append(one.__context__)
    texts.append("".join(traceback.format_exception_only(error)))
    return "\n".join(texts)


class _Ear(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {record.args!r}")
        if record.exc_info is not None and record.exc_info[1] is not None:
            self.lines.append(shown_by(record.exc_info[1]))


class Overheard:
    """What was logged and printed."""

    def __init__(self, ear: _Ear, page: io.StringIO) -> None:
        self._ear = ear
        self._page = page

    @property
    def logged(self) -> str:
        """Every line of the log, at any level."""
        return "\n".join(self._ear.lines)

    @property
    def printed(self) -> str:
        """All that went to the standard streams."""
        return self._page.getvalue()


@contextlib.contextmanager
def overheard() -> Iterator[Overheard]:
    """Hear every logger at DEBUG, those included that have a level of their own, and the standard streams."""
    root, ear, page = logging.getLogger(), _Ear(), io.StringIO()
    loggers = [root, *(one for one in root.manager.loggerDict.values() if isinstance(one, logging.Logger))]
    before = [(one, one.level, one.disabled, one.propagate) for one in loggers]
    for one in loggers:
        one.setLevel(logging.DEBUG)
        one.disabled = False
        one.propagate = True
    root.addHandler(ear)
    try:
        with contextlib.redirect_stdout(page), contextlib.redirect_stderr(page):
            yield Overheard(ear, page)
    finally:
        root.removeHandler(ear)
        for one, level, disabled, propagate in before:
            one.level, one.disabled, one.propagate = level, disabled, propagate
            one.setLevel(level)
