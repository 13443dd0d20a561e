"""The command line: one `typer` app from the groups of commands.

A group's module is imported when one of its commands is wanted: what `projections status` needs
loads in a third of the time that the server takes.
"""

import asyncio
import gc
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from pydantic import SecretStr, ValidationError
from typer.core import TyperGroup

from citybrain import __version__
from citybrain.cli.output import console, errors, print_json
from citybrain.errors import CitybrainError
from citybrain.eventstore import open_event_store
from citybrain.settings import Settings

# Nearly all we allocate is freed by its reference count. Python's default looks for cycles
# after every 700 new containers, in the middle of each page of events: half of a read's time.
GARBAGE_THRESHOLDS = (50_000, 20, 50)

# Commands, and groups of them, by the module that has them as `app`.
MODULES = {
    "run": "serve", "serve": "serve", "replay": "replay", "bench": "bench", "import": "imports",
    "simulate": "simulate", "projections": "projections", "processes": "processes",
    "faces": "faces", "catalogue": "catalogue", "applications": "applications",
}  # fmt: skip


class Commands(TyperGroup):
    """Knows all commands by name, and loads those of other modules when they are asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, as the help shows them."""
        return [*MODULES, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, or the group of commands, of this name."""
        if cmd_name not in MODULES:
            return super().get_command(ctx, cmd_name)
        module = import_module(f"citybrain.cli.{MODULES[cmd_name]}")
        group: Any = typer.main.get_group(module.app)
        found = group.commands.get(cmd_name, group)
        found.name = cmd_name
        return found


app = typer.Typer(
    name="citybrain",
    cls=Commands,
    help="The backend of a City Brain: event streams in PostgreSQL, commands and read models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.command()
def migrate() -> None:
    """Bring the database to the schema of this version (serving does it too)."""

    async def _migrate() -> None:
        async with open_event_store(Settings()) as store:
            rows = await store.pool.fetch(
                "SELECT number, name, applied_at FROM schema_migrations ORDER BY number"
            )
            for row in rows:
                console.print(
                    f"{row['number']:04} {row['name']}  applied {row['applied_at']:%F %T}"
                )

    asyncio.run(_migrate())


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
    if as_json:
        print_json(rows, indent=True)
        return
    for name, row in rows.items():
        console.print(f"{name}={row['value']}\n    {row['description']}")


@app.command()
def version() -> None:
    """Print the version."""
    console.print(__version__)


def main() -> None:
    """Entry point: our errors are one line and exit status 1, not a stack trace."""
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    try:
        app()
    except CitybrainError as error:
        errors.print(f"[red]citybrain:[/] {error.message} [dim]({error.code})[/]")
        sys.exit(1)
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            name = "_".join(str(part) for part in problem["loc"]).upper()
            errors.print(f"[red]citybrain:[/] CITYBRAIN_{name}: {problem['msg']}")
        sys.exit(2)
