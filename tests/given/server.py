"""A real server in a process of its own, as `make run` starts it, with its own data folder."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

import aiohttp

from tests.given.reach import reach

START_TIMEOUT_SECONDS = 90.0
STOP_TIMEOUT_SECONDS = 30.0
URL = re.compile(r"http://127\.0\.0\.1:\d+")


class Server:
    """A running development server."""

    def __init__(self, url: str, environment: dict[str, str], pid: int) -> None:
        self.url = url
        self.environment = environment
        self.pid = pid

    async def token(self, subject: str, role: str, department: str | None = None) -> str:
        """An access token of the development issuer."""
        body = {"subject": subject, "roles": [role]} | reach(role, department)
        answer = await self.post("/dev/token", body)
        token: str = answer["access_token"]
        return token

    async def text(self, path: str) -> str:
        """GET, as text."""
        async with aiohttp.ClientSession(self.url) as http, http.get(path) as answer:
            return await answer.text()

    async def post(self, path: str, body: dict[str, Any], token: str | None = None) -> Any:
        """POST JSON, and the JSON of the answer; raises where the server says no."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with (
            aiohttp.ClientSession(self.url) as http,
            http.post(path, json=body, headers=headers) as answer,
        ):
            assert answer.ok, await answer.text()
            return await answer.json()


def environment_of(data: Path) -> dict[str, str]:
    """What a server over a data folder runs in: nothing that was set for another one."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("CITYBRAIN_")}
    return ours | {"CITYBRAIN_DATA_DIR": str(data)}


@asynccontextmanager
async def server(
    data: Path,
    *options: str,
    command: str = "run",
    errors: IO[bytes] | None = None,
    **settings: str,
) -> AsyncIterator[Server]:
    """`citybrain run` (or `serve`) on a free port; stopped with the block, as Ctrl-C stops it.

    `errors` takes its standard error, where the log goes.
    """
    environment = environment_of(data) | settings
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from citybrain.cli import main; main()",
        command,
        "--port",
        "0",
        *options,
        stdout=PIPE,
        stderr=errors,
        env=environment,
    )
    try:
        url = await asyncio.wait_for(_url(process), START_TIMEOUT_SECONDS)
        yield Server(url, environment, process.pid)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            try:
                await asyncio.wait_for(process.communicate(), STOP_TIMEOUT_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _url(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        if match := URL.search(line.decode()):
            return match[0]
    raise AssertionError(f"the server ended with {await process.wait()} before it listened")
