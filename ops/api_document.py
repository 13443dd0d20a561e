"""Writes the API's description for the build of the pages, which makes their types from it.

`python -m ops.api_document FILE`. A file that says the same already is left alone, so that nothing
is built again.
"""

import sys
from pathlib import Path

import orjson

from citybrain.http.openapi import openapi
from citybrain.systems import SYSTEMS


def write(path: Path) -> None:
    """The routes of every system, as `/openapi.json` describes them."""
    routes = tuple(route for system in SYSTEMS for route in system.routes)
    described = orjson.dumps(openapi(routes), option=orjson.OPT_INDENT_2)
    if not path.is_file() or path.read_bytes() != described:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(described)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
