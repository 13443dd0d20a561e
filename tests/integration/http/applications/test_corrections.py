"""Sent back and submitted again over HTTP, with tasks, documents and messages."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from citybrain.settings import Settings
from commands.applications.documents import kind_of
from ops.simulators.applications.departments import Departments
from tests.given.accesses import accesses
from tests.given.api import Answer, Api
from tests.given.applying import applied, applying, command, identified, state, topics, until
from tests.given.pdf_files import pdf
from tests.given.photos import SECRET, opened, telling
from tests.given.waiting import eventually

WATER = "water-transfer"
UTILITY = "water-utility"
CLERK, COLLEAGUE = "official-water-1", "official-water-2"


@pytest.fixture
async def both(settings: Settings) -> AsyncIterator[tuple[Api, Departments]]:
    async with applying(settings) as started:
        yield started


@pytest.fixture
def api(both: tuple[Api, Departments]) -> Api:
    return both[0]


async def referred(api: Api) -> tuple[str, str]:
    """Somebody's application with a contract number that the utility does not know."""
    citizen = await identified(api, service=WATER)
    application = await applied(api, citizen, WATER, form={"contract_number": "0"})
    await until(api, application, "referred")
    return citizen, application


async def officer(
    api: Api, application: str, what: str, body: Any = None, who: str = CLERK, **options: Any
) -> Answer:
    """A command of an officer of the water utility."""
    asked: dict[str, Any] = {"subject": who, "department": UTILITY} | options
    return await command(api, application, what, "official", body, **asked)


async def sent_back(api: Api, application: str) -> None:
    body = {
        "message": "the number on your bill, please",
        "fields": ["contract_number"],
        "documents": ["water-bill"],
    }
    answer = await officer(api, application, "correction", body)
    assert (answer.status, answer.json["status"]) == (200, "sent-back"), answer.body


async def added(
    api: Api,
    application: str,
    content: bytes,
    media: str = "application/pdf",
    kind: str = "water-bill",
    role: str = "citizen",
    **who: Any,
) -> Answer:
    headers = {"Content-Type": media} | who.pop("headers", {})
    path = f"/v1/applications/{application}/documents?kind={kind}"
    return await api.call("POST", path, role, data=content, headers=headers, **who)


async def read(api: Api, path: str, role: str = "citizen", **who: Any) -> Answer:
    return await api.call("GET", f"/v1/applications/{path}", role, **who)


async def test_what_was_wrong_is_corrected_and_then_approved(api: Api) -> None:
    citizen, application = await referred(api)
    await sent_back(api, application)
    early = await command(
        api,
        application,
        "resubmission",
        "citizen",
        {"form": {"contract_number": "w-7"}},
        subject=citizen,
    )
    assert early.is_problem(409, "documents-missing")
    assert early.json["missing"] == ["water-bill"]
    assert (await added(api, application, pdf(), subject=citizen)).status == 200
    again = await command(
        api,
        application,
        "resubmission",
        "citizen",
        {"form": {"contract_number": "w-7"}},
        subject=citizen,
    )
    assert (again.status, again.json["status"]) == (200, "identified"), again.body
    ended = await until(api, application, "approved", "refused", "referred")
    assert (ended.status, ended.rounds) == ("approved", 2)
    raw = b"".join(event.state for event in await api.runtime.store.read(application))
    for secret in (b"w-7", b"on your bill"):
        assert secret not in raw
    shown = await read(api, f"{application}/explanation", subject=citizen)
    assert shown.json["records"]["form"] == {"contract_number": "w-7"}
    assert shown.json["recomputed"]["same"] is True


async def test_a_correction_says_what_can_be_corrected(api: Api) -> None:
    citizen, application = await referred(api)
    unknown = await officer(api, application, "correction", {"message": "x", "fields": ["colour"]})
    assert unknown.is_problem(422, "no-such-field")
    await sent_back(api, application)
    await added(api, application, pdf(), subject=citizen)
    for form, status, code in (
        ({"colour": "red"}, 409, "correction-not-asked"),
        ({"contract_number": 7}, 422, "form-invalid"),
    ):
        body = {"form": form}
        refused = await command(api, application, "resubmission", "citizen", body, subject=citizen)
        assert refused.is_problem(status, code)


async def test_it_goes_back_to_the_officer_where_nothing_comes(api: Api) -> None:
    citizen, application = await referred(api)
    await sent_back(api, application)
    services = api.runtime.services
    before = services.clock
    services.clock = lambda: before() + timedelta(days=60)
    await until(api, application, "referred")
    assert (await topics(api, application))[-1] == "correction_lapsed"

    async def told() -> bool:
        shown = await read(api, application, subject=citizen)
        return bool(shown.json["application"]["status"] == "referred")

    await eventually(told)


async def test_the_queue_says_who_has_what(api: Api) -> None:
    _, application = await referred(api)
    assert (await officer(api, application, "task")).status == 200

    async def row() -> dict[str, Any] | None:
        queue = await read(api, "queue", "official", subject=COLLEAGUE, department=UTILITY)
        rows = [r for r in queue.json["applications"] if r["application_id"] == application]
        return rows[0] if rows else None

    async def seen(by: str) -> bool:
        found = await row()
        return found is not None and str(found["claimed_by"]) == by

    await eventually(lambda: seen(CLERK))
    (missing,) = (await row() or {})["undelivered"]
    assert (missing["material"], missing["department"]) == ("contract", UTILITY)
    refusal = {"outcome": "refused", "reasons": ["same-home"], "note": "x"}
    for what, body in (("review", refusal), ("task", {}), ("evidence", {})):
        taken = await officer(api, application, what, body, who=COLLEAGUE)
        assert taken.is_problem(409, "task-claimed")
    refused = await officer(api, application, "task/release", who=COLLEAGUE)
    assert refused.is_problem(403, "task-not-yours")
    assert (await officer(api, application, "task/release")).status == 200
    await eventually(lambda: seen("None"))
    assert (await officer(api, application, "review", refusal, who=COLLEAGUE)).status == 200


async def test_a_claim_is_over_after_its_time(api: Api) -> None:
    _, application = await referred(api)
    assert (await officer(api, application, "task")).status == 200
    services = api.runtime.services
    before = services.clock
    services.clock = lambda: before() + timedelta(seconds=7200)
    assert (await officer(api, application, "task", who=COLLEAGUE)).status == 200


async def test_a_document_is_sealed_and_comes_back_as_a_download(api: Api) -> None:
    citizen, application = await referred(api)
    paper = pdf()
    headers = {"Idempotency-Key": "paper"}
    for _ in range(2):
        answer = await added(api, application, paper, subject=citizen, headers=headers)
        assert answer.status == 200, answer.body
    photo = await added(
        api,
        application,
        telling("JPEG"),
        "image/jpeg",
        "photo",
        "official",
        subject=CLERK,
        department=UTILITY,
    )
    assert photo.status == 200, photo.body
    listed = await read(api, f"{application}/documents", subject=citizen)
    first, second = listed.json["documents"]
    assert [(row["kind"], row["by"]) for row in (first, second)] == [
        ("water-bill", "applicant"),
        ("photo", "officer"),
    ]
    blobs = await api.runtime.store.pool.fetch("SELECT content FROM sealed_blobs")
    assert len(blobs) == 2
    assert not any(paper[:40] in row["content"] for row in blobs)
    path = f"{application}/documents/{first['document_id']}"
    got = await read(api, path, subject=citizen)
    assert got.body == paper
    assert got.headers["Content-Disposition"].startswith("attachment; ")
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    shown = await read(api, f"{application}/documents/{second['document_id']}", subject=citizen)
    assert SECRET not in shown.body
    assert opened(shown.body).size == (160, 90)


async def test_every_look_of_others_is_found_by_the_applicant(api: Api) -> None:
    citizen, application = await referred(api)
    await added(api, application, pdf(), subject=citizen)
    (document,) = (await state(api, application)).documents
    path = f"{application}/documents/{document['document_id']}"
    ours = {"subject": CLERK, "department": UTILITY}
    assert (await read(api, path, "official", **ours)).is_problem(422, "purpose-needed")
    assert (await read(api, f"{path}?purpose=review", "official", **ours)).body == pdf()
    assert (await read(api, f"{path}?purpose=audit", "auditor")).body == pdf()
    thread = await read(api, f"{application}/messages?purpose=complaint", "auditor")
    assert thread.json == {"messages": []}
    looks = [row for row in await accesses(api, citizen) if row["about"] == application]
    seen = [(row["who"], row["what"], row["purpose"]) for row in looks[:3]]
    assert seen == [
        ("auditor-1", "messages", "complaint"),
        ("auditor-1", "document", "audit"),
        (CLERK, "document", "review"),
    ]


async def test_nobody_else_reads_or_adds(api: Api) -> None:
    citizen, application = await referred(api)
    await added(api, application, pdf(), subject=citizen)
    (document,) = (await state(api, application)).documents
    stranger = await identified(api, service=WATER)
    for what in ("messages", "documents", f"documents/{document['document_id']}"):
        for path in (f"{application}/{what}", f"application-{'0' * 32}/{what}"):
            refused = await read(api, path, subject=stranger)
            assert refused.is_problem(403, "not-your-application")
        police = await read(
            api, f"{application}/{what}", "official", subject="official-police", department="police"
        )
        assert police.is_problem(403, "not-your-application")
    assert (await added(api, application, pdf(), subject=stranger)).status == 403
    assert (await state(api, application)).documents == [document]


async def test_a_clerk_reads_what_is_before_them_of_whom_they_have_just_identified(
    api: Api,
) -> None:
    _, application = await referred(api)
    counter = {"channel": "counter"}
    taken = await command(api, application, "takeover", "clerk", counter)
    assert taken.status == 200, taken.body
    path = f"{application}/messages?purpose=support"
    assert (await read(api, path, "clerk")).status == 200
    other = await read(api, path, "clerk", subject="clerk-2")
    assert other.is_problem(403, "not-your-application")
    services = api.runtime.services
    before = services.clock
    services.clock = lambda: before() + timedelta(minutes=11)
    assert (await read(api, path, "clerk")).is_problem(403, "not-identified-here")
    late = await added(api, application, pdf(), role="clerk")
    assert late.is_problem(403, "not-identified-here")


@pytest.mark.parametrize(
    ("content", "media", "status", "code"),
    [
        (b"<html>", "text/html", 415, "unsupported-media-type"),
        (b"<html>", "image/png", 422, "unsupported-image"),
        (b"%PDF-1.7\n<html>", "application/pdf", 422, "document-damaged"),
        (pdf(b"<< /S /JavaScript >>"), "application/pdf", 422, "document-active"),
        (pdf() + b"\n" * 10_000_001, "application/pdf", 413, "body-too-large"),
    ],
)
async def test_what_is_no_document_is_not_kept(
    api: Api, content: bytes, media: str, status: int, code: str
) -> None:
    citizen, application = await referred(api)
    assert (await added(api, application, content, media, subject=citizen)).is_problem(status, code)
    assert await api.runtime.store.pool.fetchval("SELECT count(*) FROM sealed_blobs") == 0


async def test_one_application_takes_so_many_documents(api: Api) -> None:
    api.runtime.services.settings.application_documents = 2
    citizen, application = await referred(api)
    for number, status in enumerate((200, 200, 409)):
        content = pdf(b"(%d)" % number)
        answer = await added(api, application, content, subject=citizen)
        assert answer.status == status
    assert answer.is_problem(409, "too-many-documents")
    assert await api.runtime.store.pool.fetchval("SELECT count(*) FROM sealed_blobs") == 2


async def test_what_no_event_names_is_not_kept(api: Api) -> None:
    """The same paper again, and what a crash between the vault and the event has left behind."""
    citizen, application = await referred(api)
    vault, pool = api.runtime.services.vault, api.runtime.store.pool
    await vault.keep(citizen, kind_of(application), b"left behind")
    await pool.execute("UPDATE sealed_blobs SET created_at = created_at - interval '2 hours'")
    for _ in range(2):
        assert (await added(api, application, pdf(), subject=citizen)).status == 200
    (document,) = (await state(api, application)).documents
    (row,) = await pool.fetch("SELECT blob_id FROM sealed_blobs")
    assert str(row["blob_id"]) == document["document_id"]


async def test_applicant_and_department_write_to_each_other(api: Api) -> None:
    citizen, application = await referred(api)

    async def unanswered(whether: bool) -> bool:
        shown = await read(api, application, subject=citizen)
        return bool(shown.json["application"]["unanswered"] is whether)

    asked = await command(
        api, application, "messages", "citizen", {"text": "which number?"}, subject=citizen
    )
    assert asked.status == 200, asked.body
    await eventually(lambda: unanswered(True))
    assert (await officer(api, application, "messages", {"text": "on the bill"})).status == 200
    await eventually(lambda: unanswered(False))
    await sent_back(api, application)
    thread = await read(api, f"{application}/messages", subject=citizen)
    assert [(m["by"], m["text"], m["asks_for_correction"]) for m in thread.json["messages"]] == [
        ("applicant", "which number?", False),
        ("officer", "on the bill", False),
        ("officer", "the number on your bill, please", True),
    ]
    raw = b"".join(event.state for event in await api.runtime.store.read(application))
    assert b"on the bill" not in raw
    long = await command(
        api, application, "messages", "citizen", {"text": "x" * 2001}, subject=citizen
    )
    assert long.status == 422
