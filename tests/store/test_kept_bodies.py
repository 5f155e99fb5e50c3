"""What of bodies and headers is kept."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate.store.redaction import HIDDEN_BODY, SECRET_MEMBERS, Redaction
from tests.watch import CANARIES

CANARY = "canary-of-a-payer"
CANARIES.add(CANARY)
NAMES = ("customername", "phone", "ünïcode", 'with "quotes"', "a/b")


class Number:
    """A number that is written as it is given."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


harmless = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(
        ["1.10", "-0", "1e400", "0.1000000000000000055511151231257827", "10000000000000000000000"]
    ).map(Number)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def written(value: Any, draw: Any) -> str:
    """JSON in one of the many ways to write a value: with white space, and with letters escaped or not."""
    space = draw(st.sampled_from(["", " ", "\n\t"]))
    if isinstance(value, Number):
        return value.text
    if isinstance(value, str):
        forms = [json.dumps(value), json.dumps(value, ensure_ascii=False), escaped(value)]
        return str(draw(st.sampled_from(forms)))
    if isinstance(value, list):
        return f"[{space}{f',{space}'.join(written(one, draw) for one in value)}{space}]"
    if isinstance(value, dict):
        pairs = (f"{written(key, draw)}{space}:{space}{written(one, draw)}" for key, one in value.items())
        return f"{{{space}{f',{space}'.join(pairs)}{space}}}"
    return json.dumps(value)


def escaped(text: str) -> str:
    """A JSON string with every letter escaped."""
    units = text.encode("utf-16-be", "surrogatepass")
    return '"' + "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)) + '"'


def surrogates(value: Any) -> bool:
    return any(0xD800 <= ord(sign) < 0xE000 for sign in json.dumps(value, default=repr, ensure_ascii=False))


@st.composite
def planted(draw: Any) -> tuple[str, str]:
    """JSON with a secret under one of the names, somewhere; and the same with the secret hidden."""
    name = draw(
        st.sampled_from([*NAMES, *sorted(SECRET_MEMBERS)]).flatmap(
            lambda one: st.sampled_from([one, one.upper(), one.title()])
        )
    )
    secret = draw(st.sampled_from([CANARY, [CANARY], {"a": [{CANARY: CANARY}]}, {"phone": CANARY}]))
    body: Any = {**draw(st.dictionaries(st.text(max_size=3), harmless, max_size=2)), name: secret}
    for _ in range(draw(st.integers(0, 3))):
        other = draw(harmless)
        wrap = draw(st.sampled_from(["list", "member", "text"]))
        if wrap == "list":
            body = [other, body]
        elif wrap == "member":
            body = {"first": other, "inner": body}
        else:
            body = {"told": json.dumps(body, default=lambda number: number.text)}
    return written(body, draw), name


@given(made=planted())
def test_no_value_of_a_named_member_is_kept(made: tuple[str, str]) -> None:
    """However deep it stands, however its name is written, and within JSON that stands in a string."""
    text, _ = made
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        return
    kept = Redaction(NAMES).body(raw).decode()
    assert CANARY not in kept
    assert CANARY not in escaped(kept)
    flat = json.dumps(json.loads(kept)) if kept.encode() != HIDDEN_BODY else ""
    assert CANARY not in flat


@given(value=harmless, data=st.data())
def test_all_else_stays_to_the_byte(value: Any, data: st.DataObject) -> None:
    """A body without those names comes back as it was: numbers, white space and escapes."""
    text = written({"amount": value}, data.draw)
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        return
    assert Redaction(NAMES).body(raw) == raw
    assert Redaction().body(raw) == raw


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        (
            '{ "amount" : 1.10,"phone":"08", "n":12345678901234567890, "e":1E5 }',
            '{ "amount" : 1.10,"phone":"***", "n":12345678901234567890, "e":1E5 }',
        ),
        ('{"phone":null,"a":{"PHONE":[1,{"b":2}]},"c":[]}', '{"phone":"***","a":{"PHONE":"***"},"c":[]}'),
        ('{"\\u0070hone":"08","x":"\\u0041"}', '{"\\u0070hone":"***","x":"\\u0041"}'),
        ('[{"phone":"1"},{"phone":"2"}]', '[{"phone":"***"},{"phone":"***"}]'),
        ('{"a":"phone","phone":"1","phone":"2"}', '{"a":"phone","phone":"***","phone":"***"}'),
        ('{"i":"{\\"phone\\":\\"1\\",\\"a\\":1.0}"}', '{"i":"{\\"phone\\":\\"***\\",\\"a\\":1.0}"}'),
        ('{"token":{"a":"}"},"b":"{"}', '{"token":"***","b":"{"}'),
        ('"phone"', '"phone"'),
        ('{"A\\/b":"1"}', '{"A\\/b":"***"}'),
        ('{"phones":"1"}', '{"phones":"1"}'),
        ('{"ÜNÏCODE":"1"}', '{"ÜNÏCODE":"***"}'),
        ('{"\\u00dcN\\u00cfCODE":"1"}', '{"\\u00dcN\\u00cfCODE":"***"}'),
        ("", ""),
    ],
)
def test_only_the_value_is_taken_out(given_: str, kept: str) -> None:
    """What stands around it is not touched."""
    assert Redaction(NAMES).body(given_.encode()).decode() == kept


@pytest.mark.parametrize(
    "raw",
    [
        b"customerName=Budi",
        b"customer%4eame=Budi",
        b"<phone>08</phone>",
        b"hello",
        b'{"phone":"08"',
        b'{"phone":"08"} x',
        b'{"phone":NaN}',
        b'{"a":NaN}',
        b"{customerName: 1}",
        '{"phone":"08"}'.encode("utf-16"),
        '{"phone":"08"}'.encode("utf-32-le"),
        b'\xef\xbb\xbf{"phone":"08"}',
        b'{"phone":"\xff"}',
        b"[" * 100_000 + b'{"phone":1}',
        b'"' * 99,
    ],
    ids=lambda raw: repr(raw[:12]),
)
def test_what_is_no_json_is_hidden_where_values_are_named(raw: bytes) -> None:
    """Nobody can tell there what belongs to a name, so nothing is kept."""
    assert Redaction(NAMES).body(raw) == HIDDEN_BODY


@pytest.mark.parametrize(
    ("raw", "is_kept"),
    [
        (b"status=paid&ref=1", True),
        (b"<html>gateway timeout</html>", True),
        (b"grant=1&Access_Token=abc", False),
        (b"t%6Fken=abc", False),
        ('{"token":"abc"}'.encode("utf-16"), False),
        (b"\xff\xfe", False),
    ],
)
def test_what_is_no_json_is_kept_where_it_names_no_secret(raw: bytes, is_kept: bool) -> None:
    """Where the merchant names nothing, only what has a secret in it, or cannot be read, is hidden."""
    assert Redaction().body(raw) == (raw if is_kept else HIDDEN_BODY)


def test_a_hostile_body_costs_little() -> None:
    """A megabyte of nested or broken JSON is done with in a moment."""
    for raw in (
        b'{"token":' + b"[" * 500 + b"]" * 500 + b"}",
        b'{"a":"' + b'\\"' * 400_000 + b'","token":1}',
        b'{"token":"' + b"\\\\" * 400_000,
        b"[" + b'"token",' * 100_000 + b"1]",
        json.dumps(
            {"token": 1, "a": json.dumps({"a": json.dumps({"a": json.dumps({"pin": "1" * 50_000})})})}
        ).encode(),
    ):
        begun = time.process_time()
        Redaction(NAMES).body(raw)
        assert time.process_time() - begun < 2


@given(
    name=st.sampled_from(
        [
            "Authorization",
            "AUTHORIZATION-CUSTOMER",
            "Proxy-Authorization",
            "Cookie",
            "Set-Cookie",
            "X-Callback-Token",
            "x-api-key",
            "X-ApiKey",
            "X-Client-Secret",
            "Phone",
        ]
    )
)
def test_headers_that_open_a_door_are_not_kept(name: str) -> None:
    """Their values are hidden, by lower-case name; a signature and all others stay."""
    headers = {name: CANARY, "X-SIGNATURE": "abc", "X-TIMESTAMP": "2026-01-31T17:00:00+07:00"}
    assert Redaction(NAMES).headers(headers) == {
        name.lower(): "***",
        "x-signature": "abc",
        "x-timestamp": "2026-01-31T17:00:00+07:00",
    }
