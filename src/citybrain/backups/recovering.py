"""A PostgreSQL over a copied backup, while it goes through the write-ahead log to a moment.

It listens on a socket in a folder of its own, takes no settings of the server that was backed up,
and archives nothing: what it writes is nobody's truth yet.
"""

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from citybrain.backups.archive import restore_command
from citybrain.backups.backup import Note, programs
from citybrain.backups.tools import Progress, run_tool
from citybrain.errors import CitybrainError
from citybrain.eventstore.embedded import give_to_server, server_user
from citybrain.faults import CONNECTION_LOST

LOOK_SECONDS = 0.1
STOP_SECONDS = 300.0
LAST_LINES = 4
SEGMENT_BYTES = 16 << 20
OF_PRIMARY = re.compile(r"^(max_\w+) setting: +(\d+)$", re.MULTILINE)
"""A server that is recovering must allow for what its primary did."""
REPLAYED = """
SELECT pg_is_in_recovery() AS recovering,
       (pg_last_wal_replay_lsn() - $1::text::pg_lsn)::bigint AS replayed
"""
START = re.compile(r"^START WAL LOCATION: (\S+)", re.MULTILINE)
SAID = re.compile(r"^.*(?:FATAL|ERROR|PANIC): +(.*)$", re.MULTILINE)


class RecoveryFailed(CitybrainError):
    """PostgreSQL did not get to the moment; the message has its last words."""

    code = "recovery-failed"


@dataclass(frozen=True)
class Target:
    """Up to where; the end of the write-ahead log where there is neither."""

    until: str | None = None
    """A moment (ISO 8601 with its offset): the last commit that is not later."""
    xid: int | None = None
    """A transaction: the last one."""

    def settings(self) -> list[str]:
        """As PostgreSQL's options."""
        named = {"recovery_target_time": self.until, "recovery_target_xid": self.xid}
        chosen = [f"{name}={value}" for name, value in named.items() if value is not None]
        return [*chosen, "recovery_target_action=promote"] if chosen else []


@asynccontextmanager
async def recovered(
    postgres: Path,
    note: Note,
    folders: Sequence[Path],
    target: Target,
    segments: int,
    progress: Progress,
) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A connection to the server, once it has come to its target and takes writes.

    It is stopped cleanly at the end of the block. `segments` of write-ahead log are behind the
    backup, at most. Raises `RecoveryFailed`.
    """
    around = Path(tempfile.mkdtemp(prefix="citybrain-restore-"))
    try:
        arguments = await _arguments(postgres, note, folders, target, around)
        await asyncio.to_thread(_prepare, postgres, around)
        with (around / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                str(programs(note.postgres_major) / "postgres"),
                *arguments,
                cwd="/",
                stdout=log,
                stderr=log,
                user=server_user(),
            )
        try:
            connection = await _promoted(process, postgres, note, around, segments, progress)
            try:
                yield connection
            finally:
                await connection.close()
        finally:
            await _stopped(process)
    finally:
        shutil.rmtree(around, ignore_errors=True)


def _prepare(postgres: Path, around: Path) -> None:
    (postgres / "recovery.signal").touch()
    for folder in (postgres, around):
        give_to_server(folder, *folder.rglob("*"))


async def _arguments(
    postgres: Path, note: Note, folders: Sequence[Path], target: Target, around: Path
) -> list[str]:
    control = await run_tool(programs(note.postgres_major) / "pg_controldata", str(postgres))
    (around / "postgresql.conf").touch()
    (around / "hba.conf").write_text("local all all trust\n")
    (around / "ident.conf").touch()
    options = [
        f"config_file={around / 'postgresql.conf'}",
        f"hba_file={around / 'hba.conf'}",
        f"ident_file={around / 'ident.conf'}",
        f"unix_socket_directories={around}",
        "listen_addresses=",
        "port=5432",
        "hot_standby=on",
        "archive_mode=off",
        "ssl=off",
        "shared_preload_libraries=",
        "log_min_error_statement=panic",
        "log_parameter_max_length_on_error=0",
        "logging_collector=off",
        f"restore_command={restore_command(folders)}",
        "recovery_target_timeline=current",
        *target.settings(),
        *(f"{n.replace('xact', 'transaction')}={v}" for n, v in OF_PRIMARY.findall(control)),
    ]
    return ["-D", str(postgres), *(each for option in options for each in ("-c", option))]


async def _promoted(
    process: asyncio.subprocess.Process,
    postgres: Path,
    note: Note,
    around: Path,
    segments: int,
    progress: Progress,
) -> "asyncpg.Connection[Any]":
    begins = START.search((postgres / "backup_label").read_text())
    begin = begins[1] if begins else "0/0"
    connection: asyncpg.Connection[Any] | None = None
    while True:
        if process.returncode is not None:
            raise RecoveryFailed(_last_words((around / "log").read_text(errors="replace")))
        try:
            connection = connection or await asyncpg.connect(
                host=str(around), port=5432, user=note.superuser, database=note.database, timeout=5
            )
            row = await connection.fetchrow(REPLAYED, begin)
            assert row is not None
            if not row["recovering"]:
                return connection
            progress(row["replayed"] or 0, max(segments * SEGMENT_BYTES, row["replayed"] or 1))
        except CONNECTION_LOST:
            connection = None  # it does not take connections yet, or has ended
        await asyncio.sleep(LOOK_SECONDS)


async def _stopped(process: asyncio.subprocess.Process) -> None:
    """End it with a checkpoint; by force where that does not come to its end."""
    if process.returncode is not None:
        return
    whole = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    whole[0].send_signal(2)  # SIGINT: a fast shutdown
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except (TimeoutError, asyncio.CancelledError):
        for each in whole:
            if each.is_running():
                each.kill()
        await process.wait()
        raise


def _last_words(log: str) -> str:
    found = SAID.findall(log)
    words = "; ".join(found[-LAST_LINES:]) or "PostgreSQL ended without a word"
    if "recovery ended before configured recovery target was reached" in words:
        words += (
            ": the write-ahead log ends before that moment; without it all there is is restored"
        )
    return words
