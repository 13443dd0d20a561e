"""The command line: one `typer` app from the files beside this one, each a command or a group.

A file `a_name.py` is the command `citybrain a-name` (`import_.py`: `citybrain import`). It is
imported when its command is wanted. The help shows the first line of each file, and loads none.
"""

import ast
import os
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import typer
from rich.markup import escape
from typer.core import TyperCommand, TyperGroup

from citybrain import garbage
from citybrain.cli.shared.failures import failure_of, refuse_unknown
from citybrain.cli.shared.output import errors

HERE = Path(__file__).parent
FILES = {
    found.name.removesuffix("_").replace("_", "-"): found.name
    for found in iter_modules([str(HERE)])
    if not found.ispkg and found.name != "main"
}


class Commands(TyperGroup):
    """Knows all commands by name, and loads one when it is asked for."""

    listing = False

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, as the help shows them."""
        return sorted(FILES)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help, for which no command is loaded."""
        self.listing = True
        super().format_help(ctx, formatter)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, or the group of commands, of this name."""
        if cmd_name not in FILES:
            return None
        if self.listing:
            return TyperCommand(cmd_name, help=described(FILES[cmd_name]))
        module = import_module(f"citybrain.cli.{FILES[cmd_name]}")
        group: Any = typer.main.get_group(module.app)
        found = group.commands.get(cmd_name, group)
        found.name = cmd_name
        found.help = found.help or described(FILES[cmd_name])
        return found


def described(file: str) -> str:
    """What a file says that its command does."""
    tree = ast.parse((HERE / f"{file}.py").read_text(encoding="utf-8"))
    first = (ast.get_docstring(tree) or "").partition("\n\n")[0]
    what = " ".join(first.partition(": ")[2].split())
    return what[:1].upper() + what[1:]


app = typer.Typer(
    name="citybrain",
    cls=Commands,
    help="The backend of a City Brain: event streams in PostgreSQL, commands and read models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def citybrain() -> None:
    """The backend of a City Brain: event streams in PostgreSQL, commands and read models."""


def main() -> None:
    """Entry point: what goes wrong is one line and an exit status, not a stack trace."""
    garbage.collect_seldom()
    try:
        refuse_unknown(os.environ)
        app()
    except Exception as error:
        failure = failure_of(error)
        if failure is None:
            raise
        for line in failure.lines:
            errors.print(f"[red]citybrain:[/] {escape(line)}")
        sys.exit(failure.exit_status)
