"""Seals what is personal under the person's own key (AES-256-GCM).

A sealed value is `v1` or `v2`, a 12-byte nonce and the ciphertext with its tag; the person and the
purpose are authenticated with it, so a value cannot be moved to another person or field. In `v2`
so is the stream: what stands in another stream than the person's own opens there and nowhere else.
Keys live in memory while they are used and never in an event, a log or an error.
"""

import base64
import secrets
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4, uuid5

import asyncpg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from citybrain.errors import CitybrainError, NotFound
from citybrain.vault.asking import KeyAsking
from citybrain.vault.keys import KEY_BYTES, NONCE_BYTES, KeyWrapper

VERSION: Final = b"v1"
BOUND: Final = b"v2"
"""Bound to a stream as well."""
TAG_BYTES = 16
SEAL_BYTES = len(VERSION) + NONCE_BYTES + TAG_BYTES  # what sealing adds
CACHED_KEYS = 10_000
NAMED_KEYS = UUID("5f0c2b7e-3a8e-4f6c-9f0e-6d1d2c9b7a41")
"""Ids of named keys follow from their names under this one (RFC 9562 §5.5)."""

CREATE_KEY = """
INSERT INTO person_keys (person_id, wrapped_key, wrapped_by) VALUES ($1, $2, $3)
ON CONFLICT (person_id) DO NOTHING
"""
ERASED = "SELECT person_id FROM person_keys WHERE destroyed_at IS NOT NULL"
CREATE_KEYS = """
INSERT INTO person_keys (person_id, wrapped_key, wrapped_by)
SELECT person_id, wrapped, $3 FROM unnest($1::text[], $2::bytea[]) AS made (person_id, wrapped)
ON CONFLICT (person_id) DO NOTHING
"""
DESTROY_KEY = """
UPDATE person_keys SET wrapped_key = NULL, destroyed_at = clock_timestamp()
WHERE person_id = $1 AND destroyed_at IS NULL
"""
DELETE_BLOBS = "DELETE FROM sealed_blobs WHERE person_id = $1"
DELETE_INDEXES = "DELETE FROM person_blind_indexes WHERE person_id = $1"
HAS_KEY = "FROM person_keys WHERE person_id = $1 AND wrapped_key IS NOT NULL FOR SHARE"
SAVE_INDEX = f"""
INSERT INTO person_blind_indexes (person_id, purpose, digest) SELECT $1, $2, $3 {HAS_KEY}
ON CONFLICT (purpose, digest) DO NOTHING
"""
READ_INDEX = "SELECT person_id FROM person_blind_indexes WHERE purpose = $1 AND digest = $2"
SAVE_INDEXES = """
INSERT INTO person_blind_indexes (person_id, purpose, digest)
SELECT person_id, $1, digest FROM unnest($2::text[], $3::bytea[]) AS named (person_id, digest)
JOIN person_keys USING (person_id) WHERE wrapped_key IS NOT NULL
ORDER BY digest FOR SHARE OF person_keys
ON CONFLICT (purpose, digest) DO NOTHING
"""
READ_INDEXES = """
SELECT digest, person_id FROM person_blind_indexes WHERE purpose = $1 AND digest = ANY($2)
"""
SAVE_BLOB = f"""
INSERT INTO sealed_blobs (person_id, blob_id, kind, content, delete_after)
SELECT $1, $2, $3, $4, $5 {HAS_KEY}
"""
DELETE_OTHER_INDEXES = """
DELETE FROM person_blind_indexes WHERE person_id = $1 AND purpose = $2 AND NOT digest = ANY($3)
"""
MAKE_NAMED_KEY = """
INSERT INTO sealed_blobs (person_id, blob_id, kind, content, delete_after, wrapped_by)
VALUES ($1, $2, 'named-key', $3, $4, $5) ON CONFLICT (blob_id) DO NOTHING
"""
READ_NAMED_KEY = "SELECT content FROM sealed_blobs WHERE blob_id = $1"
READ_BLOB = "SELECT content FROM sealed_blobs WHERE blob_id = $1 AND person_id = $2 AND kind = $3"
READ_BLOBS = """
SELECT blob_id, person_id, content, wrapped_key
FROM sealed_blobs JOIN person_keys USING (person_id)
WHERE blob_id = ANY($1) AND kind = $2 AND wrapped_key IS NOT NULL
"""
READ_KIND = """
SELECT blob_id FROM sealed_blobs WHERE person_id = $1 AND kind = $2
  AND (delete_after IS NULL OR delete_after >= clock_timestamp()) ORDER BY created_at, blob_id
"""
COUNT_BLOBS = """
SELECT count(*) FROM sealed_blobs WHERE person_id = $1 AND kind = $2
  AND (delete_after IS NULL OR delete_after >= clock_timestamp())
"""
DELETE_BLOB = "DELETE FROM sealed_blobs WHERE blob_id = ANY($1)"
DELETE_KIND = "DELETE FROM sealed_blobs WHERE person_id = $1 AND kind = $2"
DELETE_OTHERS = """
DELETE FROM sealed_blobs
WHERE person_id = $1 AND kind = $2 AND NOT blob_id = ANY($3)
  AND (blob_id = ANY($4) OR created_at < clock_timestamp() - interval '1 hour')
"""
DELETE_EXPIRED = "DELETE FROM sealed_blobs WHERE delete_after < clock_timestamp()"


class PersonErased(NotFound):
    """The person's key was destroyed; what it sealed cannot be read any more."""

    code = "person-erased"


class NoSuchKey(NotFound):
    """This person has no key."""

    code = "no-such-person-key"


class NoSuchBlob(NotFound):
    """Deleted after its time, or never there."""

    code = "no-such-sealed-blob"


class SealBroken(CitybrainError):
    """A sealed value was changed, or belongs to another person or purpose."""

    code = "seal-broken"


class InStream(NamedTuple):
    """A purpose of what is sealed in a stream that is not the person's own.

    Values of before, which say nothing of a stream, open with it, too.
    """

    purpose: str
    stream_id: str


Purpose = str | InStream


class Vault:
    """Keys of people, and sealed values."""

    def __init__(self, pool: "asyncpg.Pool[Any]", wrapper: KeyWrapper) -> None:
        self._pool = pool
        self._wrapper = wrapper
        self._asking = KeyAsking(pool)
        self._keys: OrderedDict[str, bytes] = OrderedDict()

    async def create_key(self, person_id: str) -> None:
        """Make the person's key, unless there is one."""
        wrapped = await self._wrapper.wrap(secrets.token_bytes(KEY_BYTES), person_id)
        await self._pool.execute(CREATE_KEY, person_id, wrapped, self._wrapper.key_id)

    async def create_keys(self, person_ids: Sequence[str]) -> None:
        """Make keys for many, unless they have one."""
        wrapped = [await self._wrapper.wrap(secrets.token_bytes(KEY_BYTES), i) for i in person_ids]
        await self._pool.execute(CREATE_KEYS, person_ids, wrapped, self._wrapper.key_id)

    async def erase(self, person_id: str) -> None:
        """Destroy the person's key and delete what is stored for them. For ever."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(DESTROY_KEY, person_id)
            await connection.execute(DELETE_BLOBS, person_id)
            await connection.execute(DELETE_INDEXES, person_id)
        self._keys.pop(person_id, None)

    async def erased(self) -> list[str]:
        """All people and things whose keys were destroyed."""
        return [row["person_id"] for row in await self._pool.fetch(ERASED)]

    async def seal(self, person_id: str, purpose: Purpose, value: bytes) -> bytes:
        """`value` sealed for one purpose; raises `PersonErased` or `NoSuchKey`."""
        return _sealed(await self._key(person_id), person_id, purpose, value)

    async def open(self, person_id: str, purpose: Purpose, sealed: bytes) -> bytes:
        """The value again; raises `PersonErased`, `NoSuchKey` or `SealBroken`."""
        return _opened(await self._key(person_id), person_id, purpose, sealed)

    async def seal_text(self, person_id: str, purpose: Purpose, value: str) -> str:
        """A sealed text, in base64: for a field of an event."""
        (sealed,) = await self.seal_texts(person_id, [(purpose, value)])
        return sealed

    async def seal_texts(self, person_id: str, values: Sequence[tuple[Purpose, str]]) -> list[str]:
        """Texts of one person, each with its purpose, by one look at their key."""
        if not values:
            return []
        key = await self._key(person_id)
        return [
            base64.b64encode(_sealed(key, person_id, purpose, value.encode())).decode()
            for purpose, value in values
        ]

    async def open_text(self, person_id: str, purpose: Purpose, sealed: str) -> str:
        """The text again; errors as of `open`."""
        return (await self.open(person_id, purpose, base64.b64decode(sealed))).decode()

    async def open_texts(self, person_id: str, sealed: Sequence[tuple[Purpose, str]]) -> list[str]:
        """Texts of one person, each with its purpose, by one look at their key."""
        if not sealed:
            return []
        key = await self._key(person_id)
        return [
            _opened(key, person_id, purpose, base64.b64decode(value)).decode()
            for purpose, value in sealed
        ]

    async def seal_many(
        self, purpose: Purpose, values: Sequence[tuple[str, str]]
    ) -> list[str | None]:
        """Texts of many people, sealed, by one look at their keys; None where it was destroyed.

        Raises `NoSuchKey`.
        """
        keys = await self._keys_of([person_id for person_id, _ in values])
        return [
            base64.b64encode(_sealed(keys[person_id], person_id, purpose, value.encode())).decode()
            if person_id in keys
            else None
            for person_id, value in values
        ]

    async def open_many(
        self, purpose: Purpose, sealed: Sequence[tuple[str, str]]
    ) -> list[str | None]:
        """Texts of many people again; None where the key was destroyed; errors as of `open`."""
        keys = await self._keys_of([person_id for person_id, _ in sealed])
        return [
            _opened(keys[person_id], person_id, purpose, base64.b64decode(value)).decode()
            if person_id in keys
            else None
            for person_id, value in sealed
        ]

    async def index(self, person_id: str, purpose: str, value: str) -> str:
        """Make the person found by `value`; returns who it belongs to: somebody may be there.

        Raises `PersonErased` or `NoSuchKey`.
        """
        digest = await self.digest(purpose, value.encode())
        await self._pool.execute(SAVE_INDEX, person_id, purpose, digest)
        owner: str | None = await self._pool.fetchval(READ_INDEX, purpose, digest)
        if owner is None:
            await self._key(person_id)
            raise PersonErased("this person's data has been erased")
        return owner

    async def index_many(self, purpose: str, values: Mapping[str, str]) -> None:
        """Make many found, each by its value, unless somebody is found by it: `find_many` tells."""
        digests = [await self.digest(purpose, value.encode()) for value in values.values()]
        await self._pool.execute(SAVE_INDEXES, purpose, list(values), digests)

    async def find_many(self, purpose: str, values: Collection[str]) -> dict[str, str]:
        """Whom values belong to, of those that belong to somebody."""
        digests = {await self.digest(purpose, value.encode()): value for value in values}
        rows = await self._pool.fetch(READ_INDEXES, purpose, list(digests))
        return {digests[row["digest"]]: row["person_id"] for row in rows}

    async def index_only(self, person_id: str, purpose: str, values: Iterable[str]) -> None:
        """Make the person found by nothing else than these, of what they are found by now."""
        kept = [await self.digest(purpose, value.encode()) for value in values]
        await self._pool.execute(DELETE_OTHER_INDEXES, person_id, purpose, kept)

    async def digest(self, purpose: str, value: bytes) -> bytes:
        """A keyed digest: it tells whether two values are the same, and only to us."""
        return await self._wrapper.digest(value, purpose)

    async def find(self, purpose: str, value: str) -> str | None:
        """Whom `value` belongs to."""
        digest = await self.digest(purpose, value.encode())
        found: str | None = await self._pool.fetchval(READ_INDEX, purpose, digest)
        return found

    async def named_key(self, name: str, delete_after: datetime) -> bytes:
        """A random key of this name, the same for every process until it is deleted.

        That is after its time, or by `forget_named_key`; then the name has another key.
        """
        blob_id = uuid5(NAMED_KEYS, name)
        wrapped = await self._pool.fetchval(READ_NAMED_KEY, blob_id)
        while wrapped is None:
            made = await self._wrapper.wrap(secrets.token_bytes(KEY_BYTES), name)
            by = self._wrapper.key_id
            await self._pool.execute(MAKE_NAMED_KEY, name, blob_id, made, delete_after, by)
            wrapped = await self._pool.fetchval(READ_NAMED_KEY, blob_id)
        return await self._wrapper.unwrap(wrapped, name)

    async def forget_named_key(self, name: str) -> None:
        """Delete the key of this name."""
        await self.delete([uuid5(NAMED_KEYS, name)])

    async def keep(
        self, person_id: str, kind: str, value: bytes, delete_after: datetime | None = None
    ) -> UUID:
        """Store a value sealed; returns its id. It is deleted after `delete_after`.

        Raises `PersonErased` or `NoSuchKey`.
        """
        blob_id = uuid4()
        sealed = await self.seal(person_id, f"{kind}:{blob_id}", value)
        saved = await self._pool.execute(SAVE_BLOB, person_id, blob_id, kind, sealed, delete_after)
        if saved != "INSERT 0 1":
            raise PersonErased("this person's data has been erased")
        return blob_id

    async def count(self, person_id: str, kind: str) -> int:
        """How many values of one kind are stored for a person, and not expired."""
        found: int = await self._pool.fetchval(COUNT_BLOBS, person_id, kind)
        return found

    async def fetch(self, person_id: str, kind: str, blob_id: UUID) -> bytes:
        """What `keep` stored; raises `NoSuchBlob` beside the errors of `open`."""
        sealed = await self._pool.fetchval(READ_BLOB, blob_id, person_id, kind)
        if sealed is None:
            raise NoSuchBlob(f"this {kind} is not kept any more")
        return await self.open(person_id, f"{kind}:{blob_id}", sealed)

    async def fetch_many(self, kind: str, wanted: Sequence[tuple[str, UUID]]) -> list[bytes | None]:
        """For each person and blob what `keep` stored, or None where it can no longer be read."""
        rows = await self._pool.fetch(READ_BLOBS, [blob for _, blob in wanted], kind)
        found = {(row["person_id"], row["blob_id"]): row for row in rows}
        values: list[bytes | None] = []
        for person_id, blob_id in wanted:
            row = found.get((person_id, blob_id))
            if row is None:
                values.append(None)
                continue
            key = await self._wrapper.unwrap(row["wrapped_key"], person_id)
            values.append(_opened(key, person_id, f"{kind}:{blob_id}", row["content"]))
        return values

    async def kept(self, person_id: str, kind: str) -> list[bytes]:
        """All that `keep` stored of one kind for a person, the oldest first; none where erased."""
        rows = await self._pool.fetch(READ_KIND, person_id, kind)
        values = await self.fetch_many(kind, [(person_id, row["blob_id"]) for row in rows])
        return [value for value in values if value is not None]

    async def delete(self, blob_ids: Sequence[UUID]) -> None:
        """Delete stored values."""
        await self._pool.execute(DELETE_BLOB, blob_ids)

    async def keep_only(
        self, person_id: str, kind: str, current: Sequence[UUID], ended: Sequence[UUID]
    ) -> None:
        """Delete what has ended, and what a crash left behind an hour ago; keep the current."""
        await self._pool.execute(DELETE_OTHERS, person_id, kind, current, ended)

    async def delete_all(self, person_id: str, kind: str) -> None:
        """Delete all that is stored of one kind for a person."""
        await self._pool.execute(DELETE_KIND, person_id, kind)

    async def delete_expired(self) -> None:
        """Delete stored values whose time is over."""
        await self._pool.execute(DELETE_EXPIRED)

    async def _key(self, person_id: str) -> bytes:
        """The person's key. The database is asked each time: another process may destroy it."""
        try:
            wrapped = await self._asking.wrapped_key(person_id)
        except KeyError:
            raise NoSuchKey("this person has no key") from None
        if wrapped is None:
            self._keys.pop(person_id, None)
            raise PersonErased("this person's data has been erased")
        return await self._unwrapped(person_id, wrapped)

    async def _keys_of(self, person_ids: Sequence[str]) -> dict[str, bytes]:
        """The keys of many, without those that were destroyed; raises `NoSuchKey`."""
        wanted = set(person_ids)
        found = await self._asking.wrapped_keys(wanted)
        if len(found) < len(wanted):
            raise NoSuchKey("one of these people has no key")
        kept = {person_id: wrapped for person_id, wrapped in found.items() if wrapped}
        for erased in wanted - kept.keys():
            self._keys.pop(erased, None)
        return {each: await self._unwrapped(each, wrapped) for each, wrapped in kept.items()}

    async def _unwrapped(self, person_id: str, wrapped: bytes) -> bytes:
        key = self._keys.get(person_id) or await self._wrapper.unwrap(wrapped, person_id)
        self._keys[person_id] = key
        if len(self._keys) > CACHED_KEYS:
            self._keys.popitem(last=False)
        return key


def most_text_bytes(sealed_bytes: int) -> int:
    """The longest text (UTF-8) that `seal_text` makes no longer than `sealed_bytes`."""
    return max(sealed_bytes // 4 * 3 - SEAL_BYTES, 0)


def _sealed(key: bytes, person_id: str, purpose: Purpose, value: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    version = BOUND if isinstance(purpose, InStream) else VERSION
    context = _context(version, person_id, purpose)
    return version + nonce + AESGCM(key).encrypt(nonce, value, context)


def _opened(key: bytes, person_id: str, purpose: Purpose, sealed: bytes) -> bytes:
    version, nonce, content = sealed[:2], sealed[2 : 2 + NONCE_BYTES], sealed[2 + NONCE_BYTES :]
    try:
        if version not in (VERSION, BOUND):
            raise InvalidTag
        return AESGCM(key).decrypt(nonce, content, _context(version, person_id, purpose))
    except (InvalidTag, ValueError) as error:
        said = purpose.purpose if isinstance(purpose, InStream) else purpose
        raise SealBroken(f"a sealed {said} cannot be opened") from error


def _context(version: bytes, person_id: str, purpose: Purpose) -> bytes:
    """What is authenticated with a value; a value that is bound to a stream opens in none other."""
    if isinstance(purpose, str):
        if version == BOUND:
            raise InvalidTag
        return f"citybrain\0{person_id}\0{purpose}".encode()
    if version == VERSION:
        return _context(version, person_id, purpose.purpose)
    return f"citybrain\0{person_id}\0{purpose.purpose}\0{purpose.stream_id}".encode()
