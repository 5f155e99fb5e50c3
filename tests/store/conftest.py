"""Stores over every database that paygate works with.

Ask for `store_url` to run a test over each of them, or mark it for some:
`@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)`.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from paygate.redaction import Secret
from paygate.store.database import Database
from paygate.store_settings import StoreSettings
from tests.databases import BACKENDS, Laid
from tests.store.rounds import Merchants


@pytest.fixture(scope="session")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laid]:
    """The databases of this process; they are dropped in the end."""
    with Laid(tmp_path_factory.mktemp("store")).all() as one:
        yield one


@pytest.fixture(params=BACKENDS)
def store_url(request: pytest.FixtureRequest, laid: Laid, tmp_path: Path) -> str:
    """The address of an empty database with the tables in it: a file, PostgreSQL, MariaDB."""
    return laid.url(request.param, tmp_path)


@pytest.fixture(params=BACKENDS)
def bare_url(request: pytest.FixtureRequest, laid: Laid, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table: a file that is not there, PostgreSQL, MariaDB."""
    with laid.bare(request.param, tmp_path) as url:
        yield url


@pytest.fixture(scope="session")
def merchants(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Merchants]:
    """A merchant's program, for tests with processes of their own that may be killed."""
    with closing(Merchants(tmp_path_factory.mktemp("merchants"))) as one:
        yield one


@pytest.fixture
def store_settings(store_url: str) -> StoreSettings:
    """The settings of a store over `store_url`."""
    return StoreSettings(url=Secret(store_url))


@pytest.fixture
def database(store_settings: StoreSettings) -> Iterator[Database]:
    """The database under a store, closed in the end."""
    one = Database(store_settings)
    try:
        yield one
    finally:
        one.close()
