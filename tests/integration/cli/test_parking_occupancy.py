"""An archive of free places at the command line, and the check of what became of it."""

from pathlib import Path

from citybrain.eventstore import EventStore
from citybrain.systems import PROJECTIONS
from projections.runner import prepare
from tests.given.parking.archives import DAY, archive
from tests.given.read_models import project
from tests.given.terminal import Terminal

MODELS = ("parking_places", "parking_occupancy")


async def test_an_archive_is_imported_and_compared(
    store: EventStore, terminal: Terminal, tmp_path: Path
) -> None:
    await prepare(store, PROJECTIONS)
    day, places = archive(tmp_path)
    arguments = ("import", "occupancy-csv", str(day), "--places", str(places))
    first = await terminal.run(*arguments)
    assert first.status == 0, first.err
    assert "3 rows, 6 readings: 6 recorded, 0 known before, 0 rejected" in first.out
    again = (await terminal.run(*arguments, "--json")).json
    assert (again["recorded"], again["known"], again["rejections"]) == (0, 6, [])

    compare = ("parking", "compare-occupancy", str(day), "--facility", "one")
    behind = await terminal.run(*compare)
    assert behind.status == 1
    assert "read-model-behind" in behind.err
    await project(store, *MODELS)
    same = await terminal.run(*compare)
    assert same.status == 0, same.err
    assert "3 facilities: 6 numbers in the files, 6 known, 0 differ" in same.out
    assert "0.500000 | 0.500000" in same.out
    other, _ = archive(tmp_path, DAY.replace(",10,,-3", ",11,,-3"))
    differs = await terminal.run(*compare, "--json")
    assert differs.status == 1
    assert len(differs.json["differences"]) == 2
    assert other == day


async def test_what_is_rejected_is_printed_with_its_line(
    terminal: Terminal, tmp_path: Path
) -> None:
    day, places = archive(tmp_path, DAY.replace(",10,,-3", ",ten,,-3"))
    told = await terminal.run("import", "occupancy-csv", str(day), "--places", str(places))
    assert told.status == 1
    assert f"{day}:2: one: this is no whole number" in told.err.replace("\n", "")
