"""A headless Chromium, driven by chromedriver over the W3C WebDriver protocol.

https://www.w3.org/TR/webdriver2/ — only the few commands that the tests use. A browser that
is missing fails the test: it is never skipped in silence.
"""

import asyncio
import os
import re
import shutil
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

START_TIMEOUT_SECONDS = 60.0
STARTS = 10
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMEDRIVER = ("chromedriver", "chromium.chromedriver")


class ScriptNeverTrue(AssertionError):
    """What the test waited for in the page did not come."""


class Browser:
    """One window. Scripts are bodies of functions, with `return`."""

    def __init__(self, http: aiohttp.ClientSession, session: str) -> None:
        self._http, self._session = http, session

    async def open(self, url: str) -> None:
        """Go to `url` and wait for its load event."""
        await self._post("/url", {"url": url})

    async def run(self, script: str, *arguments: Any) -> Any:
        """What `script` returns for `arguments`; both are JSON."""
        return await self._post("/execute/sync", {"script": script, "args": list(arguments)})

    async def wait_for(self, script: str, *arguments: Any, seconds: float = 60.0) -> Any:
        """The first true value of `script`; raises `ScriptNeverTrue`."""
        deadline = time.monotonic() + seconds
        while not (value := await self.run(script, *arguments)):
            if time.monotonic() > deadline:
                text = await self.run("return document.body.innerText")
                raise ScriptNeverTrue(f"never true: {script} {arguments}; the page says:\n{text}")
            await asyncio.sleep(0.1)
        return value

    async def resize(self, width: int, height: int) -> None:
        """Give the page this size in CSS pixels, as a phone or a wall screen has it."""
        parameters = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        command = {"cmd": "Emulation.setDeviceMetricsOverride", "params": parameters}
        await self._post("/goog/cdp/execute", command)

    async def complaints(self) -> list[str]:
        """What the console complained about since the last call: errors, refused resources."""
        entries = await self._post("/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        return await _post(self._http, f"/session/{self._session}{path}", body)


@asynccontextmanager
async def browser(profile: Path) -> AsyncIterator[Browser]:
    """A Chromium with an empty profile in the folder `profile`; ended with the block."""
    driver, port = await _listening()
    try:
        async with aiohttp.ClientSession(
            f"http://127.0.0.1:{port}", timeout=aiohttp.ClientTimeout(total=START_TIMEOUT_SECONDS)
        ) as http:
            created = await _post(http, "/session", {"capabilities": _capabilities(profile)})
            session: str = created["sessionId"]
            try:
                yield Browser(http, session)
            finally:
                await http.delete(f"/session/{session}")
    finally:
        if driver.returncode is None:
            driver.terminate()
        await driver.wait()


def _program(variable: str, names: tuple[str, ...]) -> str:
    candidates = (os.environ.get(variable), *names)
    found = next((path for name in candidates if name and (path := shutil.which(name))), None)
    if found is None:
        pytest.fail(f"{names[0]} is not installed: run ops/install-system-packages.sh")
    return found


def _capabilities(profile: Path) -> dict[str, Any]:
    arguments = [
        "--headless=new",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-extensions",
        "--no-first-run",
        "--no-default-browser-check",
        f"--user-data-dir={profile}",
    ]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium has none for root
    options = {"binary": _program("CHROMIUM", CHROMIUM), "args": arguments}
    return {
        "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        }
    }


async def _listening() -> tuple[asyncio.subprocess.Process, int]:
    """A driver and its port. One that ends because somebody else took its port is started again."""
    for _ in range(STARTS):
        driver = await asyncio.create_subprocess_exec(
            _program("CHROMEDRIVER", CHROMEDRIVER), "--port=0", stdout=PIPE, stderr=DEVNULL
        )
        port = await asyncio.wait_for(_port(driver), START_TIMEOUT_SECONDS)
        if port is not None:
            return driver, port
        await driver.wait()
    raise AssertionError("chromedriver ended before it listened, each time")


async def _port(driver: asyncio.subprocess.Process) -> int | None:
    """Where it listens; None where it has ended."""
    assert driver.stdout is not None
    async for line in driver.stdout:
        if match := re.search(rb"started successfully on port (\d+)", line):
            return int(match[1])
    return None


async def _post(http: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> Any:
    async with http.post(path, json=body) as answer:
        value = (await answer.json())["value"]
        if answer.status != 200:
            raise AssertionError(f"WebDriver {path}: {value['error']}: {value['message']}")
        return value
