"""What is part of a checkout of the project and not of the installed package."""

import importlib
import sys
from pathlib import Path
from typing import Any

import typer

CHECKOUT = Path(__file__).resolve().parents[4]


def of_checkout(module: str, what: str) -> Any:
    """A module of `ops`, also when the command is called inside a checkout it is not run from.

    `what` begins the sentence that says why there is none (exit status 2).
    """
    if (CHECKOUT / "ops").is_dir() and str(CHECKOUT) not in sys.path:
        sys.path.insert(0, str(CHECKOUT))
    try:
        importlib.import_module(module.rpartition(".")[0])
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("ops"):
            raise
        typer.echo(
            f"{what} part of a checkout of the project, not of the installed package; "
            "run this in a checkout.",
            err=True,
        )
        raise typer.Exit(2) from error
