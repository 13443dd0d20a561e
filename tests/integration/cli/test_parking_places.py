"""Places of parking at the command line."""

from pathlib import Path

from citybrain.eventstore import EventStore
from tests.given.parking.place_files import as_csv
from tests.given.parking.places import berth, block
from tests.given.terminal import Terminal


async def test_files_are_imported_at_the_command_line(
    store: EventStore, terminal: Terminal, tmp_path: Path
) -> None:
    file = as_csv(tmp_path / "places.csv", *block())
    arguments = ("import", "parking-places", str(file))
    dry = await terminal.run(*arguments, "--dry-run")
    assert (dry.status, await store.head()) == (0, 0), dry.err
    assert "12 opened, 0 changed, 0 unchanged; nothing was written" in dry.out
    assert (await terminal.run(*arguments)).status == 0
    again = await terminal.run(*arguments, "--json")
    assert again.json == {"opened": 0, "changed": 0, "unchanged": 12, "dry_run": False}

    bad = as_csv(tmp_path / "bad.csv", berth("Z1", 4), berth("Z9", 1))
    refused = await terminal.run("import", "parking-places", str(bad))
    assert refused.status == 1
    assert f"{bad}:2: geometry: Z1-004 does not lie in Z1" in refused.err
    assert f"{bad}:3: parent: " in refused.err
