"""schemathesis over the OpenAPI document: no 5xx, and answers as documented."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.given.api import Api

EXAMPLES = {"operator": 10, "auditor": 5, "device": 5, None: 2}
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance"
)


@pytest.fixture
def with_faces() -> bool:
    return True


@pytest.mark.parametrize("role", EXAMPLES)
async def test_generated_requests_never_break_the_server(
    api: Api, tmp_path: Path, role: str | None
) -> None:
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        "run",
        f"{api.url}/openapi.json",
        "--max-examples",
        str(EXAMPLES[role]),
        "--checks",
        CHECKS,
        "--phases",
        "examples,fuzzing",
        "--exclude-path",
        "/live",
        "--exclude-path",
        "/v1/log",
        "--generation-deterministic",
        "--request-timeout",
        "10",
        "--no-color",
    ]
    if role is not None:
        command += ["--header", f"Authorization: Bearer {api.token(role)}"]

    process = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ
    )
    output = (await process.communicate())[0].decode()
    assert process.returncode == 0, output[-6000:]
