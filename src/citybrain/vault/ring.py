"""The master keys that a process has, and whether they are those of its database.

One wraps, others only open what they have wrapped: before and after a rotation. A database keeps
the key of its digests wrapped, with a digest made with it. So a process with another master key
finds nobody whom it knows, and could wrap what nobody else opens: it does not start.
"""

import hmac
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import asyncpg
import structlog

from citybrain.key_files import make_once
from citybrain.settings import Settings
from citybrain.vault.keys import (
    KEY_BYTES,
    FileKeyWrapper,
    KeyWrapper,
    MasterKeyMissing,
    MasterKeyWrong,
    keyed,
    require_own_key,
)

log = structlog.get_logger(__name__)

DIGESTS: Final = "digests"
CHECK: Final = "check"
NO_KEY: Final = b"kept by the service"
ROWS = 1000

READ = "SELECT first_key_id, key_id, wrapped, digest FROM vault_keys WHERE name = $1"
MAKE = """
INSERT INTO vault_keys (name, first_key_id, key_id, wrapped, digest) VALUES ($1, $2, $2, $3, $4)
ON CONFLICT (name) DO NOTHING
"""
CHANGE = """
UPDATE vault_keys SET key_id = $2, wrapped = $3, changed_at = clock_timestamp() WHERE name = $1
"""
SOMEBODYS = "SELECT person_id, wrapped_key FROM person_keys WHERE wrapped_key IS NOT NULL LIMIT 1"
USED = """
WITH RECURSIVE used AS (
    (SELECT wrapped_by FROM {rows} AND wrapped_by IS NOT NULL ORDER BY wrapped_by LIMIT 1)
    UNION ALL
    SELECT (SELECT wrapped_by FROM {rows} AND wrapped_by > used.wrapped_by
            ORDER BY wrapped_by LIMIT 1)
    FROM used WHERE used.wrapped_by IS NOT NULL
)
SELECT wrapped_by FROM used WHERE wrapped_by IS NOT NULL
UNION ALL
SELECT NULL WHERE EXISTS (SELECT FROM {rows} AND wrapped_by IS NULL)
"""
PEOPLES = "person_keys WHERE wrapped_key IS NOT NULL"
NAMED = "sealed_blobs WHERE kind = 'named-key'"
COUNT = "SELECT wrapped_by, count(*) AS keys FROM {rows} GROUP BY 1"
PAGE_OF_PEOPLE = f"""
SELECT person_id AS id, person_id AS context, wrapped_key AS wrapped FROM {PEOPLES}
  AND person_id > $1 AND wrapped_by IS DISTINCT FROM $2 ORDER BY person_id LIMIT {ROWS}
"""  # noqa: S608
PAGE_OF_NAMED = f"""
SELECT blob_id::text AS id, person_id AS context, content AS wrapped FROM {NAMED}
  AND blob_id::text > $1 AND wrapped_by IS DISTINCT FROM $2 ORDER BY blob_id::text LIMIT {ROWS}
"""  # noqa: S608
CHANGE_PEOPLE = """
UPDATE person_keys k SET wrapped_key = n.wrapped, wrapped_by = $1
FROM unnest($2::text[], $3::bytea[], $4::bytea[]) AS n (id, before, wrapped)
WHERE k.person_id = n.id AND k.wrapped_key = n.before
"""
CHANGE_NAMED = """
UPDATE sealed_blobs k SET content = n.wrapped, wrapped_by = $1
FROM unnest($2::text[], $3::bytea[], $4::bytea[]) AS n (id, before, wrapped)
WHERE k.blob_id = n.id::uuid AND k.content = n.before
"""

Progress = Callable[[int, int], None]


class Wrapped(NamedTuple):
    """How many keys a master key has wrapped; `key_id` in hex."""

    key_id: str
    people: int
    named: int
    current: bool
    known: bool
    """Whether this process has it."""


class KeyRing:
    """A `KeyWrapper` of several: `current` wraps, all open, and digests keep their key."""

    def __init__(self, current: KeyWrapper, others: Sequence[KeyWrapper] = ()) -> None:
        self._wrappers = [current, *others]
        self._digest_key: bytes | None = None
        self.key_ids = frozenset(each.key_id for each in self._wrappers)

    @property
    def current(self) -> KeyWrapper:
        """The one that wraps."""
        return self._wrappers[0]

    @property
    def key_id(self) -> bytes:
        """Of the one that wraps."""
        return self.current.key_id

    async def wrap(self, key: bytes, context: str) -> bytes:
        """The wrapped form of `key`."""
        return await self.current.wrap(key, context)

    async def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """The key again; raises `MasterKeyWrong` where none of ours wrapped it."""
        *firsts, last = self._wrappers
        for each in firsts:
            try:
                return await each.unwrap(wrapped, context)
            except MasterKeyWrong:
                continue
        return await last.unwrap(wrapped, context)

    async def digest(self, value: bytes, purpose: str) -> bytes:
        """A keyed digest, the same before and after a rotation."""
        if self._digest_key is None:
            return await self.current.digest(value, purpose)
        return keyed(self._digest_key, value, purpose)

    async def fit(self, pool: "asyncpg.Pool[Any]") -> None:
        """Hold these keys against the database; raises `MasterKeyWrong` where they are others.

        The first ones that a database meets are its own, unless people's keys say otherwise.
        """
        row = await pool.fetchrow(READ, DIGESTS) or await self._begin(pool)
        kept = await self._opened(row["wrapped"], DIGESTS)
        self._digest_key = kept if kept != NO_KEY else None
        if not hmac.compare_digest(await self.digest(b"", CHECK), row["digest"]):
            raise MasterKeyWrong(NOT_OURS)
        for rows in (PEOPLES, NAMED):
            found = await pool.fetch(USED.format(rows=rows))
            used = {each["wrapped_by"] or row["first_key_id"] for each in found}
            if missing := used - self.key_ids:
                named = ", ".join(sorted(each.hex() for each in missing))
                raise MasterKeyWrong(
                    f"keys of people are wrapped by another master key ({named}): name its file "
                    "in CITYBRAIN_VAULT_OTHER_KEY_FILES until `citybrain vault rotate` is done"
                )

    async def wrapped(self, pool: "asyncpg.Pool[Any]") -> list[Wrapped]:
        """Which master keys are in use, and for how many keys."""
        row = await pool.fetchrow(READ, DIGESTS)
        first = row["first_key_id"] if row else self.key_id
        counts: dict[bytes, list[int]] = {self.key_id: [0, 0]}
        for place, rows in enumerate((PEOPLES, NAMED)):
            for found in await pool.fetch(COUNT.format(rows=rows)):
                counts.setdefault(found["wrapped_by"] or first, [0, 0])[place] += found["keys"]
        return [
            Wrapped(each.hex(), people, named, each == self.key_id, each in self.key_ids)
            for each, (people, named) in sorted(counts.items())
        ]

    async def rotate(self, pool: "asyncpg.Pool[Any]", progress: Progress) -> int:
        """Wrap all keys by the current master key; returns how many were wrapped by another.

        Others work on meanwhile. Whoever is erased meanwhile stays so. What was interrupted goes on
        where it ended when it is begun again. Raises `MasterKeyWrong`.
        """
        left = sum(w.people + w.named for w in await self.wrapped(pool) if not w.current)
        done = 0
        for page, change in ((PAGE_OF_PEOPLE, CHANGE_PEOPLE), (PAGE_OF_NAMED, CHANGE_NAMED)):
            after = ""
            while rows := await pool.fetch(page, after, self.key_id):
                keys = [await self.unwrap(row["wrapped"], row["context"]) for row in rows]
                again = [
                    await self.wrap(key, row["context"])
                    for key, row in zip(keys, rows, strict=True)
                ]
                before = [row["wrapped"] for row in rows]
                ids = [row["id"] for row in rows]
                await pool.execute(change, self.key_id, ids, before, again)
                after, done = ids[-1], done + len(rows)
                progress(done, max(left, done))
        row = await pool.fetchrow(READ, DIGESTS)
        assert row is not None  # `fit` has looked
        if row["key_id"] != self.key_id:
            kept = await self._opened(row["wrapped"], DIGESTS)
            await pool.execute(CHANGE, DIGESTS, self.key_id, await self.wrap(kept, DIGESTS))
        log.warning("master_key_rotated", security=True, key_id=self.key_id.hex(), keys=done)
        return done

    async def _begin(self, pool: "asyncpg.Pool[Any]") -> Any:
        somebody = await pool.fetchrow(SOMEBODYS)
        if somebody is not None:
            await self._opened(somebody["wrapped_key"], somebody["person_id"])
        current = self.current
        kept = current.digest_key if isinstance(current, FileKeyWrapper) else NO_KEY
        wrapped = await current.wrap(kept, DIGESTS)
        await pool.execute(MAKE, DIGESTS, self.key_id, wrapped, await current.digest(b"", CHECK))
        return await pool.fetchrow(READ, DIGESTS)

    async def _opened(self, wrapped: bytes, context: str) -> bytes:
        try:
            return await self.unwrap(wrapped, context)
        except MasterKeyWrong as error:
            raise MasterKeyWrong(NOT_OURS) from error


NOT_OURS = (
    "this master key is not the one of this database, in which people's keys are wrapped by "
    "another: look at CITYBRAIN_VAULT_MASTER_KEY_FILE and CITYBRAIN_DATABASE_URL"
)


def open_key_wrapper(settings: Settings) -> KeyRing:
    """The wrapper that the settings name, or that of a key file: theirs, or the one in `data_dir`.

    The latter is made in development; tools find it there whatever their mode.
    """
    others = [_of_file(path) for path in settings.vault_other_key_files]
    if settings.vault_key_wrapper is not None:
        return KeyRing(settings.vault_key_wrapper(), others)
    path = settings.vault_master_key_file or settings.data_dir / "keys" / "vault-master.key"
    if settings.mode == "development" and settings.vault_master_key_file is None:
        make_once(path, lambda: secrets.token_bytes(KEY_BYTES))
    elif not path.exists():
        require_own_key(settings)
    return KeyRing(_of_file(path), others)


def _of_file(path: Path) -> FileKeyWrapper:
    try:
        master_key = path.read_bytes()
    except OSError as error:
        raise MasterKeyMissing(f"the master key {path} cannot be read") from error
    if len(master_key) != KEY_BYTES:
        raise MasterKeyWrong(f"the master key {path} has not {KEY_BYTES} bytes")
    return FileKeyWrapper(master_key)
