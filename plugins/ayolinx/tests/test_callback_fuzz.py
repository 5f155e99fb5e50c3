"""Whatever bytes come in as a callback: one exception, and nothing believed that is not proven.

PAYGATE_FUZZ is the number of examples.
"""

import base64
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from hypothesis import given, settings
from hypothesis import strategies as st
from paygate_ayolinx.door import SandboxAccount

from paygate import Callback, CallbackRejected, CallbackRequest, Paygate
from tests.watch import RAISED, leaks

EXAMPLES: Final = int(os.environ.get("PAYGATE_FUZZ", "3000"))
PATH: Final = "/callbacks/main"
NOW: Final = datetime(2026, 9, 14, 3, 15, tzinfo=UTC)
REASONS: Final = {"signature": 401, "timestamp": 401, "method": 401, "body": 400, "size": 413}
SPACE: Final = b" \t\r\n"


class Genuine(NamedTuple):
    """A callback that the provider did sign."""

    body: bytes
    stamp: str
    signature: bytes


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


def notice(**other: Any) -> dict[str, Any]:
    """What a genuine callback says; all its values are texts, so white space between tokens is harmless."""
    return {
        "amount": {"currency": "IDR", "value": "25000.00"},
        "latestTransactionStatus": "00",
        "originalPartnerReferenceNo": "INV-1",
        "originalReferenceNo": 'AYO "1" \\ é',
        "additionalInfo": {"channel": "BNC_QRIS"},
        **other,
    }


@pytest.fixture(scope="session")
def genuine(account: SandboxAccount) -> tuple[Genuine, ...]:
    """Some genuine callbacks: compact, spaced and pretty, at different times."""
    texts = [
        json.dumps(notice(), separators=(",", ":")),
        json.dumps(
            notice(latestTransactionStatus="05", originalPartnerReferenceNo="INV-2"), ensure_ascii=False
        ),
        json.dumps(notice(originalPartnerReferenceNo="INV-3"), indent=2),
    ]
    made = []
    for number, text in enumerate(texts):
        stamp = (NOW - timedelta(minutes=number)).isoformat()
        body = text.encode()
        digest = Hash(SHA256())
        digest.update(body)
        signed = f"POST:{PATH}:{digest.finalize().hex()}:{stamp}".encode()
        made.append(Genuine(body, stamp, account.provider_key.sign(signed, PKCS1v15(), SHA256())))
    return tuple(made)


@pytest.fixture(scope="session")
def paygate(account: SandboxAccount) -> Iterator[Paygate]:
    """One paygate for all examples; its clock stands still."""
    with Paygate.from_mapping({"gateways": {"main": account.settings(PATH)}}, clock=NOW.timestamp) as one:
        yield one


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
    old = (b"25000", b"INV-1", b'"00"', b"IDR", b"QRIS", b"{", b"\\u00e9", b"latest", b'"05"')
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
        tuple((name, value) for (name, _), (_, value) in zip(call.headers, call.headers[::-1], strict=True)),
    )
    return call._replace(headers=kinds[what % len(kinds)])


def reroute(call: Call, where: int, what: int) -> Call:
    methods = ("POST", "GET", "post", "", "PUT")
    paths = (PATH, "/other", "", "/callbacks/main?x=1", "//", "\udcff")
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
    rename_header,
    swap_headers,
    reroute,
)


def proof_of(call: Call, genuine: tuple[Genuine, ...]) -> str | None:
    """The signature of a call whose signed bytes, time and signature are still a genuine one's; else None."""
    found = {
        name: [v for key, v in call.headers if key.lower() == name] for name in ("x-timestamp", "x-signature")
    }
    if call.method != "POST" or any(len(values) != 1 for values in found.values()):
        return None
    [stamp], [text] = found["x-timestamp"], found["x-signature"]
    try:
        signature = base64.b64decode(text)  # the lenient way: the same bytes are the same signature
    except ValueError:
        return None
    bodies = (call.body, without_space(call.body))
    same = any((stamp, signature) == (one.stamp, one.signature) and one.body in bodies for one in genuine)
    return text if same else None


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
@given(dice=st.binary(min_size=14, max_size=14))
def test_a_mutated_callback(paygate: Paygate, genuine: tuple[Genuine, ...], dice: bytes) -> None:
    """A genuine callback is accepted as long as what was signed is untouched, and not a bit further."""
    # One draw is ten times as fast as many: two bytes choose body and signature, four each a mutation.
    which, other = dice[0] % 3, dice[1] % 8
    signature = genuine[other if other < 3 else which].signature
    headers = (("X-TIMESTAMP", genuine[which].stamp), ("X-SIGNATURE", base64.b64encode(signature).decode()))
    call = Call("POST", PATH, headers, genuine[which].body)
    for at in (2, 6, 10)[: 1 + dice[1] // 8 % 3]:
        mutate = MUTATIONS[dice[at] % len(MUTATIONS)]
        call = mutate(call, int.from_bytes(dice[at + 1 : at + 3]), dice[at + 3])
    proof = proof_of(call, genuine)
    result = parsed(paygate, call)
    if isinstance(result, Callback):
        assert (call.body, True) == (result.raw, proof is not None)
        return
    assert proof != base64.b64encode(signature).decode()
    assert REASONS[result.reason] == result.reply.status
    assert [] == leaks(f"{result}{result!r}")
    RAISED.clear()
