"""`citybrain bench commands`: what each kind of command costs the server, beside a report.

One stage after the other, the same number of commands in each: all reports, then all filings, and
so on. Each stage is a JSON object: `bench`, `line`, `cpu_us` of the server's process for one
command, `db_cpu_us` of PostgreSQL's, and `of_report`, how many times a report that is.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import orjson
import psutil
from rich.console import Console
from rich.table import Table

from citybrain.app import open_services
from ops.bench.child import Child
from ops.bench.http_client import DONE, exchanged, report_body
from ops.bench.inspection.detections import fields
from ops.bench.parking.street import BERTHS, open_street, sign_members
from ops.bench.soak_client import ENTITY_TAG, LIFE
from ops.bench.workbench import BenchFailed, Workbench, open_workbench
from ops.simulators.applications.identity_numbers import identity_number

__all__ = ["BenchFailed", "run"]
CONNECTIONS = 32
ROLES = ["gateway", "operator", "official", "clerk"]
BORN = date(1990, 5, 1)


class Sent(NamedTuple):
    """A request: where to, what, and the version that it names, as an entity tag."""

    path: str
    body: object
    tag: bytes | None = None
    method: str = "POST"


class Answered(NamedTuple):
    """The head and the body of an answer."""

    head: bytes
    body: bytes

    @property
    def tag(self) -> bytes:
        """The version that it answers with."""
        found = ENTITY_TAG.search(self.head)
        assert found is not None
        return found[1]

    def value(self, name: str) -> Any:
        """A member of the body."""
        return orjson.loads(self.body)[name]


class Measured:
    """A server, its callers, and what stages have cost so far."""

    def __init__(self, bench: Workbench, facts: dict[str, Any], pid: int) -> None:
        self._bench = bench
        self._facts = facts
        self._process = psutil.Process(pid)
        self.rows: list[dict[str, Any]] = []

    async def stage(self, name: str, requests: Sequence[Sent]) -> list[Answered]:
        """Send all, some at a time; raises `BenchFailed` where one is refused."""
        waiting = list(enumerate(requests))
        answers: list[Answered] = [Answered(b"", b"")] * len(requests)
        spent, computed = self._cpu_seconds(), self._bench.postgres_cpu_seconds()
        try:
            async with asyncio.TaskGroup() as callers:
                for number in range(CONNECTIONS):
                    callers.create_task(self._call(number, waiting, answers))
        except* BenchFailed as refused:
            raise refused.exceptions[0] from None
        each = 1e6 / len(requests)
        own = (self._cpu_seconds() - spent) * each
        row = {
            "bench": "commands",
            "line": name,
            "cpu_us": round(own, 1),
            "db_cpu_us": round((self._bench.postgres_cpu_seconds() - computed) * each, 1),
        }
        row["of_report"] = round(own / (self.rows[0]["cpu_us"] if self.rows else own), 2)
        self.rows.append(row)
        print(orjson.dumps(row).decode(), flush=True)
        return answers

    async def _call(
        self, number: int, waiting: list[tuple[int, Sent]], answers: list[Answered]
    ) -> None:
        token = self._facts["tokens"][number % len(self._facts["tokens"])]
        host = f"{self._facts['host']}:{self._facts['port']}"
        reader, writer = await asyncio.open_connection(self._facts["host"], self._facts["port"])
        try:
            while waiting:
                place, sent = waiting.pop()
                body = orjson.dumps(sent.body)
                head = (
                    f"{sent.method} {sent.path} HTTP/1.1\r\nHost: {host}\r\n"
                    f"Authorization: Bearer {token}\r\nIdempotency-Key: {uuid4()}\r\n"
                    f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                ).encode()
                if sent.tag is not None:
                    head += b"If-Match: " + sent.tag + b"\r\n"
                answer = Answered(*await exchanged(reader, writer, head + b"\r\n" + body))
                if not answer.head.startswith(DONE):
                    status = answer.head.splitlines()[0].decode()
                    text = answer.body[:500].decode()
                    raise BenchFailed(f"{sent.path}: {status}: {text}")
                answers[place] = answer
        finally:
            writer.close()

    def _cpu_seconds(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


async def run(number: int, data_dir: Path | None) -> None:
    """Measure `number` commands of each kind and print.

    Raises `BenchFailed` where the server refuses one.
    """
    cores = sorted(os.sched_getaffinity(0))
    async with open_workbench(1.0, data_dir) as bench, bench.database() as url:
        async with open_services(bench.settings(url)) as services:
            await open_street(services)
        orders = {"url": url, "folder": str(bench.folder), "workers": False, "roles": ROLES}
        server = await Child.start("ops.bench.http_server", {"core": cores[0], **orders})
        try:
            found = Measured(bench, await server.ready(), server.pid)
            await _cases(found, number)
            await _devices(found, number)
            await _citizens(found, number)
            await server.go()
        finally:
            await server.stop()
    Console(file=sys.stderr).print(table_of(found.rows))


async def _cases(found: Measured, number: int) -> None:
    reports = [Sent("/v1/cases", orjson.loads(report_body(each))) for each in range(number)]
    await found.stage("warm-up", reports[: CONNECTIONS * 4])
    found.rows.clear()
    answers = await found.stage("case.report", reports)
    ids = [each.value("case_id") for each in answers]
    for place, (step, said) in enumerate(LIFE):
        steps = [
            Sent(f"/v1/cases/{case_id}/{step}", said, answer.tag)
            for case_id, answer in zip(ids, answers, strict=True)
        ]
        answers = await found.stage(f"case.{step}-{place + 2}", steps)


async def _devices(found: Measured, number: int) -> None:
    now = datetime.now(UTC).isoformat()
    seen = [Sent("/v1/detections", fields(each) | {"occurred_at": now}) for each in range(number)]
    await found.stage("detection", seen)
    for line, turn in (("parking.arrived", 0), ("parking.left", 1)):
        said = [sign_members(turn * BERTHS + each) for each in range(number)]
        await found.stage(line, [Sent("/v1/parking/detections", sign) for sign in said])


async def _citizens(found: Measured, number: int) -> None:
    people = [
        Sent(
            "/v1/citizens",
            {
                "name": "模拟",
                "id_number": identity_number(BORN, each),
                "birth_date": BORN.isoformat(),
                "simulated": True,
            },
        )
        for each in range(number)
    ]
    await found.stage("citizen.register", people)


def table_of(rows: Sequence[dict[str, Any]]) -> Table:
    """The stages for people."""
    table = Table(title="bench commands", title_justify="left")
    for heading in ("command", "µs of CPU", "in PostgreSQL", "of a report"):
        table.add_column(heading, justify="left" if heading == "command" else "right")
    for row in rows:
        table.add_row(
            row["line"],
            f"{row['cpu_us']:,.0f}",
            f"{row['db_cpu_us']:,.0f}",
            f"{row['of_report']:.2f} ×",
        )
    return table
