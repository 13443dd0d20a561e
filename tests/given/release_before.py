"""Releases before this one, as real processes: their code from the history, our packages."""

import io
import re
import subprocess
import sys
import tarfile
from asyncio import create_subprocess_exec
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.given.server import URL, Server, environment_of
from tests.given.waiting import holds

CHECKOUT = Path(__file__).resolve().parents[2]
BUILD = CHECKOUT / "build" / "releases"

BEFORE_KAFKA = "b6d44bbb251f"
"""Four migrations before this one (schema 18)."""
BEFORE = "53f46c5d1e8a"
"""The one that runs where this one is rolled out. To be named anew when a release is made."""


def code_of(commit: str) -> Path:
    """The code of a commit; the test is skipped where this clone does not go back so far."""
    folder = BUILD / commit
    if not folder.is_dir():
        packed = subprocess.run(
            ["git", "-C", str(CHECKOUT), "archive", commit], capture_output=True, check=False
        )
        if packed.returncode:
            pytest.skip(f"this clone does not have the release before: {packed.stderr.decode()}")
        BUILD.mkdir(parents=True, exist_ok=True)
        with (
            TemporaryDirectory(dir=BUILD) as unpacked,
            tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive,
        ):
            archive.extractall(Path(unpacked, "code"), filter="data")
            with suppress(OSError):  # another one was faster
                Path(unpacked, "code").rename(folder)
    return folder


def last_migration(code: Path) -> int:
    """Which schema a release knows."""
    return max(int(path.name[:4]) for path in (code / "migrations").glob("*.sql"))


@dataclass
class OlderServer:
    """A server of a release before."""

    server: Server
    process: Process
    said: Path

    async def stop(self) -> int:
        """SIGTERM; how it ended."""
        self.process.terminate()
        return await self.process.wait()


async def start(code: Path, data: Path, *arguments: str) -> tuple[Process, Path]:
    """`citybrain ARGUMENTS` of that release; what it says on both streams is in a file."""
    said = data / f"said-{code.name}-{len(list(data.glob('said-*')))}"
    environment = environment_of(data) | {
        "CITYBRAIN_MODE": "development",
        "PYTHONPATH": f"{code / 'src'}:{code}",
    }
    with said.open("wb") as out:
        process = await create_subprocess_exec(
            sys.executable, "-m", "citybrain", *arguments,
            cwd=code, env=environment, stdout=out, stderr=out,
        )  # fmt: skip
    return process, said


@asynccontextmanager
async def older_server(code: Path, data: Path) -> AsyncIterator[OlderServer]:
    """`citybrain serve` of that release on a free port; killed with the block."""
    process, said = await start(code, data, "serve", "--port", "0")
    try:
        await holds(lambda: process.returncode is not None or URL.search(said.read_text()))
        listening = re.search(URL, said.read_text())
        assert listening is not None, said.read_text()
        yield OlderServer(Server(listening[0], environment_of(data), process.pid), process, said)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
