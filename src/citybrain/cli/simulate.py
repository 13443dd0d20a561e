"""`citybrain simulate`: made-up cities that report to a server.

The simulators live in a checkout of the project (`ops/simulators`), not in the installed package,
and explain their own options.
"""

import asyncio

import typer

from citybrain.cli.shared.checkout import of_checkout

app = typer.Typer(no_args_is_help=True)
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.callback()
def simulate() -> None:
    """Made-up cities that report to a server; all that they send is marked as simulated."""


@app.command("cameras", context_settings=PASSED_ON, add_help_option=False)
def cameras(context: typer.Context) -> None:
    """Thousands of cameras and what they see; --help explains the options."""
    ops = of_checkout("ops.simulators.inspection.cameras", "citybrain simulate: the simulators are")
    raise typer.Exit(asyncio.run(ops.main(ops.arguments(context.args))))
