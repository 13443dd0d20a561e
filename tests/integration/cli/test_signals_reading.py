"""What read models of junctions say, at the command line."""

from pathlib import Path

from citybrain.eventstore import EventStore
from tests.given.read_models import project
from tests.given.signals.attack import CITY
from tests.given.signals.recorded import record
from tests.given.signals.x1 import Street, loaded
from tests.given.terminal import Terminal


async def test_a_light_is_explained_and_its_log_is_written(
    store: EventStore, terminal: Terminal, tmp_path: Path
) -> None:
    folder = tmp_path / "city"
    city = {"CITYBRAIN_DEFINITIONS_DIR": str(folder)}
    street = Street.green(loaded(folder, CITY), "A")
    street.wish(10, "C")
    street.collect()
    await record(store, street.events)
    await project(store, "signal_lamps", "signal_changes")
    when = ("--at", "2026-09-14T02:00:30")
    told = await terminal.run("signals", "explain", "x1", *when, **city)
    assert told.status == 0, told.err
    assert "10:00:10.0 from A to C: the centre decided" in told.out
    assert "10:00:10.0 从 A 变为 C：由中心决定" in told.out
    as_json = await terminal.run("signals", "explain", "x1", *when, "--json", **city)
    assert as_json.json["change"]["stage"] == "C"
    span = ("--from", "2026-09-14T02:00:00", "--to", "2026-09-14T03:00:00")
    log = await terminal.run("signals", "hires", "x1", *span, **city)
    assert log.out.splitlines()[0] == "SignalID,Timestamp,EventCode,EventParam"
    assert "x1,2026-09-14 10:00:10.0,8,4" in log.out
    file = tmp_path / "hires.csv"
    written = await terminal.run("signals", "hires", "x1", *span, "--out", str(file), **city)
    assert written.status == 0
    assert file.read_text(encoding="utf-8").splitlines() == log.out.splitlines()
    assert (await terminal.run("projections", "rebuild", "signal_junctions")).status == 0
    compared = await terminal.run("projections", "compare", "signal_junctions", "--json")
    assert [(each["table"], each["rows"]) for each in compared.json["tables"]] == [("junctions", 1)]
    unknown = await terminal.run("signals", "explain", "x9", **city)
    assert unknown.status == 1
