"""`citybrain signals`: check junctions, draw their plans, and verify what their lamps showed."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from citybrain.audit.signals.exports import Journals, by_version, read_export, read_log
from citybrain.audit.signals.junction_drawing import draw_junction
from citybrain.audit.signals.time_space import draw_corridor
from citybrain.audit.signals.verify import Violation, verify
from citybrain.cli.shared.folders import Folder, files_over
from citybrain.cli.shared.output import console, print_json
from citybrain.cli.shared.signals_reading import explain_change, hires, replay_decisions
from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.signals.corridors import load_corridors, wave
from citybrain.definitions.signals.junctions import SignalDefinitions, load_signals
from citybrain.definitions.signals.sumo_import import SafetyTimes, import_net
from citybrain.definitions.signals.writing import write_junction
from citybrain.errors import InvalidInput, NotFound
from citybrain.eventstore import open_event_store
from citybrain.settings import Settings
from commands.kept_definitions import with_kept
from commands.signals.streams import JunctionUnknown

app = typer.Typer(no_args_is_help=True)
app.command()(hires)
app.command(name="explain")(explain_change)
app.command(name="replay")(replay_decisions)


class SafetyTimesUnclear(InvalidInput):
    """A safety time is not said as it has to be."""

    code = "signal-safety-times-unclear"


class RoadUnknown(NotFound):
    """There is no definition of this road, or it has no such plan."""

    code = "signal-corridor-unknown"


class Unsafe(InvalidInput):
    """The checker found what must not be."""

    code = "signal-rules-broken"


@app.command()
def check(folder: Folder = None) -> None:
    """Read every junction and road; an error names file, line, rule, and what is needed."""
    files = files_over(folder)
    found = load_signals(files, Definitions())
    roads = load_corridors(files, Definitions(found))
    for code, versions in found.junctions.items():
        for version in versions:
            for warning in version.warnings:
                console.print(warning)
        console.print(f"{code}: {len(versions)} version(s) in order")
    for code, of_road in roads.corridors.items():
        console.print(f"{code}: a road, {len(of_road)} version(s) in order")


@app.command()
def show(
    junction: Annotated[str, typer.Argument(help="Code of a junction.")],
    plan: Annotated[str, typer.Option(help="Which plan is drawn.")] = "day",
    out: Annotated[Path | None, typer.Option(help="An SVG file; else standard output.")] = None,
) -> None:
    """Draw a junction as SVG: lanes and movements by group, each stage, and a plan."""
    found = _definitions().at(junction, datetime.now(UTC))
    if found is None or plan not in found.plans:
        raise JunctionUnknown(f"there is no junction {junction} with a plan {plan}")
    picture = draw_junction(found, plan)
    if out is None:
        typer.echo(picture, nl=False)
    else:
        out.write_text(picture, encoding="utf-8")


@app.command()
def corridor(
    name: Annotated[str, typer.Argument(help="Code of a road.")],
    plan: Annotated[
        str | None, typer.Option(help="Which plan; the first of the road where absent.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="An SVG file with its diagram.")] = None,
    folder: Folder = None,
) -> None:
    """How wide the green waves of a road are, both ways, and its time–space diagram as SVG."""
    files, now = files_over(folder), datetime.now(UTC)
    signals = load_signals(files, Definitions())
    road = load_corridors(files, Definitions(signals)).at(name, now)
    if road is None or (plan is not None and plan not in road.plans):
        raise RoadUnknown(f"there is no road {name}" + (f" with a plan {plan}" if plan else ""))
    junctions = {
        stop.junction: dated
        for stop in road.junctions
        if (dated := signals.at(stop.junction, now)) is not None
    }
    plan = plan or road.plans[0]
    bands = wave(road, junctions, plan)
    for way, band, shortest in (
        ("out", bands.outbound, bands.shortest_green[0]),
        ("back", bands.inbound, bands.shortest_green[1]),
    ):
        console.print(
            f"{name} {plan} {way}: a band of {band.width / 1000:g} s in a cycle of "
            f"{bands.cycle / 1000:g} s, the shortest green is {shortest / 1000:g} s"
        )
    if out is not None:
        out.write_text(draw_corridor(road, junctions, plan, bands), encoding="utf-8")


@app.command(name="import-sumo")
def import_sumo(
    net: Annotated[Path, typer.Argument(help="A SUMO network, .net.xml.")],
    out: Annotated[
        Path | None, typer.Option(help="A city's folder: one file for each junction goes there.")
    ] = None,
    minimum: Annotated[float, typer.Option(help="Minimum green in seconds.")] = 7.0,
    yellow: Annotated[
        float | None, typer.Option(help="Yellow in seconds; as in the network where absent.")
    ] = None,
    all_red: Annotated[
        str,
        typer.Option(help="Seconds after the yellow, or `computed`, or as the `network` has it."),
    ] = "computed",
) -> None:
    """Make junctions of a SUMO network: lanes, movements, groups, intergreens, stages, its plan."""
    found = import_net(net, _safety_times(minimum, yellow, all_red))
    for code, each in found.items():
        file = each.file
        console.print(
            f"{code}: {len(file.lanes)} lanes, {len(file.movements)} movements, "
            f"{len(file.groups)} groups, {len(file.stages)} stages"
        )
        for note in each.notes:
            console.print(f"{code}: {note}")
        if out is not None:
            write_junction(out, file, each.notes)


def _safety_times(minimum: float, yellow: float | None, all_red: str) -> SafetyTimes:
    if all_red == "computed":
        return SafetyTimes(minimum, yellow, "computed")
    if all_red == "network":
        return SafetyTimes(minimum, yellow, "network")
    try:
        return SafetyTimes(minimum, yellow, float(all_red))
    except ValueError as error:
        raise SafetyTimesUnclear("--all-red is seconds, `computed` or `network`") from error


@app.command(name="verify")
def verify_log(
    junction: Annotated[
        str | None, typer.Argument(help="Code of a junction; all where absent.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Check this export (events of GET /v1/log, one a line).")
    ] = None,
    begins: Annotated[
        datetime | None, typer.Option("--from", help="Report what happened from then on (UTC).")
    ] = None,
    ends: Annotated[
        datetime | None, typer.Option("--to", help="Up to then; now where absent (UTC).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Hold what all lamps showed against the thirteen rules, from the events alone.

    Zero violations is the only result that passes; otherwise the exit status is not 0.
    """
    definitions, journals = _definitions(), read_export(export) if export is not None else {}
    if export is None:
        definitions, journals = asyncio.run(_log())
    if junction is not None and junction not in journals:
        raise JunctionUnknown(f"there are no events of junction {junction}")
    since = 0 if begins is None else _ms(begins)
    until = _ms(datetime.now(UTC) if ends is None else ends)
    wanted = sorted(journals) if junction is None else [junction]
    found = {code: _verified(definitions, journals, code, since, until) for code in wanted}
    count = sum(map(len, found.values()))
    if as_json:
        print_json({code: [_as_dict(each) for each in all_] for code, all_ in found.items()})
    else:
        _print(journals, found)
    if count:
        raise Unsafe(f"{count} violation(s)", violations=count)


def _verified(
    definitions: SignalDefinitions, journals: Journals, code: str, since: int, until: int
) -> list[Violation]:
    """What the checker finds in a junction's events, each under the definition of its day."""
    found: list[Violation] = []
    for version, events in by_version(journals[code]).items():
        dated = definitions.of_version(code, version)
        if dated is None:
            raise JunctionUnknown(f"there is no version {version} of junction {code} any more")
        found += verify(dated.file, events, until)
    return [each for each in found if since <= each.at <= until]


async def _log() -> tuple[SignalDefinitions, Journals]:
    """The events, and the definitions with those that no file has any more."""
    async with open_event_store(Settings()) as store:
        kept = await with_kept(Definitions(_definitions()), store.pool)
        return kept.of(SignalDefinitions), await read_log(store)


def _definitions() -> SignalDefinitions:
    return load_signals(Files(Settings().definitions_dir), Definitions())


def _ms(at: datetime) -> int:
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return round(at.timestamp() * 1000)


def _as_dict(found: Violation) -> dict[str, object]:
    return {
        "rule": found.rule,
        "at": datetime.fromtimestamp(found.at / 1000, UTC).isoformat(),
        "groups": found.groups,
        "text": found.text,
        "positions": [found.first.position, found.second.position],
    }


def _print(journals: Journals, found: dict[str, list[Violation]]) -> None:
    table = Table("junction", "rule", "when", "groups", "what", "events")
    for code, violations in found.items():
        for each in violations:
            said = _as_dict(each)
            positions = f"{each.first.position}, {each.second.position}"
            table.add_row(
                code, str(each.rule), str(said["at"]), " ".join(each.groups), each.text, positions
            )
    if table.row_count:
        console.print(table)
    for code, violations in found.items():
        console.print(f"{code}: {len(journals[code])} events, {len(violations)} violation(s)")
