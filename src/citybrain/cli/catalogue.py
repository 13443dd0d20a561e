"""`citybrain catalogue`: check service items, list them, and see how one would decide."""

import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from citybrain.city_day import city_day
from citybrain.cli.shared.folders import Folder, files_over
from citybrain.cli.shared.output import console, print_json
from citybrain.definitions.applications.catalogue import Catalogue, ServiceItem, load_catalogue
from citybrain.definitions.applications.deciding import Decision, decide
from citybrain.definitions.applications.schemas import answers_schema
from citybrain.definitions.applications.trying import problems_of
from citybrain.errors import InvalidInput
from citybrain.settings import Settings
from citybrain.systems import load_definitions

app = typer.Typer(no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Day = Annotated[str | None, typer.Option("--on", help="YYYY-MM-DD; today where absent.")]
Code = Annotated[str, typer.Argument(help="Code of the service item.")]


@app.command()
def check(folder: Folder = None) -> None:
    """Read every definition, and try each service item on its examples; an error names its file
    and line."""
    files = files_over(folder)
    definitions = load_definitions(files.override)
    load_catalogue(files.versions_of("service", code="code"), problems_of)
    console.print(f"{len(definitions.of(Catalogue).on(date.max))} service items are in order")


@app.command(name="list")
def list_command(on: Day = None, as_json: Json = False) -> None:
    """The items in force on a day."""
    items = _catalogue().on(_day(on))
    if as_json:
        print_json([item.model_dump(mode="json") | {"version": item.version} for item in items])
        return
    table = Table("", "materials fetched", "rules", "in force from")
    table.columns[0].overflow = "fold"
    for item in items:
        table.add_row(
            f"[bold]{item.code}[/]\n{item.name}",
            str(len(item.materials)),
            str(len(item.rules)),
            str(item.valid_from),
        )
    console.print(table)


@app.command()
def explain(
    code: Code,
    form: Annotated[Path | None, typer.Option(help="JSON object: the form's answers.")] = None,
    evidence: Annotated[
        Path | None, typer.Option(help="JSON object: the record of each material.")
    ] = None,
    on: Day = None,
    as_json: Json = False,
) -> None:
    """An item's rules; with evidence, what would be decided and how."""
    day = _day(on)
    item = _catalogue().item(code, day)
    if evidence is None:
        _print_item(item, day, as_json=as_json)
        return
    decision = decide(item, _object(form) if form else {}, _object(evidence), day)
    if as_json:
        print_json(asdict(decision), indent=True)
    else:
        _print_decision(item, decision)


@app.command()
def schema(code: Code, on: Day = None) -> None:
    """What departments have to answer for an item, as JSON Schema (draft 2020-12)."""
    print_json(answers_schema(_catalogue().item(code, _day(on))), indent=True)


def _print_item(item: ServiceItem, day: date, *, as_json: bool) -> None:
    if as_json:
        print_json(item.model_dump(mode="json") | {"version": item.version}, indent=True)
        return
    console.print(f"[bold]{item.name}[/] {item.name_en} ({item.version})")
    for material in item.materials:
        console.print(f"  {material.label} {material.label_en}: fetched from {material.department}")
    for name, value in item.parameters_on(day).items():
        console.print(f"  {name} = {value}", highlight=False)
    for rule in item.rules:
        applies = f"where {rule.applies}: " if rule.applies else ""
        console.print(f"  [bold]{rule.code}[/] {applies}{rule.require}", highlight=False)
        console.print(f"    else: {rule.reason} {rule.reason_en} ({rule.source})", highlight=False)


def _print_decision(item: ServiceItem, decision: Decision) -> None:
    paid = "" if decision.amount_fen is None else f", {decision.amount_fen / 100:.2f} yuan"
    console.print(f"[bold]{decision.outcome}[/]{paid} by {item.code} {decision.item_version}")
    reasons = {rule.code: f"{rule.reason} {rule.reason_en}" for rule in item.rules}
    for code in decision.reasons:
        console.print(f"  {code}: {reasons.get(code, 'an officer decides')}", highlight=False)
    table = Table("step", "finding", "expression")
    for step in decision.steps:
        found = step.finding or ("" if step.because else step.value)
        table.add_row(step.name, f"{found} {step.because or ''}".strip(), step.expression)
    console.print(table)


def _catalogue() -> Catalogue:
    return load_definitions(Settings().definitions_dir).of(Catalogue)


def _day(text: str | None) -> date:
    try:
        return date.fromisoformat(text) if text else city_day(datetime.now(UTC))
    except ValueError:
        raise InvalidInput(f"{text} is not a day (YYYY-MM-DD)") from None


def _object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read as JSON") from error
    if not isinstance(value, dict):
        raise InvalidInput(f"{path} is not a JSON object")
    return value
