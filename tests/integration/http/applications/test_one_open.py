"""One open application a person and item: whoever applies again is told which one it is."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from citybrain.domain.applications.application import Application
from citybrain.domain.applications.refusals import OutOfStep
from citybrain.settings import Settings
from commands.applications import appeals
from commands.applications.application import change_application
from ops.simulators.applications.departments import Departments
from tests.given.api import Answer, Api
from tests.given.applying import (
    applied,
    applying,
    command,
    id_number,
    identified,
    identify,
    registered,
    review,
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


async def refused_once(api: Api, citizen: str) -> str:
    """Refused by the rules."""
    application = await applied(api, citizen)
    await until(api, application, "refused")
    return application


async def appeal(api: Api, application: str, citizen: str, **options: Any) -> Answer:
    body = {"grounds": "look again"}
    return await command(api, application, "appeal", "citizen", body, subject=citizen, **options)


async def test_of_several_refusals_one_is_appealed_at_a_time(api: Api) -> None:
    citizen = await identified(api, id_number(6))
    refusals = [await refused_once(api, citizen) for _ in range(3)]
    answers = await asyncio.gather(*(appeal(api, each, citizen) for each in refusals))
    assert Counter(answer.status for answer in answers)[200] == 1, [a.body for a in answers]
    (first,) = [answer.json["application_id"] for answer in answers if answer.status == 200]
    for each in set(refusals) - {first}:
        later = await appeal(api, each, citizen)
        assert later.is_problem(409, "application-open")
        assert later.json["application_id"] == first
    assert (await submit(api, citizen)).is_problem(409, "application-open")
    await review(api, first, outcome="refused", reasons=["grounds-not-shown"])
    (_, second) = sorted(set(refusals), key=lambda each: each != first)[:2]
    assert (await appeal(api, second, citizen)).json["status"] == "referred"


async def test_while_a_new_application_is_under_way_none_is_appealed(api: Api) -> None:
    citizen = await identified(api, id_number(6))
    before = await refused_once(api, citizen)
    api.runtime.services.settings.application_identity_seconds = 900
    clock = api.runtime.services.clock
    api.runtime.services.clock = lambda: clock() + timedelta(minutes=11)
    under_way = await applied(api, citizen)
    held_up = await appeal(api, before, citizen)
    assert held_up.is_problem(409, "application-open")
    assert held_up.json["application_id"] == under_way
    await command(api, under_way, "withdrawal", "citizen", subject=citizen)
    appealed = await appeal(api, before, citizen)
    assert appealed.json["status"] == "referred"


async def test_an_appeal_that_is_sent_twice_is_one(api: Api) -> None:
    citizen = await identified(api, id_number(6))
    application = await refused_once(api, citizen)
    headers = {"Idempotency-Key": "once"}
    first, again = [await appeal(api, application, citizen, headers=headers) for _ in range(2)]
    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (await appeal(api, application, citizen)).is_problem(409, "nothing-to-appeal")
    assert (await submit(api, citizen)).is_problem(409, "application-open")


async def test_nobody_applies_between_an_appeals_turn_and_the_appeal(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    citizen = await identified(api, id_number(6))
    application = await refused_once(api, citizen)
    meanwhile: list[Answer] = []
    store = change_application

    async def later(*arguments: Any) -> Any:
        meanwhile.append(await submit(api, citizen))
        return await store(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(appeals, "change_application", later)
        assert (await appeal(api, application, citizen)).status == 200
    assert meanwhile[0].is_problem(503, "application-being-submitted")
    assert (await submit(api, citizen)).is_problem(409, "application-open")


async def test_an_appeal_that_is_refused_gives_the_turn_back(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    citizen = await identified(api, id_number(6))
    application = await refused_once(api, citizen)

    async def refuses(*_: Any) -> None:
        raise OutOfStep("something came first")

    with monkeypatch.context() as patch:
        patch.setattr(appeals, "change_application", refuses)
        assert (await appeal(api, application, citizen)).is_problem(409, "application-out-of-step")
    assert (await submit(api, citizen)).status == 201
