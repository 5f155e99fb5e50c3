"""Virtual accounts: the payer transfers the exact amount to a number. Services 27, 26 and 31.

Source: SNAP BI, the portal's page Virtual Account. Service 26 knows an account by its number alone, so the
number is the charge's `provider_reference`; where that is not known, it is made again from the reference.
A number of the merchant's own can be asked about where the provider's answer tells the trxId as well.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn

from msgspec import Struct

from paygate.errors import AlreadyPaid, ConfigurationError, InvalidCharge, OutcomeUnknown
from paygate.methods import AccountNumber, Method, VirtualAccount
from paygate.model import ChargeRef, ChargeRequest, ChargeStatus
from paygate.snap import catalogue
from paygate.snap.fields import jakarta_time, padded, rupiah, told_money, told_time
from paygate.snap.messages import Account, AccountReply, NamedAccount, NewAccount, account_reply
from paygate.snap.terms import Call, Made, SnapTerms, Standing, check_reference, contact

if TYPE_CHECKING:
    import httpx

DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)
LONGEST_CUSTOMER: Final = 20
CLOSED_AMOUNT: Final = "C"


class AccountService(Struct, frozen=True, kw_only=True):
    """Virtual accounts; the numbers are the bank's prefix and then the merchant's digits, or ours.

    `partner_service_ids` are the banks' prefixes, by bank. SNAP BI has no service that gives a transfer back.
    """

    kind: ClassVar[type[Method]] = VirtualAccount

    terms: SnapTerms
    partner_service_ids: Mapping[str, str]

    def creation(self, request: ChargeRequest) -> Call:
        """A closed account: it takes the exact amount, once."""
        prefix, customer = self._number(request.method, request.reference)
        name = contact(request, "name")
        assert request.customer is not None
        phone, expires_at = request.customer.phone, request.expires_at
        order = NewAccount(
            padded(prefix),
            customer,
            padded(prefix) + customer,
            name,
            request.reference,
            rupiah(request.amount),
            CLOSED_AMOUNT,
            request.customer.email,
            phone.removeprefix("+") if phone is not None else None,
            jakarta_time(expires_at) if expires_at is not None else None,
            self.terms.additional(request.method),
        )
        return Call(catalogue.ACCOUNT_CREATE, order)

    def made(self, request: ChargeRequest, reply: "httpx.Response") -> Made:
        """The number to transfer to, without the spaces that SNAP BI pads it with."""
        assert isinstance(request.method, VirtualAccount)
        bank, wanted = request.method.bank, request.method.number
        told = self.terms.read(reply, account_reply).virtual_account_data
        self._check(told, bank)
        check_reference(told.trx_id, request.reference)
        number = told.virtual_account_no.strip(" ")
        if DIGITS.fullmatch(number) is None or not number.startswith(self._prefix(bank)):
            raise OutcomeUnknown("the charge was accepted, but its number is missing")
        if wanted not in (None, number):
            raise OutcomeUnknown("the charge was accepted under another number than the one given")
        if told.total_amount is not None and told_money(told.total_amount) != request.amount:
            raise OutcomeUnknown("the charge was accepted with another amount")
        return Made(AccountNumber(number, bank), number, told_time(told.expired_date) or request.expires_at)

    def question(self, charge: ChargeRef) -> Call:
        """Service 26; the inquiry goes by the charge's reference, so that the answer tells which it is."""
        return Call(catalogue.ACCOUNT_STATUS, self._named(charge, inquiry_request_id=charge.reference))

    def standing(self, charge: ChargeRef, reply: "httpx.Response") -> Standing:
        """How it stands, by paymentFlagStatus or latestTransactionStatus, wherever the provider tells it."""
        told = self.terms.read(reply, account_reply)
        data = self._about(charge, told)
        self._check_charge(charge, data)
        status = self.terms.status(_statuses(told))
        is_paid = status is ChargeStatus.PAID
        if is_paid and not (_plain(data.virtual_account_no) or data.trx_id or data.inquiry_request_id):
            raise OutcomeUnknown("the answer does not say which charge it is about")
        return Standing(
            status=status,
            provider_reference=_plain(data.virtual_account_no) or charge.provider_reference,
            paid_at=told_time(data.trx_date_time) or told_time(data.transaction_date) if is_paid else None,
            paid_amount=told_money(data.paid_amount) if is_paid else None,
        )

    def cancellation(self, charge: ChargeRef) -> Call:
        """Service 31: a DELETE with a body, which is signed like any other."""
        return Call(catalogue.ACCOUNT_DELETE, self._named(charge, trx_id=charge.reference), "DELETE")

    def cancelled(self, charge: ChargeRef, reply: "httpx.Response") -> Standing:
        """A success says that nobody can transfer to it; one that tells a payment is not believed."""
        told = self.terms.read(reply, account_reply)
        data = self._about(charge, told)
        self._check_ended(told)
        number = _plain(data.virtual_account_no) or charge.provider_reference
        return Standing(status=ChargeStatus.CANCELLED, provider_reference=number)

    def _named(self, charge: ChargeRef, **by: str) -> NamedAccount:
        assert isinstance(charge.method, VirtualAccount)
        prefix, customer = self._number(charge.method, charge.reference)
        number = charge.provider_reference
        if number is not None:
            customer = number.removeprefix(prefix)
            if customer == number:
                self._wrong(charge.method.bank, "is not what this charge's number begins with")
        return NamedAccount(
            partner_service_id=padded(prefix),
            customer_no=customer,
            virtual_account_no=padded(prefix) + customer,
            additional_info=self.terms.additional(charge.method),
            **by,
        )

    def _about(self, charge: ChargeRef, told: AccountReply) -> Account:
        """An answer's account, which must be the one that was asked about."""
        assert isinstance(charge.method, VirtualAccount)
        data = told.virtual_account_data
        self._check(data, charge.method.bank)
        check_reference(data.trx_id, charge.reference)
        check_reference(data.inquiry_request_id or None, charge.reference)
        prefix, customer = self._number(charge.method, charge.reference)
        asked = charge.provider_reference or prefix + customer
        if _plain(data.virtual_account_no) not in (None, asked):
            raise OutcomeUnknown("the answer is about another virtual account")
        return data

    def _check_charge(self, charge: ChargeRef, data: Account) -> None:
        """See that an account is this charge's, and not another's that has the same number.

        A number of the merchant's own may have served other charges, so there the answer must name this one.
        """
        assert isinstance(charge.method, VirtualAccount)
        if charge.method.number is not None and data.trx_id is None:
            raise OutcomeUnknown("the answer does not say which charge of this number it is about")
        billed = data.total_amount
        if None not in (charge.amount, billed) and told_money(billed) != charge.amount:
            raise OutcomeUnknown("the answer is about an account of another amount")

    def _check_ended(self, told: AccountReply) -> None:
        """See that nothing beside a success says that the account was not closed: it may have been paid."""
        status = self.terms.status_after(_statuses(told)) or ChargeStatus.CANCELLED
        if status is ChargeStatus.PAID:
            raise AlreadyPaid("the answer says that it was paid before it could be closed")
        paid = told.virtual_account_data.paid_amount
        if status is not ChargeStatus.CANCELLED or (paid is not None and paid.value.strip("0.")):
            raise OutcomeUnknown("the answer says that it is done, and tells another status or a payment")

    def _check(self, told: Account, bank: str) -> None:
        if (told.partner_service_id or "").strip(" ") not in ("", self._prefix(bank)):
            raise OutcomeUnknown("the answer is about another prefix than the bank's")

    def _number(self, method: Method, reference: str) -> tuple[str, str]:
        """Prefix and customer number of a charge's account."""
        assert isinstance(method, VirtualAccount)
        prefix = self._prefix(method.bank)
        if method.number is None:
            return prefix, drawn(reference, self.terms.profile.customer_digits)
        rest = method.number.removeprefix(prefix)
        if rest == method.number or DIGITS.fullmatch(rest) is None or len(rest) > LONGEST_CUSTOMER:
            raise InvalidCharge(
                "method.number", f"use the bank's prefix, then 1 to {LONGEST_CUSTOMER} digits of your own"
            )
        return prefix, rest

    def _prefix(self, bank: str) -> str:
        if bank not in self.partner_service_ids:
            self._wrong(bank, "is missing; the provider assigns it")
        return self.partner_service_ids[bank]

    def _wrong(self, bank: str, why: str) -> NoReturn:
        raise ConfigurationError(f"gateways.{self.terms.gateway}.partner_service_ids.{bank}: {why}")


def drawn(reference: str, digits: int = LONGEST_CUSTOMER) -> str:
    """A customer number, drawn from the reference: the same charge always has the same one."""
    number = int.from_bytes(hashlib.sha256(reference.encode()).digest()) % 10**digits
    return f"{number:0{digits}d}"


def _statuses(told: AccountReply) -> tuple[str | None, ...]:
    """How an account stands, wherever a provider tells it."""
    data = told.virtual_account_data
    info = told.additional_info if isinstance(told.additional_info, dict) else {}
    flag: Any = info.get("paymentFlagStatus")
    return (
        data.payment_flag_status,
        data.latest_transaction_status,
        told.latest_transaction_status,
        flag if isinstance(flag, str) else None,
    )


def _plain(number: str) -> str | None:
    """A virtual account's number without its padding; None where there is none."""
    return number.strip(" ") or None
