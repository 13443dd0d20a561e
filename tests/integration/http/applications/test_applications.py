"""Applications over HTTP, with real departments and a real bank on the other side."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path

import orjson
import pytest

from citybrain.definitions.applications.catalogue import Catalogue, Material
from citybrain.domain.applications.application import Application
from citybrain.settings import Settings
from ops.simulators.applications.departments import Departments
from ops.simulators.applications.departments.people import Person
from tests.given.api import Api
from tests.given.applying import (
    KIOSK,
    REPAYMENT,
    applied,
    applying,
    approved_by_two,
    command,
    id_number,
    identified,
    identify,
    registered,
    review,
    state,
    submit,
    topics,
    until,
)
from tests.given.green_roof import green_roof
from tests.given.waiting import PATIENCE_SECONDS, eventually, holds

LIFE = [
    "submitted",
    "identity_verified",
    "evidence_requested",
    *["evidence_collected"] * 7,
    "decided",
    "payout_instructed",
    "payout_confirmed",
]


@pytest.fixture
async def both(settings: Settings, tmp_path: Path) -> AsyncIterator[tuple[Api, Departments]]:
    green_roof(settings, tmp_path)
    settings.application_payout_seconds = 1.0
    async with applying(settings) as started:
        yield started


@pytest.fixture
def api(both: tuple[Api, Departments]) -> Api:
    return both[0]


async def has(api: Api, application: str, what: str) -> Application | None:
    """The application, once this is true of it."""
    found = await state(api, application)
    return found if getattr(found, what) else None


async def ends(api: Api, stream: str, topic: str) -> bool:
    """Whether this is the last that happened."""
    return (await topics(api, stream))[-1] == topic


@pytest.fixture
def departments(both: tuple[Api, Departments]) -> Departments:
    return both[1]


async def test_who_was_identified_is_paid_with_nothing_uploaded(
    api: Api, departments: Departments
) -> None:
    number = id_number()
    citizen = await identified(api, number)
    application = await applied(api, citizen)
    paid = await until(api, application, "paid")
    assert await topics(api, application) == LIFE
    (payment,) = departments.ledger()
    assert payment["amount_fen"] == paid.amount_fen
    assert payment["status"] == "success"
    assert len(paid.claims) == 3  # the account, the loan, and the person
    for claim in paid.claims:
        await eventually(partial(ends, api, claim, "settled"))
    raw = b"".join(event.state for event in await api.runtime.store.read(application))
    assert number.encode() not in raw
    assert "張三".encode() not in raw


async def test_who_applies_first_is_paid_as_soon_as_they_are_identified(api: Api) -> None:
    citizen = await registered(api)
    application = await applied(api, citizen)
    await identify(api, citizen, "social-security-query")  # for something else
    await identify(api, citizen)
    await until(api, application, "paid")
    (verified,) = [
        event
        for event in await api.runtime.store.read(application)
        if event.topic == "application.identity_verified"
    ]
    confirmed = await api.runtime.store.read(citizen)
    assert verified.data["citizen_version"] == confirmed[-1].version


async def test_the_same_request_twice_is_one_application(api: Api) -> None:
    citizen = await identified(api)
    headers = {"Idempotency-Key": "one"}
    first, second = [await submit(api, citizen, headers=headers) for _ in range(2)]
    assert first.json == second.json
    assert second.headers["Idempotency-Replayed"] == "true"


async def test_two_applications_at_once_move_money_once(api: Api, departments: Departments) -> None:
    citizen = await identified(api)
    answers = await asyncio.gather(*(submit(api, citizen) for _ in range(2)))
    (first,) = [answer for answer in answers if answer.status == 201]
    assert (await until(api, first.json["application_id"])).status == "paid"
    assert len(departments.ledger()) == 1


async def test_of_two_spouses_the_second_is_decided_on_what_the_first_left(
    api: Api, departments: Departments
) -> None:
    for place in range(5000, 5003):
        numbers = [id_number(spouse=spouse, place=place) for spouse in (False, True)]
        couple = [await identified(api, number) for number in numbers]
        answers = await asyncio.gather(*(submit(api, citizen) for citizen in couple))
        ended = [await until(api, answer.json["application_id"]) for answer in answers]
        assert {each.rounds for each in ended} <= {1, 2}  # again, where the other was faster
        assert {each.status for each in ended} <= {"paid", "refused"}
        of_both = Person(numbers[0], 1, departments.book.paid_from_fund)
        repaid_fen = of_both.draw("repaid", 2_000_000, 6_000_000, shared=True)
        assert 0 < sum(each.amount_fen or 0 for each in ended) <= repaid_fen


@pytest.mark.parametrize(
    ("circumstance", "reason"), [(6, "account-normal"), (7, "once-a-year"), (8, "own-loan")]
)
async def test_rules_refuse_by_what_departments_know(
    api: Api, departments: Departments, circumstance: int, reason: str
) -> None:
    application = await applied(api, await identified(api, id_number(circumstance)))
    refused = await until(api, application, "refused")
    assert reason in refused.reasons
    assert departments.ledger() == []


async def test_four_channels_and_one_stream(api: Api) -> None:
    citizen = await registered(api)
    application = await applied(api, citizen, channel="web")
    kiosk = {"channel": "kiosk"}
    early = await command(api, application, "takeover", "kiosk", kiosk, subject=KIOSK)
    assert early.is_problem(409, "identity-needed")
    await identify(api, citizen)  # by a clerk: the kiosk has not seen anybody
    elsewhere = await command(api, application, "takeover", "kiosk", kiosk, subject=KIOSK)
    assert elsewhere.status == 409
    departments_answer = await until(api, application)
    assert departments_answer.channels == ["web"]
    other = await applied(api, await identified(api), channel="counter", role="clerk")
    taken = await command(
        api,
        other,
        "takeover",
        "citizen",
        {"channel": "app"},
        subject=(await state(api, other)).citizen_id,
    )
    assert taken.json["channel"] == "app"


async def test_what_a_kiosk_holds_it_ends_only_before_whom_it_is_of(api: Api) -> None:
    citizen = await identified(api)
    application = await applied(api, citizen, channel="kiosk", role="kiosk", subject=KIOSK)
    refused = await command(api, application, "withdrawal", "kiosk", {}, subject=KIOSK)
    assert refused.is_problem(409, "identity-needed")


async def test_a_kiosk_applies_for_whom_it_has_seen_itself(api: Api) -> None:
    """Who was identified elsewhere gets nothing from a kiosk that has seen nobody."""
    citizen = await identified(api)
    application = await applied(api, citizen, channel="kiosk", role="kiosk", subject=KIOSK)
    await identify(api, citizen)
    own = await applied(api, citizen)
    await until(api, own, "paid")  # while the other held up nobody
    assert (await state(api, application)).status == "withdrawn"


@pytest.mark.parametrize(
    ("role", "channel", "code"),
    [
        ("citizen", "kiosk", "wrong-channel"),
        ("clerk", "app", "wrong-channel"),
        ("kiosk", "counter", "wrong-channel"),
        ("citizen", "web", "not-your-application"),
        ("official", "counter", "role-missing"),
        ("operator", "counter", "role-missing"),
        ("camera", "kiosk", "role-missing"),
    ],
)
async def test_who_may_apply_where(api: Api, role: str, channel: str, code: str) -> None:
    citizen = await registered(api)
    answer = await submit(api, citizen, channel=channel, role=role, subject=f"{role}-9")
    assert answer.is_problem(403, code)


async def test_what_is_asked_for_wrongly_leaves_no_trace(api: Api) -> None:
    citizen = await identified(api)
    head = await api.runtime.store.head()
    unknown = await submit(api, citizen, "no-such-service")
    assert unknown.is_problem(404, "unknown-service")
    elsewhere = await submit(api, citizen, "green-roof-grant", channel="kiosk", role="kiosk")
    assert elsewhere.is_problem(422, "channel-not-offered")
    asked = await submit(api, citizen, "green-roof-grant", form={"area": "large", "x": 1})
    assert asked.is_problem(422, "form-invalid")
    assert [field["name"] for field in asked.json["fields"]] == ["x", "area"]
    nobody = await submit(api, "citizen-" + "0" * 32, channel="counter", role="clerk")
    assert nobody.is_problem(404, "stream-not-found")
    assert await api.runtime.store.head() == head


async def test_a_ninth_item_by_a_file_alone_is_decided_and_paid(
    api: Api, departments: Departments
) -> None:
    listed = await api.call("GET", "/v1/services/green-roof-grant")
    assert listed.json["item"]["name_en"] == "Green roof grant"
    citizen = await identified(api, service="green-roof-grant")
    application = await applied(api, citizen, "green-roof-grant", form={"area": 12})
    paid = await until(api, application, "paid")
    assert paid.amount_fen == 60_000
    assert departments.ledger()[0]["from_account"] == "green-fund"


@pytest.mark.parametrize(
    ("service", "form"),
    [
        ("residence-permit", {"ground": "job"}),
        ("social-security-query", {}),
        ("water-transfer", {"contract_number": "1"}),
        ("heating-transfer", {"contract_number": "1"}),
    ],
)
async def test_items_without_money_end_with_their_approval(
    api: Api, service: str, form: dict[str, str]
) -> None:
    citizen = await identified(api, service=service)
    application = await applied(api, citizen, service, form=form)
    approved = await until(api, application, "approved", "refused", "referred")
    assert approved.status == "approved", approved.reasons
    assert approved.claims == []


@pytest.mark.parametrize(
    "service", ["housing-fund-purchase", "first-home-subsidy", "living-allowance"]
)
async def test_items_with_money_are_paid(api: Api, departments: Departments, service: str) -> None:
    application = await applied(api, await identified(api, service=service), service)
    paid = await until(api, application)
    assert paid.status == "paid", paid.reasons
    assert departments.ledger()[0]["amount_fen"] == paid.amount_fen


@pytest.mark.parametrize("mode", ["pay-then-hang", "pay-then-error", "double"])
async def test_the_bank_pays_once_however_it_answers(
    api: Api, departments: Departments, mode: str
) -> None:
    await departments.fault("bank-payments", mode)
    application = await applied(api, await identified(api))
    await holds(departments.ledger)
    await departments.fault("bank-payments", "ok")
    await until(api, application, "paid")
    assert len(departments.ledger()) == 1


async def test_a_bank_that_is_away_delays_the_money_and_no_more(
    api: Api, departments: Departments
) -> None:
    await departments.fault("bank-payments", "down")
    application = await applied(api, await identified(api))
    await eventually(lambda: has(api, application, "payout_delayed"))
    late = await command(
        api,
        application,
        "withdrawal",
        "citizen",
        subject=(await state(api, application)).citizen_id,
    )
    assert late.is_problem(409, "too-late-to-withdraw")
    await departments.fault("bank-payments", "ok")
    await until(api, application, "paid")
    assert len(departments.ledger()) == 1


async def test_a_payout_that_fails_is_compensated_and_an_officer_pays_again(
    api: Api, departments: Departments
) -> None:
    await departments.fault("bank-payments", "refuse")
    citizen = await identified(api)
    application = await applied(api, citizen)
    await until(api, application, "payout-failed")
    failed = await eventually(lambda: has(api, application, "compensated"))
    assert [(await topics(api, claim))[-1] for claim in failed.claims] == ["released"] * 3
    await departments.fault("bank-payments", "ok")
    too_much = await review(api, application, outcome="approved", amount_fen=30_000_001)
    assert too_much.is_problem(422, "amount-above-ceiling")
    assert too_much.json["ceiling_fen"] == 30_000_000
    assert (await review(api, application, outcome="approved", amount_fen=700)).status == 200
    paid = await until(api, application, "paid")
    assert paid.payments == 2
    successful = [each for each in departments.ledger() if each["status"] == "success"]
    assert [each["amount_fen"] for each in successful] == [700]


async def test_an_officer_decides_where_a_department_is_away_and_asks_again(
    api: Api, departments: Departments
) -> None:
    await departments.fault("police", "down")
    api.runtime.services.settings.application_evidence_seconds = 1.0
    citizen = await identified(api)
    application = await applied(api, citizen)
    referred = await until(api, application, "referred")
    assert "own-loan" in referred.reasons
    wrong = await command(
        api,
        application,
        "review",
        "official",
        {"outcome": "refused", "note": "x", "reasons": ["conditions-not-met"]},
        subject="official-police",
        department="police",
    )
    assert wrong.is_problem(403, "not-your-department")
    incomplete = await review(api, application, outcome="approved")
    assert incomplete.is_problem(422, "review-incomplete")
    await departments.fault("police", "ok")
    again = await command(
        api,
        application,
        "evidence",
        "official",
        subject="official-fund-1",
        department="housing-fund",
    )
    assert again.status == 200, again.body
    ended = await until(api, application, "paid", "referred")
    assert ended.rounds == 2


async def test_a_refusal_is_appealed_and_another_officer_approves(
    api: Api, departments: Departments
) -> None:
    citizen = await identified(api, id_number(6))
    application = await applied(api, citizen)
    await until(api, application, "refused")
    grounds = {"grounds": "the freeze was lifted yesterday"}
    appealed = await command(api, application, "appeal", "citizen", grounds, subject=citizen)
    assert appealed.json["status"] == "referred"
    await approved_by_two(api, application, 500)
    await until(api, application, "paid")
    raw = b"".join(event.state for event in await api.runtime.store.read(application))
    assert b"freeze" not in raw
    assert b"looked" not in raw


async def test_what_is_withdrawn_in_time_moves_no_money(api: Api, departments: Departments) -> None:
    await departments.fault("police", "hang")
    citizen = await identified(api)
    application = await applied(api, citizen)
    answer = await command(api, application, "withdrawal", "citizen", subject=citizen)
    assert answer.status == 200, answer.body
    await departments.fault("police", "ok")
    await until(api, await applied(api, citizen))
    assert (await state(api, application)).status == "withdrawn"
    assert application not in {paid["application_id"] for paid in departments.ledger()}


async def test_withdrawing_while_it_is_decided_ends_one_way(
    api: Api, departments: Departments
) -> None:
    for place in range(8):
        citizen = await identified(api)
        application = await applied(api, citizen)
        await asyncio.sleep(place * 0.01)
        answer = await command(api, application, "withdrawal", "citizen", subject=citizen)
        ended = await until(api, application, "paid", "withdrawn")
        assert (answer.status == 200) == (ended.status == "withdrawn")
        paid = [p for p in departments.ledger() if p["application_id"] == application]
        assert len(paid) == (ended.status == "paid")


async def test_the_applicant_is_told(api: Api, settings: Settings) -> None:
    citizen = await registered(api, phone="+86 371 5555 0199")
    await identify(api, citizen)
    await until(api, await applied(api, citizen), "paid")
    outbox = settings.data_dir / "outbox.jsonl"
    await holds(lambda: outbox.is_file() and outbox.read_bytes().endswith(b"\n"))
    (message,) = [orjson.loads(line) for line in outbox.read_bytes().splitlines()]
    assert "公积金提取" in message["text"]
    assert citizen not in message["text"]


async def test_it_expires_where_nobody_is_identified(settings: Settings) -> None:
    settings.application_identity_seconds = 0.5
    async with applying(settings) as (api, _):
        application = await applied(api, await registered(api))
        await until(api, application, "expired")


@pytest.mark.parametrize("mode", ["wrong-signature", "wrong-person", "wrong-request", "garbage"])
async def test_a_department_that_lies_refers_and_never_refuses(
    settings: Settings, mode: str
) -> None:
    settings.application_evidence_seconds = PATIENCE_SECONDS
    async with applying(settings) as (api, departments):
        for material in materials_of(api):
            await departments.fault(material.department, mode)
            application = await applied(api, await identified(api))
            referred = await until(api, application)
            assert referred.status == "referred", material
            failed = {name for name, sha256 in referred.evidence.items() if sha256 is None}
            assert failed == {material.name}
            await departments.fault(material.department, "ok")
        assert departments.ledger() == []


@pytest.mark.parametrize("mode", ["down", "hang", "error"])
async def test_a_department_that_fails_refers_and_never_refuses(
    settings: Settings, mode: str
) -> None:
    """It is asked until the time is over; others may be late as well, then."""
    settings.application_evidence_seconds = 0.3
    async with applying(settings) as (api, departments):
        for material in materials_of(api):
            await departments.fault(material.department, mode)
            application = await applied(api, await identified(api))
            referred = await until(api, application)
            assert referred.status == "referred", material
            assert referred.evidence[material.name] is None
            await departments.fault(material.department, "ok")
        assert departments.ledger() == []


def materials_of(api: Api) -> Sequence[Material]:
    """What a repayment needs to know, and of which department."""
    return api.runtime.services.definitions.of(Catalogue).versions(REPAYMENT)[-1].materials
