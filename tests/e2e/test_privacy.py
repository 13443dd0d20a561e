"""A known person leaves no trace in clear: not in the database's files and rows, logs, metrics."""

import asyncio
import base64
import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg

from citybrain.eventstore.embedded import EmbeddedPostgres
from citybrain.faces.engine import Analysis, Models
from citybrain.faces.images import decode
from citybrain.faces.pack import load_pack
from ops.simulators.applications.departments.people import Paid, Person
from tests.given.agreements import NOTICE
from tests.given.people import ANNA, in_base64, jpeg
from tests.given.server import Server, server
from tests.given.waiting import PATIENCE_SECONDS

NAME, NUMBER, PHONE, BORN = "諸葛孔明亮", "410182198712030164", "+8613700137654", "1987-12-03"
SERVICE = "housing-fund-repayment"
OF_THE_DEPARTMENTS = "departments"  # their folder: simulated, and not ours
TABLES = """
SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
"""


async def live(running: Server) -> list[bytes]:
    """Register, enrol, verify, fail and be identified; returns the pictures that were sent."""
    clerk = await running.token("clerk-1", "clerk")
    kiosk = await running.token("kiosk-1", "kiosk")
    sent: list[bytes] = []
    registered = await running.post(
        "/v1/citizens",
        {"name": NAME, "id_number": NUMBER, "phone": PHONE, "birth_date": BORN},
        clerk,
    )
    own = await running.token(registered["citizen_id"], "citizen")
    citizen = f"/v1/citizens/{registered['citizen_id']}"
    await running.post("/v1/citizens/search", {"id_number": NUMBER}, clerk)
    await running.post(f"{citizen}/face/consent", {"notice_sha256": NOTICE}, own)
    for what, token in (("enrolment", own), ("verification", kiosk)):
        purpose = "enrol" if what == "enrolment" else SERVICE
        asked = await running.post(f"{citizen}/face/challenges", {"purpose": purpose}, token)
        frames = [jpeg(ANNA, step) for step in asked["steps"]]
        body = {
            "challenge_id": asked["challenge_id"],
            "nonce": asked["nonce"],
            "frames": [in_base64(frame) for frame in frames],
        }
        if what == "verification":
            body["purpose"] = purpose
        answer = await running.post(f"{citizen}/face/{what}", body, token)
        assert answer["face_enrolled"]
        sent += frames
    sent.append(jpeg(ANNA))
    frame = in_base64(sent[-1])
    found = await running.post("/v1/faces/identification", {"frame": frame}, kiosk)
    assert found["candidates"] == [registered["citizen_id"]]
    await apply(running, registered["citizen_id"])
    return sent


async def apply(running: Server, citizen: str) -> None:
    """Be paid, look why, and write something personal into a form and into an appeal."""
    kiosk = await running.token("kiosk-1", "kiosk")
    citizens_own = await running.token(citizen, "citizen")
    auditor = await running.token("auditor-1", "auditor")
    body = {"service": SERVICE, "channel": "kiosk", "citizen_id": citizen}
    applied = await running.post("/v1/applications", body, kiosk)
    path = f"/v1/applications/{applied['application_id']}"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            opened = await running.post(f"{path}/opening", {"purpose": "audit"}, auditor)
            if opened["payments"] and opened["payments"][0]["state"] == "confirmed":
                break
            await asyncio.sleep(0.1)
    assert opened["records"]["evidence"]["identity"]["person"] == NUMBER
    await running.post(
        f"/v1/citizens/{citizen}/identity/confirmation",
        {"purpose": "water-transfer", "document": "passport"},
        await running.token("clerk-1", "clerk"),
    )
    form = {"contract_number": f"{NAME} {NUMBER}"}
    water = {"service": "water-transfer", "channel": "app", "form": form}
    await running.post("/v1/applications", water, citizens_own)


def needles(pictures: list[bytes]) -> Iterator[tuple[str, bytes]]:
    """What must not be found, in each form that it might be stored in."""
    models = Models(load_pack(None, production=False), "cpu")
    secrets = {"name": NAME.encode(), "number": NUMBER.encode(), "phone": PHONE.encode()}
    known_there = Person(NUMBER, 2020, lambda _: Paid())
    secrets |= {"home": known_there.home.encode(), "loan": known_there.loan.encode()}
    for number, picture in enumerate(pictures):
        secrets[f"picture {number}"] = picture[5000:5048]
        (seen,) = models.analyse([decode(picture)])
        assert isinstance(seen, Analysis)
        secrets[f"embedding {number}"] = seen.embedding.tobytes()[480:528]
    for what, secret in secrets.items():
        yield what, secret
        yield f"{what} in hex", secret.hex().encode()
        yield f"{what} in base64", base64.b64encode(secret[: len(secret) // 3 * 3])
    yield "name escaped", NAME.encode("unicode_escape")
    yield "name in GBK", NAME.encode("gbk")


async def rows(url: str) -> bytes:
    """All rows of all tables, as text."""
    connection = await asyncpg.connect(url)
    try:
        names = [row["name"] for row in await connection.fetch(TABLES)]
        assert "public.sealed_blobs" in names
        assert "public.stored_events" in names
        parts = [
            str(row[0])
            for name in names
            for row in await connection.fetch(f"SELECT t::text FROM {name} t")
        ]
        states = await connection.fetch("SELECT convert_from(state, 'UTF8') FROM stored_events")
        return "\n".join([*parts, *(str(row[0]) for row in states)]).encode()
    finally:
        await connection.close()


async def test_nothing_personal_is_found_in_clear(tmp_path: Path) -> None:
    data, log = tmp_path / "data", tmp_path / "log"
    settings = {"CITYBRAIN_LOG_LEVEL": "DEBUG", "CITYBRAIN_LOG_FORMAT": "json"}
    with log.open("wb") as errors:
        async with server(data, "--no-city", errors=errors, **settings) as running:
            pictures = await live(running)
            metrics = await running.text("/metrics")
            limits = Path(f"/proc/{running.pid}/limits").read_text()
    assert re.search(r"Max core file size +0 +0", limits)  # a core file would hold faces
    logs = log.read_bytes()
    database = EmbeddedPostgres(data)
    try:
        dumped = await rows(await database.start())
    finally:
        await database.stop()
    files = {
        path: path.read_bytes()
        for path in data.rglob("*")
        if path.is_file() and path.name != "outbox.jsonl" and OF_THE_DEPARTMENTS not in path.parts
    }
    assert len(dumped) > 10_000
    assert logs.count(b"/v1/citizens") > 5
    assert sum(len(content) for content in files.values()) > 10 << 20  # with the write-ahead log

    for what, needle in needles(pictures):
        assert needle not in dumped, f"{what} is in a table"
        assert needle not in metrics.encode(), f"{what} is in the metrics"
        assert needle not in logs, f"{what} is in the log"
        for path, content in files.items():
            assert needle not in content, f"{what} is in {path}"
