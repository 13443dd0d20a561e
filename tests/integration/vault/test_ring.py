"""Master keys: a wrong one does not begin, and another one takes over while the city works."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from citybrain.eventstore import EventStore
from citybrain.settings import Settings
from citybrain.vault import FileKeyWrapper, KeyRing, PersonErased, Vault, open_key_wrapper
from citybrain.vault import ring as ring_module
from citybrain.vault.keys import MasterKeyWrong
from citybrain.vault.ring import Wrapped

OLD, NEW, WRONG = (FileKeyWrapper(letter * 32) for letter in (b"o", b"n", b"w"))
PEOPLE = [f"citizen-{number}" for number in range(7)]
LATER = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several of them for a handful of people."""
    for name in ("PAGE_OF_PEOPLE", "PAGE_OF_NAMED"):
        page = getattr(ring_module, name)
        monkeypatch.setattr(ring_module, name, page.replace("LIMIT 1000", "LIMIT 2"))


async def fitting(store: EventStore, *keys: FileKeyWrapper) -> Vault:
    """The vault of a process with these master keys."""
    ring = KeyRing(keys[0], keys[1:])
    await ring.fit(store.pool)
    return Vault(store.pool, ring)


async def test_a_master_key_that_is_not_the_databases_does_not_begin(store: EventStore) -> None:
    await fitting(store, OLD)
    with pytest.raises(MasterKeyWrong, match="not the one of this database"):
        await fitting(store, WRONG)
    with pytest.raises(MasterKeyWrong, match="not the one of this database"):
        await fitting(store, WRONG, NEW)
    await fitting(store, OLD)


async def test_a_database_of_the_release_before_knows_its_key_by_its_people(
    store: EventStore,
) -> None:
    await Vault(store.pool, OLD).create_keys(PEOPLE)
    await store.pool.execute("UPDATE person_keys SET wrapped_by = NULL")
    with pytest.raises(MasterKeyWrong):
        await fitting(store, WRONG)
    vault = await fitting(store, OLD)
    with pytest.raises(MasterKeyWrong):
        await fitting(store, WRONG)
    assert await vault.seal_text(PEOPLE[0], "name", "x")
    found = await KeyRing(OLD).wrapped(store.pool)
    assert found == [Wrapped(OLD.key_id.hex(), len(PEOPLE), 0, True, True)]


async def test_a_key_is_rotated_while_others_work(store: EventStore) -> None:
    before = await fitting(store, OLD, NEW)  # every process knows of the new one first
    await before.create_keys(PEOPLE)
    await store.pool.execute("UPDATE person_keys SET wrapped_by = NULL WHERE person_id > $1", "d")
    sealed = {each: await before.seal_text(each, "name", each) for each in PEOPLE}
    await before.index(PEOPLE[0], "number", "4101")
    month = await before.named_key("of March", LATER)

    vault = await fitting(store, NEW, OLD)
    with pytest.raises(MasterKeyWrong, match="not the one of this database"):
        await fitting(store, NEW)
    assert await vault.index(PEOPLE[1], "number", "4101") == PEOPLE[0], "nobody registers twice"
    await before.create_key("citizen-late")
    ring, told = KeyRing(NEW, [OLD]), []
    await ring.fit(store.pool)
    await before.erase(PEOPLE[3])
    assert await ring.rotate(store.pool, lambda done, whole: told.append((done, whole))) == 8
    assert told[-1] == (8, 8)
    assert len(told) > 3
    assert await ring.rotate(store.pool, lambda *_: None) == 0

    for alone in (await fitting(store, NEW), await fitting(store, OLD, NEW)):
        for each in (each for each in PEOPLE if each != PEOPLE[3]):
            assert await alone.open_text(each, "name", sealed[each]) == each
        with pytest.raises(PersonErased):
            await alone.open_text(PEOPLE[3], "name", sealed[PEOPLE[3]])
        assert await alone.find("number", "4101") == PEOPLE[0]
        assert await alone.named_key("of March", LATER) == month
    with pytest.raises(MasterKeyWrong):
        await fitting(store, OLD)

    await Vault(store.pool, WRONG).create_key("citizen-of-nobody")
    with pytest.raises(MasterKeyWrong, match=WRONG.key_id.hex()):
        await fitting(store, NEW)
    found = await KeyRing(NEW).wrapped(store.pool)
    assert {each.key_id: (each.people, each.known) for each in found} == {
        NEW.key_id.hex(): (7, True),
        WRONG.key_id.hex(): (1, False),
    }


def test_key_files_are_told_apart_by_their_path(tmp_path: Path) -> None:
    one, short = tmp_path / "one", tmp_path / "short"
    one.write_bytes(b"o" * 32)
    short.write_bytes(b"o" * 31)
    settings = Settings(vault_master_key_file=one, vault_other_key_files=[one])
    assert open_key_wrapper(settings).key_ids == {OLD.key_id}
    with pytest.raises(MasterKeyWrong, match="short has not 32 bytes"):
        open_key_wrapper(settings.model_copy(update={"vault_other_key_files": [short]}))
