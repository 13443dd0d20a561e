"""What is kept about a person, over HTTP: read by them, changed by them, corrected by two."""

from datetime import date
from typing import Any

import orjson

from tests.given.accesses import accesses
from tests.given.agreements import NOTICE
from tests.given.api import Answer, Api
from tests.given.applying import REPAYMENT
from tests.given.faces import events, registered
from tests.given.outbox import messages
from tests.given.waiting import holds

NUMBER, OTHER = "410102199005011231", "410102199005019997"
PHONE, NEW = "+86 371 5555 0123", "+86 371 5555 9999"


async def post(
    api: Api, citizen: str, step: str, role: str = "citizen", subject: str = "", **body: Any
) -> Answer:
    subject = subject or (citizen if role == "citizen" else "")
    path = f"/v1/citizens/{citizen}/{step}"
    return await api.call("POST", path, role, subject=subject, json=body)


async def seen(api: Api, citizen: str, clerk: str = "clerk-1") -> None:
    """Identified at a counter, for a change of the record."""
    body = {"purpose": "record-change", "document": "identity-card"}
    answer = await post(api, citizen, "identity/confirmation", "clerk", clerk, **body)
    assert answer.status == 200, answer.body


async def record(api: Api, citizen: str) -> dict[str, Any]:
    answer = await api.call("GET", f"/v1/citizens/{citizen}/record", "citizen", subject=citizen)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json
    return found


async def propose(api: Api, citizen: str, clerk: str = "clerk-1", **body: Any) -> Answer:
    said = {"what": "identity", "grounds": "seen"} | body
    return await post(api, citizen, "corrections", "clerk", clerk, **said)


async def settle(
    api: Api, citizen: str, proposed: Answer, clerk: str = "clerk-2", outcome: str = "confirmed"
) -> Answer:
    which = proposed.json["correction_id"]
    said = {"correction_id": which, "outcome": outcome}
    return await post(api, citizen, "corrections/settlement", "clerk", clerk, **said)


async def test_one_reads_what_is_kept_about_oneself_and_nobody_else_does_so(api: Api) -> None:
    citizen, other = await registered(api, id_number=NUMBER), await registered(api)
    await seen(api, citizen)
    added = await post(
        api, citizen, "documents", "clerk", document="passport", number="E1234567", country="CHN"
    )
    assert added.status == 200
    found = await record(api, citizen)
    shown = {name: found[name] for name in ("name", "id_number", "birth_date", "phone", "died_on")}
    assert shown == {
        "name": "張三",
        "id_number": NUMBER,
        "birth_date": "1990-05-01",
        "phone": PHONE,
        "died_on": None,
    }
    assert found["document"] == "resident-identity-card"
    assert found["further_documents"] == [{"document": "passport", "number": "E1234567"}]
    assert (found["face_consent"], found["passcode"], found["corrections"]) == (False, False, [])
    path = f"/v1/citizens/{citizen}/record"
    assert (await api.call("GET", path, "citizen", subject=other)).is_problem(403, "not-your-own")
    assert (await api.call("GET", path, "supervisor")).is_problem(403, "not-your-own")
    for role in ("official", "operator", "auditor", "kiosk"):
        missing = await api.call("GET", path, role)
        assert missing.is_problem(403, "role-missing")
        assert missing.json["roles"] == ["citizen", "clerk", "supervisor"]


async def test_a_clerk_reads_the_record_of_who_is_before_them_for_a_purpose_and_it_is_seen(
    api: Api,
) -> None:
    citizen = await registered(api)
    path = f"/v1/citizens/{citizen}/record"

    async def look(clerk: str = "clerk-1", query: str = "?purpose=support") -> Answer:
        return await api.call("GET", path + query, "clerk", subject=clerk)

    assert (await look()).is_problem(409, "identification-needed")
    await seen(api, citizen)
    assert (await look("clerk-2")).is_problem(409, "identification-needed")
    assert (await look(query="")).is_problem(422, "purpose-needed")
    opened = await look()
    assert (opened.status, opened.json["phone"]) == (200, PHONE)
    (newest, *_) = await accesses(api, citizen)
    assert (newest["who"], newest["what"]) == ("clerk-1", "record")


async def test_a_changed_phone_is_told_to_the_one_before(api: Api) -> None:
    citizen = await registered(api)
    alone = await post(api, citizen, "phone", phone=NEW)
    assert alone.is_problem(409, "identification-needed")
    await seen(api, citizen)
    other_clerk = await post(api, citizen, "phone", "clerk", "clerk-2", phone=NEW)
    assert other_clerk.is_problem(409, "identification-needed")
    assert (await post(api, citizen, "phone", phone=NEW)).status == 200
    await holds(lambda: len(messages(api)) == 2)
    (first, told), (second, welcome) = messages(api)
    assert (first, second) == (PHONE, NEW)
    assert "was changed" in told
    assert "registered for you" in welcome
    assert (await record(api, citizen))["phone"] == NEW
    sent = await post(api, citizen, "identity/codes", purpose=REPAYMENT)
    assert sent.status == 201
    assert messages(api)[-1][0] == NEW
    assert NEW.encode() not in orjson.dumps(await events(api, citizen))


async def test_somebody_without_a_phone_gets_one_at_a_counter(api: Api) -> None:
    citizen = await registered(api, phone=None)
    await seen(api, citizen)
    assert (await post(api, citizen, "phone", "clerk", phone=NEW)).status == 200
    assert (await post(api, citizen, "identity/codes", purpose=REPAYMENT)).status == 201


async def test_a_name_is_changed_and_told(api: Api) -> None:
    citizen = await registered(api)
    await seen(api, citizen)
    assert (await post(api, citizen, "name", "clerk", name="李四")).status == 200
    await holds(lambda: len(messages(api)) == 1)
    assert messages(api)[0][0] == PHONE
    assert "李四" not in messages(api)[0][1]
    assert (await record(api, citizen))["name"] == "李四"


async def test_a_name_or_grounds_that_nobody_sees_are_none(api: Api) -> None:
    citizen = await registered(api)
    await seen(api, citizen)
    for refused in (
        await post(api, citizen, "name", "clerk", name="\u200b\u2060"),
        await propose(api, citizen, id_number=NUMBER, grounds="\u3000\u200b"),
    ):
        assert refused.is_problem(422, "invalid-input"), refused.body


async def find(api: Api, number: str) -> Answer:
    return await api.call("POST", "/v1/citizens/search", "clerk", json={"id_number": number})


async def test_a_number_that_was_mistyped_is_corrected_by_two_and_finds_nobody_any_more(
    api: Api,
) -> None:
    citizen = await registered(api, id_number=NUMBER)
    unseen = await propose(api, citizen, number=OTHER, mistaken=True)
    assert unseen.is_problem(409, "identification-needed")
    await seen(api, citizen)
    proposed = await propose(api, citizen, number=OTHER, mistaken=True)
    assert proposed.status == 200, proposed.body
    (pending,) = (await record(api, citizen))["corrections"]
    assert (pending["id_number"], pending["grounds"]) == (OTHER, "seen")
    assert (await record(api, citizen))["id_number"] == NUMBER
    assert (await find(api, OTHER)).is_problem(404, "citizen-not-found")
    alone = await settle(api, citizen, proposed, "clerk-1")
    assert alone.is_problem(403, "settled-by-proposer")
    settled = await settle(api, citizen, proposed)
    assert settled.status == 200, settled.body
    assert (await record(api, citizen))["id_number"] == OTHER
    assert (await find(api, OTHER)).json == {"citizen_id": citizen}
    await holds(lambda: len(messages(api)) == 1)
    assert (await find(api, NUMBER)).is_problem(404, "citizen-not-found")
    owner = await registered(api, id_number=NUMBER)
    assert owner != citizen


async def test_a_document_that_was_replaced_still_finds_its_person(api: Api) -> None:
    citizen = await registered(api, id_number=NUMBER)
    await seen(api, citizen)
    proposed = await propose(api, citizen, number=OTHER)
    assert (await settle(api, citizen, proposed)).status == 200
    await holds(lambda: len(messages(api)) == 1)
    for number in (NUMBER, OTHER):
        assert (await find(api, number)).json == {"citizen_id": citizen}


async def learnt_of(api: Api, citizen: str) -> list[str]:
    """Who learnt that somebody is registered."""
    rows = await accesses(api, citizen)
    return [row["who"] for row in rows if row["what"] == "already-registered"]


async def test_number_and_birth_fit_each_other_and_belong_to_nobody_else(api: Api) -> None:
    citizen = await registered(api, id_number=NUMBER)
    owner = await registered(api, id_number=OTHER)
    await seen(api, citizen)
    taken = await propose(api, citizen, number=OTHER)
    assert taken.is_problem(409, "already-registered")
    assert await learnt_of(api, owner) == ["clerk-1"]
    unfit = await propose(api, citizen, birth_date="1991-05-01")
    assert unfit.is_problem(422, "document-birth-date-differs")
    future = await propose(api, citizen, birth_date=f"{date.today().year + 1}-05-01")
    assert future.is_problem(422, "birth-date-not-past")
    for nothing in (
        {},
        {"what": "death"},
        {"what": "no-death", "birth_date": "1990-05-01"},
        {"birth_date": "1990-05-01", "mistaken": True},
        {"birth_date": "1990-05-01", "died_on": "2020-01-01"},
    ):
        assert (await propose(api, citizen, **nothing)).is_problem(422, "correction-incomplete")
    assert len(await events(api, citizen)) == 2


async def test_a_number_that_somebody_got_meanwhile_is_not_given_to_another(api: Api) -> None:
    citizen = await registered(api, id_number=NUMBER)
    await seen(api, citizen)
    proposed = await propose(api, citizen, number=OTHER)
    owner = await registered(api, id_number=OTHER)
    late = await settle(api, citizen, proposed)
    assert late.is_problem(409, "already-registered")
    assert await learnt_of(api, owner) == ["clerk-2"]
    assert (await record(api, citizen))["id_number"] == NUMBER
    rejected = await settle(api, citizen, proposed, outcome="rejected")
    assert rejected.status == 200


async def test_a_death_is_noted_by_two_and_taken_back_by_two(api: Api) -> None:
    citizen = await registered(api)
    for impossible in ("1980-01-01", f"{date.today().year + 1}-01-01"):
        refused = await propose(api, citizen, what="death", died_on=impossible)
        assert refused.is_problem(422, "death-date-impossible")
    proposed = await propose(api, citizen, what="death", died_on="2026-01-01")
    assert (await settle(api, citizen, proposed)).status == 200
    for role, what, body in (
        ("clerk", "identity/confirmation", {"purpose": REPAYMENT, "document": "passport"}),
        ("citizen", "identity/codes", {"purpose": REPAYMENT}),
        ("citizen", "face/consent", {"notice_sha256": NOTICE}),
    ):
        assert (await post(api, citizen, what, role, **body)).is_problem(409, "person-deceased")
    assert (await record(api, citizen))["died_on"] == "2026-01-01"
    back = await propose(api, citizen, what="no-death")
    assert (await settle(api, citizen, back)).status == 200
    await seen(api, citizen)


async def test_the_dead_are_no_guardians(api: Api) -> None:
    this_year = date.today().year
    child = await registered(api, birth_date=f"{this_year - 6}-01-01")
    guardian = await registered(api)
    proposed = await propose(api, guardian, what="death", died_on="2026-01-01")
    await settle(api, guardian, proposed)
    said = {"purpose": "face-recognition", "document": "household-register"}
    await post(api, child, "identity/confirmation", "clerk", **said)
    body = {"notice_sha256": "ab" * 32, "guardian": guardian}
    refused = await post(api, child, "face/consent", "clerk", **body)
    assert refused.is_problem(409, "not-a-guardian")


async def test_one_key_is_one_correction(api: Api) -> None:
    citizen = await registered(api, id_number=NUMBER)
    await seen(api, citizen)
    answers = [
        await api.call(
            "POST",
            f"/v1/citizens/{citizen}/corrections",
            "clerk",
            headers={"Idempotency-Key": "k"},
            json={"what": "identity", "grounds": "seen", "number": OTHER},
        )
        for _ in range(2)
    ]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].body == answers[1].body


async def test_what_comes_with_a_correction_and_belongs_to_nothing_in_it_is_not_dropped(
    api: Api,
) -> None:
    citizen = await registered(api, id_number=NUMBER)
    await seen(api, citizen)
    born = {"birth_date": "1990-05-01"}
    for surplus in (
        born | {"document": "taiwan-travel-permit", "country": "AUS"},
        born | {"document": "passport"},
        born | {"country": "AUS"},
        {"what": "death", "died_on": "2026-01-01", "document": "passport"},
        {"number": OTHER, "country": "AUS"},
    ):
        assert (await propose(api, citizen, **surplus)).is_problem(422, "correction-incomplete")
    assert (await propose(api, citizen, **born)).status == 200


async def test_a_day_of_birth_is_compared_for_who_identified_its_person(api: Api) -> None:
    citizen = await registered(api, id_number=NUMBER)
    for guessed in ("1991-05-01", "1990-05-01"):
        answer = await propose(api, citizen, birth_date=guessed)
        assert answer.is_problem(409, "identification-needed")


async def test_a_clerk_who_was_identified_asks_for_no_correction_of_their_own(api: Api) -> None:
    citizen = await registered(api, id_number=NUMBER)
    await seen(api, citizen)
    assert api.runtime.development is not None
    token = api.runtime.development.token(citizen, ["citizen", "clerk"], counter="counter-1")
    headers = {"Authorization": f"Bearer {token}"}
    passport = {"document": "passport", "number": "E1234567", "country": "CHN"}
    for step, body in (
        ("corrections", {"what": "identity", "grounds": "seen", "number": OTHER}),
        ("corrections", {"what": "death", "grounds": "seen", "died_on": "2026-01-01"}),
        ("documents", passport),
    ):
        path = f"/v1/citizens/{citizen}/{step}"
        answer = await api.call("POST", path, json=body, headers=headers)
        assert answer.is_problem(403, "not-your-own"), step
    assert (await record(api, citizen))["corrections"] == []


async def test_a_clerk_who_identified_somebody_has_done_so_though_another_did_after_them(
    api: Api,
) -> None:
    citizen = await registered(api, phone=None)
    await seen(api, citizen)
    await seen(api, citizen, "clerk-2")
    for clerk in ("clerk-1", "clerk-2"):
        path = f"/v1/citizens/{citizen}/record?purpose=support"
        assert (await api.call("GET", path, "clerk", subject=clerk)).status == 200
        assert (await post(api, citizen, "phone", "clerk", clerk, phone=NEW)).status == 200
