"""A city with a PostgreSQL of its own that is backed up, and what is restored of it."""

import hashlib
from datetime import datetime
from pathlib import Path

import psutil

from citybrain.eventstore import EventStore
from citybrain.settings import Settings
from projections.inspection.case_days import CaseDays
from projections.inspection.case_desk import CaseDesk
from projections.inspection.case_timeline import CaseTimeline
from projections.platform.streams import Streams
from projections.projection import Projection
from projections.rebuild import compare
from tests.given.read_models import caught_up, running
from tests.given.waiting import eventually, holds

MODELS: tuple[Projection, ...] = (CaseDesk(), CaseTimeline(), CaseDays(), Streams())
LAST_ARCHIVED = "SELECT last_archived_wal FROM pg_stat_archiver"


def city_settings(folder: Path) -> Settings:
    """A city in a folder, whose write-ahead log is archived beside it."""
    return Settings(mode="development", data_dir=folder / "data", wal_archive=folder / "wal")


def keep_photo(settings: Settings, content: bytes) -> str:
    """A photo in the folder of photos; its digest."""
    digest = hashlib.sha256(content).hexdigest()
    path = settings.data_dir / "photos" / digest[:2] / digest[2:4] / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return digest


async def archived(store: EventStore) -> None:
    """All of the write-ahead log so far is in the archive, and something of what follows."""
    await store.pool.execute("SELECT pg_create_restore_point('archived')")
    last: str = await store.pool.fetchval("SELECT pg_walfile_name(pg_switch_wal())")

    async def there() -> bool:
        return (await store.pool.fetchval(LAST_ARCHIVED) or "")[:24] >= last

    await eventually(there)


async def now(store: EventStore) -> datetime:
    """PostgreSQL's time."""
    moment: datetime = await store.pool.fetchval("SELECT clock_timestamp()")
    return moment


async def die(settings: Settings) -> None:
    """The server and all of its processes are killed."""
    file = settings.data_dir / "postgres" / "postmaster.pid"
    server = psutil.Process(int(file.read_text().split()[0]))
    all_of_it = [server, *server.children(recursive=True)]
    for process in all_of_it:
        process.kill()
    await holds(lambda: all(not _lives(process) for process in all_of_it))


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


async def up_to_date(store: EventStore) -> None:
    """Read models have all of the log."""
    async with running(store, *MODELS):
        await caught_up(store, *(model.name for model in MODELS))


async def require_equal(store: EventStore) -> None:
    """Read models are as ones that are rebuilt from the log."""
    for model in MODELS:
        assert (await compare(store, model)).equal, model.name
