"""The `citybrain` command, as a person at a terminal meets it."""

import asyncio
import os
import sys
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from citybrain.eventstore import EventStore
from citybrain.settings import Settings
from projections.registry import PROJECTIONS
from projections.runner import prepare
from tests.integration.cases import services_over, take_to_the_end


@dataclass
class Ended:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return orjson.loads(self.out)


@dataclass
class Terminal:
    """Runs the command against the test's database."""

    settings: Settings

    async def run(self, *arguments: str, **environment: str) -> Ended:
        assert self.settings.database_url is not None
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "citybrain", *arguments,
            env={
                **os.environ,
                "COLUMNS": "80",
                "CITYBRAIN_DATABASE_URL": self.settings.database_url.get_secret_value(),
                "CITYBRAIN_DATA_DIR": str(self.settings.data_dir),
                **environment,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode is not None
        return Ended(process.returncode, out.decode(), err.decode())


@pytest.fixture
def terminal(settings: Settings) -> Terminal:
    return Terminal(settings)


async def test_replay_tells_a_stream_as_of_any_moment(
    store: EventStore, terminal: Terminal
) -> None:
    case = (await take_to_the_end(services_over(store))).stream_id
    events = await store.read(case)

    told = await terminal.run("replay", case)
    assert told.status == 0, told.err
    assert max(map(len, told.out.splitlines())) <= 80
    for event in events:
        assert f"v{event.version} {event.topic}" in told.out

    whole = (await terminal.run("replay", case, "--json")).json
    assert (whole["state"]["status"], len(whole["events"])) == ("closed", 7)
    moments = {
        "v4": 4,
        f"p{events[2].position}": 3,
        events[4].recorded_at.isoformat(): 5,
    }
    for moment, version in moments.items():
        then = (await terminal.run("replay", case, "--as-of", moment, "--json")).json
        assert then["state"]["version"] == len(then["events"]) == version


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("replay", "case-0"), "stream-not-found"),
        (("replay", "case-0", "--as-of", "yesterday"), "invalid-input"),
        (("projections", "rebuild", "nothing"), "unknown-projection"),
        (("processes", "retry", "nothing"), "unknown-process"),
    ],
)
async def test_an_error_is_one_line_with_its_code(
    terminal: Terminal, arguments: tuple[str, ...], code: str
) -> None:
    ended = await terminal.run(*arguments)
    assert ended.status == 1
    assert f"({code})" in ended.err
    assert "Traceback" not in ended.err


async def test_read_models_and_processes_show_where_they_are(
    store: EventStore, terminal: Terminal
) -> None:
    await take_to_the_end(services_over(store))
    await prepare(store, PROJECTIONS)
    behind = (await terminal.run("projections", "status", "--json")).json
    assert {row["projection"]: row["lag"] for row in behind["projections"]} == {
        projection.name: 7 for projection in PROJECTIONS
    }
    assert (await terminal.run("projections", "rebuild", "case_timeline")).status == 0
    compared = await terminal.run("projections", "compare", "case_timeline", "--json")
    assert (compared.status, compared.json["equal"], compared.json["position"]) == (0, True, 7)

    processes = await terminal.run("processes", "status", "--json")
    assert processes.json == {"head": 7, "processes": [], "parked": []}
    assert (await terminal.run("processes", "retry", "case-routing")).status == 0


async def test_settings_are_listed_and_secrets_stay_hidden(terminal: Terminal) -> None:
    listed = (await terminal.run("settings", "--json")).json
    assert listed["CITYBRAIN_DATABASE_URL"]["value"] == "(set)"
    assert all(row["description"] for row in listed.values())
    wrong = await terminal.run("settings", CITYBRAIN_HTTP_PORT="many")
    assert (wrong.status, "CITYBRAIN_HTTP_PORT" in wrong.err) == (2, True)
