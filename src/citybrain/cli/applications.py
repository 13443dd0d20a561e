"""`citybrain applications`: why one was decided as it was, and what other rules would have done."""

import asyncio
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from citybrain.app import open_services
from citybrain.audit.applications.explanation import explain
from citybrain.audit.applications.what_if import (
    Hindsight,
    Retried,
    Selection,
    look_back,
    version_of,
)
from citybrain.cli.shared.output import console, errors, print_json
from citybrain.cli.shared.progress import progress_bar
from citybrain.cli.shared.reading import READER, Purpose, note, reading
from citybrain.definitions.applications.catalogue import Catalogue
from citybrain.domain.applications.application import Application
from citybrain.errors import InvalidInput
from citybrain.settings import Settings
from citybrain.systems import load_definitions
from commands.accesses import AskedPurpose
from commands.applications.application import change_application
from commands.handling import Command
from commands.services import Services

app = typer.Typer(no_args_is_help=True)

EXPLAIN, REPLAY = "applications explain", "applications replay"
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Day = Annotated[str | None, typer.Option(help="YYYY-MM-DD, of submission.")]


@app.command(name="explain")
def explain_command(
    application: Annotated[str, typer.Argument(help="Id of the application.")],
    open_for: Annotated[
        AskedPurpose | None, typer.Option("--open", help="Show personal values, for this purpose.")
    ] = None,
    purpose: Purpose = "audit",
    as_json: Json = False,
) -> None:
    """Which rules decided on which records, and what was paid.

    Exit status 1 where they would not again, or where the decision, what the bank was told, what
    the log says that it paid and what the bank has signed are not one amount.

    The applicant will see that it was read, and whether personal values were.
    """

    async def run() -> dict[str, Any]:
        async with open_services(Settings()) as services:
            if open_for is not None:
                await _note_opening(application, open_for, services)
            else:
                await services.store.load(Application, application)
                await note("decision", purpose, EXPLAIN, [application], services.store)
            return await explain(application, services, opened=open_for is not None)

    found = asyncio.run(run())
    if as_json:
        print_json(found, indent=True)
    else:
        _print_explanation(found)
    again = found["recomputed"]
    paid = all(payment["compared"]["same"] for payment in found["payments"])
    if not paid or (again is not None and not again["same"]):
        raise typer.Exit(1)


@app.command(name="replay")
def replay_command(
    service: Annotated[str, typer.Option(help="Code of the service item.")],
    definitions: Annotated[
        Path | None, typer.Option(help="Folder of definitions to put over ours.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="YYYY-MM-DD: the version from that day; the last if absent.")
    ] = None,
    since: Day = None,
    until: Day = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Most applications.")] = None,
    purpose: Purpose = "audit",
    as_json: Json = False,
) -> None:
    """Decide past applications again under other rules.

    Recorded is only that they were read: the applicants will see it.
    """
    settings = Settings()
    catalogue = load_definitions(definitions or settings.definitions_dir).of(Catalogue)
    item = version_of(catalogue, service, _day(version, None))
    selection = Selection(service, _day(since, date.min), _day(until, date.max), limit)

    async def run(progress: Any) -> tuple[Hindsight, float]:
        async with open_services(settings) as services:
            begun = datetime.now(UTC)

            async def noted(applications: list[str]) -> None:
                await note("decisions-again", purpose, REPLAY, applications, services.store)

            hindsight = await look_back(selection, item, services, noted, progress)
            return hindsight, (datetime.now(UTC) - begun).total_seconds()

    with progress_bar(f"deciding {service} again") as progress:
        hindsight, seconds = asyncio.run(run(progress))
    if as_json:
        print_json(hindsight.as_json(), indent=True)
        return
    _print_hindsight(hindsight)
    errors.print(f"[dim]{seconds:.1f} s[/]")


def _day(text: str | None, absent: Any) -> Any:
    try:
        return absent if text is None else date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text} is not a day (YYYY-MM-DD)") from None


async def _note_opening(application: str, purpose: str, services: Services) -> None:
    def opening(found: Application, now: datetime) -> None:
        found.open_sealed(READER, now, what="explanation", purpose=purpose)

    await change_application(application, Command(), reading(), services, opening)


# --- an explanation as text ---------------------------------------------------------------


def _print_explanation(found: dict[str, Any]) -> None:
    outcome = found["outcome"]
    said = "not decided" if outcome is None else f"{outcome['outcome']} by {outcome['by']}"
    paid = _yuan(outcome and outcome["amount_fen"])
    console.print(f"[bold]{found['application_id']}[/]: {said}{paid and f', {paid} yuan'}")
    console.print(f"{found['service']} {found['name'] or ''} {found['name_en'] or ''}")
    console.print(f"rules of {found['item_version']} (definition: {found['definition']})")
    if found["decided_on"] is not None:
        console.print(f"decided for the day {found['decided_on']}")
    for name, value in found["parameters"].items():
        console.print(f"  {name} = {value}")
    for rule in found["rules"]:
        _print_rule(rule)
    for value in found["values"]:
        shown = f" = {value['value']}" if value.get("value") is not None else ""
        console.print(f"  [bold]{value['name']}[/]{escape(shown + ': ' + value['expression'])}")
    for each in found["inputs"]:
        _print_input(each)
    for decision in found["decisions"]:
        _print_decision(decision)
    for payment in found["payments"]:
        _print_payment(payment)
    _print_again(found)


def _print_decision(decision: dict[str, Any]) -> None:
    """Each by whom it was: an officer's is told apart from the rules'."""
    by = f"the {decision['by']}" if decision["by"] != "rules" else "the rules"
    officers = [each for each in (decision["reviewer"], decision["second_reviewer"]) if each]
    who = f"{by} ({' and '.join(officers)})" if officers else by
    amount = _yuan(decision["amount_fen"])
    said = ", ".join(part for part in (decision["outcome"], amount and f"{amount} yuan") if part)
    why = f" ({', '.join(decision['reasons'])})" if decision["reasons"] else ""
    console.print(escape(f"{who}: {said}{why}"))


def _print_payment(payment: dict[str, Any]) -> None:
    console.print(
        f"payment {payment['payment_id']}: {payment['state']}, "
        f"{_yuan(payment['amount_fen'])} yuan from {payment['from_account']}"
    )
    compared = payment["compared"]
    parts = [f"decided {_yuan(compared['decided_fen']) or 'nothing'}"]
    if compared["paid_before_fen"]:
        parts.append(f"paid before {_yuan(compared['paid_before_fen'])}")
    parts.append(f"the bank was told {_yuan(compared['instructed_fen'])}")
    if compared["confirmed_fen"] is not None:
        parts.append(f"paid {_yuan(compared['confirmed_fen'])}")
    if compared["receipt"] is not None:
        signed = _yuan(compared["receipt_fen"]) or "nothing"
        parts.append(f"its receipt says {signed} ({compared['receipt']})")
    verdict = "the same" if compared["same"] else "[red]different[/]"
    console.print(f"  {escape(', '.join(parts))}: {verdict}")


def _print_rule(rule: dict[str, Any]) -> None:
    said = f" {rule['finding'] or ''}: {rule.get('expression', '(no definition)')}"
    console.print(f"  [bold]{rule['code']}[/]{escape(said)}")
    if rule["finding"] == "failed" and "reason" in rule:
        why = f"{rule['reason']} {rule['reason_en']} ({rule['source']})"
        console.print(f"    {escape(why)}")


def _print_input(each: dict[str, Any]) -> None:
    what = f"{each['material']} of {each['department']}, version {each['version']}"
    if each["delivered"]:
        console.print(
            f"  {what}: signed {each['issued_at']:%Y-%m-%d %H:%M:%S} with {each['key_id']}\n"
            f"    request {each['request_id']}\n    sha256 {each['sha256']}"
        )
    else:
        console.print(f"  {what}: [yellow]{each['reason']}[/]\n    request {each['request_id']}")


def _print_again(found: dict[str, Any]) -> None:
    for delivery in found["deliveries"]:
        helps = ", ".join((*delivery["decides"], *delivery["helps"]))
        console.print(f"{delivery['material']} would help to decide {helps}")
    for change in found.get("changes", {}).get("rules", ()):
        end = "approved" if change["approves"] else "this rule alone is met"
        console.print(escape(f"{change['path']}: {change['from']} → {change['to']}: {end}"))
    again = found["recomputed"]
    if found["outcome"] is None:
        return
    if again is None:
        console.print("it cannot be decided again: the records cannot be opened")
        return
    verdict = "the same" if again["same"] else "[red]different[/]"
    console.print(f"decided again from the sealed records: {again['outcome']}, {verdict}")


# --- differences --------------------------------------------------------------------------


def _print_hindsight(found: Hindsight) -> None:
    console.print(
        f"[bold]{found.service}[/] by {found.item_version}: {found.applications} applications "
        f"decided again, {found.different} differ"
    )
    if found.undecided or found.erased:
        console.print(f"left out: {found.undecided} undecided, {found.erased} erased")
    table = Table("was", "would be", "applications")
    table.columns[2].justify = "right"
    for (was, would_be), count in sorted(found.outcomes.items()):
        table.add_row(was, would_be if was == would_be else f"[bold]{would_be}[/]", str(count))
    console.print(table)
    console.print(
        f"amounts: {found.changed_amounts} change, {_yuan(found.amount_then_fen)} yuan then, "
        f"{_yuan(found.amount_now_fen)} now"
    )
    for code, more in found.refusal_changes().items():
        if more:
            console.print(f"  {code}: {more:+} refusals")
    for example in found.examples:
        _print_example(example)


def _print_example(example: Retried) -> None:
    console.print(f"{example.application_id} of {example.decided_on}")
    for name, said in (("was", example.was), ("would be", example.would_be)):
        amount = _yuan(said.amount_fen)
        reasons = ", ".join(said.reasons)
        details = " ".join(part for part in (amount and f"{amount} yuan", reasons) if part)
        console.print(f"  {name} {said.outcome} {details}".rstrip())


def _yuan(amount_fen: int | None) -> str:
    return "" if amount_fen is None else f"{amount_fen / 100:.2f}"
