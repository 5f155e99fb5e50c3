import os
import threading
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from paygate_tiny import Key

from paygate import NotAuthorized, PaygateError, Unreachable
from paygate.credentials import AsyncCredentials, Credentials

CALLERS = 200


class Login:
    """A login that lasts until it is released, and counts itself."""

    def __init__(self, outcome: Callable[[], Any] | None = None) -> None:
        self.count = 0
        self.begun = threading.Event()
        self.release = threading.Event()
        self._outcome = outcome or (lambda: Key("new", expires_at=100.0))

    def blocking(self) -> Any:
        self.count += 1
        self.begun.set()
        assert self.release.wait(30)
        return self._outcome()

    async def waiting(self) -> Any:
        self.count += 1
        self.begun.set()
        while not self.release.is_set():
            await anyio.sleep(0.001)
        return self._outcome()


def refused() -> Any:
    raise NotAuthorized("wrong key")


def in_threads(credentials: Credentials, login: Login) -> tuple[list[Any], list[PaygateError]]:
    """Ask from many threads at once, and let the login go on when all of them wait."""
    got: list[Any] = []
    failed: list[PaygateError] = []

    def ask() -> None:
        try:
            got.append(credentials.fresh())
        except PaygateError as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    assert login.begun.wait(30)
    login.release.set()
    for thread in threads:
        thread.join(30)
    return got, failed


def test_two_hundred_threads_make_one_login() -> None:
    """Everybody who meets an expired credential gets the one that a single login brought."""
    login = Login()
    credentials = Credentials(login.blocking, lambda: 0.0)
    got, failed = in_threads(credentials, login)
    assert (1, CALLERS, []) == (login.count, len(got), failed)
    assert 1 == len({id(credential) for credential in got})


def test_a_failed_login_fails_everybody_who_waited_each_with_an_error_of_his_own() -> None:
    """One refused login is one login, and no caller sees another's error object."""
    login = Login(refused)
    credentials = Credentials(login.blocking, lambda: 0.0)
    got, failed = in_threads(credentials, login)
    assert ([], CALLERS) == (got, len(failed))
    assert CALLERS == len({id(error) for error in failed})
    assert {NotAuthorized} == {type(error) for error in failed}


def test_a_login_broken_off_by_the_program_strands_nobody() -> None:
    """A KeyboardInterrupt in the thread that logs in reaches it, and the others may try again."""

    def interrupted() -> Any:
        raise KeyboardInterrupt

    credentials = Credentials(interrupted, lambda: 0.0)
    with pytest.raises(KeyboardInterrupt):
        credentials.fresh()
    with pytest.raises(KeyboardInterrupt):
        credentials.fresh()


def test_waiting_for_somebody_elses_login_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A login that never ends is not waited for without bound."""
    monkeypatch.setattr("paygate.credentials.PATIENCE", 0.01)
    login = Login()
    credentials = Credentials(login.blocking, lambda: 0.0)
    leader = threading.Thread(target=credentials.fresh)
    leader.start()
    assert login.begun.wait(30)
    with pytest.raises(Unreachable, match="login"):
        credentials.fresh()
    login.release.set()
    leader.join(30)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_two_hundred_tasks_make_one_login_and_a_cancelled_one_harms_nobody(backend: str) -> None:
    """The login goes on although the very task that began it is cancelled."""

    async def run() -> tuple[int, int]:
        login = Login()
        credentials = AsyncCredentials(login.waiting, lambda: 0.0)
        got: list[Any] = []

        async def ask(scope: anyio.CancelScope) -> None:
            with scope:
                got.append(await credentials.fresh())

        scopes = [anyio.CancelScope() for _ in range(CALLERS)]
        async with anyio.create_task_group() as group:
            for scope in scopes:
                group.start_soon(ask, scope)
            while not login.begun.is_set():
                await anyio.sleep(0.001)
            scopes[0].cancel()
            scopes[7].cancel()
            await anyio.sleep(0.005)
            login.release.set()
        return login.count, len(got)

    assert (1, CALLERS - 2) == anyio.run(run, backend=backend)


def test_a_natively_cancelled_task_does_not_end_the_login() -> None:
    """asyncio's own cancellation, which knows no shields of anyio's, leaves the login alone."""
    import asyncio

    async def run() -> tuple[int, Any]:
        login = Login()
        credentials = AsyncCredentials(login.waiting, lambda: 0.0)
        first = asyncio.create_task(credentials.fresh())
        while not login.begun.is_set():
            await asyncio.sleep(0.001)
        second = asyncio.create_task(credentials.fresh())
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        login.release.set()
        return login.count, await second

    count, credential = asyncio.run(run())
    assert (1, "new") == (count, credential.header)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_async_login_that_fails_is_one_login_for_all(backend: str) -> None:
    """Every waiting task gets an error of its own."""

    async def run() -> tuple[int, list[PaygateError]]:
        login = Login(refused)
        login.release.set()
        credentials = AsyncCredentials(login.waiting, lambda: 0.0)
        failed: list[PaygateError] = []

        async def ask() -> None:
            try:
                await credentials.fresh()
            except PaygateError as error:
                failed.append(error)

        async with anyio.create_task_group() as group:
            for _ in range(CALLERS):
                group.start_soon(ask)
        return login.count, failed

    count, failed = anyio.run(run, backend=backend)
    assert (1, CALLERS) == (count, len({id(error) for error in failed}))


def test_a_credential_is_kept_until_it_expires_or_is_stale() -> None:
    """There is a login at first, at expiry, and for a credential that a reply rejected; else none."""
    now = [0.0]
    made: list[Key] = []

    def login() -> Key:
        made.append(Key(str(len(made)), expires_at=now[0] + 10))
        return made[-1]

    credentials = Credentials(login, lambda: now[0])
    first = credentials.fresh()
    assert first is credentials.fresh()
    second = credentials.fresh(stale=first)
    assert second is credentials.fresh(stale=first)
    now[0] = 10.0
    assert second is not credentials.fresh()
    assert 3 == len(made)


def test_a_stale_credential_is_forgotten_even_if_the_login_fails() -> None:
    """What a provider rejected is not offered again."""
    outcomes: list[Any] = [Key("old"), NotAuthorized("no"), Key("new")]

    def login() -> Any:
        outcome = outcomes.pop(0)
        if isinstance(outcome, PaygateError):
            raise outcome
        return outcome

    credentials = Credentials(login, lambda: 0.0)
    old = credentials.fresh()
    with pytest.raises(NotAuthorized):
        credentials.fresh(stale=old)
    assert "new" == credentials.fresh().header  # type: ignore[attr-defined]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_process_forked_during_a_login_logs_in_by_itself() -> None:
    """The child does not wait for a login that goes on in its parent alone."""
    parent = os.getpid()
    login = Login()

    def log_in() -> Any:
        return login.blocking() if os.getpid() == parent else Key("child", expires_at=100.0)

    credentials = Credentials(log_in, lambda: 0.0)
    leader = threading.Thread(target=credentials.fresh)
    leader.start()
    assert login.begun.wait(30)
    child = os.fork()
    if child == 0:
        try:
            ok = credentials.fresh().header == "child"  # type: ignore[attr-defined]
        except BaseException:
            ok = False
        os._exit(0 if ok else 1)
    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    login.release.set()
    leader.join(30)
