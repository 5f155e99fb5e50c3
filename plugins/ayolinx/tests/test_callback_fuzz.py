"""Whatever bytes come in as a callback: one exception, and nothing believed that is not proven.

PAYGATE_FUZZ is the number of examples.
"""

import base64
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paygate_ayolinx.door import SandboxAccount

from paygate import Callback, CallbackRejected, CallbackRequest, Paygate
from tests.ayolinx_calls import NINE, NOW, PATH, Inbound, Kind, headers_of, sent, signature_of, text_of
from tests.watch import CANARIES, RAISED, leaks

EXAMPLES: Final = int(os.environ.get("PAYGATE_FUZZ", "3000"))
REASONS: Final = {
    **dict.fromkeys(("signature", "timestamp", "method", "token", "client"), 401),
    "body": 400,
    "size": 413,
}
SPACE: Final = b" \t\r\n"


class Genuine(NamedTuple):
    """A call that Ayolinx did sign; `token` is ours, where it came under one."""

    kind: Kind
    body: bytes
    stamp: str
    signature: str
    headers: tuple[tuple[str, str], ...]
    client_key: str
    token: str


class Call(NamedTuple):
    """What comes in; headers are pairs, as a server hands them over."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def with_header(self, name: str, value: str) -> "Call":
        pairs = tuple((key, value if key.lower() == name else old) for key, old in self.headers)
        return self._replace(headers=pairs)

    def first(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")


@pytest.fixture(scope="session")
def paygate(account: SandboxAccount) -> Iterator[Paygate]:
    """One paygate for all examples; its clock stands still."""
    with Paygate.from_mapping({"gateways": {"main": account.settings(PATH)}}, clock=NOW.timestamp) as one:
        yield one


@pytest.fixture(scope="session")
def genuine(account: SandboxAccount, paygate: Paygate) -> tuple[Genuine, ...]:
    """Each of the nine documented calls at another time: compact, spaced or pretty.

    All values are texts, so white space between tokens is harmless.
    """
    reply = paygate.parse_callback("main", sent(NINE[1], account)).reply
    token: str = json.loads(reply.body)["accessToken"]
    CANARIES.add(token)
    return tuple(made(number, one, account, token) for number, one in enumerate(NINE))


def made(number: int, call: Inbound, account: SandboxAccount, token: str) -> Genuine:
    """One of them, signed by hand."""
    value = call.body | {"more": 'AYO "1" \\ é'}
    texts = (
        json.dumps(value, separators=(",", ":")),
        json.dumps(value, ensure_ascii=False),
        json.dumps(value, indent=2),
    )
    body, stamp = texts[number % 3].encode(), (NOW - timedelta(seconds=20 * number)).isoformat()
    signature = signature_of(call, account, text_of(call, account, token, body=body, stamp=stamp))
    headers = headers_of(call, account, signature, token, stamp)
    return Genuine(call.kind, body, stamp, signature, tuple(headers.items()), account.client_key, token)


# Each mutation takes a call and two drawn numbers.
def flip_body(call: Call, where: int, bit: int) -> Call:
    body = bytearray(call.body or b"\0")
    body[where % len(body)] ^= 1 << bit % 8
    return call._replace(body=bytes(body))


def cut_body(call: Call, where: int, _: int) -> Call:
    return call._replace(body=call.body[: where % (len(call.body) + 1)])


def grow_body(call: Call, where: int, what: int) -> Call:
    place = where % (len(call.body) + 1)
    return call._replace(body=call.body[:place] + bytes([what % 256]) * (where % 5) + call.body[place:])


def space_body(call: Call, where: int, what: int) -> Call:
    place = where % (len(call.body) + 1)
    return call._replace(body=call.body[:place] + SPACE[what % 4 :] + call.body[place:])


def minify_body(call: Call, _: int, __: int) -> Call:
    return call._replace(body=without_space(call.body))


def rewrite_body(call: Call, where: int, what: int) -> Call:
    old = (b"20000", b"INV-1", b'"00"', b"IDR", b"QRIS", b"{", b"\\u00e9", b"latest", b"paidAmount")
    new = (b"1", b"99999", b"INV-9", b'"06"', b"{{", b"", b"\xff", b"\\ud800", b"\xc3\xa9")
    return call._replace(body=call.body.replace(old[where % len(old)], new[what % len(new)]))


def encode_body(call: Call, where: int, _: int) -> Call:
    codec = ("utf-16", "utf-8-sig", "utf-7", "cp037")[where % 4]
    return call._replace(body=call.body.decode("utf-8", "replace").encode(codec, "replace"))


def flip_signature(call: Call, where: int, bit: int) -> Call:
    try:
        raw = bytearray(base64.b64decode(call.first("x-signature")) or b"\0")
    except ValueError:
        return call
    raw[where % len(raw)] ^= 1 << bit % 8
    return call.with_header("x-signature", base64.b64encode(raw).decode())


def respell_signature(call: Call, where: int, what: int) -> Call:
    old = call.first("x-signature")
    place = where % (len(old) + 1)
    signs = "A=+/-_ \n\té\udcff0"
    kinds = (
        old[:place],
        old[:place] + signs[what % len(signs)] + old[place:],
        old[:place] + signs[what % len(signs)] + old[place + 1 :],
        old.rstrip("="),
        old + "=" * (where % 4),
        # The four bits before the padding do not count, so each of these is the same signature.
        old[:-3] + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[what % 64] + old[-2:],
        old.replace("+", "-").replace("/", "_"),
        old.encode("utf-8", "surrogatepass").hex(),
        "A" * place,
    )
    return call.with_header("x-signature", kinds[(where + what) % len(kinds)])


def shift_stamp(call: Call, where: int, what: int) -> Call:
    try:
        moment = datetime.fromisoformat(call.first("x-timestamp"))
        moment += timedelta(seconds=(-1) ** what * (where % 20_000))
    except (ValueError, OverflowError):
        return call
    zone = (UTC, moment.tzinfo)[what % 2]
    return call.with_header("x-timestamp", moment.astimezone(zone).isoformat())


def respell_stamp(call: Call, where: int, what: int) -> Call:
    old = call.first("x-timestamp")
    place = where % (len(old) + 1)
    kinds = (
        "",
        old.lower(),
        old.replace("+00:00", "Z"),
        old.replace("T", " "),
        old.replace("T", "\ud800"),
        old[:place],
        old[:place] + "0 :é"[what % 4] + old[place + 1 :],
        f"{old}, {old}",
    )
    return call.with_header("x-timestamp", kinds[what % len(kinds)])


def respell_header(call: Call, where: int, what: int) -> Call:
    pairs = [*call.headers]
    if pairs:
        name, old = pairs[where % len(pairs)]
        place = what % (len(old) + 1)
        kinds = (
            old[:place],
            old[place:],
            old.swapcase(),
            old.replace("Bearer", "Basic"),
            old[:place] + "A-_ ,é\udcff"[what % 7] + old[place + 1 :],
            f" {old}",
            f"{old},",
        )
        pairs[where % len(pairs)] = (name, kinds[where // 256 % len(kinds)])
    return call._replace(headers=tuple(pairs))


def rename_header(call: Call, where: int, what: int) -> Call:
    pairs = [*call.headers]
    if pairs:
        name, value = pairs[where % len(pairs)]
        kinds = (
            name.upper(),
            name.swapcase(),
            name.title(),
            name.replace("-", "_"),
            f" {name}",
            "",
            f"{name}\0",
        )
        pairs[where % len(pairs)] = (kinds[what % len(kinds)], value)
    return call._replace(headers=tuple(pairs))


def swap_headers(call: Call, where: int, what: int) -> Call:
    kinds: tuple[tuple[tuple[str, str], ...], ...] = (
        call.headers[::-1],
        call.headers[1:],
        call.headers[:-1],
        call.headers * 2,
        (*call.headers, ("x-Signature", "AAAA")),
        (*call.headers, ("X-Timestamp", call.first("x-signature"))),
        (*call.headers, ("X-Forwarded-Path", "/x"), ("Content-Length", "0")),
        (*call.headers, ("Authorization", "Bearer " + "A" * 64)),
        (*call.headers, ("X-CLIENT-KEY", call.first("x-partner-id"))),
        tuple(pair for pair in call.headers if pair[0] != "Authorization"),
        tuple(pair for pair in call.headers if pair[0] not in ("X-CLIENT-KEY", "X-PARTNER-ID")),
        tuple((name, value) for (name, _), (_, value) in zip(call.headers, call.headers[::-1], strict=True)),
    )
    return call._replace(headers=kinds[what % len(kinds)])


def reroute(call: Call, where: int, what: int) -> Call:
    methods = ("POST", "GET", "post", "", "PUT")
    paths = (PATH, "/other", "", "/v1.0/transfer-va/payment", "//", "\udcff")
    return call._replace(method=methods[where % len(methods)], path=paths[what % len(paths)])


MUTATIONS: Final[tuple[Callable[[Call, int, int], Call], ...]] = (
    flip_body,
    cut_body,
    grow_body,
    space_body,
    minify_body,
    rewrite_body,
    encode_body,
    flip_signature,
    respell_signature,
    shift_stamp,
    respell_stamp,
    respell_header,
    rename_header,
    swap_headers,
    reroute,
)


def proof_of(call: Call, genuine: tuple[Genuine, ...]) -> Genuine | None:
    """The genuine call whose signed bytes, time, signature and names this one still has, if there is one."""
    values: dict[str, list[str]] = {}
    for name, value in call.headers:
        values.setdefault(name.lower(), []).append(value)
    stamps, signatures = values.get("x-timestamp", []), values.get("x-signature", [])
    if call.method != "POST" or (len(stamps), len(signatures)) != (1, 1):
        return None
    return next(
        (
            one
            for one in genuine
            if one.stamp == stamps[0] and is_same(signatures[0], one) and is_whole(one, values, call.body)
        ),
        None,
    )


def is_same(text: str, one: Genuine) -> bool:
    """Whether a signature is the genuine one, read in the most lenient way: the same bytes are the same."""
    right = base64.b64decode(one.signature)
    try:
        return right in (base64.b64decode(text), bytes.fromhex(text) if len(text) == 128 else b"")
    except ValueError:
        return len(text) == 128 and text.lower() == right.hex()


def is_whole(one: Genuine, values: dict[str, list[str]], body: bytes) -> bool:
    """Whether what belongs to its kind of call is still there, and is of no other kind."""
    scheme, _, token = ", ".join(values.get("authorization", [])).partition(" ")
    client = values.get("x-client-key")
    # A bearer token that is none of ours, with no word of who the partner is, is some proxy's.
    claims_a_token = scheme.lower() == "bearer" and ("x-partner-id" in values or token == one.token)
    if one.kind == "token request":  # its body is not part of the proof
        return not claims_a_token and client == [one.client_key]
    if one.body not in (body, without_space(body)):
        return False
    if one.kind == "notice":
        return not claims_a_token and client is None
    partner = values.get("x-partner-id", [one.client_key])
    return scheme.lower() == "bearer" and token == one.token and partner == [one.client_key]


def without_space(body: bytes) -> bytes:
    """A body without white space between its tokens, sign by sign."""
    kept, is_text, is_escaped = bytearray(), False, False
    for sign in body:
        if is_text:
            is_text, is_escaped = sign != 0x22 or is_escaped, sign == 0x5C and not is_escaped
        else:
            is_text = sign == 0x22
            if sign in SPACE:
                continue
        kept.append(sign)
    return bytes(kept)


def parsed(paygate: Paygate, call: Call) -> Callback | CallbackRejected:
    """What comes of a call."""
    try:
        return paygate.parse_callback("main", CallbackRequest(*call))
    except CallbackRejected as rejected:
        return rejected


@settings(max_examples=EXAMPLES)
@given(dice=st.binary(min_size=15, max_size=15))
def test_a_mutated_callback(paygate: Paygate, genuine: tuple[Genuine, ...], dice: bytes) -> None:
    """A genuine call is accepted as long as what was signed is untouched, and not a bit further."""
    # One draw is ten times as fast as many: three bytes choose call and signature, four each a mutation.
    own, other = genuine[dice[0] % 9], dice[1] % 27
    signature = genuine[other].signature if other < 9 else own.signature
    call = Call("POST", PATH, own.headers, own.body).with_header("x-signature", signature)
    for at in (3, 7, 11)[: 1 + dice[2] % 3]:
        mutate = MUTATIONS[dice[at] % len(MUTATIONS)]
        call = mutate(call, int.from_bytes(dice[at + 1 : at + 3]), dice[at + 3])
    proof = proof_of(call, genuine)
    result = parsed(paygate, call)
    if isinstance(result, Callback):
        assert proof is not None
        assert (proof.kind == "token request") is (result.charges == ())
        assert result.raw == (call.body if result.charges else b"")
        return
    assert REASONS[result.reason] == result.reply.status
    assert [] == leaks(f"{result}{result!r}")
    if proof is not None and call.first("x-signature") == proof.signature:
        assert ("token request", "body") == (proof.kind, result.reason)
    RAISED.clear()


def test_what_is_mutated_is_right_before(paygate: Paygate, genuine: tuple[Genuine, ...]) -> None:
    """All nine are believed as they are, and the judge of this test knows why."""
    for one in genuine:
        call = Call("POST", PATH, one.headers, one.body)
        assert isinstance(parsed(paygate, call), Callback)
        assert one == proof_of(call, genuine)
