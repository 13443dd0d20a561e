"""Clients that others' tools make of the API's description: nothing is left out, and types fit."""

import json
import subprocess
from pathlib import Path

import orjson
import pytest

from citybrain.http.openapi import openapi
from citybrain.systems import SYSTEMS

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
