"""`citybrain signals explain|hires|replay`: what happened to junctions, at the command line."""

import asyncio
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from citybrain.audit.signals.explanation import Explanation, explain
from citybrain.audit.signals.hires_csv import written
from citybrain.audit.signals.replaying import Replay, read_and_replay
from citybrain.cli.shared.output import console, print_json
from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.signals.junctions import DatedJunction, load_signals
from citybrain.domain.signals.officers import StrategyUnknown
from citybrain.domain.signals.signal_events import milliseconds, moment
from citybrain.domain.signals.strategies import STRATEGIES
from citybrain.domain.signals.strategies.strategy import Strategy
from citybrain.errors import NotFound
from citybrain.eventstore import open_event_store
from citybrain.http.signals.explanation import shown
from citybrain.settings import Settings
from citybrain.systems import register_streams

Junction = Annotated[str, typer.Argument(help="Code of a junction.")]


class NothingKnown(NotFound):
    """There was no such junction then, or nothing had happened to it."""

    code = "signal-nothing-known"


def hires(
    junction: Junction,
    begins: Annotated[datetime, typer.Option("--from", help="From then on (UTC).")],
    ends: Annotated[datetime, typer.Option("--to", help="Before then (UTC).")],
    out: Annotated[Path | None, typer.Option(help="A CSV file; else standard output.")] = None,
) -> None:
    """Write the high-resolution log with Indiana event codes, as ATSPM tools read it.

    From the read models of this database, which follow the log.
    """
    since, until = _ms(begins), _ms(ends)
    definitions = load_signals(Files(Settings().definitions_dir), Definitions())
    dated = definitions.at(junction, moment(since))
    if dated is None:
        raise NothingKnown(f"there was no junction {junction} then")
    text = asyncio.run(_hires(dated, since, until))
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8", newline="")


async def _hires(dated: DatedJunction, since: int, until: int) -> str:
    async with open_event_store(Settings()) as store:
        return await written(store.keeping, dated, since, until)


def explain_change(
    junction: Junction,
    when: Annotated[
        datetime | None, typer.Option("--at", help="Then; now where absent (UTC).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say why the light was as it was then: who decided, what it rested on, what was refused.

    From the read models of this database, which follow the log.
    """
    found = asyncio.run(_explained(junction, _ms(when or datetime.now(UTC))))
    if found is None:
        raise NothingKnown(f"nothing had happened to junction {junction} then")
    if as_json:
        print_json(shown(found).model_dump(mode="json"))
        return
    for text in found.text:
        for line in text:
            typer.echo(line)


async def _explained(junction: str, at: int) -> Explanation | None:
    async with open_event_store(Settings()) as store:
        return await explain(store.keeping, junction, at)


def replay_decisions(
    junction: Junction,
    strategy: Annotated[str, typer.Option(help="Which strategy decides again.")],
    begins: Annotated[datetime, typer.Option("--from", help="From then on (UTC).")],
    ends: Annotated[datetime, typer.Option("--to", help="Before then (UTC).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Take the decisions again from the log alone, and report what would differ.

    Each change carries what its strategy had seen; nothing else is read. Exact for a strategy that
    remembers nothing; of another one it is said that it is not.
    """
    if strategy not in STRATEGIES:
        raise StrategyUnknown("there is no such strategy", known=sorted(STRATEGIES))
    found = asyncio.run(_replayed(junction, STRATEGIES[strategy], _ms(begins), _ms(ends)))
    if as_json:
        print_json(
            {
                "decisions": len(found.decisions),
                "exact": found.exact,
                "others": found.others,
                "differing": [
                    asdict(each) | {"at": moment(each.at).isoformat()} for each in found.differing
                ],
            }
        )
        return
    table = Table("when", "by", "stage", f"{strategy} would", "because")
    for each in found.differing:
        table.add_row(
            f"{moment(each.at):%Y-%m-%d %H:%M:%S}Z",
            f"{each.strategy} {each.version}",
            each.was or "-",
            each.stage or "stay",
            ", ".join(f"{name} {value}" for name, value in each.reasons.items()),
        )
    if table.row_count:
        console.print(table)
    console.print(
        f"{junction}: {len(found.decisions)} decision(s), {len(found.differing)} would differ;"
        f" {found.others} change(s) of nobody's strategy"
    )
    if not found.exact:
        console.print(
            f"not exact: {strategy} also goes by what it saw between changes, and that is not kept;"
            " the same strategy may have decided otherwise then"
        )


async def _replayed(junction: str, strategy: Strategy, since: int, until: int) -> Replay:
    register_streams()
    definitions = load_signals(Files(Settings().definitions_dir), Definitions())
    async with open_event_store(Settings()) as store:
        return await read_and_replay(store, definitions, junction, strategy, since, until)


def _ms(at: datetime) -> int:
    return milliseconds(at.replace(tzinfo=UTC) if at.tzinfo is None else at)
