"""SNAP BI, Bank Indonesia's open API standard, for every provider that speaks it. Pure: no network."""

from paygate.external_ids import external_id
from paygate.snap.accounts import AccountService, drawn
from paygate.snap.acknowledgements import Acknowledgements, Answer, acknowledgements, answer
from paygate.snap.body import body_hash, minify
from paygate.snap.callbacks import CallbackReader, SnapCallbacks, Told, decoded, own_paths, signed_paths
from paygate.snap.calls import AuthorizedCalls, TokenRequests, bearer_token
from paygate.snap.codes import GENERAL, STATUSES, Errors, SnapCode
from paygate.snap.credential import SnapCredential, SnapKeys, lifetime_of, log_in
from paygate.snap.diagnosis import explain_notice, explain_symmetric, explain_token_request
from paygate.snap.fields import (
    JAKARTA,
    Amount,
    RupiahAmount,
    Wire,
    jakarta_time,
    padded,
    rupiah,
    told_money,
    told_number,
    told_time,
)
from paygate.snap.inbound import Notices, aware
from paygate.snap.inspection import callback_trials, is_hard_to_guess, setting_findings
from paygate.snap.keys import are_pair, check_pair, load_private_key, load_public_key, public_pem
from paygate.snap.notices import SnapReader, standard_callbacks
from paygate.snap.originals import DebitService, QrService
from paygate.snap.profile import SnapProfile, Timestamps
from paygate.snap.replies import read_reply
from paygate.snap.requests import post
from paygate.snap.services import SnapServices
from paygate.snap.settings import SnapAccount, SnapProvider, SnapSettings, checked_account
from paygate.snap.signing import (
    notice_string,
    request_string,
    sign_hmac,
    sign_rsa,
    token_string,
    verify_hmac,
    verify_rsa,
)
from paygate.snap.terms import (
    Call,
    Made,
    RefundingService,
    SnapService,
    SnapTerms,
    Standing,
    check_reference,
    contact,
)
from paygate.snap.tokens import LIFETIME_SECONDS, InboundTokens
from paygate.snap.workings import explain_login, explain_request

__all__ = [
    "GENERAL",
    "JAKARTA",
    "LIFETIME_SECONDS",
    "STATUSES",
    "AccountService",
    "Acknowledgements",
    "Amount",
    "Answer",
    "AuthorizedCalls",
    "Call",
    "CallbackReader",
    "DebitService",
    "Errors",
    "InboundTokens",
    "Made",
    "Notices",
    "QrService",
    "RefundingService",
    "RupiahAmount",
    "SnapAccount",
    "SnapCallbacks",
    "SnapCode",
    "SnapCredential",
    "SnapKeys",
    "SnapProfile",
    "SnapProvider",
    "SnapReader",
    "SnapService",
    "SnapServices",
    "SnapSettings",
    "SnapTerms",
    "Standing",
    "Timestamps",
    "TokenRequests",
    "Told",
    "Wire",
    "acknowledgements",
    "answer",
    "are_pair",
    "aware",
    "bearer_token",
    "body_hash",
    "callback_trials",
    "check_pair",
    "check_reference",
    "checked_account",
    "contact",
    "decoded",
    "drawn",
    "explain_login",
    "explain_notice",
    "explain_request",
    "explain_symmetric",
    "explain_token_request",
    "external_id",
    "is_hard_to_guess",
    "jakarta_time",
    "lifetime_of",
    "load_private_key",
    "load_public_key",
    "log_in",
    "minify",
    "notice_string",
    "own_paths",
    "padded",
    "post",
    "public_pem",
    "read_reply",
    "request_string",
    "rupiah",
    "setting_findings",
    "sign_hmac",
    "sign_rsa",
    "signed_paths",
    "standard_callbacks",
    "token_string",
    "told_money",
    "told_number",
    "told_time",
    "verify_hmac",
    "verify_rsa",
]
