"""A terminal in which a test types commands."""

import asyncio
import os
import sys
from dataclasses import dataclass
from typing import Any

import orjson

from citybrain.settings import Settings


@dataclass
class Ended:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return orjson.loads(self.out)


@dataclass
class Terminal:
    """Runs the command against the test's database."""

    settings: Settings

    async def run(self, *arguments: str, **environment: str) -> Ended:
        assert self.settings.database_url is not None
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "citybrain",
            *arguments,
            env={
                **os.environ,
                "COLUMNS": "80",
                "CITYBRAIN_DATABASE_URL": self.settings.database_url.get_secret_value(),
                "CITYBRAIN_DATA_DIR": str(self.settings.data_dir),
                **environment,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return Ended(process.returncode, out.decode(), err.decode())
