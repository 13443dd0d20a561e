"""The vault: what is sealed opens for its person and purpose only, and never after erasure."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from citybrain.eventstore import EventStore
from citybrain.settings import Settings
from citybrain.vault import (
    FileKeyWrapper,
    InStream,
    PersonErased,
    SealBroken,
    Vault,
    open_key_wrapper,
    require_own_key,
)
from citybrain.vault.keys import MasterKeyMissing, MasterKeyWrong
from citybrain.vault.vault import NoSuchBlob, NoSuchKey

WRAPPER = FileKeyWrapper(b"w" * 32)
ANNA, BORIS = "citizen-anna", "citizen-boris"
SECRET = "張三 410102199005011234"


def made() -> FileKeyWrapper:
    """What a setting names."""
    return WRAPPER


@pytest.fixture
async def vault(store: EventStore) -> Vault:
    vault = Vault(store.pool, FileKeyWrapper(b"k" * 32))
    await vault.create_key(ANNA)
    await vault.create_key(BORIS)
    return vault


async def test_what_is_sealed_opens_again_and_looks_different_each_time(vault: Vault) -> None:
    one, other = [await vault.seal_text(ANNA, "name", SECRET) for _ in range(2)]
    assert one != other
    assert await vault.open_text(ANNA, "name", one) == SECRET


async def test_a_seal_is_bound_to_its_person_purpose_and_stream(vault: Vault) -> None:
    sealed = await vault.seal(ANNA, "name", SECRET.encode())
    with pytest.raises(SealBroken):
        await vault.open(ANNA, "id_number", sealed)
    with pytest.raises(SealBroken):
        await vault.open(BORIS, "name", sealed)
    in_one, in_other = (InStream("receipt", f"application-{name}") for name in "ab")
    bound = await vault.seal_text(ANNA, in_one, SECRET)
    assert await vault.open_text(ANNA, in_one, bound) == SECRET
    for elsewhere in (in_other, "receipt", InStream("note", in_one.stream_id)):
        with pytest.raises(SealBroken):
            await vault.open_text(ANNA, elsewhere, bound)
    of_before = await vault.seal_text(ANNA, "receipt", SECRET)
    assert await vault.open_text(ANNA, in_one, of_before) == SECRET
    renamed = base64.b64encode(b"v1" + base64.b64decode(bound)[2:]).decode()
    with pytest.raises(SealBroken):
        await vault.open_text(ANNA, in_one, renamed)
    for place in (0, 5, len(sealed) - 1):
        broken = bytearray(sealed)
        broken[place] ^= 1
        with pytest.raises(SealBroken):
            await vault.open(ANNA, "name", bytes(broken))
    with pytest.raises(SealBroken):
        await vault.open(ANNA, "name", sealed[:8])


async def test_erasure_is_for_ever_and_for_every_process(vault: Vault, store: EventStore) -> None:
    other_process = Vault(store.pool, FileKeyWrapper(b"k" * 32))
    sealed = await vault.seal(ANNA, "name", SECRET.encode())
    blob = await vault.keep(ANNA, "template", b"face")
    await vault.index(ANNA, "id-number", "4101")
    assert await other_process.open(ANNA, "name", sealed) == SECRET.encode()

    await vault.erase(ANNA)
    await vault.create_key(ANNA)  # must not bring anything back

    for opened in (vault, other_process):
        with pytest.raises(PersonErased):
            await opened.open(ANNA, "name", sealed)
    with pytest.raises(NoSuchBlob):
        await vault.fetch(ANNA, "template", blob)
    assert await vault.find("id-number", "4101") is None
    assert await vault.open_text(BORIS, "name", await vault.seal_text(BORIS, "name", "b")) == "b"


async def test_an_unknown_person_has_no_key(vault: Vault) -> None:
    with pytest.raises(NoSuchKey):
        await vault.seal("citizen-nobody", "name", b"x")


async def test_the_first_to_claim_a_value_is_found_by_it(vault: Vault) -> None:
    assert await vault.index(ANNA, "id-number", "4101") == ANNA
    assert await vault.index(BORIS, "id-number", "4101") == ANNA
    assert await vault.find("id-number", "4101") == ANNA
    assert await vault.find("phone", "4101") is None


async def test_digests_depend_on_the_master_key(vault: Vault, store: EventStore) -> None:
    other = Vault(store.pool, FileKeyWrapper(b"o" * 32))
    assert await vault.digest("p", b"v") == await vault.digest("p", b"v")
    assert await vault.digest("p", b"v") != await other.digest("p", b"v")
    assert await vault.digest("p", b"v") != await vault.digest("q", b"v")
    with pytest.raises(MasterKeyWrong):
        await other.seal(ANNA, "name", b"x")


async def test_blobs_are_kept_for_their_person_kind_and_time(
    vault: Vault, store: EventStore
) -> None:
    now = datetime.now(UTC)
    kept = await vault.keep(ANNA, "sample", b"kept", now + timedelta(days=1))
    late = await vault.keep(ANNA, "sample", b"late", now - timedelta(seconds=1))
    await vault.delete_expired()
    assert await vault.fetch(ANNA, "sample", kept) == b"kept"
    for person, kind, blob in (
        (ANNA, "sample", late),
        (BORIS, "sample", kept),
        (ANNA, "template", kept),
        (ANNA, "sample", uuid4()),
    ):
        with pytest.raises(NoSuchBlob):
            await vault.fetch(person, kind, blob)


async def test_many_blobs_are_read_at_once_with_gaps_where_they_ended(vault: Vault) -> None:
    one = await vault.keep(ANNA, "template", b"anna")
    two = await vault.keep(BORIS, "template", b"boris")
    await vault.erase(BORIS)
    wanted = [(BORIS, two), (ANNA, one), (BORIS, one), (ANNA, uuid4())]
    assert await vault.fetch_many("template", wanted) == [None, b"anna", None, None]


async def test_only_what_ended_or_was_left_behind_is_deleted(
    vault: Vault, store: EventStore
) -> None:
    current, ended, young, orphan = [await vault.keep(ANNA, "t", b"x") for _ in range(4)]
    await store.pool.execute(
        "UPDATE sealed_blobs SET created_at = created_at - interval '2 hours' WHERE blob_id = $1",
        orphan,
    )
    await vault.keep_only(ANNA, "t", [current], [ended])
    left = {row["blob_id"] for row in await store.pool.fetch("SELECT blob_id FROM sealed_blobs")}
    assert left == {current, young}


async def test_nothing_is_stored_in_clear(vault: Vault, store: EventStore) -> None:
    await vault.keep(ANNA, "template", SECRET.encode())
    await vault.index(ANNA, "id-number", SECRET)
    for table in ("sealed_blobs", "person_keys", "person_blind_indexes"):
        for row in await store.pool.fetch(f"SELECT * FROM {table}"):
            for value in row.values():
                stored = value if isinstance(value, bytes) else str(value).encode()
                assert SECRET.encode() not in stored


def test_development_makes_one_key_and_production_needs_its_own(tmp_path: Path) -> None:
    development = Settings(mode="development", data_dir=tmp_path)
    open_key_wrapper(development)
    path = tmp_path / "keys" / "vault-master.key"
    first = path.read_bytes()
    open_key_wrapper(development)
    assert path.read_bytes() == first
    assert path.stat().st_mode & 0o077 == 0
    assert list(path.parent.iterdir()) == [path]

    production = Settings(mode="production", data_dir=tmp_path)
    open_key_wrapper(production)  # a tool over this data
    with pytest.raises(MasterKeyMissing, match="CITYBRAIN_VAULT_MASTER_KEY_FILE"):
        require_own_key(production)  # a server
    with pytest.raises(MasterKeyMissing, match="CITYBRAIN_VAULT_MASTER_KEY_FILE"):
        open_key_wrapper(Settings(mode="production", data_dir=tmp_path / "elsewhere"))
    with pytest.raises(MasterKeyMissing):
        open_key_wrapper(Settings(vault_master_key_file=tmp_path / "none"))
    plugged = Settings.model_validate({"vault_key_wrapper": f"{__name__}:made"})
    require_own_key(plugged)
    assert open_key_wrapper(plugged).current is WRAPPER
    (tmp_path / "short").write_bytes(b"short")
    with pytest.raises(MasterKeyWrong):
        open_key_wrapper(Settings(vault_master_key_file=tmp_path / "short"))


async def test_a_process_that_has_the_key_in_memory_seals_nothing_for_who_was_erased(
    vault: Vault, store: EventStore
) -> None:
    other_process = Vault(store.pool, FileKeyWrapper(b"k" * 32))
    await other_process.seal(ANNA, "name", b"x")
    await vault.erase(ANNA)
    for sealing in (vault, other_process):
        with pytest.raises(PersonErased):
            await sealing.seal(ANNA, "name", b"x")
        with pytest.raises(PersonErased):
            await sealing.keep(ANNA, "template", b"face")
        with pytest.raises(PersonErased):
            await sealing.index(ANNA, "id-number", "4101")
    assert ANNA not in other_process._keys
    for table in ("sealed_blobs", "person_blind_indexes"):
        assert await store.pool.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_an_erasure_between_sealing_and_storing_leaves_nothing_behind(
    vault: Vault, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal = vault.seal

    async def seal_then_erase(person_id: str, purpose: str, value: bytes) -> bytes:
        sealed = await seal(person_id, purpose, value)
        await vault.erase(person_id)
        return sealed

    monkeypatch.setattr(vault, "seal", seal_then_erase)
    with pytest.raises(PersonErased):
        await vault.keep(ANNA, "template", b"face")
    assert await store.pool.fetchval("SELECT count(*) FROM sealed_blobs") == 0


async def test_nobody_is_found_by_a_value_without_a_key(vault: Vault) -> None:
    with pytest.raises(NoSuchKey):
        await vault.index("citizen-nobody", "id-number", "4101")


async def test_many_keys_and_values_at_once(vault: Vault) -> None:
    await vault.create_keys(["thing-1", "thing-2", ANNA])
    await vault.index(ANNA, "plate", "a")
    await vault.index_many("plate", {"thing-1": "a", "thing-2": "b", "thing-without-key": "c"})
    assert await vault.find_many("plate", ["a", "b", "c", "d"]) == {"a": ANNA, "b": "thing-2"}
    assert await vault.find_many("plate", []) == {}
    assert await vault.find_many("other", ["a"]) == {}
    assert await vault.open_text("thing-1", "p", await vault.seal_text("thing-1", "p", "x")) == "x"
    await vault.erase("thing-2")
    await vault.index_many("plate", {"thing-2": "b"})
    assert await vault.find_many("plate", ["b"]) == {}


async def test_a_named_key_is_one_for_all_until_it_is_forgotten(
    vault: Vault, store: EventStore
) -> None:
    other_process = Vault(store.pool, FileKeyWrapper(b"k" * 32))
    until = datetime.now(UTC) + timedelta(days=1)
    found = await asyncio.gather(
        *(each.named_key("of March", until) for each in (vault, other_process) * 5)
    )
    (key,) = set(found)
    assert len(key) == 32
    assert await vault.named_key("of April", until) != key
    await vault.delete_expired()
    assert await vault.named_key("of March", until) == key
    await vault.forget_named_key("of March")
    assert await other_process.named_key("of March", until) != key
    with pytest.raises(MasterKeyWrong):
        await Vault(store.pool, WRAPPER).named_key("of March", until)


async def test_many_texts_are_sealed_and_opened_as_one_by_one(vault: Vault) -> None:
    said = [(ANNA, "a"), (BORIS, "b"), (ANNA, "c")]
    sealed = await vault.seal_many("note", said)
    pairs = [(person, text or "") for (person, _), text in zip(said, sealed, strict=True)]
    assert await vault.open_many("note", pairs) == ["a", "b", "c"]
    assert [await vault.open_text(person, "note", text) for person, text in pairs] == list("abc")
    with pytest.raises(SealBroken):
        await vault.open_many("name", pairs)
    with pytest.raises(NoSuchKey):
        await vault.seal_many("note", [*said, ("citizen-nobody", "d")])
    await Vault(vault._pool, WRAPPER).erase(BORIS)  # by another process
    assert await vault.open_many("note", pairs) == ["a", None, "c"]
    again = await vault.seal_many("note", said)
    assert [text is None for text in again] == [False, True, False]
    assert await vault.seal_many("note", []) == await vault.open_many("note", []) == []
