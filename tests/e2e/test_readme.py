"""What the README tells a newcomer, run as it stands there."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from datetime import UTC, date, datetime
from pathlib import Path

from citybrain.definitions.applications.catalogue import Catalogue
from citybrain.definitions.applications.deciding import decide
from citybrain.definitions.inspection.cases import cases_at
from citybrain.systems import load_definitions
from tests.given.server import server

README = Path(__file__).resolve().parents[2] / "README.md"
STORIES = re.compile(r"## One case, from report to closing\n(.*?)\n## Real records", re.DOTALL)
DEFINITION = re.compile(r"```yaml\n# (\S+)\n(.*?)```", re.DOTALL)
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def story(url: str) -> str:
    """The shell commands of the stories, against the server at `url`."""
    chapter = STORIES.search(README.read_text())
    assert chapter is not None
    commands = "\n".join(BLOCK.findall(chapter[1]))
    assert commands.count("http://127.0.0.1:8080") == 1
    commands = commands.replace("http://127.0.0.1:8080", url)
    assert commands.count("PERSON=$(date +%s)") == 1
    commands = commands.replace("PERSON=$(date +%s)", "PERSON=7")  # always the same two people
    return commands.replace(".venv/bin/", f"{Path(sys.executable).parent}/")


def test_the_examples_of_definitions_are_some(tmp_path: Path) -> None:
    examples = DEFINITION.findall(README.read_text())
    assert len(examples) == 2
    for name, text in examples:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    definitions = load_definitions(tmp_path / "my-city")
    cases = cases_at(definitions, datetime(2026, 8, 1, 12, tzinfo=UTC))
    assert cases.route("dark_street_light").lead == "lighting"
    licence = definitions.of(Catalogue).item("dog-licence", date(2026, 9, 1))
    for vaccinated, outcome in (("2026-01-01", "approved"), ("2025-09-01", "refused")):
        evidence = {"vaccination": {"date": vaccinated}}
        assert decide(licence, {}, evidence, date(2026, 9, 1)).outcome == outcome


async def test_the_story_of_the_readme_is_true(tmp_path: Path) -> None:
    async with server(tmp_path / "data", "--no-city") as running:
        shell = await asyncio.create_subprocess_exec(
            "bash",
            "-euo",
            "pipefail",
            "-c",
            story(running.url),
            stdout=PIPE,
            stderr=STDOUT,
            env=running.environment,
            cwd=README.parent,
        )
        output = (await shell.communicate())[0].decode()
    assert shell.returncode == 0, output
    for expected in (
        "HTTP/1.1 201",
        '"status":"dispatched"',
        '"status":"accepted","version":4',
        '"status":"handled","version":5',
        '"code":"role-missing"',
        '"code":"wrong-case-status"',
        '"status":"verified","version":6',
        '"status":"closed","version":7',
        '"topic":"case.closed"',
        '"state_base64"',
        '"face_enrolled":true',
        '"matched":true',
        '"matched":false',
        '"topic":"citizen.face_verified"',
        "event: step",
        "<service_code>road_damage</service_code>",
        '"service_code":"road_damage","description":"a hole"',
        '"topic":"application.payout_confirmed"',
        'event: end\ndata: {"status":"paid"}',
        '"recomputed":{"same":true',
        '"state":"confirmed"',
        '"who":"credit-registry"',
        '"recorded":4,"known":0,"refused":[]',
        '"topic":"case.decided"',
        '"topic":"case.milestone_reached"',
        '"topic":"case.extended"',
        '"topic":"case.reopened"',
        '"rework":1.0',
    ):
        assert expected in output, f"{expected} is not in:\n{output}"
    assert output.count("the decision is the same") == 2
    as_of_acceptance = output.rpartition("times of recording in UTC")[2].partition("citizen-")[0]
    assert "accepted" in as_of_acceptance
    assert "solved" not in as_of_acceptance
