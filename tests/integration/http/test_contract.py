"""schemathesis over the OpenAPI document: no 5xx, and answers as documented."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from citybrain.http.openapi import openapi
from tests.given.api import Api
from tests.given.documents import CHECKOUT
from tests.given.storm import STORM, repeated
from tests.given.waiting import PATIENCE_SECONDS

EXAMPLES = repeated(3)  # of each operation
TURNS = 1 if STORM == 1 else 6
CALLERS = "callers.json"  # where `as_who_may` reads them
NOTHING_LEARNT = """
[phases.examples.extra-data-sources]
responses = false
[phases.fuzzing.extra-data-sources]
responses = false
"""  # what answers hold depends on when they were given
NOT_ENDING = ("/live", "/v1/board/live", "/v1/log", "/v1/signals/spat/live")
SIGNED = ("/v1/parking/payments/callbacks",)  # what a gateway has signed cannot be generated
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance"
)


@pytest.fixture
def with_faces() -> bool:
    return True


def callers(api: Api, turn: int) -> dict[str, str]:
    """Each operation is called by one of those who may, in another turn by another of them."""
    return {
        f"{route.method} {route.path}": api.token(sorted(route.roles)[number % len(route.roles)])
        for number, route in enumerate(api.runtime.routes, turn)
        if route.roles
    }


def described(api: Api) -> dict[str, Any]:
    """The document, without that a token is needed: each request is to come from who may ask."""
    document = openapi(api.runtime.routes)
    for operations in document["paths"].values():
        for operation in operations.values():
            operation.pop("security", None)
    return document


@pytest.mark.storm
@pytest.mark.parametrize("turn", range(TURNS))
async def test_generated_requests_never_break_the_server(
    api: Api, tmp_path: Path, turn: int
) -> None:
    if STORM == 1:
        (tmp_path / "schemathesis.toml").write_text(NOTHING_LEARNT)
    (tmp_path / CALLERS).write_bytes(orjson.dumps(callers(api, turn)))
    # From a file: loading it over HTTP has ten seconds, whatever is set.
    (tmp_path / "openapi.json").write_bytes(orjson.dumps(described(api)))
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "schemathesis"),
        "run",
        "openapi.json",
        "--url",
        api.url,
        "--max-examples",
        str(EXAMPLES),
        "--checks",
        CHECKS,
        "--phases",
        "examples,fuzzing",
        *(option for path in (*NOT_ENDING, *SIGNED) for option in ("--exclude-path", path)),
        *(["--generation-deterministic"] if STORM == 1 else []),
        "--request-timeout",
        str(PATIENCE_SECONDS),
        "--no-color",
        "--warnings",
        "off",  # they are no failures, and would hide them
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ
        | {"SCHEMATHESIS_HOOKS": "tests.given.as_who_may", "PYTHONPATH": str(CHECKOUT)},
    )
    output = (await process.communicate())[0].decode()
    assert process.returncode == 0, output[-6000:]
