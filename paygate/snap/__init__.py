"""SNAP BI, Bank Indonesia's open API standard, for every provider that speaks it. Pure: no network."""

from paygate.snap.body import body_hash, minify
from paygate.snap.calls import AuthorizedCalls, TokenRequests, bearer_token
from paygate.snap.codes import GENERAL, STATUSES, Errors, SnapCode
from paygate.snap.credential import SnapCredential, SnapKeys, lifetime_of, log_in
from paygate.snap.diagnosis import explain_notice, explain_symmetric, explain_token_request
from paygate.snap.inbound import Notices, aware
from paygate.snap.keys import are_pair, check_pair, load_private_key, load_public_key, public_pem
from paygate.snap.profile import SnapProfile, Timestamps, external_id
from paygate.snap.replies import read_reply, retry_after
from paygate.snap.requests import post
from paygate.snap.signing import (
    notice_string,
    request_string,
    sign_hmac,
    sign_rsa,
    token_string,
    verify_hmac,
    verify_rsa,
)
from paygate.snap.tokens import LIFETIME_SECONDS, InboundTokens
from paygate.snap.workings import explain_login, explain_request

__all__ = [
    "GENERAL",
    "LIFETIME_SECONDS",
    "STATUSES",
    "AuthorizedCalls",
    "Errors",
    "InboundTokens",
    "Notices",
    "SnapCode",
    "SnapCredential",
    "SnapKeys",
    "SnapProfile",
    "Timestamps",
    "TokenRequests",
    "are_pair",
    "aware",
    "bearer_token",
    "body_hash",
    "check_pair",
    "explain_login",
    "explain_notice",
    "explain_request",
    "explain_symmetric",
    "explain_token_request",
    "external_id",
    "lifetime_of",
    "load_private_key",
    "load_public_key",
    "log_in",
    "minify",
    "notice_string",
    "post",
    "public_pem",
    "read_reply",
    "request_string",
    "retry_after",
    "sign_hmac",
    "sign_rsa",
    "token_string",
    "verify_hmac",
    "verify_rsa",
]
