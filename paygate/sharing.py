"""One gateway's credential, kept in Redis for all processes: one login for all of them. The only redis.

Redis helps and never hinders: whatever is wrong with it, the process logs in by itself. What lies there is
encrypted with a key made of the gateway's own settings, so Redis and whoever reads it learn nothing.
"""

import logging
import math
import os
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct

from paygate.errors import ConfigurationError
from paygate.flow import Credential, KeptCredential
from paygate.pauses import doubling, scattered
from paygate.redaction import Secret
from paygate.sharing_settings import SharingSettings

log = logging.getLogger("paygate")

POLL_SECONDS: Final = 0.05
REST_SECONDS: Final = 10.0
"""How long a Redis that did not answer is not asked again."""

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 2.0
"""Without Redis, processes that end each other's tokens wait for a random time, like stations on a wire."""

LONGEST_LEASE: Final = 30.0
MARGIN: Final = 1.0
"""Seconds that others wait beyond a lease, so that one of them follows a holder that is gone, and not all."""

VERSION: Final = b"\x01"
NONCE: Final = 12
STORE: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return redis.call('DEL', KEYS[1])
"""
RELEASE: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
"""


class SharedPlace:
    """Where one gateway's credential is kept, and the key that it is sealed with.

    Only a gateway of the same name, adapter and settings has the same place: any other's credential may be
    another merchant's. Raises ConfigurationError without the distribution `redis`, or for a URL that it does
    not take. `lease_seconds` is how long a process may log in before another takes its turn. `is_secret` is
    whether the settings have a secret to make the key of; where they have none, nothing is kept.
    """

    def __init__(
        self, settings: SharingSettings, gateway: str, adapter: str, own: Struct, lease_seconds: float
    ) -> None:
        self.gateway = gateway
        self.lease_seconds = min(lease_seconds, LONGEST_LEASE)
        key, fingerprint, self.is_secret = _derived(adapter, own)
        self.name = f"{settings.prefix}:credential:{gateway}:{fingerprint}"
        self.lock = f"{self.name}:lock"
        self._cipher = _cipher(key)
        self._settings = settings
        try:
            # What is wrong with the URL's options is found when a connection is made, before it connects.
            self.client().connection_pool.make_connection()
        except ImportError:
            raise ConfigurationError(
                "[credentials] needs the distribution redis: install paygate-core with its extra `redis`"
            ) from None
        except (ValueError, TypeError):  # its text may quote the URL
            raise ConfigurationError("credentials.url: is no address that redis takes") from None

    def client(self) -> Any:
        """A new client, which connects when it is first used, and never tries twice."""
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        seconds = self._settings.timeout_seconds
        return Redis.from_url(
            self._settings.url.reveal(),
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )

    def sealed(self, kept: bytes) -> bytes:
        """What to leave in Redis."""
        nonce = os.urandom(NONCE)
        sealed: bytes = self._cipher.encrypt(nonce, kept, self.name.encode())
        return VERSION + nonce + sealed

    def opened(self, found: bytes) -> bytes:
        """What was sealed; raise an exception for anything else."""
        if not found.startswith(VERSION):
            raise ValueError("another version")
        start = len(VERSION) + NONCE
        kept: bytes = self._cipher.decrypt(found[len(VERSION) : start], found[start:], self.name.encode())
        return kept


class SharedCredential:
    """What is kept at a place, as the adapter understands it; remembers whether Redis is away.

    Use it from one thread or task at a time, as the flight of `paygate.credentials` does.
    """

    def __init__(
        self, place: SharedPlace, restore: Callable[[bytes], Credential], clock: Callable[[], float]
    ) -> None:
        self.place = place
        self._restore = restore
        self._clock = clock
        self._is_away = False
        self._rests_until = -math.inf

    @property
    def rests(self) -> bool:
        """Whether Redis has not answered lately, and is not asked now."""
        return time.monotonic() < self._rests_until

    def visit(self, stale: Credential | None, renewals: int = 0) -> "Visit":
        """Begin to look for a credential other than the `stale` one, after so many that did not help."""
        return Visit(self, stale, renewals)

    def read(self, found: bytes | None, stale: Credential | None) -> Credential | None:
        """What was found, unless it is unreadable, expired, the stale one, or older than that."""
        if found is None:
            return None
        try:
            kept = self.place.opened(found)
            credential = self._restore(kept)
            ends = credential.expires_at
            if ends <= self._clock() or (stale is not None and ends < stale.expires_at):
                return None
            return None if stale is not None and _kept(stale) == kept else credential
        except Exception:  # noqa: BLE001 - of another secret or version, or garbage: as if nothing were there
            return None

    def written(self, credential: Credential) -> tuple[bytes, int] | None:
        """What to leave of a credential, and for how many milliseconds; None where it cannot be kept."""
        try:
            kept, seconds = _kept(credential), credential.expires_at - self._clock()
            return (self.place.sealed(kept), int(seconds * 1000)) if kept and 0 < seconds < math.inf else None
        except Exception:  # noqa: BLE001 - an adapter may raise anything; the login itself succeeded
            return None

    def went_away(self, error: Exception) -> None:
        """Take note that Redis did not do as asked; said once for each outage."""
        self._rests_until = time.monotonic() + REST_SECONDS
        if not self._is_away:
            self._is_away = True
            log.warning(
                "paygate: gateway %s logs in by itself, for the Redis of [credentials] cannot be used (%s)",
                self.place.gateway,
                type(error).__name__,
            )

    def came_back(self) -> None:
        """Take note that Redis did as asked."""
        if self._is_away:
            self._is_away = False
            log.warning(
                "paygate: gateway %s shares its credential again, for Redis answers", self.place.gateway
            )


class Visit:
    """One renewal: look until it no longer `waits`; where nothing was found log in, and leave the outcome.

    Each step blocks for a few timeouts at most. None raises anything. `pause` is seconds before the login.
    """

    def __init__(self, shared: SharedCredential, stale: Credential | None, renewals: int) -> None:
        self.waits = True
        self.pause = 0.0
        self._shared = shared
        self._place = shared.place
        self._stale = stale
        self._renewals = renewals
        self._client: Any = None
        self._holder = secrets.token_bytes(16)
        self._until = time.monotonic() + self._place.lease_seconds + MARGIN

    def look(self) -> Credential | None:
        """A credential that another process left; None with `waits` while another one logs in."""
        found, self.waits = None, False
        if not self._shared.rests:
            try:
                found = self._looked()
            except Exception as error:  # noqa: BLE001 - nothing that happens to Redis may fail a charge
                self._shared.went_away(error)
            else:
                self._shared.came_back()
        if self._shared.rests:
            self.close()
            if self._stale is not None:
                self.pause = scattered(doubling(self._renewals + 1, FIRST_PAUSE, LONGEST_PAUSE))
        return found

    def leave(self, brought: Credential | None) -> None:
        """Leave what the login brought to the others, or only make way for them."""
        if self._client is None:
            return
        written = self._shared.written(brought) if brought is not None else None
        try:
            if written is None:
                self._client.eval(RELEASE, 1, self._place.lock, self._holder)
            else:
                self._client.eval(STORE, 2, self._place.lock, self._place.name, self._holder, *written)
        except Exception as error:  # noqa: BLE001 - as above
            self._shared.went_away(error)
        self.close()

    def close(self) -> None:
        """Close the connection: one that is kept for minutes would be cut unseen."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _looked(self) -> Credential | None:
        if self._client is None:
            self._client = self._place.client()
        found = self._read()
        if found is not None:
            return found
        lease = int(self._place.lease_seconds * 1000)
        if not self._client.set(self._place.lock, self._holder, nx=True, px=lease):
            self.waits = time.monotonic() < self._until
            return None
        found = self._read()  # the last holder may have left one in between
        if found is not None:
            self._client.eval(RELEASE, 1, self._place.lock, self._holder)
        else:
            self._client.delete(self._place.name)  # nobody is to take up what was rejected
        return found

    def _read(self) -> Credential | None:
        return self._shared.read(self._client.get(self._place.name), self._stale)


def _kept(credential: Credential) -> bytes | None:
    """A credential as its adapter keeps it; None where it cannot."""
    return credential.keep() if isinstance(credential, KeptCredential) else None


def _derived(adapter: str, own: Struct) -> tuple[bytes, str, bool]:
    """Of an adapter's settings, secrets included: a key, a fingerprint, and whether there are any secrets."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    hidden: list[str] = []

    def revealed(value: Any) -> str:
        if not isinstance(value, Secret):
            return str(value)
        hidden.append(value.reveal())
        return hidden[-1]

    material = msgspec.json.encode((adapter, own), enc_hook=revealed, order="sorted")
    key, name = (
        HKDF(SHA256(), length, None, b"paygate credentials 1 " + purpose).derive(material)
        for purpose, length in ((b"key", 32), (b"name", 12))
    )
    return key, name.hex(), any(hidden)


def _cipher(key: bytes) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)
