"""The `citybrain` command, as a person at a terminal meets it."""

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from citybrain.cli.main import FILES, app
from citybrain.cli.shared.checkout import CHECKOUT
from citybrain.cli.systems import PARTS
from citybrain.eventstore import EventStore
from citybrain.systems import PROJECTIONS, SYSTEMS
from projections.runner import prepare
from tests.given.services import services_over, take_to_the_end
from tests.given.terminal import Terminal


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ([], [*FILES]),
        (["import"], ["311-csv"]),
        (["simulate"], ["cameras"]),
        (["faces", "pack"], ["import", "calibrate"]),
        (["run"], ["--port", "--rate"]),
        (["replay"], ["stream", "--as-of"]),
        (["projections"], ["status", "rebuild", "compare"]),
        (["processes"], ["status", "retry"]),
        (["dead-letters"], ["list", "replay"]),
    ],
)
def test_commands_are_found_whose_modules_are_loaded_late(
    arguments: list[str], shown: list[str]
) -> None:
    told = CliRunner().invoke(app, [*arguments, "--help"])
    assert told.exit_code == 0
    for each in shown:
        assert f" {each} " in told.output, told.output
    assert ("--install-completion" in told.output) is False


def test_systems_are_shown_with_a_file_for_every_part() -> None:
    listed = CliRunner().invoke(app, ["systems", "list", "--json"])
    assert [row["system"] for row in orjson.loads(listed.output)] == [s.name for s in SYSTEMS]
    for system in SYSTEMS:
        shown = orjson.loads(
            CliRunner().invoke(app, ["systems", "show", system.name, "--json"]).output
        )
        files = [part["file"] for kind in PARTS for part in shown.get(kind, [])]
        assert files
        assert all((CHECKOUT / file.partition(":")[0]).is_file() for file in files)


async def test_the_log_is_verified_in_the_database_and_in_an_export(
    store: EventStore, terminal: Terminal, tmp_path: Path
) -> None:
    await take_to_the_end(services_over(store))
    head, file = await store.head(), str(tmp_path / "a log.jsonl")
    exported = await terminal.run("audit", "export", file)
    assert (exported.status, exported.out) == (0, f"{head} events are in {file}\n")
    assert (await terminal.run("audit", "export", file)).status == 2, "nothing is written over"
    verified = await terminal.run("audit", "verify", "--export", file)
    assert (verified.status, verified.out) == (0, f"{head} events: nothing is wrong\n")
    async with store.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("DELETE FROM stored_events WHERE notification_id = 2")
    verified = await terminal.run("audit", "verify", "--json")
    assert (verified.status, verified.json["events"], verified.json["whole"]) == (
        1,
        head - 1,
        False,
    )
    assert {each["check"] for each in verified.json["findings"]} == {"positions", "versions"}


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

    lines = told.out.splitlines()
    assert [line for line in lines if line.startswith("v")] == lines[2:9], "a line an event"
    assert "{" not in told.out, "no dictionaries of Python"
    detailed = await terminal.run("replay", case, "--details")
    assert f"position {events[0].position}" in detailed.out

    whole = (await terminal.run("replay", case, "--json")).json
    assert (whole["state"]["status"], len(whole["events"])) == ("closed", 7)
    moments = {"v4": 4, f"p{events[2].position}": 3, events[4].recorded_at.isoformat(): 5}
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
    of_model = "SELECT tablename FROM pg_tables WHERE schemaname = 'case_timeline' LIMIT 1"
    table = await store.pool.fetchval(of_model)
    lost = await store.pool.execute(f"DELETE FROM case_timeline.{table}")
    rebuilt = await terminal.run("projections", "rebuild", "case_timeline")
    assert f"case_timeline.{table}: 0 rows, 0 taken out, {lost.split()[1]} put in" in rebuilt.out
    assert (await terminal.run("projections", "compare", "--all", "case_desk")).status == 1
    compared = await terminal.run("projections", "compare", "case_timeline", "--json")
    assert (compared.status, compared.json["equal"], compared.json["position"]) == (0, True, 7)

    processes = await terminal.run("processes", "status", "--json")
    assert processes.json == {"head": 7, "processes": [], "parked": []}
    assert (await terminal.run("processes", "retry", "case-routing")).status == 0


async def test_settings_are_listed_and_secrets_stay_hidden(terminal: Terminal) -> None:
    listed = (await terminal.run_anew("settings", "--json")).json
    assert listed["CITYBRAIN_DATABASE_URL"]["value"] == "(set)"
    connections = listed.pop("connections")
    assert all(row["description"] for row in listed.values())
    assert connections.pop("total") == sum(connections.values())
    wrong = await terminal.run("settings", CITYBRAIN_HTTP_PORT="many")
    assert (wrong.status, "CITYBRAIN_HTTP_PORT" in wrong.err) == (2, True)
