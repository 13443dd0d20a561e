"""A terminal in which a test types commands."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from citybrain.settings import Settings
from tests.given.warm import Warm


@dataclass
class Ended:
    """A command that has come to its end."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return orjson.loads(self.out)


@dataclass
class Terminal:
    """Runs the command against the test's database; `folder` takes what it says."""

    settings: Settings
    folder: Path

    async def run(self, *arguments: str, **environment: str) -> Ended:
        """`citybrain ARGUMENTS`, to its end."""
        process = Warm(
            self.folder, "citybrain", *arguments, environment=self._environment(environment)
        )
        status = await process.ended()
        return Ended(status, process.out.read_text(), process.err.read_text())

    async def run_anew(self, *arguments: str, **environment: str) -> Ended:
        """The same in an interpreter of its own, which finds its modules for itself."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "citybrain",
            *arguments,
            env=self._environment(environment),
            stdout=PIPE,
            stderr=PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return Ended(process.returncode, out.decode(), err.decode())

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        assert self.settings.database_url is not None
        return {
            **os.environ,
            "COLUMNS": "80",
            "CITYBRAIN_DATABASE_URL": self.settings.database_url.get_secret_value(),
            "CITYBRAIN_DATA_DIR": str(self.settings.data_dir),
            **more,
        }
