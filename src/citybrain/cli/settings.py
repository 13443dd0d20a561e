"""`citybrain settings`: every setting with its value and what it is for; secrets stay hidden."""

from dataclasses import asdict
from typing import Annotated

import typer
from pydantic import SecretStr

from citybrain.cli.shared.output import console, print_json
from citybrain.settings import Settings

app = typer.Typer()


@app.command()
def settings(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print every setting with its value and what it is for; secrets stay hidden."""
    values = Settings()
    rows = {
        f"CITYBRAIN_{name.upper()}": {
            "value": "(set)" if isinstance(value, SecretStr) else value,
            "description": Settings.model_fields[name].description,
        }
        for name, value in values
    }
    from citybrain.eventstore.connections import needed, needed_for_models  # loads the driver

    connections = needed(values)
    if as_json:
        counted = asdict(connections) | {"total": connections.total}
        print_json({**rows, "connections": counted}, indent=True)
        return
    for name, row in rows.items():
        console.print(f"{name}={row['value']}\n    {row['description']}")
    each = ", ".join(f"{many} {what}" for what, many in asdict(connections).items())
    console.print(f"\nA process has {connections.total} connections to PostgreSQL: {each}.")
    if values.read_database_url is not None:
        more = needed_for_models(values).total
        console.print(f"And {more} to that of the read models.")
    alone = needed(values, working=False).total
    console.print(f"One that only serves has {alone}.")
