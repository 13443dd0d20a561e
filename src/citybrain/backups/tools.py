"""Runs PostgreSQL's own programs for backups, and says what they say when they fail."""

import asyncio
import os
import re
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable
from pathlib import Path

from citybrain.errors import CitybrainError

Progress = Callable[[int, int], None]
"""Called with the part done and the whole, both in bytes unless said otherwise."""

DONE_OF_ALL = re.compile(rb"(\d+)/(\d+) kB")
LAST_LINES = 3


class ToolFailed(CitybrainError):
    """A program of PostgreSQL failed; the message has its last words."""

    code = "postgres-tool-failed"


class NoSuchTool(CitybrainError):
    """There are no programs of the PostgreSQL that is asked for."""

    code = "postgres-tools-missing"


async def run_tool(
    program: Path, *arguments: str, password: str | None = None, progress: Progress | None = None
) -> str:
    """Run it to its end; what it printed. Raises `ToolFailed`.

    `progress` is told of the `123/456 kB` that the program writes to its standard error.
    """
    process = await asyncio.create_subprocess_exec(
        str(program),
        *arguments,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env=os.environ | {"LC_ALL": "C"} | ({"PGPASSWORD": password} if password else {}),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        said, out = await asyncio.gather(_listen(process.stderr, progress), process.stdout.read())
        status = await process.wait()
    except BaseException:
        if process.returncode is None:
            process.terminate()
            await process.wait()
        raise
    if status:
        words = " ".join(said.decode(errors="replace").split("\n")[-LAST_LINES - 1 :]).strip()
        raise ToolFailed(f"{program.name}: {words or f'exit status {status}'}")
    return out.decode()


async def _listen(stream: asyncio.StreamReader, progress: Progress | None) -> bytes:
    """All that a program says, without its lines of progress."""
    said, rest = b"", b""
    while more := await stream.read(4096):
        *lines, rest = re.split(rb"[\r\n]", rest + more)
        for line in lines:
            found = DONE_OF_ALL.search(line)
            if found is None:
                said += line + b"\n"
            elif progress is not None:
                progress(int(found[1]) << 10, int(found[2]) << 10)
    return said + rest
