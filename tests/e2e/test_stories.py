"""What the documents tell a newcomer, run as it stands there."""

import asyncio
import re
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from citybrain.definitions.applications.catalogue import Catalogue
from citybrain.definitions.applications.deciding import decide
from citybrain.definitions.inspection.cases import cases_at
from citybrain.systems import load_definitions
from tests.given.documents import CHECKOUT, name_of
from tests.given.server import Server, server
from tests.given.stories import README, STORIES, URL, documents, environment, read
from tests.given.warm_commands import warm_commands

DEFINITION = re.compile(r"```yaml\n# (my-city/\S+)\n(.*?)```", re.DOTALL)
LONGEST_SECONDS = 120.0


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """One server for the stories of a worker; each has its own people and places."""
    async with server(tmp_path_factory.mktemp("stories") / "data", "--no-city") as running:
        yield running


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with warm_commands(tmp_path_factory.mktemp("warm")) as folder:
        yield folder


@pytest.mark.parametrize("document", documents(), ids=name_of)
async def test_a_story_is_true(document: Path, running: Server, warm: Path) -> None:
    """That of README.md calls the program that is installed, the others one that is loaded."""
    programs = () if document == README else (warm,)
    story = read(document)
    assert story.promises, "a story says what comes: # => …"
    shell = await asyncio.create_subprocess_exec(
        "bash",
        "-euo",
        "pipefail",
        "-c",
        story.script.replace(URL, running.url),
        stdout=PIPE,
        stderr=STDOUT,
        env=environment(running.url, running.environment, *programs),
        cwd=CHECKOUT,
        start_new_session=True,
    )
    output = await said(shell)
    assert shell.returncode == 0, output
    assert story.broken(output) == []


async def said(shell: asyncio.subprocess.Process) -> str:
    """All that a script says; it is ended where it takes too long."""
    assert shell.stdout is not None
    output = bytearray()
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            while chunk := await shell.stdout.read(1 << 16):
                output += chunk
            await shell.wait()
    except TimeoutError:
        shell.kill()
        await shell.wait()
        output += b"\nthis took too long"
    return output.decode()


def test_every_story_is_told() -> None:
    assert set(STORIES.glob("*.md")) <= set(documents())


def test_a_story_that_is_not_true_is_found(tmp_path: Path) -> None:
    document = tmp_path / "story.md"
    document.write_text("```sh\necho one two\n# => one … two\necho three\n# => two\n```\n")
    story = read(document)
    assert story.promises == (("one", "two"), ("two",))
    assert story.broken("one two\n--- promised: \nthree\n--- promised: \n") == [
        "two is not in:\n\nthree\n"
    ]


def test_the_examples_of_definitions_are_some(tmp_path: Path) -> None:
    text = (CHECKOUT / "docs" / "definitions.md").read_text()
    examples = DEFINITION.findall(text)
    for name, content in examples:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    definitions = load_definitions(tmp_path / "my-city")
    cases = cases_at(definitions, datetime(2026, 8, 1, 12, tzinfo=UTC))
    assert cases.route("dark_street_light").lead == "lighting"
    licence = definitions.of(Catalogue).item("dog-licence", date(2026, 9, 1))
    for vaccinated, outcome in (("2026-01-01", "approved"), ("2025-09-01", "refused")):
        evidence = {"vaccination": {"date": vaccinated}}
        assert decide(licence, {}, evidence, date(2026, 9, 1)).outcome == outcome
