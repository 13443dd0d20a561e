"""A system that nobody has thought of: put in place in a copy of the house, checked, served.

What `ops/new_system.py` writes is all that it takes: nothing else in the copy changes.
"""

import asyncio
import difflib
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from citybrain.settings import Settings
from tests.given.api import Answer
from tests.given.server import Server, server
from tests.given.terminal import Terminal
from tests.given.waiting import PATIENCE_SECONDS

CHECKOUT = Path(__file__).resolve().parents[2]
COPIED = (
    "src/citybrain",
    "commands",
    "projections",
    "migrations",
    "ops",
    "tests",
    "docs/templates",
)
NOT_COPIED = shutil.ignore_patterns("pages")
LIST = "src/citybrain/systems/__init__.py"
QUIETLY = ("-q", "-p", "no:cacheprovider")
TESTS = (
    "tests/unit/test_the_house.py",
    "tests/unit/domain/belfry",
    "tests/integration/http/belfry",
)


@dataclass
class Copy:
    """A copy of the house, with the made-up system in it."""

    root: Path
    before: dict[str, bytes]
    after: dict[str, bytes]

    @property
    def new(self) -> list[str]:
        """The files that were not there."""
        return sorted(self.after.keys() - self.before.keys())


def run(root: Path, *command: str, **environment: str) -> str:
    """What a module of Python says that is run in the copy; it must end well."""
    ended = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=root,
        env=os.environ
        | {"PYTHONPATH": packages(root), "PYTEST_DEBUG_TEMPROOT": str(root)}
        | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def packages(root: Path) -> str:
    """PYTHONPATH of a process that is to find those of the copy."""
    return f"{root / 'src'}{os.pathsep}{root}"


def files_in(root: Path) -> dict[str, bytes]:
    """What people wrote, by its path."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not {"__pycache__", ".ruff_cache"} & set(path.parts)
    }


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy in which somebody has said `python -m ops.new_system belfry bell`."""
    root = tmp_path_factory.mktemp("house")
    for folder in COPIED:
        shutil.copytree(CHECKOUT / folder, root / folder, ignore=NOT_COPIED)
    shutil.copy2(CHECKOUT / "pyproject.toml", root)
    before = files_in(root)
    run(root, "ops.new_system", "belfry", "bell")
    return Copy(root, before, files_in(root))


def test_nothing_changes_but_its_own_files_and_its_line(copy: Copy) -> None:
    now = copy.after
    changed = [path for path, content in copy.before.items() if now.get(path) != content]
    assert changed == [LIST]
    lines = difflib.ndiff(copy.before[LIST].decode().splitlines(), now[LIST].decode().splitlines())
    assert [line for line in lines if not line.startswith("  ")] == [
        "+ from citybrain.systems.belfry import BELFRY",
        "+     BELFRY,",
    ]
    assert all("belfry" in path for path in copy.new)
    assert [path for path in copy.new if b"lamp" in now[path].lower()] == []


def test_it_passes_what_everything_must_pass(copy: Copy, server_url: str) -> None:
    of_mypy = CHECKOUT / ".mypy_cache"
    if of_mypy.is_dir():  # what mypy knows of the rest
        shutil.copytree(of_mypy, copy.root / ".mypy_cache")
    files = (*(path for path in copy.new if path.endswith(".py")), LIST)
    run(copy.root, "ruff", "format", "--check", *files)
    run(copy.root, "ruff", "check", *files)
    run(copy.root, "importlinter.cli", "lint", "--no-cache")
    with ThreadPoolExecutor() as side_by_side:
        typed = side_by_side.submit(run, copy.root, "mypy", *files)
        tested = side_by_side.submit(
            run, copy.root, "pytest", *QUIETLY, *TESTS, CITYBRAIN_TEST_DATABASE_URL=server_url
        )
    assert "no issues found" in typed.result()
    assert " passed" in tested.result()


@dataclass
class Client:
    """Requests to the server of the copy."""

    server: Server
    http: aiohttp.ClientSession

    async def call(self, method: str, path: str, role: str | None, body: Any = None) -> Answer:
        """One request, as somebody of this role."""
        headers = {}
        if role is not None:
            headers["Authorization"] = f"Bearer {await self.server.token(f'{role}-1', role)}"
        async with self.http.request(method, path, json=body, headers=headers) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def snapshot(self) -> Any:
        """A snapshot of the live board."""
        async with asyncio.timeout(PATIENCE_SECONDS), self.http.get("/live") as live:
            while not (line := await live.content.readline()).startswith(b"data: "):
                assert line, "the live board has ended"
        return orjson.loads(line.removeprefix(b"data: "))


@asynccontextmanager
async def served(settings: Settings, root: Path) -> AsyncIterator[Client]:
    """A server of the copy, as somebody starts it who stands in it."""
    assert settings.database_url is not None
    async with (
        server(
            settings.data_dir,
            command="serve",
            CITYBRAIN_MODE="development",
            CITYBRAIN_DATABASE_URL=settings.database_url.get_secret_value(),
            PYTHONPATH=packages(root),
        ) as running,
        aiohttp.ClientSession(running.url) as http,
    ):
        yield Client(running, http)


async def test_it_is_served_replayed_described_and_on_the_live_board(
    copy: Copy, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copy.root)
    async with served(settings, copy.root) as client:
        bell = await client.call("POST", "/v1/belfry", "operator", {"place": "East Gate"})
        assert (bell.status, bell.headers["ETag"]) == (201, '"1"')
        path, bell_id = bell.headers["Location"], bell.json["bell_id"]
        broken = await client.call("POST", f"{path}/report", "citizen", {"what": "it is silent"})
        assert (broken.status, broken.headers["ETag"]) == (200, '"2"')
        position = int(broken.headers["X-Position"])
        assert position > int(bell.headers["X-Position"])

        again = await client.call("POST", f"{path}/report", "citizen", {"what": "it is silent"})
        assert again.is_problem(409, "bell-is-broken")
        nobody = await client.call("POST", "/v1/belfry", "citizen", {"place": "East Gate"})
        assert nobody.is_problem(403, "role-missing")

        page = await client.call("GET", f"/v1/belfry?min_position={position}", "citizen")
        (row,) = page.json["belfry"]
        assert (row["bell_id"], row["status"]) == (bell_id, "broken")

        described = (await client.call("GET", "/openapi.json", None)).json
        operation = described["paths"]["/v1/belfry/{bell_id}/report"]["post"]
        assert (operation["tags"], "409" in operation["responses"]) == (["belfry"], True)
        assert "RegisterBell" in described["components"]["schemas"]

        snapshot = await client.snapshot()
        assert snapshot["belfry"] == {"working": 0, "broken": 1}
        newest = snapshot["newest"][0]
        assert (newest["topic"], newest["stream_id"]) == ("bell.reported_broken", "bell")
        assert (newest["class_code"], newest["simulated"]) == ("bell", False)

        await told_by_the_command_line(Terminal(settings, settings.data_dir), copy.root, bell_id)


async def told_by_the_command_line(terminal: Terminal, root: Path, bell_id: str) -> None:
    """What the commands of the copy say about the stream and the system."""
    replayed, shown = await asyncio.gather(
        terminal.run_anew("replay", bell_id, "--json", PYTHONPATH=packages(root)),
        terminal.run_anew("systems", "show", "belfry", "--json", PYTHONPATH=packages(root)),
    )
    assert replayed.json["state"]["status"] == "broken"
    topics = [event["topic"] for event in replayed.json["events"]]
    assert topics == ["bell.registered", "bell.reported_broken"]
    assert [stream["name"] for stream in shown.json["streams"]] == ["bell"]
    assert [len(shown.json[kind]) for kind in ("events", "commands", "routes")] == [3, 3, 5]
