"""Who is let in: by method, content type, length and size, before a word is read; and under which path."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paygate_tiny import OK, Tiny

from paygate import AsyncGateway, Callback, CallbackRequest, Gateway, Paygate, UnsupportedOperation, hookimpl
from paygate.callbacks import AsgiCallbacks, WsgiCallbacks
from tests.callbacks.doors import (
    ASYNC_DOORS,
    DOORS,
    OTHERS,
    PATH,
    Answer,
    AsyncHandler,
    Conversation,
    Door,
    Handler,
    Stream,
    asgi_scope,
    gateway,
    sealed,
    told,
    wsgi_environ,
)
from tests.provider import Provider, tiny


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest) -> Door:
    """Each of the applications."""
    return Door(request.param)


ENDLESS: Final[dict[str, Any]] = {"wsgi.input_terminated": False}


def changed(pairs: Sequence[tuple[str, str]], name: str, *values: str) -> list[tuple[str, str]]:
    """Headers with other values of one name, or without it."""
    return [pair for pair in pairs if pair[0] != name] + [(name, value) for value in values]


class Watcher(Tiny):
    """Tiny that believes anybody, and remembers what it was handed."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.handed: list[CallbackRequest] = []

    @hookimpl
    def parse_callback(self, request: CallbackRequest) -> Callback:
        """Remember it."""
        self.handed.append(request)
        return Callback(gateway="main", charges=(), reply=OK, sent_at=datetime.now(UTC))


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "post", "BREW", ""])
def test_only_post_is_taken(door: Door, method: str, caplog: pytest.LogCaptureFixture) -> None:
    """Anything else is 405, told what is allowed, without its body being read."""
    handler = Handler()
    door.checked = False
    answer = door.call(door.made(handler), [told()], sealed(told()), method)
    assert (
        Answer(405, {"content-type": "text/plain", "content-length": "0", "allow": "POST"}, b"", 1) == answer
    )
    assert [] == handler.given
    assert ["paygate: a call to gateway main was turned away: method"] == caplog.messages


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "APPLICATION/Json",
        " application/json ",
        "",
        None,
    ],
)
def test_json_is_taken_however_it_is_written(door: Door, content_type: str | None) -> None:
    """Letter case and parameters do not matter, and a call that names no type is let in."""
    handler = Handler()
    values = () if content_type is None else (content_type,)
    answer = door.call(door.made(handler), [told()], changed(sealed(told()), "content-type", *values))
    assert (200, 1) == (answer.status, len(handler.given))


@pytest.mark.parametrize(
    "content_types",
    [
        ["text/plain"],
        ["application/x-www-form-urlencoded"],
        ["application/jsonp"],
        ["multipart/form-data; boundary=application/json"],
        ["application/json, text/plain"],
        ["application/json", "text/plain"],
        ["nonsense"],
    ],
)
def test_another_content_type_is_turned_away(
    door: Door, content_types: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """It is 415, unread; two types at once are none of ours."""
    handler = Handler()
    answer = door.call(door.made(handler), [told()], changed(sealed(told()), "content-type", *content_types))
    assert (415, b"Unsupported Media Type", 1) == (answer.status, answer.body, answer.unread)
    assert [] == handler.given
    assert ["paygate: a call to gateway main was turned away: content type"] == caplog.messages


def test_content_types_can_be_chosen(door: Door) -> None:
    """A provider that sends a form gets in where the merchant says so, and then JSON does not."""
    handler = Handler()
    app = door.made(handler, content_types=["Application/X-WWW-Form-Urlencoded"])
    form = changed(sealed(told()), "content-type", "application/x-www-form-urlencoded")
    assert 200 == door.call(app, [told()], form).status
    assert 415 == door.tell(app).status


def test_a_body_announced_as_too_large_is_not_read(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """It is 413 before the first piece is asked for."""
    handler = Handler()
    body = told(filler="x" * 100)
    answer = door.call(door.made(handler, largest_body=len(body) - 1), [body], sealed(body))
    assert (413, b"Content Too Large", 1) == (answer.status, answer.body, answer.unread)
    assert [] == handler.given
    assert ["paygate: a call to gateway main was turned away: size"] == caplog.messages


def test_a_body_of_the_largest_size_is_taken(door: Door) -> None:
    """The limit itself is allowed, announced or not."""
    handler = Handler()
    app = door.made(handler, largest_body=len(told()))
    assert 200 == door.tell(app).status
    assert 200 == door.call(app, [told()], sealed(told(), length=False)).status


def test_a_body_that_grows_too_large_is_not_read_to_its_end(door: Door) -> None:
    """Without an announced length it is counted, and refused at the piece that is too much."""
    handler = Handler()
    app = door.made(handler, largest_body=29)
    answer = door.call(app, [b"0123456789"] * 10, sealed(b"", length=False))
    assert (413, 7) == (answer.status, answer.unread)
    assert [] == handler.given


def test_the_usual_limit_is_the_gateways(door: Door) -> None:
    """256 KiB, of which all may be used."""
    app = door.made(Handler())
    for size, status in ((256 * 1024, 401), (256 * 1024 + 1, 413)):
        headers = changed(sealed(b"", length=False), "content-length", str(size))
        assert status == door.call(app, [b"x" * size], headers).status


@pytest.mark.parametrize(
    "length", ["-1", "+5", "5.0", "0x5", "1e3", "five", "1 0", "٥", "9" * 19, "5, 5", " 5"]
)
def test_a_length_that_is_none_is_turned_away(door: Door, length: str) -> None:
    """It is 400, unread."""
    handler = Handler()
    door.checked = False
    headers = changed(sealed(told()), "content-length", length.encode().decode("latin-1"))
    answer = door.call(door.made(handler), [told()], headers)
    assert (400, b"Bad Request", 1) == (answer.status, answer.body, answer.unread)
    assert [] == handler.given


def test_a_length_said_twice_is_turned_away(door: Door) -> None:
    """Two lengths may be read in two ways."""
    door.checked = False
    size = str(len(told()))
    headers = changed(sealed(told()), "content-length", size, size)
    assert 400 == door.call(door.made(Handler()), [told()], headers).status


@pytest.mark.parametrize("said", [-1, 1])
@pytest.mark.parametrize("backend", ASYNC_DOORS)
def test_a_body_of_another_length_than_announced_is_turned_away(backend: str, said: int) -> None:
    """It is 400, though the seal would fit: a server does not let this happen."""
    door, handler = Door(backend), Handler()
    headers = changed(sealed(told()), "content-length", str(len(told()) + said))
    assert 400 == door.call(door.made(handler), [told()], headers).status
    assert [] == handler.given


@pytest.mark.parametrize("length", [True, False])
@pytest.mark.parametrize("backend", ASYNC_DOORS)
def test_an_asgi_caller_that_goes_away_leaves_no_trace(
    backend: str, length: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is answered, told or logged, even when all of a body was there but its end."""
    caplog.set_level(logging.DEBUG, "paygate")
    handler = Handler()
    conversation = Conversation([told()], cut=True)
    scope = asgi_scope(headers=sealed(told(), length=length))
    anyio.run(AsgiCallbacks(gateway(), handler), scope, *conversation.both, backend=backend)
    assert ([], [], []) == (conversation.sent, handler.given, caplog.messages)


@pytest.mark.parametrize("error", [None, ConnectionResetError("gone"), TimeoutError("slow")])
def test_a_wsgi_caller_that_goes_away_leaves_no_trace(
    error: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether its server says so by an error or by a short body."""
    caplog.set_level(logging.DEBUG, "paygate")
    handler = Handler()
    environ = wsgi_environ(Stream([told()[:20]], error), headers=sealed(told()))
    answered: list[str] = []
    list(WsgiCallbacks(gateway(), handler)(environ, lambda status, *_: answered.append(status)))  # type: ignore[arg-type]
    assert (["400 Bad Request"], [], []) == (answered, handler.given, caplog.messages)


def test_a_wsgi_body_without_length_or_end_is_turned_away() -> None:
    """To read it might mean to wait for ever: 411, as HTTP has it."""
    handler = Handler()
    answer = Door("wsgi").call(
        WsgiCallbacks(gateway(), handler),
        [told()],
        sealed(told(), length=False),
        **ENDLESS,
    )
    assert (411, b"Length Required", 1) == (answer.status, answer.body, answer.unread)
    assert [] == handler.given


def test_no_more_is_read_than_was_announced() -> None:
    """What follows in a WSGI server's stream is the next request's."""
    stream = Stream([told() + b"POST /next"])
    environ = wsgi_environ(stream, headers=sealed(told()), **ENDLESS)
    handler = Handler()
    list(WsgiCallbacks(gateway(), handler)(environ, lambda *_: lambda _: None))
    assert (1, [b"POST /next"]) == (len(handler.given), stream.coming)


def test_a_header_sent_twice_is_joined_and_fits_no_seal(door: Door) -> None:
    """Nobody can choose which of two seals is looked at."""
    pairs = sealed(told())
    seal = dict(pairs)["x-mac"]
    app = door.made(Handler())
    assert 401 == door.call(app, [told()], [*pairs, ("x-mac", seal)]).status
    assert 401 == door.call(app, [told()], [("x-mac", "0"), *pairs]).status


def test_headers_and_body_are_handed_over_as_they_came(door: Door) -> None:
    """Header bytes are latin-1, and the body is bytes."""
    adapter = tiny(kind=Watcher)
    sign = "\xe9\xff\x80"
    pairs = [*OTHERS, ("x-sign", sign), ("x-two", "1"), ("x-two", "2")]
    assert 200 == door.call(door.made(Handler(), adapter), [b"\x00\xff"], pairs).status
    [request] = adapter.handed
    assert ("POST", PATH, b"\x00\xff") == (request.method, request.path, request.body)
    assert (sign, "tiny/1") == (request.header("x-sign"), request.header("user-agent"))
    assert ["1", "2"] == [one.strip() for one in (request.header("x-two") or "").split(",")]


SEGMENT = st.text(st.sampled_from("abc-_.~:@!$&'()*+,;=%/ é\U0001f600"), max_size=8)


@given(root=SEGMENT, rest=SEGMENT, full=st.booleans(), raw=st.booleans())
def test_an_asgi_path_is_the_one_that_the_server_saw(root: str, rest: str, full: bool, raw: bool) -> None:
    """Prefix and path, whether or not `path` holds the prefix; as sent, where the server tells that."""
    adapter = tiny(kind=Watcher)
    prefix, path = f"/mount{root}".rstrip("/"), f"/call{rest}"
    place: dict[str, Any] = {
        "root_path": prefix,
        "path": prefix + path if full else path,
        "raw_path": b"/as%2fsent?query" if raw else None,
    }
    Door("asyncio").call(AsgiCallbacks(gateway(adapter), Handler()), [b""], OTHERS, **place)
    [request] = adapter.handed
    if raw:
        assert "/as%2fsent" == request.path
    else:
        assert prefix + path == unquote(request.path)
        assert request.path.isascii()
        assert " " not in request.path


@given(root=SEGMENT, rest=SEGMENT)
def test_a_wsgi_path_is_the_one_that_the_server_saw(root: str, rest: str) -> None:
    """SCRIPT_NAME and PATH_INFO, as they stand in an address."""
    adapter = tiny(kind=Watcher)
    script, path = f"/mount{root}".rstrip("/"), f"/call{rest}"
    place: dict[str, Any] = {
        "SCRIPT_NAME": script.encode().decode("latin-1"),
        "PATH_INFO": path.encode().decode("latin-1"),
    }
    Door("wsgi").call(WsgiCallbacks(gateway(adapter), Handler()), [b""], OTHERS, **place)
    [request] = adapter.handed
    assert script + path == unquote(request.path)
    assert request.path.isascii()


def test_a_framework_can_ask_for_the_answer_alone(door: Door) -> None:
    """Where nothing can be mounted: the same rules, a reply instead of a response."""
    handler = Handler()
    app = door.made(handler)
    replies = [
        door.answer(app, CallbackRequest(method, PATH, headers, body))
        for method, headers, body in (
            ("POST", sealed(told()), told()),
            ("GET", [], b""),
            ("POST", changed(sealed(told()), "content-type", "text/plain"), told()),
            ("POST", OTHERS, b"x" * (256 * 1024 + 1)),
            ("POST", OTHERS, told()),
        )
    ]
    assert [200, 405, 415, 413, 401] == [reply.status for reply in replies]
    assert (OK, 1) == (replies[0], len(handler.given))


@pytest.mark.parametrize("kind", [AsgiCallbacks, WsgiCallbacks])
def test_a_gateway_that_reads_no_callbacks_is_refused_at_once(kind: Any) -> None:
    """Not at the first callback, when money is waiting."""

    class Deaf:
        """Tiny without callbacks."""

        api_version = Tiny.api_version
        settings_type = Tiny.settings_type
        authorize = tiny().authorize

    with pytest.raises(UnsupportedOperation) as refused:
        kind(Gateway("main", Deaf(), transport=Provider()), Handler())
    assert ("main", "parse_callback") == (refused.value.gateway, refused.value.operation)


def test_wsgi_has_no_use_for_an_async_gateway() -> None:
    """What a callback does not prove is asked about, and WSGI cannot await an answer; ASGI takes both shells."""
    waiting: Any = AsyncGateway("main", tiny(), transport=Provider())
    AsgiCallbacks(waiting, Handler())
    AsgiCallbacks(gateway(), Handler())
    WsgiCallbacks(gateway(), Handler())
    with pytest.raises(TypeError, match=r"use a gateway of Paygate, not of AsyncPaygate; or AsgiCallbacks$"):
        WsgiCallbacks(waiting, Handler())


@pytest.mark.parametrize("kind", [AsgiCallbacks, WsgiCallbacks])
def test_what_cannot_work_is_refused_at_once(kind: Any) -> None:
    """All gateways for one, no function, a text for several."""
    mistakes: list[tuple[Any, Any, dict[str, Any], str]] = [
        (Paygate.__new__(Paygate), Handler(), {}, r'as in paygate\.gateway\("main"\), not Paygate'),
        (gateway(), "handle", {}, "use a function, not str"),
        (gateway(), None, {}, "without a store each callback is handled as it comes: give the handler"),
        (gateway(), Handler(), {"known": {}}, "use a function, not dict"),
        (gateway(), Handler(), {"content_types": "application/json"}, "are several"),
    ]
    for one, handle, options, why in mistakes:
        with pytest.raises(TypeError, match=why):
            kind(one, handle, **options)


def test_wsgi_refuses_what_it_could_not_await() -> None:
    """A coroutine function would never run, and the provider would be told that all is well."""

    async def handle(_: Callback) -> None: ...

    for options in ({"handle": handle}, {"handle": AsyncHandler()}, {"handle": Handler(), "known": handle}):
        with pytest.raises(TypeError, match="WSGI awaits nothing"):
            WsgiCallbacks(gateway(), **options)
