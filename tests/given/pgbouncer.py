"""A real PgBouncer before a database of the tests: in session mode, in transactions, with TLS."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.given.waiting import holds

NEEDED = "CITYBRAIN_TEST_NEEDS_PGBOUNCER"
PLACES = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
PORT = 6432  # a part of the socket's name

CONFIG = """
[databases]
session = host={host} port={port} dbname={database} pool_mode=session pool_size=60
transaction = host={host} port={port} dbname={database} pool_mode=transaction pool_size=2

[pgbouncer]
unix_socket_dir = {folder}
%include {folder}/port.ini
auth_type = trust
auth_file = {folder}/users
logfile = {folder}/log
max_client_conn = 200
"""


class PgBouncer:
    """Modes are `session` and `transaction`, of one database; the second has two connections."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self.port = folder, port

    def url(self, mode: str, role: str = "postgres", authority: Path | None = None) -> str:
        """Of a mode, as a role; with TLS where an authority's certificate is named."""
        if authority is None:
            return f"postgresql://{role}:@/{mode}?host={self._folder}&port={self.port}"
        tls = f"sslmode=verify-full&sslrootcert={authority}"
        return f"postgresql://{role}:@localhost:{self.port}/{mode}?{tls}"

    def listens(self) -> bool:
        return (self._folder / f".s.PGSQL.{self.port}").exists()


@asynccontextmanager
async def pgbouncer(
    database_url: str, *roles: str, certificate: Path | None = None
) -> AsyncIterator[PgBouncer]:
    """Runs during the block; the test is skipped where there is no PgBouncer.

    `certificate` names a file of one and its key: then it listens at a port of 127.0.0.1 as well,
    and takes only connections with TLS there.
    """
    program = shutil.which("pgbouncer", path=PLACES)
    if program is None:
        if os.environ.get(NEEDED):
            pytest.fail("no PgBouncer", pytrace=False)
        pytest.skip("no PgBouncer: apt-get install pgbouncer")
    folder = Path(tempfile.mkdtemp(prefix="cb-"))
    owner = _written(folder, database_url, roles, certificate)
    command = [program, "-q", str(folder / "config.ini")]
    if os.geteuid() == 0:  # it does not run as root, nor does PostgreSQL
        for each in (folder, *folder.iterdir()):
            shutil.chown(each, owner)
        command[1:1] = ["-u", owner]
    while (begun := await _begun(folder, command, certificate is not None)) is None:
        pass  # somebody was faster to take the port
    process, found = begun
    try:
        yield found
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


async def _begun(
    folder: Path, command: list[str], tcp: bool
) -> tuple["subprocess.Popen[bytes]", PgBouncer] | None:
    """One that listens, if it could have its port."""
    found = PgBouncer(folder, _free_port() if tcp else PORT)
    (folder / "port.ini").write_text(f"listen_port = {found.port}\n")
    (folder / "log").unlink(missing_ok=True)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    await holds(lambda: found.listens() or process.poll() is not None)
    log = (folder / "log").read_text()
    assert process.poll() is None, log
    if "cannot listen" not in log:
        return process, found
    process.kill()
    process.wait()
    return None


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _written(
    folder: Path, database_url: str, roles: tuple[str, ...], certificate: Path | None
) -> str:
    """Its files, but for the port; whose the server's are."""
    parts = urlsplit(database_url)
    server = parse_qs(parts.query)
    config = CONFIG
    if certificate is not None:
        config += "listen_addr = 127.0.0.1\nclient_tls_sslmode = require\n"
        shutil.copy(certificate, folder / "certificate")
        for what in ("key", "cert"):
            config += f"client_tls_{what}_file = {folder / 'certificate'}\n"
    (folder / "users").write_text("".join(f'"{role}" ""\n' for role in ("postgres", *roles)))
    (folder / "port.ini").touch()
    (folder / "config.ini").write_text(
        config.format(
            host=server["host"][0],
            port=server.get("port", ["5432"])[0],
            database=parts.path.lstrip("/"),
            folder=folder,
        )
    )
    return Path(server["host"][0]).owner()
