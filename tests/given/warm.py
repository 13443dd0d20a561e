"""Processes of our own that need not load our modules first.

They are forked from one that has loaded them and done nothing else: real processes, with an
environment, files and an end of their own, in a tenth of the time.
"""

import multiprocessing
import os
import runpy
import sys
from collections.abc import Callable, Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from citybrain.definitions import Definitions
from tests.given.waiting import holds

LOADED = [
    "citybrain.app",
    "insightface.app",
    "typer",
    "rich.console",
    "uvloop",
    "pytest",
    "hypothesis",
    "tests.given.services",  # which has read our definitions
    "tests.given.parking.reaching_back",
    "tests.given.set_aside",  # last
]
# What looks at its environment while it loads is not among them.

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(LOADED)


def forked(work: Callable[..., None], *given: object) -> ForkServerProcess:
    """A process that does this work, begun."""
    process: ForkServerProcess = _context.Process(target=work, args=given)
    process.start()
    return process


class Warm:
    """`python -m MODULE ARGUMENTS`, begun; what it says goes into files of a folder."""

    def __init__(
        self, folder: Path, module: str, *arguments: str, environment: Mapping[str, str]
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        number = len(list(folder.glob("*.out")))
        self.out, self.err = folder / f"{number}.out", folder / f"{number}.err"
        for file in (self.out, self.err):
            file.touch()
        self._process = forked(_run, module, arguments, dict(environment), self.out, self.err)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid or 0

    @property
    def status(self) -> int | None:
        """How it ended, once it has."""
        return self._process.exitcode

    async def ended(self) -> int:
        """Wait for its end; how it ended."""
        await holds(lambda: self.status is not None)
        return self._process.exitcode or 0

    async def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        await self.ended()


def _run(
    module: str, arguments: tuple[str, ...], environment: dict[str, str], out: Path, err: Path
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for number, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY), number)
    sys.argv = [module, *arguments]
    pytest.MonkeyPatch().setattr("citybrain.app.load_definitions", _definitions_of)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _definitions_of(folder: Path | None) -> Definitions:
    """What has been read before the fork is not read again."""
    from tests.given.services import definitions_of

    return definitions_of(folder)
