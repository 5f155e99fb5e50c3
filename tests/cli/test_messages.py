"""HTTP messages as people have them: dumps, header lines and bodies."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate import ConfigurationError
from paygate.cli.messages import content_of, headers_of, request_of


@given(st.binary(), st.sampled_from([b"\r\n", b"\n"]))
def test_a_dump_gives_its_body_to_the_byte(body: bytes, end: bytes) -> None:
    """Whatever follows the first blank line is the body, with either kind of line end above it."""
    head = end.join([b"POST /callbacks/main?a=1 HTTP/1.1", b"Host: shop.example", b"X-SIGNATURE:  abc= "])
    request = request_of(head + end + end + body)
    assert ("POST", "/callbacks/main?a=1", body) == (request.method, request.path, request.body)
    assert ("shop.example", "abc=") == (request.header("host"), request.header("x-signature"))


@pytest.mark.parametrize(
    ("start", "path"),
    [
        (b"POST /callbacks/main", "/callbacks/main"),
        (b"POST https://shop.example/callbacks/main HTTP/1.1", "/callbacks/main"),
        (b"\r\nPOST /callbacks/main HTTP/2", "/callbacks/main"),
    ],
)
def test_the_first_line_has_several_forms(start: bytes, path: str) -> None:
    """Without a version, with a whole address, after an empty line; a body may be missing."""
    assert (path, b"") == (request_of(start).path, request_of(start).body)


@pytest.mark.parametrize("dump", [b"", b"{}", b"X-SIGNATURE: abc\r\n\r\n{}", b"\xff\xfe\x00"])
def test_what_is_no_request_is_said(dump: bytes) -> None:
    """A body alone, or headers alone, is not taken for one."""
    with pytest.raises(ConfigurationError, match="begins with no line such as POST"):
        request_of(dump)


def test_header_lines_are_read_and_blank_ones_passed_over() -> None:
    """Name, colon, value; a value may have colons."""
    lines = ["X-TIMESTAMP: 2026-01-02T10:15:00+07:00", "", "Host:shop.example:443"]
    assert [("X-TIMESTAMP", "2026-01-02T10:15:00+07:00"), ("Host", "shop.example:443")] == headers_of(lines)


@given(st.binary().filter(lambda value: not {*b"\r\n"} & {*value}))
def test_only_a_line_end_ends_a_header(value: bytes) -> None:
    """No other byte that a text may be split or cut at: 0x85 is a part of many a letter in UTF-8."""
    request = request_of(b"POST /x HTTP/1.1\r\nUser-Agent: " + value + b"\r\nX-SIGNATURE: abc\r\n\r\n{}")
    expected = value.strip(b" \t").decode("latin-1")
    assert (expected, "abc") == (request.header("user-agent"), request.header("x-signature"))


@pytest.mark.parametrize("path", ["/\u00c5ngstr\u00f6m", "/caf\u00e0", "/\x9b2J"])
def test_a_path_in_raw_utf8_is_one_path(path: str) -> None:
    """Bytes that Unicode takes for blanks are parts of it."""
    raw = path.encode()
    assert raw.decode("latin-1") == request_of(b"POST " + raw + b" HTTP/1.1\r\n\r\n{}").path


def test_a_wrong_header_line_is_not_quoted() -> None:
    """It may be a token without its name."""
    with pytest.raises(ConfigurationError) as caught:
        headers_of(["Bearer abc-secret"])
    assert "abc-secret" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """With the option that names it, the reason and what to do."""
    with pytest.raises(ConfigurationError, match=r"--body .*nothing: cannot be read \(No such file") as error:
        content_of(str(tmp_path / "nothing"), "--body")
    assert ["Give --body a file that is there, or - for the standard input."] == error.value.__notes__
