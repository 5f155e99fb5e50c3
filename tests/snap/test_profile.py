"""Timestamps in the four layouts, and numbers that no other request of the day has."""

import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paygate.snap import SnapProfile, Timestamps, external_id
from paygate.snap.profile import Layout

LAYOUTS: tuple[Layout, ...] = get_args(Layout)
JAKARTA = timezone(timedelta(hours=7))
MORNING = datetime(2026, 1, 2, 3, 15, tzinfo=UTC).timestamp()
IDS, PROCESSES = 20_000, 4


def ticking(*moments: float) -> Callable[[], float]:
    left = list(moments)
    return lambda: left.pop(0)


def at(moment: float, layout: Layout) -> str:
    return Timestamps(layout, lambda: moment).now()


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        ("+07:00", "2026-01-02T10:15:00+07:00"),
        ("Z", "2026-01-02T03:15:00Z"),
        ("ms+07:00", "2026-01-02T10:15:00.125+07:00"),
        ("msZ", "2026-01-02T03:15:00.125Z"),
    ],
)
def test_each_layout_writes_the_time_in_its_own_way(layout: Layout, text: str) -> None:
    """Jakarta's time or UTC, with milliseconds or without."""
    assert text == at(MORNING + 0.125, layout)


@pytest.mark.parametrize(
    ("moment", "jakarta", "utc"),
    [
        ("2026-01-01T16:59:59Z", "2026-01-01T23:59:59+07:00", "2026-01-01T16:59:59Z"),
        ("2026-01-01T17:00:00Z", "2026-01-02T00:00:00+07:00", "2026-01-01T17:00:00Z"),
        ("2025-12-31T17:00:00Z", "2026-01-01T00:00:00+07:00", "2025-12-31T17:00:00Z"),
        ("2025-12-31T23:59:59Z", "2026-01-01T06:59:59+07:00", "2025-12-31T23:59:59Z"),
        ("2026-01-01T00:00:00Z", "2026-01-01T07:00:00+07:00", "2026-01-01T00:00:00Z"),
        ("2028-02-28T17:00:00Z", "2028-02-29T00:00:00+07:00", "2028-02-28T17:00:00Z"),
        ("2026-02-28T17:00:00Z", "2026-03-01T00:00:00+07:00", "2026-02-28T17:00:00Z"),
    ],
)
def test_the_day_turns_at_midnight_of_the_layout_s_zone(moment: str, jakarta: str, utc: str) -> None:
    """Midnight in Jakarta is 17:00 UTC; year, month and leap day turn with it."""
    seconds = datetime.fromisoformat(moment).timestamp()
    assert jakarta == at(seconds, "+07:00")
    assert utc == at(seconds, "Z")
    assert jakarta.replace("+", ".000+") == at(seconds, "ms+07:00")
    assert utc.replace("Z", ".000Z") == at(seconds, "msZ")


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="this system has no tzset")
def test_the_zone_of_the_machine_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server set to another zone tells Jakarta's time and UTC all the same."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "XYZ+5")
        time.tzset()
        told = at(MORNING, "+07:00"), at(MORNING, "Z")
    time.tzset()
    assert told == ("2026-01-02T10:15:00+07:00", "2026-01-02T03:15:00Z")


@given(st.integers(0, 4_000_000_000), st.integers(0, 7), st.sampled_from(LAYOUTS))
def test_a_timestamp_read_again_is_the_same_time(second: int, eighth: int, layout: Layout) -> None:
    """ISO 8601 with an offset; what is below the layout's precision is cut and never rounded up."""
    text = at(second + eighth / 8, layout)
    told = datetime.fromisoformat(text)
    assert told.timestamp() == second + (eighth / 8 if layout.startswith("ms") else 0)
    assert told.utcoffset() == (timedelta(0) if layout.endswith("Z") else timedelta(hours=7))
    assert len(text) == {"+07:00": 25, "Z": 20, "ms+07:00": 29, "msZ": 24}[layout]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_text_changes_with_the_second(layout: Layout) -> None:
    """A second's text is kept for that second only, also where the clock goes back."""
    moments = [MORNING + shift for shift in (0.0, 0.25, 0.999, 1.0, 1.5, 0.75, 60.0, -0.25, -1.0, 0.0)]
    kept = Timestamps(layout, ticking(*moments))
    assert [at(moment, layout) for moment in moments] == [kept.now() for _ in moments]


@pytest.mark.parametrize("layout", ["ms+07:00", "msZ"])
def test_the_last_moment_of_a_second_is_not_the_next_one(layout: Layout) -> None:
    """However near the next second is, second and milliseconds agree."""
    told = datetime.fromisoformat(at(MORNING - 2**-22, layout))
    assert told.replace(tzinfo=None) in {
        datetime.fromtimestamp(MORNING - 0.001, zone).replace(tzinfo=None) for zone in (UTC, JAKARTA)
    }


def test_threads_share_timestamps() -> None:
    """No thread gets the second of one moment with the text of another."""
    moments = [MORNING + number / 2 for number in range(4000)]
    clock = ticking(*moments)
    kept = Timestamps("msZ", clock)
    told: list[str] = []

    def work() -> None:
        for _ in range(1000):
            told.append(kept.now())  # noqa: PERF401 - seen by the others while it grows

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(at(moment, "msZ") for moment in moments) == sorted(told)


def test_without_a_clock_it_is_now() -> None:
    """The default is the machine's clock."""
    before = datetime.now(UTC).replace(microsecond=0)
    assert before <= datetime.fromisoformat(Timestamps().now()) <= datetime.now(UTC)


@given(st.floats(0, 9_999_999_999, allow_nan=False))
def test_an_external_id_is_33_digits(moment: float) -> None:
    """Numeric and at most 36 long at any time: every edition of the standard takes it."""
    number = external_id(lambda: moment)
    assert number.isascii()
    assert number.isdigit()
    assert len(number) == 33
    assert f"{int(moment * 1000):013d}" == number[:13]


def test_external_ids_of_several_processes_are_all_different() -> None:
    """20,000 ids, made by four new processes within the same pretended millisecond."""
    stopped = partial(float, str(MORNING))
    with multiprocessing.get_context("spawn").Pool(PROCESSES, maxtasksperchild=1) as pool:
        made = pool.starmap(external_id, [(stopped,)] * IDS, chunksize=IDS // PROCESSES)
        pool.close()
        pool.join()
    assert len(made) == IDS
    assert len(set(made)) == IDS


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_makes_other_ids() -> None:
    """Nothing random is carried over a fork: parent and children go on with different ids."""
    program = """
        import os
        from paygate.snap import external_id
        first = external_id(lambda: 1.0)
        children = 0
        while children < 3 and os.fork():
            children += 1
        for _ in range(50):
            os.write(1, (external_id(lambda: 1.0) + chr(10)).encode())
        if children == 3:
            for _ in range(3):
                os.wait()
        else:
            os._exit(0)
        os.write(1, (first + chr(10)).encode())
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    made = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout.split()
    assert len(made) == 201
    assert len(set(made)) == 201


@pytest.mark.parametrize(
    ("prefix", "path", "signed"),
    [
        ("", "/v1.0/qr", "/v1.0/qr"),
        ("/nicepay", "/nicepay/api/v1.0/qr", "/api/v1.0/qr"),
        ("/nicepay", "/v1.0/qr", "/v1.0/qr"),
        ("/a", "/a/a/b", "/a/b"),
        ("/api", "/v1.0/api?x=/api", "/v1.0/api?x=/api"),
    ],
)
def test_the_signed_path_lacks_the_unsigned_prefix(prefix: str, path: str, signed: str) -> None:
    """Once, at the front, and nowhere else."""
    assert signed == SnapProfile(unsigned_prefix=prefix).signed_path(path)


def test_a_profile_is_the_standard_s_commonest_reading() -> None:
    """Without options: token path of service 73, HMAC, base64, Jakarta's time, no channel."""
    profile = SnapProfile()
    assert profile.token_path == "/v1.0/access-token/b2b"
    assert (
        profile.symmetric,
        profile.encoding,
        profile.layout,
        profile.channel_id,
    ) == (True, "base64", "+07:00", None)
