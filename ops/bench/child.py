"""Child processes of a benchmark: orders as a line of JSON, `ready`, then `go`, then an answer."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from ops.bench.workbench import BenchFailed

ROOT = Path(__file__).resolve().parents[2]
LONGEST_LINE_BYTES = 64 << 20
PYTHON = sys.executable


class Child:
    """A module of ours run as a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @classmethod
    async def start(cls, module: str, orders: Mapping[str, object]) -> "Child":
        """Start `python -m module`; returns before it is ready."""
        process = await asyncio.create_subprocess_exec(
            PYTHON,
            "-m",
            module,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE_BYTES,
        )
        child = cls(process)
        await child._say(orjson.dumps(orders))
        return child

    async def ready(self) -> Any:
        """Wait until it is ready; returns what it says with that, if anything.

        Raises `BenchFailed` when it ended instead: its own message is on standard error.
        """
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line.startswith(b"ready"):
            raise BenchFailed("a process of the benchmark did not start; see its message above")
        return orjson.loads(line.removeprefix(b"ready") or b"null")

    async def go(self) -> Any:
        """Tell it to work; returns its answer. Raises `BenchFailed` when it dies."""
        output, _ = await self._process.communicate(b"go\n")
        if self._process.returncode != 0:
            raise BenchFailed("a process of the benchmark failed; see its message above")
        return orjson.loads(output)

    async def tell(self, word: str) -> None:
        """A word more: the child reads it with `word`."""
        await self._say(word.encode())

    async def said(self) -> Any:
        """The next line that it says, while it goes on. Raises `BenchFailed` when it has died."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise BenchFailed("a process of the benchmark failed; see its message above")
        return orjson.loads(line)

    async def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """End it, if it has not ended."""
        if self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    async def _say(self, line: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + b"\n")
        await self._process.stdin.drain()


def orders() -> Any:
    """In a child: its orders."""
    return orjson.loads(sys.stdin.buffer.readline())


def say_ready(facts: object = None) -> None:
    """In a child: announce readiness. Then read the `go`."""
    sys.stdout.buffer.write(b"ready " + orjson.dumps(facts) + b"\n")
    sys.stdout.buffer.flush()


def wait_for_go() -> None:
    """In a child: block until the word is given."""
    if not sys.stdin.buffer.readline():
        sys.exit(1)


def word() -> str:
    """In a child: the next word, once it comes; where nobody says any more, that ends the child."""
    line = sys.stdin.buffer.readline()
    if not line:
        sys.exit(1)
    return line.decode().strip()


def say(value: object) -> None:
    """In a child: something between, as a line."""
    sys.stdout.buffer.write(orjson.dumps(value) + b"\n")
    sys.stdout.buffer.flush()


def answer(value: object) -> None:
    """In a child: the last word."""
    sys.stdout.buffer.write(orjson.dumps(value))
    sys.stdout.buffer.flush()
