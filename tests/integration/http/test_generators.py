"""Clients that others' tools make of the API's description: nothing is left out, and types fit."""

import asyncio
import importlib
import json
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from citybrain.http.openapi import openapi
from citybrain.systems import SYSTEMS
from tests.given.api import REPORT_NOW, Api

WEB = Path(__file__).parents[3] / "src/web"
MODULES = WEB / "node_modules"
PROGRAM = """
import createClient from "openapi-fetch";
import type { paths } from "./api";

const api = createClient<paths>({ baseUrl: "https://city.example" });

export async function report(): Promise<string> {
  const { data, error, response } = await api.POST("/v1/cases", {
    params: { header: { "Idempotency-Key": "draft-1" } },
    body: { source: "citizen", class_code: "road_damage", latitude: 34.7, longitude: 113.6 },
  });
  if (error !== undefined) throw new Error(`${error.code}: ${error.title}`);
  const seen = await api.GET("/v1/cases", { params: { query: { limit: 5 } } });
  const first: string | undefined = seen.data?.cases[0]?.case_id;
  return `${data.case_id} ${response.headers.get("ETag")} ${first}`;
}

export async function wrong(): Promise<void> {
  // @ts-expect-error there is no such member
  await api.POST("/v1/cases", { body: { source: "citizen", colour: "red" } });
  // @ts-expect-error there is no such path
  await api.GET("/v1/nothing");
}
"""
TSCONFIG = {
    "compilerOptions": {
        "strict": True,
        "noEmit": True,
        "skipLibCheck": False,
        "target": "ES2022",
        "module": "ESNext",
        "moduleResolution": "bundler",
        "lib": ["ES2022", "DOM", "DOM.Iterable"],
        "types": [],
        "paths": {"openapi-fetch": [str(MODULES / "openapi-fetch")]},
    },
    "files": ["client.ts"],
}


PYTHON_CONFIG = {
    "content_type_overrides": {
        "image/*": "application/octet-stream",
        "application/jose": "application/octet-stream",
    },
    "post_hooks": [],
}
"""As docs/api.md says; the code is not formatted."""


@pytest.fixture
def with_workers() -> bool:
    return False


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    routes = [route for system in SYSTEMS for route in system.routes]
    path.write_bytes(orjson.dumps(openapi(routes)))
    return path


def run(*command: str | Path, at: Path) -> None:
    ran = subprocess.run(command, cwd=at, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-4000:]


def test_a_program_in_typescript_is_checked_against_the_description(
    tmp_path: Path, document: Path
) -> None:
    run(MODULES / ".bin/openapi-typescript", document, "-o", tmp_path / "api.d.ts", at=tmp_path)
    (tmp_path / "client.ts").write_text(PROGRAM)
    (tmp_path / "tsconfig.json").write_text(json.dumps(TSCONFIG))
    run(MODULES / ".bin/tsc", "-p", "tsconfig.json", at=tmp_path)


async def test_a_client_in_python_reports_and_reads(
    tmp_path: Path, document: Path, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.yaml").write_text(json.dumps(PYTHON_CONFIG))
    generator = Path(sys.executable).parent / "openapi-python-client"
    options = ("--meta", "none", "--config", "config.yaml", "--fail-on-warning")
    made_at = ("--path", document, "--output-path", tmp_path / "city_client")
    await asyncio.to_thread(run, generator, "generate", *options, *made_at, at=tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    models = importlib.import_module("city_client.models")
    cases = "city_client.api.cases"
    report = importlib.import_module(f"{cases}.post_v1_cases").asyncio_detailed
    list_cases = importlib.import_module(f"{cases}.get_v1_cases").asyncio
    client = importlib.import_module("city_client").AuthenticatedClient
    async with client(base_url=api.url, token=api.token("camera")) as camera:
        made = await report(client=camera, body=models.ReportCase.from_dict(REPORT_NOW))
        assert made.status_code == 201
        assert isinstance(made.parsed, models.CaseAnswer)
        assert made.headers["Location"] == f"/v1/cases/{made.parsed.case_id}"
        refused = await list_cases(client=camera)
    assert isinstance(refused, models.Problem)
    assert refused.code == "role-missing"
