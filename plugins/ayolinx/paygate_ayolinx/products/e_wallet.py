"""E-wallets: the payer's browser goes to the wallet, and comes back."""

import httpx
from msgspec import Struct

from paygate import ChargeRequest, ConfigurationError, InvalidCharge, OutcomeUnknown, Redirect
from paygate.snap import Made, check_reference, read_reply, rupiah, told_number
from paygate_ayolinx import codes, wire
from paygate_ayolinx.products.product import ADDRESS, Addresses, expiry_of


class EWalletProduct(Struct, frozen=True):
    """Docs: "Get Payment Url", "Inquiry Status"; DANA is the only wallet there."""

    gateway: str
    addresses: Addresses
    sub_merchant_id: str | None
    path: str = "/direct-debit/core/v1/debit/payment-host-to-host"
    query: str | None = "/direct-debit/core/v1/debit/status"
    ends: bool = True

    def order(self, request: ChargeRequest) -> wire.NewEWallet:
        """Both addresses always go with it; the expiry is in unix seconds, as a text."""
        return_url = request.return_url or self.addresses.return_url
        if return_url is None:
            raise InvalidCharge("return_url", "a wallet sends the payer's browser back: say where to")
        if not self.addresses.notification:
            raise ConfigurationError(
                f"gateways.{self.gateway}.callback_url: is missing, and goes with each charge by e-wallet"
            )
        return wire.NewEWallet(
            request.reference,
            wire.unix(expiry_of(request)),
            rupiah(request.amount),
            (wire.UrlParam("PAY_RETURN", return_url), *self.addresses.notification),
            wire.Channel(codes.channel_of(request.method)),
            self.sub_merchant_id,
        )

    def made(self, request: ChargeRequest, reply: httpx.Response) -> Made:
        """Where the payer's browser goes."""
        told = read_reply(reply, wire.e_wallet_reply, codes.ERRORS, codes.ODD)
        check_reference(told.partner_reference_no, request.reference)
        if ADDRESS.fullmatch(told.web_redirect_url) is None:
            raise OutcomeUnknown("the charge was accepted, but the wallet's address is missing")
        return Made(Redirect(told.web_redirect_url), told_number(told.reference_no), request.expires_at)
