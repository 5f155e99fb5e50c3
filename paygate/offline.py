"""What a gateway answers without asking anybody, and so the same in both shells."""

from collections.abc import Sequence

from paygate.callback import Callback, CallbackRequest
from paygate.desk import Desk
from paygate.diagnosis import Finding, Signed, Trial, Unsigned
from paygate.methods import Method
from paygate.model import Charge


class Offline:
    """The part of a gateway that needs no network: nothing here waits, and nothing needs `await`."""

    name: str
    _desk: Desk

    def supports(self, operation: str, method: Method | type[Method] | None = None) -> bool:
        """Whether this gateway offers an operation of paygate's, as "create_charge" or "partial_refund".

        For a method as a whole, as in `VirtualAccount`, or for one brand, as in `VirtualAccount("bni")`.
        """
        return self._desk.supports(operation, method)

    def parse_callback(self, request: CallbackRequest) -> Callback:
        """Verify and read a call from the provider.

        Raises CallbackRejected, with the reply for the provider, unless the raw bytes are proven.
        """
        return self._desk.parse_callback(request)

    def compare(self, callback: Callback, known: Sequence[Charge | None]) -> Callback:
        """Hold a callback's charges against yours, given in the same order; None where you know none.

        What fits stays in `charges`; what contradicts yours (another amount, a paid charge told as open,
        one that nobody knows) moves to `conflicts`, is announced, and is not to be acted upon. The reply is
        the right one for the provider. Raises InvalidCharge where `known` does not belong to the callback.
        """
        return self._desk.compare(callback, known)

    def sign(self, message: Unsigned) -> Signed:
        """Show how this gateway signs a request: the exact text and the signature. It sends nothing.

        Raises UnsupportedOperation where the adapter has no such explanation.
        """
        signed: Signed = self._desk.explain("sign", message)
        return signed

    def explain_callback(self, request: CallbackRequest, paths: Sequence[str] = ()) -> tuple[Trial, ...]:
        """Say which path, form of the body and key make a callback's signature fit; `paths` are tried too.

        It helps to find a fault, and believes nothing. Raises UnsupportedOperation as `sign`.
        """
        trials: tuple[Trial, ...] = self._desk.explain("explain_callback", request, tuple(paths))
        return trials

    def diagnose(self) -> tuple[Finding, ...]:
        """Look at the settings for what may be wrong although it could be started with.

        Raises UnsupportedOperation as `sign`.
        """
        findings: tuple[Finding, ...] = self._desk.explain("diagnose")
        return findings
