"""Drafts over HTTP: begun on the phone, gone on with at a counter, submitted once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from citybrain.domain.applications.draft import Draft
from citybrain.settings import Settings
from commands.applications import drafts as commands
from ops.simulators.applications.departments import Departments
from tests.given.accesses import accesses, is_said
from tests.given.api import Answer, Api
from tests.given.applying import applying, identified, registered, until

WATER = "water-transfer"
FORM = {"contract_number": "w-secret"}


@pytest.fixture
async def both(settings: Settings) -> AsyncIterator[tuple[Api, Departments]]:
    async with applying(settings) as started:
        yield started


@pytest.fixture
def api(both: tuple[Api, Departments]) -> Api:
    return both[0]


async def begin(api: Api, citizen: str, form: Any = None, **options: Any) -> Answer:
    body = {"service": WATER, "channel": "app", "form": form or {}, "simulated": True}
    return await api.call("POST", "/v1/drafts", "citizen", subject=citizen, json=body, **options)


async def begun(api: Api, citizen: str, form: Any = None) -> str:
    answer = await begin(api, citizen, form)
    assert answer.status == 201, answer.body
    assert answer.headers["Location"] == f"/v1/drafts/{answer.json['draft_id']}"
    return str(answer.json["draft_id"])


async def step(
    api: Api, draft: str, what: str, citizen: str, body: Any = None, role: str = "citizen"
) -> Answer:
    path = f"/v1/drafts/{draft}/{what}"
    return await api.call("POST", path, role, subject=citizen, json=body or {})


async def kept(api: Api) -> int:
    found = await api.runtime.store.pool.fetchval(
        "SELECT count(*) FROM sealed_blobs WHERE kind = 'application-draft'"
    )
    return int(found)


async def test_what_was_begun_is_gone_on_with_and_submitted(api: Api) -> None:
    citizen = await identified(api, service=WATER)
    draft = await begun(api, citizen)
    early = await step(api, draft, "submission", citizen)
    assert early.is_problem(422, "form-invalid")
    saved = await step(api, draft, "content", citizen, {"form": FORM})
    assert saved.status == 200, saved.body
    assert await kept(api) == 1
    shown = await api.call("GET", f"/v1/drafts/{draft}", "citizen", subject=citizen)
    assert shown.json["form"] == FORM
    submitted = await step(api, draft, "submission", citizen)
    assert (submitted.status, submitted.json["status"]) == (200, "submitted"), submitted.body
    await until(api, submitted.json["application_id"], "approved")
    assert await kept(api) == 0
    for what, body in (("submission", {}), ("content", {"form": FORM}), ("discarding", {})):
        assert (await step(api, draft, what, citizen, body)).is_problem(409, "draft-ended")


async def test_what_is_filled_in_is_in_no_event_and_sealed(api: Api) -> None:
    citizen = await registered(api)
    draft = await begun(api, citizen, FORM)
    raw = b"".join(event.state for event in await api.runtime.store.read(draft))
    (row,) = await api.runtime.store.pool.fetch(
        "SELECT content, delete_after FROM sealed_blobs WHERE kind = 'application-draft'"
    )
    assert b"w-secret" not in raw + row["content"]
    loaded = await api.runtime.store.load(Draft, draft)
    assert row["delete_after"] == loaded.expires_at


async def test_a_clerk_goes_on_with_it_at_the_counter_and_the_citizen_sees_that(api: Api) -> None:
    citizen = await identified(api, service=WATER)
    draft = await begun(api, citizen, FORM)
    path = f"/v1/drafts/{draft}"
    assert (await api.call("GET", path, "clerk")).is_problem(403, "not-your-application")
    taken = await step(api, draft, "continuation", "clerk-1", {"channel": "counter"}, "clerk")
    assert taken.json["channel"] == "counter"
    assert (await api.call("GET", path, "clerk")).json["form"] == FORM
    submitted = await step(api, draft, "submission", "clerk-1", role="clerk")
    assert submitted.status == 200, submitted.body
    rows = await accesses(api, citizen, who="clerk-1")
    seen = {row["what"] for row in rows if row["about"] == draft}
    assert all(is_said("en", row["what_text"], row["what"]) for row in rows)
    assert seen == {"draft-continued", "draft", "draft-submitted"}


async def test_a_kiosk_goes_on_only_for_whom_it_has_identified(api: Api) -> None:
    draft = await begun(api, await identified(api, service=WATER))
    refused = await step(api, draft, "continuation", "kiosk-1", {"channel": "kiosk"}, "kiosk")
    assert refused.is_problem(409, "identity-needed")


async def test_submitted_twice_at_once_it_is_one_application(api: Api) -> None:
    citizen = await identified(api, service=WATER)
    draft = await begun(api, citizen, FORM)
    answers = await asyncio.gather(*(step(api, draft, "submission", citizen) for _ in range(3)))
    assert {answer.status for answer in answers} <= {200, 409}
    ids = {answer.json["application_id"] for answer in answers if answer.status == 200}
    assert len(ids) == 1
    applied = [
        event
        for event in await api.runtime.store.read_all(limit=1000)
        if event.topic == "application.submitted"
    ]
    assert len(applied) == 1


async def test_a_submission_that_a_crash_cut_short_is_finished(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    citizen = await identified(api, service=WATER)
    draft = await begun(api, citizen, FORM)
    with monkeypatch.context() as patch:

        async def dies(*_: Any, **__: Any) -> None:
            raise RuntimeError("the process was killed")

        patch.setattr(commands, "_change", dies)
        assert (await step(api, draft, "submission", citizen)).status == 500
    submitted = await step(api, draft, "submission", citizen)
    assert submitted.json["status"] == "submitted"
    await until(api, submitted.json["application_id"], "approved")


async def test_a_citizen_lists_their_own(api: Api) -> None:
    citizen, other = await registered(api), await registered(api)
    mine = [await begun(api, citizen) for _ in range(3)]
    await begun(api, other)
    given_up = await step(api, mine[0], "discarding", citizen)
    assert given_up.json["status"] == "discarded"
    assert await kept(api) == 3
    head = await api.runtime.store.head()
    page = await api.call("GET", f"/v1/drafts?min_position={head}", "citizen", subject=citizen)
    assert [row["draft_id"] for row in page.json["drafts"]] == [mine[2], mine[1]]
    assert page.json["next"] is None
    for what in ("content", "submission", "discarding"):
        body = {"form": FORM} if what == "content" else {}
        refused = await step(api, mine[1], what, other, body)
        assert refused.is_problem(403, "not-your-application")


async def test_a_draft_that_is_too_old_is_gone(api: Api) -> None:
    citizen = await registered(api)
    draft = await begun(api, citizen, FORM)
    services = api.runtime.services
    before = services.clock
    services.clock = lambda: before() + timedelta(days=30)
    gone = await api.call("GET", f"/v1/drafts/{draft}", "citizen", subject=citizen)
    assert gone.is_problem(409, "draft-ended")
    head = await api.runtime.store.head()
    page = await api.call("GET", f"/v1/drafts?min_position={head}", "citizen", subject=citizen)
    assert page.json["drafts"] == []


async def test_one_person_has_so_many_drafts(api: Api) -> None:
    api.runtime.services.settings.application_drafts = 2
    citizen = await registered(api)
    for _ in range(2):
        await begun(api, citizen)
    assert (await begin(api, citizen)).is_problem(409, "too-many-drafts")
    assert (await begin(api, await registered(api))).status == 201


async def test_answers_that_are_there_fit_the_form(api: Api) -> None:
    citizen = await registered(api)
    for form in ({"colour": "red"}, {"contract_number": 7}):
        refused = await begin(api, citizen, form)
        assert refused.is_problem(422, "form-invalid")
    headers = {"Idempotency-Key": "one"}
    first, second = [await begin(api, citizen, FORM, headers=headers) for _ in range(2)]
    assert first.json == second.json
    assert second.headers["Idempotency-Replayed"] == "true"
    assert await kept(api) == 1
