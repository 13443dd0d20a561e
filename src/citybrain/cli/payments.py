"""`citybrain payments`: what the bank moved, compared with what it was told."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table

from citybrain.app import open_services
from citybrain.city_day import city_day
from citybrain.cli.shared.output import console, print_json
from citybrain.cli.shared.reading import reading
from citybrain.errors import InvalidInput
from citybrain.payments.reconciling import Comparison, Sum
from citybrain.settings import Settings
from commands.treasury.reconciling import reconcile

app = typer.Typer(no_args_is_help=True)


@app.callback()
def payments() -> None:
    """What the bank moved, compared with what it was told."""


@app.command(name="reconcile")
def reconcile_command(
    day: Annotated[
        str | None, typer.Option(help="YYYY-MM-DD, of the bank's; yesterday if absent.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare a day's instructions, receipts and the bank's statement, to the fen.

    What is found is recorded. Exit status 1 where a payment differs, or there is no statement.
    """
    asked = _day(day)

    async def run() -> Comparison:
        async with open_services(Settings()) as services:
            return await reconcile(asked, reading(), services)

    found = asyncio.run(run())
    if as_json:
        print_json(_as_json(found), indent=True)
    else:
        _print(found)
    if found.differences:
        raise typer.Exit(1)


def _day(text: str | None) -> date:
    try:
        if text is None:
            return city_day(datetime.now(UTC)) - timedelta(days=1)
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text} is not a day (YYYY-MM-DD)") from None


def _as_json(found: Comparison) -> dict[str, Any]:
    return {
        "day": str(found.day),
        "ours": {"payments": found.ours.payments, "fen": found.ours.fen},
        "bank": {"payments": found.bank.payments, "fen": found.bank.fen},
        "difference_fen": found.difference_fen,
        "differences": [
            {
                "payment_id": str(each.payment_id),
                "reference": each.reference,
                "finding": each.finding.value,
                "ours_fen": each.ours_fen,
                "bank_fen": each.bank_fen,
            }
            for each in found.differences
        ],
    }


def _print(found: Comparison) -> None:
    console.print(f"[bold]{found.day}[/]: we know of {_sum(found.ours)}, the bank says")
    console.print(f"{_sum(found.bank)}: difference {_yuan(found.difference_fen)} yuan")
    if not found.differences:
        console.print("no payment differs")
        return
    table = Table("payment", "finding", "ours", "bank", "of")
    for each in found.differences:
        table.add_row(
            str(each.payment_id),
            each.finding.value,
            _yuan(each.ours_fen),
            _yuan(each.bank_fen),
            each.reference or "",
        )
    console.print(table)


def _sum(of: Sum) -> str:
    return f"{of.payments} payments of {_yuan(of.fen)} yuan"


def _yuan(fen: int) -> str:
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02}"
