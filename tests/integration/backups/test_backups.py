"""A backup is whole or none, and what is restored of it is what was asked for."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import asyncpg
import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from citybrain.backups.archive import ArchiveIncomplete, require_whole
from citybrain.backups.backup import NOTE, NoBackup, backups_in, read_note, verify
from citybrain.backups.manifest import BackupDamaged
from citybrain.backups.pruning import prune
from citybrain.backups.recovering import RecoveryFailed
from citybrain.backups.restoring import MomentNotThere, TargetNotEmpty, key_fits, restore
from citybrain.backups.taking import take_backup
from citybrain.eventstore import EventStore, open_event_store
from citybrain.eventstore.incarnations import read_lineage
from citybrain.eventstore.measuring import measure
from citybrain.kafka import publisher as publishers
from citybrain.kafka import watch as watches
from citybrain.settings import Settings
from citybrain.vault import Vault, open_key_wrapper
from ops.kafka import Cluster
from projections.runner import prepare
from tests.given.backups import (
    MODELS,
    archived,
    city_settings,
    die,
    keep_photo,
    now,
    require_equal,
    up_to_date,
)
from tests.given.publishing import append, published_up_to, publishing, publishing_settings
from tests.given.publishing import require_whole as require_whole_in_kafka
from tests.given.server import environment_of
from tests.given.services import services_over, take_to_the_end
from tests.given.waiting import eventually, holds
from tests.given.warm import Warm


@pytest.fixture
def folder(server_folder: Path) -> Iterator[Path]:
    """Where nothing waits for a disk."""
    with TemporaryDirectory(dir=server_folder) as made:
        yield Path(made)


async def test_whatever_died_the_log_ends_where_it_was_asked_to(folder: Path) -> None:
    city = city_settings(folder)
    backups = folder / "backups"
    first = keep_photo(city, b"one")
    async with open_event_store(city) as store:
        await append(store, "parking-1", 5)
        before = await take_backup(city, backups / "earlier")
        second = keep_photo(city, b"two")
        await _archive_that_fails(city, store)
        note = await take_backup(city, backups)
        await append(store, "parking-1", 2)
        await archived(store)
        last = await append(store, "parking-2", 3, b'{"of":"one commit"}')
        await append(store, "parking-1", 4)
        await archived(store)
        acknowledged = await append(store, "parking-1", 6)
        await die(city)
        backup = backups / note.name
        await _refusals(city, backup, folder)
        assert backups_in(backups) == [note]
        assert (note.head, note.photos, before.photos) == (7, 2, 1)

        wal = [line_of(city, backup), city.data_dir / "postgres" / "pg_wal"]
        to_end = await restore(city, backup, folder / "end", wal=wal)
        assert to_end.head == acknowledged == 22
        to_position = await restore(city, backup, folder / "position", position=last - 1)
        assert to_position.head == last == 12  # the commit is whole
    for digest in (first, second):
        assert (folder / "end" / "photos" / digest[:2] / digest[2:4] / digest).exists()
    restored = city.model_copy(update={"data_dir": folder / "position"})
    forgotten = restored.model_copy(update={"wal_archive": None})
    async with open_event_store(forgotten) as store:  # it archives nothing until it is told
        assert await store.pool.fetchval("SELECT current_setting('archive_mode')") == "off"
    async with open_event_store(restored):
        pass
    async with open_event_store(forgotten) as store:  # and then it goes on
        assert await store.pool.fetchval("SELECT current_setting('archive_mode')") == "on"
        assert [event.position for event in await store.read_all()] == list(range(1, 13))
        lineage = await read_lineage(store.pool)
        assert str(lineage.current) == to_position.incarnation
        assert lineage.incarnations[-1].began_after == 12
        await append(store, "parking-1", 1)
        await archived(store)
    lines = {each.name for each in (folder / "wal").iterdir()}
    assert len(lines) == 2  # what the restored server writes is not among the first one's
    _require_pruned(city, backup)


def _require_pruned(city: Settings, backup: Path) -> None:
    """Of the archive stays what the backup needs, and all of another server's."""
    assert city.wal_archive is not None
    before = {each.name for each in line_of(city, backup).iterdir()}
    (other,) = [each for each in city.wal_archive.iterdir() if each != line_of(city, backup)]
    untouched = {each.name for each in other.iterdir()}
    older = shutil.copytree(backup, backup.with_name("older"))
    note = read_note(older)
    note = note.model_copy(update={"name": "older", "taken_at": note.taken_at - timedelta(days=1)})
    (older / NOTE).write_text(note.model_dump_json())
    pruned = prune(backup.parent, 1, city.wal_archive)
    after = {each.name for each in line_of(city, backup).iterdir()}
    assert pruned.backups == ["older"]
    assert [each.name for each in backups_in(backup.parent)] == [backup.name]
    assert len(before - after) == pruned.segments > 0
    assert require_whole(backup, [line_of(city, backup)]) > 0
    assert {each.name for each in other.iterdir()} == untouched


async def _archive_that_fails(city: Settings, store: EventStore) -> None:
    """It is said while it lasts, PostgreSQL keeps what is not archived, and goes on by itself."""
    assert city.wal_archive is not None
    away = city.wal_archive.with_name("away")

    async def fails(expected: float) -> bool:
        await measure(store.pool)
        return REGISTRY.get_sample_value("citybrain_wal_archive_failing") == expected

    await archived(store)
    assert await fails(0)
    city.wal_archive.rename(away)
    await append(store, "parking-3")
    await store.pool.execute("SELECT pg_switch_wal()")
    await eventually(lambda: fails(1))
    away.rename(city.wal_archive)
    await append(store, "parking-3")
    await archived(store)  # the segment that failed, and the one behind it
    await eventually(lambda: fails(0))


async def _fit_of_another_key(store: EventStore, folder: Path) -> str:
    (folder / "another.key").write_bytes(bytes(32))
    named = Settings(vault_master_key_file=folder / "another.key")
    async with store.pool.acquire() as connection:
        return await key_fits(cast("asyncpg.Connection[Any]", connection), named)


async def _said(city: Settings, folder: Path, *arguments: str) -> dict[str, Any]:
    """What a command says as JSON."""
    environment = environment_of(city.data_dir) | {
        "CITYBRAIN_WAL_ARCHIVE": str(city.wal_archive),
        "CITYBRAIN_VAULT_MASTER_KEY_FILE": str(city.data_dir / "keys" / "vault-master.key"),
    }
    process = Warm(folder / "said", "citybrain", *arguments, "--json", environment=environment)
    assert await process.ended() == 0, process.err.read_text()
    said: dict[str, Any] = json.loads(process.out.read_text())
    return said


def line_of(city: Settings, backup: Path) -> Path:
    """Where the write-ahead log behind a backup is archived."""
    assert city.wal_archive is not None
    return city.wal_archive / str(read_note(backup).wal_line)


@contextmanager
def changed(path: Path, content: bytes | None) -> Iterator[None]:
    """A file that is another one, or none, during the block."""
    before = path.read_bytes() if path.exists() else None
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o644)
    yield
    path.unlink(missing_ok=True)
    if before is not None:
        path.write_bytes(before)
        path.chmod(0o644)


async def _refusals(city: Settings, backup: Path, folder: Path) -> None:
    line = line_of(city, backup)
    target = folder / "refused"
    target.mkdir()
    (target / "something").touch()
    with pytest.raises(TargetNotEmpty):
        await restore(city, backup, target)
    (target / "something").unlink()
    with pytest.raises(NoBackup, match="no backup"):
        await restore(city, backup.parent, target)
    with pytest.raises(MomentNotThere, match="take an earlier one"):
        await restore(city, backup, target, position=7)
    with pytest.raises(MomentNotThere, match="ends at position 16"):
        await restore(city, backup, target, position=17)
    with pytest.raises(ArchiveIncomplete, match="--wal"):
        await restore(city.model_copy(update={"wal_archive": None}), backup, target, position=11)
    with (
        changed(backup / "postgres" / "PG_VERSION", b"17\n"),
        pytest.raises(BackupDamaged, match="PG_VERSION is not as it was"),
    ):
        await restore(city, backup, target)
    with (
        changed(backup / "postgres" / "more", b"x"),
        pytest.raises(BackupDamaged, match="was not in the backup"),
    ):
        await verify(backup)
    with (
        changed(backup / "postgres" / "backup_manifest", None),
        pytest.raises(BackupDamaged, match="missing"),
    ):
        await verify(backup)
    damaged = sorted(line.glob("*[0-9A-F].gz"))[-1]
    with (
        changed(damaged, damaged.read_bytes()[:-20]),
        pytest.raises(RecoveryFailed, match="could not restore"),
    ):
        await restore(city, backup, target)
    hole = sorted(line.glob("*[0-9A-F].gz"))[-2]
    with (
        changed(hole, None),
        pytest.raises(ArchiveIncomplete, match=f"{hole.name[:24]} is missing"),
    ):
        require_whole(backup, [line])
    assert list(target.iterdir()) == []  # nothing is left of what was refused


async def test_restored_to_a_moment_the_log_ends_there_and_kafka_is_ahead(
    kafka: Cluster, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(publishers, "RETRY_SECONDS", 0.1)
    city = publishing_settings(city_settings(folder), kafka, kafka_categories=["case"])
    topic = city.kafka_topic_prefix + "case"
    async with open_event_store(city) as store:
        services = services_over(store)
        await prepare(store, MODELS)
        await take_to_the_end(services)
        vault = Vault(store.pool, open_key_wrapper(city))
        await vault.create_key("citizen-1")
        name = (await _said(city, folder, "backup", "take", str(folder / "backups")))["name"]
        await take_to_the_end(services, 4)
        await up_to_date(store)
        wanted, moment = await store.head(), await now(store)
        await take_to_the_end(services, 2)
        await up_to_date(store)
        async with publishing(city, store, ["case"]):
            await published_up_to(store, await store.head(), topic)
        ahead = await store.head() - wanted
        await archived(store)
    backup, target = folder / "backups" / name, folder / "restored"
    restored = await _said(
        city, folder, "restore", str(backup), str(target), "--until", moment.isoformat()
    )
    assert restored["head"] == wanted
    assert datetime.fromisoformat(restored["recorded_at"]) < moment
    assert restored["master_key"] == "fits"
    again = city.model_copy(update={"data_dir": folder / "restored"})
    async with open_event_store(again) as store:
        await require_equal(store)
        assert await _fit_of_another_key(store, folder) == "wrong"
        with capture_logs() as said:
            async with publishing(again, store, ["case"]) as publisher:
                await holds(lambda: any(each["event"] == "kafka_ahead_of_log" for each in said))
                await take_to_the_end(services_over(store))
                await published_up_to(store, await store.head(), topic)
                assert publisher.problems == {}
        (found,) = [each for each in said if each["event"] == "kafka_ahead_of_log"]
        assert (found["void"], found["last_of_log"]) == (ahead, wanted)
        await require_whole_in_kafka(again, store, "case")
        await up_to_date(store)
        await require_equal(store)
