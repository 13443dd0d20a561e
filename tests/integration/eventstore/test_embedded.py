"""The embedded PostgreSQL: survives restarts, is shared, and is gone when nobody needs it."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from citybrain.eventstore import ANY, Metadata, NewEvent, open_event_store
from citybrain.eventstore.embedded import EmbeddedServerFailed
from citybrain.settings import Settings

HOLD = """
import asyncio, sys
from pathlib import Path
from citybrain.eventstore import open_event_store
from citybrain.settings import Settings
async def main():
    async with open_event_store(Settings(data_dir=Path(sys.argv[1]))) as store:
        print(await store.head(), flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


def postmaster(data_dir: Path) -> int | None:
    file = data_dir / "postgres" / "postmaster.pid"
    return int(file.read_text().split()[0]) if file.exists() else None


async def append_one(settings: Settings) -> int:
    async with open_event_store(settings) as store:
        metadata = Metadata("tester", "system", "test", uuid4(), uuid4())
        return (
            await store.append("case-1", ANY, [NewEvent("t", b"{}")], metadata=metadata)
        ).position


async def test_data_survives_and_the_server_stops_with_its_last_user(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "it's 城市 大脑 50%" / "data")
    assert await append_one(settings) == 1
    assert postmaster(settings.data_dir) is None
    assert await append_one(settings) == 2
    assert postmaster(settings.data_dir) is None


async def test_a_folder_in_which_it_cannot_start_is_named_at_once(tmp_path: Path) -> None:
    file, older = tmp_path / "file", tmp_path / "older"
    file.write_text("")
    (older / "postgres").mkdir(parents=True)
    (older / "postgres" / "PG_VERSION").write_text("13\n")
    for folder, why in (
        (tmp_path / 'a "quoted" city', "one of"),
        (tmp_path / "$HOME", "one of"),
        (file, "cannot be used"),
        (older, "is of PostgreSQL 13"),
    ):
        with pytest.raises(EmbeddedServerFailed, match=why) as refused:
            await append_one(Settings(data_dir=folder))
        assert refused.value.exit_status == 78


async def test_one_server_serves_all_and_outlives_a_killed_user(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(settings.data_dir)], stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    assert await asyncio.to_thread(other.stdout.readline) == b"0\n"
    async with open_event_store(settings) as store:
        pid = postmaster(settings.data_dir)
        other.send_signal(signal.SIGKILL)
        other.wait()
        assert await store.head() == 0
        assert postmaster(settings.data_dir) == pid
    assert pid is not None
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def test_a_server_that_was_killed_while_it_started_starts_again(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    file = settings.data_dir / "postgres" / "postmaster.pid"
    async with open_event_store(settings) as store:
        metadata = Metadata("tester", "system", "test", uuid4(), uuid4())
        await store.append("case-1", ANY, [NewEvent("t", b"{}")], metadata=metadata)
        lines = file.read_text().splitlines()
        server = psutil.Process(int(lines[0]))
        all_of_it = [server, *server.children(recursive=True)]
        for process in all_of_it:
            process.kill()
        psutil.wait_procs(all_of_it, timeout=10)
        file.write_text("\n".join([*lines[:-1], ""]))  # as it is before the server is up
        await store.append("case-1", ANY, [NewEvent("t", b"{}")], metadata=metadata)
        assert await store.head() == 2
