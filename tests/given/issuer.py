"""An issuer of tokens that is not ours, in a process of its own: `issuer.mjs`."""

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.given.server import STOP_TIMEOUT_SECONDS

HERE = Path(__file__).parent
WEB = HERE.parents[1] / "src" / "web"  # its packages are found from there


class Issuer:
    """One that runs, at `url`; `people` of it are claims by subject."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self._process, self.url = process, url

    async def signs_in_to(self, city: str) -> None:
        """Begin, with pages at this origin."""
        await self._tell(city)

    async def takes_another_key(self) -> None:
        """Sign with a new key from now on; the one before is still named."""
        await self._tell("another")

    async def stop(self) -> None:
        """Answer nobody any more."""
        if self._process.returncode is None:
            self._process.kill()
        await asyncio.wait_for(self._process.wait(), STOP_TIMEOUT_SECONDS)

    async def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        await said(self._process)


@asynccontextmanager
async def another_issuer(people: Mapping[str, Mapping[str, Any]]) -> AsyncIterator[Issuer]:
    """An issuer that knows these people, by subject; stopped with the block."""
    process = await asyncio.create_subprocess_exec(
        *("node", "--input-type=module", "--eval"),
        (HERE / "issuer.mjs").read_text(encoding="utf-8"),
        json.dumps(people),
        cwd=WEB,
        stdin=PIPE,
        stdout=PIPE,
    )
    issuer = None
    try:
        issuer = Issuer(process, await said(process))
        yield issuer
    finally:
        await (issuer or Issuer(process, "")).stop()


async def said(process: asyncio.subprocess.Process) -> str:
    """The next line of an issuer; fails where it has ended."""
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode().strip()
    assert line, f"the issuer ended with {await process.wait()}"
    return line
