"""`citybrain version`: print the version."""

import typer

from citybrain import __version__
from citybrain.cli.shared.output import console

app = typer.Typer()


@app.command()
def version() -> None:
    """Print the version."""
    console.print(__version__)
