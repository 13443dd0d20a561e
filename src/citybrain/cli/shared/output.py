"""How commands talk: data on standard output, everything else on standard error."""

import sys
from typing import Any

import orjson
from rich.console import Console

errors = Console(stderr=True, highlight=False, soft_wrap=True)
console = Console(highlight=False)


def print_json(value: Any, *, indent: bool = False) -> None:
    """One JSON document on standard output."""
    option = orjson.OPT_INDENT_2 if indent else 0
    sys.stdout.write(orjson.dumps(value, default=str, option=option).decode() + "\n")
    sys.stdout.flush()
