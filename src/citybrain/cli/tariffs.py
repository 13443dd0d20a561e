"""`citybrain tariffs`: check what parking costs, and see how a stay would be priced, and why."""

from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from citybrain.cli.shared.folders import Folder, files_over
from citybrain.cli.shared.output import console, print_json
from citybrain.definitions.loading import Definitions
from citybrain.definitions.parking.rules import load_parking_rules
from citybrain.definitions.parking.tariffs import TariffDefinitions, load_tariff_definitions
from citybrain.definitions.parking.trying import problems_of
from citybrain.domain.parking.plate_grammar import PlateClass
from citybrain.domain.parking.price import Line, Price
from citybrain.domain.parking.pricing import price
from citybrain.domain.parking.stay import Permit, Span, Stay
from citybrain.domain.parking.tariff import Tariff
from citybrain.errors import InvalidInput
from citybrain.settings import Settings
from citybrain.systems import load_definitions

app = typer.Typer(no_args_is_help=True)

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


@app.command()
def check(folder: Folder = None) -> None:
    """Read every tariff and the rules of parking, and try each version on its examples; an error
    names its file and line."""
    files = files_over(folder)
    found = load_tariff_definitions(files, problems_of)
    load_parking_rules(files, Definitions())
    for line in _known_years(found):
        console.print(line)
    for code, tariff in found.tariffs.items():
        console.print(f"{code}: {len(tariff.versions)} version(s) in order")


@app.command()
def explain(
    zone: Annotated[str, typer.Option(help="Tariff zone.")],
    begins: Annotated[
        str, typer.Option("--from", help="2026-09-14T10:00, by the wall clock of the place.")
    ],
    ends: Annotated[str, typer.Option("--to", help="The same, or with an offset from UTC.")],
    tariff: Annotated[str, typer.Option(help="Code of the tariff.")] = "street",
    version: Annotated[
        str | None, typer.Option(help="By this version alone: its id or its day.")
    ] = None,
    compare: Annotated[
        str | None, typer.Option(help="And what it would cost by that one alone.")
    ] = None,
    plate_class: Annotated[
        PlateClass | None, typer.Option("--class", help="Class of the plate.")
    ] = None,
    permits: Annotated[
        list[str] | None, typer.Option("--permit", help="A permit of the car; may be repeated.")
    ] = None,
    charging_ended: Annotated[
        str | None, typer.Option(help="The car was charged from the beginning until then.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What a stay costs, line by line, and under another version."""
    found = load_definitions(Settings().definitions_dir).of(TariffDefinitions).tariff(tariff)
    known = {kind for v in found.versions for each in v.exemptions for kind in each.permits}
    if unknown := sorted(set(permits or ()) - known):
        raise InvalidInput(f"no exemption asks for {unknown[0]!r}; there are {sorted(known)}")
    wall = ZoneInfo(found.time_zone)
    since = _time(begins, wall)
    stay = Stay(
        start=since,
        end=_time(ends, wall),
        zone=zone,
        plate_class=plate_class,
        permits=tuple(Permit(kind, ALWAYS) for kind in permits or ()),
        charging=() if charging_ended is None else (Span(since, _time(charging_ended, wall)),),
    )
    prices = [price(stay, _under(found, version))]
    if compare is not None:
        prices.append(price(stay, _under(found, compare)))
    if as_json:
        print_json([each.as_dict() for each in prices] if compare else prices[0].as_dict())
        return
    for each in prices:
        _print(each, wall)
    if compare is not None:
        more = prices[1].total_fen - prices[0].total_fen
        what = f"{abs(more)} fen {'more' if more > 0 else 'less'}" if more else "the same"
        console.print(f"by {compare} it is {what}")


def _known_years(found: TariffDefinitions) -> list[str]:
    """Up to when free days are known, of each version that has some by a calendar."""
    return [
        f"{version.id}: free days are known for "
        f"{', '.join(str(year) for year in sorted(version.free_days.years))}; "
        "a stay in another year is not priced"
        for tariff in found.tariffs.values()
        for version in tariff.versions
        if version.free_days is not None and version.free_days.calendar is not None
    ]


def _under(tariff: Tariff, version: str | None) -> Tariff:
    """By one version alone, named by its id or its day; as in force where None."""
    if version is None:
        return tariff
    return tariff.only(tariff.named(version).id)


def _time(text: str, zone: ZoneInfo) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text} is not a time (2026-09-14T10:00)") from None
    return at.replace(tzinfo=zone) if at.tzinfo is None else at


def _print(found: Price, wall: ZoneInfo) -> None:
    table = Table("", "from", "to", "minutes", "units", "fen", title=f"{found.total_fen} fen")
    table.columns[0].overflow = "fold"
    for column in table.columns[3:]:
        column.justify = "right"
    for line in found.lines:
        table.add_row(
            f"{line.day} {line.rule}\n{_why(line)}",
            f"{line.begins.astimezone(wall):%H:%M:%S}",
            f"{line.ends.astimezone(wall):%H:%M:%S}",
            str(line.minutes),
            "\n".join(f"{step.units} × {step.fen}" for step in line.steps),
            str(line.fen)
            if line.fen == line.uncapped_fen
            else f"{line.fen} of {line.uncapped_fen}",
        )
    console.print(table)
    said: dict[str, Any] = dict(found.choices)
    console.print(", ".join(f"{name} {value}" for name, value in said.items() if value is not None))


def _why(line: Line) -> str:
    parts = [line.version, line.calendar, line.zero, line.cap and f"cap {line.cap}"]
    return ", ".join(part for part in parts if part)
