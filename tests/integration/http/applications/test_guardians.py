"""A guardian over HTTP: who applies for a child reads what comes of it, as the child would."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from citybrain.settings import Settings
from ops.simulators.applications.identity_numbers import identity_number
from tests.given.accesses import accesses, is_said
from tests.given.api import Answer, Api
from tests.given.applying import applied, applying, identified, registered, until
from tests.given.numbers import next_number

QUERY = "social-security-query"
BORN = date(2019, 5, 1)
PARTS = ("", "/explanation", "/consent-receipt", "/documents", "/messages", "/statements")


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    async with applying(settings) as (started, _):
        yield started


async def get(api: Api, path: str, citizen: str) -> Answer:
    return await api.call("GET", path, "citizen", subject=citizen)


async def of_a_child(api: Api) -> tuple[str, str, str]:
    """An application that has been decided, the child, and the guardian who applied."""
    number = identity_number(BORN, next_number("citizen"))
    child = await identified(api, number, QUERY)
    guardian = await identified(api, service=QUERY)
    said: dict[str, Any] = {"channel": "counter", "role": "clerk", "guardian": guardian}
    application = await applied(api, child, QUERY, **said)
    await until(api, application, "approved")
    await api.call(
        "GET", f"/v1/applications?min_position={await api.runtime.store.head()}", "auditor"
    )
    return application, child, guardian


async def test_who_applied_for_a_child_reads_all_of_it_and_the_child_finds_that(api: Api) -> None:
    application, child, guardian = await of_a_child(api)
    path = f"/v1/applications/{application}"
    stranger = await registered(api)
    for part in PARTS:
        shown = await get(api, path + part, guardian)
        assert shown.status == 200, (part, shown.body)
        refused = await get(api, path + part, stranger)
        assert refused.is_problem(403, "not-your-application")
    explained = await get(api, f"{path}/explanation", guardian)
    assert explained.json == (await get(api, f"{path}/explanation", child)).json
    live = await get(api, f"{path}/live", guardian)
    assert b"event: end" in live.body

    rows = await accesses(api, child, who=guardian)
    assert {row["what"] for row in rows} >= {"application", "decision", "consent-receipt"}
    assert all(is_said("en", row["what_text"], row["what"]) for row in rows)


async def test_a_guardian_lists_their_own_and_the_childs_and_the_child_its_own(api: Api) -> None:
    application, child, guardian = await of_a_child(api)
    own = await applied(api, guardian, "living-allowance")
    head = await api.runtime.store.head()

    async def listed(role: str, subject: str, query: str = "") -> list[str]:
        path = f"/v1/applications?min_position={head}{query}"
        page = await api.call("GET", path, role, subject=subject)
        assert page.status == 200, page.body
        return [row["application_id"] for row in page.json["applications"]]

    assert await listed("citizen", guardian) == [own, application]
    assert await listed("citizen", guardian, f"&service={QUERY}") == [application]
    assert await listed("citizen", child) == [application]
    assert await listed("auditor", "", f"&citizen_id={guardian}") == [own]
    assert "list" in {row["what"] for row in await accesses(api, child, who=guardian)}
