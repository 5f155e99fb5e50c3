"""The forms of a body, against what PHP 8.2, Node 20 and Go 1.19 wrote of the very same one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate.snap import minify
from paygate.snap.rewriting import AS_RECEIVED, BELIEVED, MINIFIED, WRITERS, forms

BODY = rb"""{ "url": "https://shop.example/a?b=1&c=<d>'=", "nama": "Warung \u00d1usantara \ud83c\udf5c\t\"", "jumlah": 2000.00, "pecahan": 1.5, "banyak": 12, "kosong": {}, "daftar": [{}, [], null, true], "a": -3.0, "garis": "\u2028" }"""
WRITTEN = {
    "as PHP's json_encode writes it": r"""{"url":"https:\/\/shop.example\/a?b=1&c=<d>'=","nama":"Warung \u00d1usantara \ud83c\udf5c\t\"","jumlah":2000,"pecahan":1.5,"banyak":12,"kosong":[],"daftar":[[],[],null,true],"a":-3,"garis":"\u2028"}""",
    "as PHP's json_encode writes it with JSON_UNESCAPED_SLASHES": r"""{"url":"https://shop.example/a?b=1&c=<d>'=","nama":"Warung \u00d1usantara \ud83c\udf5c\t\"","jumlah":2000,"pecahan":1.5,"banyak":12,"kosong":[],"daftar":[[],[],null,true],"a":-3,"garis":"\u2028"}""",
    "as PHP's json_encode writes it with JSON_UNESCAPED_UNICODE": r"""{"url":"https:\/\/shop.example\/a?b=1&c=<d>'=","nama":"Warung Ñusantara 🍜\t\"","jumlah":2000,"pecahan":1.5,"banyak":12,"kosong":[],"daftar":[[],[],null,true],"a":-3,"garis":"\u2028"}""",
    "as PHP's json_encode writes it with both of these": r"""{"url":"https://shop.example/a?b=1&c=<d>'=","nama":"Warung Ñusantara 🍜\t\"","jumlah":2000,"pecahan":1.5,"banyak":12,"kosong":[],"daftar":[[],[],null,true],"a":-3,"garis":"\u2028"}""",
    "as JavaScript's JSON.stringify writes it": r"""{"url":"https://shop.example/a?b=1&c=<d>'=","nama":"Warung Ñusantara 🍜\t\"","jumlah":2000,"pecahan":1.5,"banyak":12,"kosong":{},"daftar":[{},[],null,true],"a":-3,"garis":"LINE"}""".replace(
        "LINE", "\u2028"
    ),
    "as Go's json.Marshal writes a map": r"""{"a":-3,"banyak":12,"daftar":[{},[],null,true],"garis":"\u2028","jumlah":2000,"kosong":{},"nama":"Warung Ñusantara 🍜\t\"","pecahan":1.5,"url":"https://shop.example/a?b=1\u0026c=\u003cd\u003e'="}""",
    "as Python's json.dumps writes it": json.dumps(json.loads(BODY)),
}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_form_is_what_that_language_writes(name: str) -> None:
    """Byte for byte, with escapes, empty objects, whole numbers and the order of keys."""
    assert WRITTEN[name].encode() == forms(BODY)[name]


@given(st.binary())
def test_any_bytes_have_forms(body: bytes) -> None:
    """The bytes themselves come first, forms that are equal stand once, and nothing is raised."""
    found = forms(body)
    assert (AS_RECEIVED, body) == next(iter(found.items()))
    assert len(found) == len({*found.values()})
    assert minify(body) in {found[name] for name in BELIEVED if name in found}


@given(values)
def test_what_is_written_again_means_the_same(value: object) -> None:
    """Every writer keeps the value, but for the two things that it is known to lose."""
    body = json.dumps(value).encode()
    for name, form in forms(body).items():
        if name in WRITERS:
            read = json.loads(form)
            assert (read == value) or ("PHP" in name and b"{}" in body)


@pytest.mark.parametrize(
    ("body", "name", "form"),
    [
        (b'{"a":1}\n', MINIFIED, b'{"a":1}'),
        (b"\xef\xbb\xbf{}", "without its byte order mark", b"{}"),
        (b"{}", "with a line feed at its end", b"{}\n"),
        (b"{}", "with CR LF at its end", b"{}\r\n"),
        (b'{"a":\r\n1}', "with line ends LF", b'{"a":\n1}'),
        (b'{"a":\n1}', "with line ends CR LF", b'{"a":\r\n1}'),
        ("é".encode(), "as UTF-8 read as Latin-1 and written as UTF-8", "Ã©".encode()),
        (b"{}", "left out, as if it were empty", b""),
    ],
)
def test_what_programs_do_to_bytes(body: bytes, name: str, form: bytes) -> None:
    """Line ends, byte order marks and wrong character sets are among the forms."""
    assert form == forms(body)[name]


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"a":1e999}', b"9" * 5000, rb'"\ud800"', b"NaN"],
    ids=["deep", "endless", "long", "half a pair", "no number"],
)
def test_odd_json_has_what_forms_it_can_have(body: bytes) -> None:
    """What a language could not write is left out, without an error."""
    assert body == forms(body)[AS_RECEIVED]
