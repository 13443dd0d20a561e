"""What stays would have cost by another version of the tariff, at the terminal."""

import csv
from io import StringIO

from citybrain.app import open_services
from citybrain.eventstore import EventStore
from citybrain.settings import Settings
from tests.given.parking.world import parked
from tests.given.read_models import project
from tests.given.terminal import Terminal


async def test_p26_what_stays_would_have_cost_at_the_terminal(
    settings: Settings, store: EventStore, terminal: Terminal
) -> None:
    async with open_services(settings) as services:
        await parked(services, "citizen-" + "1" * 32, "citizen-" + "2" * 32)
    await project(store, "parking_sessions")
    head = await store.head()
    asked = ("parking", "under-tariff", "2020-01-01", "--from", "2026-09-14", "--to", "2026-09-15")
    told = await terminal.run(*asked)
    assert told.status == 0, told.err
    assert "sessions 2, priced_fen 800, under_fen 800" in told.out.replace("\n", " ")
    said = (await terminal.run(*asked, "--json")).json
    assert [row["under_fen"] for row in said["rows"]] == [400, 400]
    assert said["total"]["difference_fen"] == 0
    lines = list(csv.DictReader(StringIO((await terminal.run(*asked, "--csv")).out)))
    assert [line["priced_fen"] for line in lines] == ["400", "400", "800"]
    assert lines[-1]["session_id"] == "total"
    wrong = await terminal.run("parking", "under-tariff", "x", *asked[3:])
    assert wrong.status == 1
    assert "tariff-version-unknown" in wrong.err
    assert await store.head() == head
