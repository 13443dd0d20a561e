"""A terminal in which a test types commands."""

import os
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
        assert self.settings.database_url is not None
        process = Warm(
            self.folder,
            "citybrain",
            *arguments,
            environment={
                **os.environ,
                "COLUMNS": "80",
                "CITYBRAIN_DATABASE_URL": self.settings.database_url.get_secret_value(),
                "CITYBRAIN_DATA_DIR": str(self.settings.data_dir),
                **environment,
            },
        )
        status = await process.ended()
        return Ended(status, process.out.read_text(), process.err.read_text())
