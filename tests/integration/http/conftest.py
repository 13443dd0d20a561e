"""A listening server with its workers, and clients with tokens of each role."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import asyncpg
import orjson
import pytest
from pydantic import SecretStr

from citybrain.app import open_runtime
from citybrain.eventstore import open_event_store
from citybrain.http.runtime import Runtime
from citybrain.http.server import serving
from citybrain.settings import Settings
from citybrain.systems import PROJECTIONS, load_definitions
from projections.runner import prepare
from tests.conftest import new_database
from tests.integration.cases import DEFINITIONS


@dataclass
class Api:
    """Requests to the server, as somebody."""

    url: str
    runtime: Runtime
    session: aiohttp.ClientSession
    answers: list[Any] = field(default_factory=list)

    def token(self, role: str, subject: str = "", department: str | None = None) -> str:
        assert self.runtime.development is not None
        return self.runtime.development.token(subject or f"{role}-1", [role], department)

    async def call(
        self,
        method: str,
        path: str,
        role: str | None = None,
        *,
        subject: str = "",
        department: str | None = None,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> "Answer":
        """One request; `json=` or `data=` as aiohttp takes them."""
        sent = dict(headers or {})
        if role is not None and "Authorization" not in sent:
            sent["Authorization"] = f"Bearer {self.token(role, subject, department)}"
        async with self.session.request(method, self.url + path, headers=sent, **options) as answer:
            body = await answer.read()
            return Answer(answer.status, answer.headers, body)

    async def step(
        self, case: "Answer", step: str, role: str, body: Any = None, **options: Any
    ) -> "Answer":
        """A step of a case, with the ETag of the answer before."""
        case_id = case.json["case_id"]
        headers = {"If-Match": case.headers["ETag"]} | options.pop("headers", {})
        return await self.call(
            "POST", f"/v1/cases/{case_id}/{step}", role, json=body or {}, headers=headers, **options
        )


@dataclass
class Answer:
    """A response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    def is_problem(self, status: int, code: str) -> bool:
        """Whether this is the RFC 9457 problem of `code`."""
        assert self.headers["Content-Type"] == "application/problem+json", self.body
        assert (self.status, self.json["code"]) == (status, code), self.body
        assert self.json["type"] == f"urn:citybrain:problem:{code}"
        assert self.json["status"] == status
        return True


@pytest.fixture(scope="session")
def prepared(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with all tables and read models and nothing in them, to be copied."""
    name = f"prepared_{uuid.uuid4().hex}"
    url = server_url.replace("/postgres?", f"/{name}?")

    async def prepare_it() -> None:
        connection = await asyncpg.connect(server_url)
        await connection.execute(f'CREATE DATABASE "{name}"')
        await connection.close()
        data_dir = tmp_path_factory.mktemp("prepared")
        settings = Settings(mode="development", database_url=SecretStr(url), data_dir=data_dir)
        async with open_event_store(settings) as store:
            await prepare(store, PROJECTIONS)

    asyncio.run(prepare_it())
    return name


@pytest.fixture
async def database_url(server_url: str, prepared: str) -> AsyncIterator[str]:
    """A copy of the prepared database."""
    async for url in new_database(server_url, template=prepared):
        yield url


@pytest.fixture(autouse=True)
def definitions_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours do not change from test to test; a city's own are read as ever."""
    monkeypatch.setattr(
        "citybrain.app.load_definitions",
        lambda folder: load_definitions(folder) if folder else DEFINITIONS,
    )


@pytest.fixture
def change_settings() -> Callable[[Settings], None]:
    """Override to change the settings of the server."""
    return lambda settings: None


@pytest.fixture
def with_faces() -> bool:
    """Override to load the face models, which takes a second."""
    return False


@pytest.fixture
async def api(
    settings: Settings, change_settings: Callable[[Settings], None], with_faces: bool
) -> AsyncIterator[Api]:
    """A server on a free port, with projections and processes running."""
    settings.http_port = 0
    settings.rate_limit_per_second, settings.rate_limit_burst = 1e6, 1_000_000
    change_settings(settings)
    async with (
        open_runtime(settings, faces=with_faces) as runtime,
        serving(runtime) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Api(url, runtime, session)


REPORT = {
    "source": "camera",
    "class_code": "overflowing_bin",
    "latitude": 34.7,
    "longitude": 113.6,
    "confidence": 90,
    "simulated": True,
    "occurred_at": "2026-03-01T08:00:00+08:00",
}
