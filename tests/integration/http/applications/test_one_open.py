"""One open application a person and item: whoever applies again is told which one it is."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from citybrain.domain.applications.application import Application
from citybrain.settings import Settings
from ops.simulators.applications.departments import Departments
from tests.given.api import Api
from tests.given.applying import (
    applied,
    applying,
    command,
    identified,
    identify,
    registered,
    submit,
    until,
)

AT_ONCE = 60
MIGRATION = Path("migrations/0008_applications_last_applications.sql")


@pytest.fixture
async def both(settings: Settings) -> AsyncIterator[tuple[Api, Departments]]:
    async with applying(settings) as started:
        yield started


@pytest.fixture
def api(both: tuple[Api, Departments]) -> Api:
    return both[0]


async def test_the_second_is_refused_and_names_the_first(api: Api) -> None:
    citizen = await registered(api)
    first = await applied(api, citizen)
    second = await submit(api, citizen)
    assert (second.status, second.json["code"]) == (409, "application-open")
    assert second.json["application_id"] == first
    assert second.json["next_step"]


async def test_who_may_not_know_of_the_first_is_not_told_which_it_is(api: Api) -> None:
    citizen = await registered(api)
    first = await applied(api, citizen)
    second = await submit(api, citizen, channel="kiosk", role="kiosk", subject="kiosk-9")
    assert (second.status, second.json["code"]) == (409, "application-open")
    assert first not in second.body.decode()


async def test_another_person_or_another_item_is_not_held_up(api: Api) -> None:
    citizen, other = await registered(api), await registered(api)
    await applied(api, citizen)
    assert (await submit(api, other)).status == 201
    assert (await submit(api, citizen, "housing-fund-purchase")).status == 201


@pytest.mark.parametrize("ending", ["withdrawn", "paid"])
async def test_once_it_has_ended_the_next_may_come(api: Api, ending: str) -> None:
    citizen = await registered(api)
    first = await applied(api, citizen)
    if ending == "withdrawn":
        await command(api, first, "withdrawal", "citizen", subject=citizen)
    else:
        await identify(api, citizen)
        await until(api, first, "paid")
    assert await applied(api, citizen) != first


async def test_of_many_at_once_one_is_taken_and_the_departments_are_asked_once(
    both: tuple[Api, Departments],
) -> None:
    api, departments = both
    citizen = await identified(api)
    answers = await asyncio.gather(*(submit(api, citizen) for _ in range(AT_ONCE)))
    assert Counter(answer.status for answer in answers)[201] == 1
    assert {answer.status for answer in answers} <= {201, 409, 503}
    (first,) = [answer.json["application_id"] for answer in answers if answer.status == 201]
    await until(api, first, "paid")
    requests = (await api.runtime.store.load(Application, first)).requests.values()
    asked = Counter(request["department"] for request in requests)
    assert {name: departments.questions()[name] for name in asked} == asked


async def test_who_repeats_a_submission_gets_the_first_answer(api: Api) -> None:
    citizen = await registered(api)
    headers = {"Idempotency-Key": "once-and-again"}
    first = await submit(api, citizen, headers=headers)
    again = await submit(api, citizen, headers=headers)
    assert (first.status, again.status) == (201, 201)
    assert first.json["application_id"] == again.json["application_id"]
    await command(api, first.json["application_id"], "withdrawal", "citizen", subject=citizen)
    late = await submit(api, citizen, headers=headers)
    assert late.json["application_id"] == first.json["application_id"]
    assert (await submit(api, citizen)).status == 201


async def test_one_that_a_crash_left_unsubmitted_holds_up_nobody_for_long(api: Api) -> None:
    citizen, pool = await registered(api), api.runtime.store.pool
    never = Application.new_id()
    await pool.execute(
        "INSERT INTO last_applications VALUES ($1, 'housing-fund-repayment', $2)", citizen, never
    )
    busy = await submit(api, citizen)
    assert (busy.status, busy.json["code"]) == (503, "application-being-submitted")
    await pool.execute("UPDATE last_applications SET taken_at = now() - interval '2 minutes'")
    assert (await submit(api, citizen)).status == 201


async def test_applications_of_before_are_known(api: Api) -> None:
    citizen, pool = await registered(api), api.runtime.store.pool
    first = await applied(api, citizen)
    await command(api, first, "withdrawal", "citizen", subject=citizen)
    second = await applied(api, citizen)
    await pool.execute("DELETE FROM last_applications")
    await pool.execute(MIGRATION.read_text().partition(";\n\n")[2])
    refused = await submit(api, citizen)
    assert refused.json["application_id"] == second
