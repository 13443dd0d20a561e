"""City days and children over HTTP: who is how old, and who does not act alone."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from citybrain.definitions.applications.catalogue import Catalogue
from ops.simulators.applications.identity_numbers import identity_number
from tests.given.agreements import NOTICE
from tests.given.api import Answer, Api
from tests.given.faces import registered
from tests.given.serving import before

SERVICE = "social-security-query"
SetClock = Callable[[datetime], None]


@pytest.fixture
def set_clock(api: Api, monkeypatch: pytest.MonkeyPatch) -> SetClock:
    def set_to(now: datetime) -> None:
        monkeypatch.setattr(api.runtime.services, "clock", lambda: now)

    return set_to


async def apply_for(
    api: Api, citizen: str, guardian: str | None = None, role: str = "citizen"
) -> Answer:
    body = {
        "service": SERVICE,
        "channel": "app" if role == "citizen" else "counter",
        "citizen_id": citizen,
        "guardian": guardian,
    }
    subject = citizen if role == "citizen" else ""
    return await api.call("POST", "/v1/applications", role, subject=subject, json=body)


async def consent(api: Api, citizen: str) -> Answer:
    path, body = f"/v1/citizens/{citizen}/face/consent", {"notice_sha256": NOTICE}
    return await api.call("POST", path, "citizen", subject=citizen, json=body)


async def register_born(api: Api, born: date) -> Answer:
    body = {"name": "x", "id_number": identity_number(born), "birth_date": str(born)}
    return await api.call("POST", "/v1/citizens", "clerk", json=body)


async def test_born_yesterday_is_born_in_the_past_from_midnight_on(
    api: Api, set_clock: SetClock
) -> None:
    born = date(2026, 3, 1)
    set_clock(datetime(2026, 3, 1, 15, 59, tzinfo=UTC))  # 23:59 in the city
    assert (await register_born(api, born)).is_problem(422, "birth-date-not-past")
    set_clock(datetime(2026, 3, 1, 16, 0, tzinfo=UTC))
    assert (await register_born(api, born)).status == 201


@pytest.mark.parametrize("born", [date(2012, 5, 1), date(2012, 2, 29)])
async def test_the_fourteenth_birthday_begins_at_midnight(
    api: Api, set_clock: SetClock, born: date
) -> None:
    birthday = date(2026, born.month, min(born.day, 28))
    midnight = datetime(2026, birthday.month, birthday.day, tzinfo=UTC) - timedelta(hours=8)
    child = await registered(api, birth_date=str(born))
    set_clock(midnight - timedelta(seconds=1))
    assert (await consent(api, child)).is_problem(409, "guardian-required")
    assert (await apply_for(api, child)).is_problem(409, "guardian-required")
    set_clock(midnight)
    assert (await consent(api, child)).status == 200
    assert (await apply_for(api, child)).status == 201


async def test_a_child_does_not_apply_alone(api: Api) -> None:
    child, adult = await registered(api, birth_date="2016-05-01"), await registered(api)
    minor = await registered(api, birth_date="2011-05-01")

    await before(api, "clerk-1", child, purpose=SERVICE)
    alone = await apply_for(api, child)
    at_home = await apply_for(api, child, adult)
    at_a_counter_alone = await apply_for(api, child, role="clerk")
    await before(api, "clerk-1", minor, purpose=SERVICE)
    by_a_minor = await apply_for(api, child, minor, role="clerk")
    by_itself = await apply_for(api, child, child, role="clerk")
    absent = await apply_for(api, child, adult, role="clerk")
    await before(api, "clerk-1", adult, purpose=SERVICE)
    with_guardian = await apply_for(api, child, adult, role="clerk")

    for refused in (alone, at_home, at_a_counter_alone):
        assert refused.is_problem(409, "guardian-required")
    for refused in (by_a_minor, by_itself):
        assert refused.is_problem(409, "not-a-guardian")
    assert absent.is_problem(403, "not-identified-here")
    assert with_guardian.status == 201
    (submitted,) = await api.runtime.store.read(with_guardian.json["application_id"], limit=1)
    assert submitted.data["guardian"] == adult
    assert (await apply_for(api, minor)).status == 201


async def test_a_clerk_is_no_guardian_and_an_adult_has_none(api: Api) -> None:
    child, adult = await registered(api, birth_date="2016-05-01"), await registered(api)
    assert api.runtime.development is not None
    token = api.runtime.development.token(adult, ["citizen", "clerk"], counter="counter-1")
    headers = {"Authorization": f"Bearer {token}"}

    async def at_own_counter(citizen: str, **fields: str) -> Answer:
        body = {"service": SERVICE, "channel": "counter", "citizen_id": citizen} | fields
        return await api.call("POST", "/v1/applications", json=body, headers=headers)

    await before(api, adult, child, purpose=SERVICE)
    assert (await at_own_counter(child, guardian=adult)).is_problem(409, "not-a-guardian")
    assert (await at_own_counter(adult)).is_problem(403, "not-your-application")
    other = await registered(api)
    await before(api, "clerk-1", adult, other, purpose=SERVICE)
    assert (await apply_for(api, adult, other, role="clerk")).is_problem(409, "not-a-guardian")


async def test_an_item_may_ask_for_the_guardian_of_a_minor(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = api.runtime.services.definitions.of(Catalogue)
    (item,) = (each for each in catalogue.on(date(2026, 3, 1)) if each.code == SERVICE)
    strict = item.model_copy(update={"guardian_under_years": 18})
    assert strict.version != item.version
    monkeypatch.setattr(catalogue, "item", lambda code, day: strict)
    minor, adult = await registered(api, birth_date="2011-05-01"), await registered(api)
    assert (await apply_for(api, minor)).is_problem(409, "guardian-required")
    await before(api, "clerk-1", minor, adult, purpose=SERVICE)
    assert (await apply_for(api, minor, adult, role="clerk")).status == 201


async def test_a_consent_to_faces_has_the_guardian_that_an_application_has(api: Api) -> None:
    child, adult = await registered(api, birth_date="2016-05-01"), await registered(api)
    other = await registered(api)
    assert api.runtime.development is not None
    token = api.runtime.development.token(adult, ["citizen", "clerk"], counter="counter-1")
    headers = {"Authorization": f"Bearer {token}"}

    async def agree(citizen: str, guardian: str) -> Answer:
        body = {"notice_sha256": NOTICE, "guardian": guardian}
        path = f"/v1/citizens/{citizen}/face/consent"
        return await api.call("POST", path, json=body, headers=headers)

    await before(api, adult, child, other)
    assert (await agree(child, adult)).is_problem(409, "not-a-guardian")
    assert (await agree(other, adult)).is_problem(409, "not-a-guardian")
    await before(api, "clerk-1", adult, other)
    body = {"notice_sha256": NOTICE, "guardian": other}
    of_an_adult = await api.call("POST", f"/v1/citizens/{adult}/face/consent", "clerk", json=body)
    assert of_an_adult.is_problem(409, "not-a-guardian")
