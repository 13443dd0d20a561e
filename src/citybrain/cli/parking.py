"""`citybrain parking`: hold what is known of parking against where it comes from, or might be."""

import asyncio
import csv
import sys
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from citybrain.app import open_services
from citybrain.audit.parking.counts import (
    Compared,
    HourPair,
    compare_hours,
    compare_numbers,
    read_files,
)
from citybrain.audit.parking.under_tariff import Compared as Priced
from citybrain.audit.parking.under_tariff import Sums, compared
from citybrain.city_day import CITY_ZONE
from citybrain.cli.shared.output import console, errors, print_json
from citybrain.definitions.parking.tariffs import tariff_of
from citybrain.errors import CitybrainError, InvalidInput, NotFound
from citybrain.settings import Settings
from commands.parking.pricing import STREET
from commands.services import Services
from projections.reading import reached

SHOWN = 10
CLOSE = 1e-9
MODELS = ("parking_occupancy", "parking_places")
SHOWN_OF_A_STAY = (
    "session_id",
    "arrived_at",
    "left_at",
    "tariff_zone",
    "priced_fen",
    "under_fen",
    "difference_fen",
    "why",
)

app = typer.Typer(no_args_is_help=True)


class NotThereYet(CitybrainError):
    """A read model has not come to the end of the log."""

    code = "read-model-behind"


@app.callback()
def parking() -> None:
    """Hold what is known of parking against where it comes from."""


@app.command(name="compare-occupancy")
def compare_occupancy(
    files: Annotated[
        list[Path],
        typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV of an archive."),
    ],
    facility: Annotated[
        list[str] | None, typer.Option(help="Compare the hours of this one; may be repeated.")
    ] = None,
    day: Annotated[
        str | None, typer.Option(help="Print the hours of this day; the first where left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare the numbers of an archive with the read model, and hours computed from both.

    Exit status 1 where anything differs.
    """
    numbers, by_hour = asyncio.run(_compare(files, facility or []))
    farthest = {name: max(each.apart for each in pairs) for name, pairs in by_hour.items()}
    if as_json:
        print_json(_said(numbers, by_hour), indent=True)
    else:
        console.print(
            f"{numbers.facilities} facilities: {numbers.in_files} numbers in the files, "
            f"{numbers.known} known, {len(numbers.differences)} differ"
        )
        for each in numbers.differences[:SHOWN]:
            errors.print(each, markup=False, soft_wrap=True)
        for name, apart in farthest.items():
            console.print(f"{name}: {len(by_hour[name])} hours, at most {apart:.1e} apart")
        if by_hour:
            shown = next(iter(by_hour.values()))[0].day if day is None else date.fromisoformat(day)
            console.print(_table(by_hour, shown))
    if numbers.differences or any(apart > CLOSE for apart in farthest.values()):
        raise typer.Exit(1)


@app.command(name="under-tariff")
def under_tariff(
    version: Annotated[str, typer.Argument(help="Of the tariff: its id, or its day.")],
    since: Annotated[str, typer.Option("--from", help="2026-09-14, or 2026-09-14T10:00.")],
    until: Annotated[str, typer.Option("--to", help="Not included.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV; the last line is the sum.")] = (
        False
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What stays of a time cost, and what they would have cost by another version of the tariff.

    Nothing is changed. A stay that the version cannot price says why, and is in no sum.
    """
    rows, sums = asyncio.run(_under_tariff(version, _time(since), _time(until)))
    if as_json:
        print_json({"rows": [_plain(row) for row in rows], "total": sums.as_dict()}, indent=True)
    elif as_csv:
        table = csv.DictWriter(sys.stdout, SHOWN_OF_A_STAY, extrasaction="ignore")
        table.writeheader()
        table.writerows(_plain(row) for row in rows)
        table.writerow({"session_id": "total"} | sums.as_dict())
    else:
        shown = Table(*SHOWN_OF_A_STAY, title=f"by {version} alone")
        for row in rows:
            shown.add_row(*(str(each) for each in _plain(row).values()))
        console.print(shown)
        console.print(", ".join(f"{name} {value}" for name, value in sums.as_dict().items()))


async def _under_tariff(
    version: str, since: datetime, until: datetime
) -> tuple[list[Priced], Sums]:
    async with open_services(Settings()) as services:
        await _check_reached(services, ("parking_sessions",))
        version_id = tariff_of(services.definitions, STREET).named(version).id
        sums, rows = Sums(), []
        async for row in compared(services, version_id, since, until):
            sums.add(row)
            rows.append(row)
    return rows, sums


def _plain(row: Priced) -> dict[str, object]:
    """As it is printed; times by the wall clock of the city."""
    said: dict[str, object] = {name: getattr(row, name) for name in SHOWN_OF_A_STAY}
    for name in ("arrived_at", "left_at"):
        said[name] = getattr(row, name).astimezone(CITY_ZONE).isoformat()
    return {name: "" if value is None else value for name, value in said.items()}


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text} is not a time (2026-09-14, 2026-09-14T10:00)") from None
    return at.replace(tzinfo=CITY_ZONE) if at.tzinfo is None else at


async def _check_reached(services: Services, models: Sequence[str]) -> None:
    head, pool = await services.store.head(), services.store.keeping
    for model in models:
        if not await reached(pool, model, head):
            raise NotThereYet(
                f"{model} has not come to the end of the log: leave the server running, "
                f"or rebuild it (citybrain projections rebuild {model})"
            )


async def _compare(
    files: list[Path], facilities: list[str]
) -> tuple[Compared, dict[str, list[HourPair]]]:
    series = read_files(files)
    async with open_services(Settings()) as services:
        await _check_reached(services, MODELS)
        for name in facilities:
            if name not in series:
                raise NotFound(f"the files have no number of {name}")
        pairs = {name: await compare_hours(name, series[name], services) for name in facilities}
        return await compare_numbers(services.store.keeping, series), pairs


def _said(numbers: Compared, by_hour: dict[str, list[HourPair]]) -> dict[str, object]:
    return {
        "facilities": numbers.facilities,
        "in_files": numbers.in_files,
        "known": numbers.known,
        "differences": numbers.differences,
        "hours": {
            name: [
                {
                    "date": each.day,
                    "hour": each.hour,
                    "metric": each.metric,
                    "straight": each.straight,
                }
                for each in pairs
            ]
            for name, pairs in by_hour.items()
        },
    }


def _table(by_hour: dict[str, list[HourPair]], day: date) -> Table:
    """A day: for each facility the metric, and what the files alone come to."""
    table = Table(title=f"occupancy on {day}: by the read model | straight from the files")
    table.add_column("hour", justify="right")
    for name in by_hour:
        table.add_column(name, justify="right", overflow="fold")
    for hour in range(24):
        cells = [
            next((_cell(each) for each in pairs if (each.day, each.hour) == (day, hour)), "")
            for pairs in by_hour.values()
        ]
        table.add_row(f"{hour:02}", *cells)
    return table


def _cell(pair: HourPair) -> str:
    both = (pair.metric, pair.straight)
    return " | ".join("none" if each is None else f"{each:.6f}" for each in both)
