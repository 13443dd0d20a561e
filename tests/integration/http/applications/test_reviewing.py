"""Reviews over HTTP: an insider alone is refused, and auditors see each attempt."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from citybrain.domain.applications.entitlement import Entitlement
from citybrain.domain.citizens import PersonDeceased
from citybrain.settings import Settings
from commands.applications import reviewing as commands
from ops.simulators.applications.departments import Departments
from ops.simulators.applications.identity_numbers import identity_number
from tests.given.api import Answer, Api
from tests.given.applying import (
    REPAYMENT,
    applied,
    applying,
    approved_by_two,
    by_officer,
    command,
    confirmed,
    id_number,
    identified,
    identify,
    review,
    state,
    until,
)
from tests.given.numbers import next_number
from tests.given.waiting import PATIENCE_SECONDS, eventually

INSIDER, ACCOMPLICE = "clerk-1", "official-fund-2"
MOST_FEN = 10**12
ALLOWANCE, MONTH_FEN = "living-allowance", 50_000


@pytest.fixture
async def both(settings: Settings) -> AsyncIterator[tuple[Api, Departments]]:
    async with applying(settings) as started:
        yield started


@pytest.fixture
def api(both: tuple[Api, Departments]) -> Api:
    return both[0]


async def appealed(api: Api) -> str:
    """Registered and identified by the insider, refused by the rules, appealed by the applicant."""
    citizen = await identified(api, id_number(6))
    application = await applied(api, citizen)
    await until(api, application, "refused")
    body = {"grounds": "look again"}
    assert (
        await command(api, application, "appeal", "citizen", body, subject=citizen)
    ).status == 200
    return application


async def attempts(api: Api, application: str) -> list[tuple[str, str]]:
    """What an auditor finds of who tried."""
    found = await api.call(
        "GET", "/v1/events?topic=application.review_refused&purpose=audit", "auditor"
    )
    return [
        (event["data"]["who"], event["data"]["rule"])
        for event in found.json["events"]
        if event["stream_id"] == application
    ]


def refused(answer: Answer, code: str, rule: str) -> bool:
    return answer.is_problem(403, code) and answer.json["rule"] == rule


async def test_an_insider_alone_approves_nothing_and_an_auditor_sees_each_attempt(
    both: tuple[Api, Departments],
) -> None:
    api, departments = both
    application = await appealed(api)
    most = {"outcome": "approved", "amount_fen": MOST_FEN}
    alone = await review(api, application, INSIDER, **most)
    assert refused(alone, "separation-of-duties", "registered-the-citizen")
    operator = await command(api, application, "review", "operator", most | {"note": "x"})
    assert refused(operator, "not-your-department", "own-department")
    elsewhere = await command(
        api, application, "review", "official", most | {"note": "x"}, department="police"
    )
    assert refused(elsewhere, "not-your-department", "own-department")
    too_much = await review(api, application, ACCOMPLICE, **most)
    assert too_much.is_problem(422, "amount-above-ceiling")
    proposed = await review(api, application, ACCOMPLICE, outcome="approved", amount_fen=50_000)
    assert proposed.json["status"] == "awaiting-second-reviewer"
    again = await confirmed(api, application, 50_000, ACCOMPLICE)
    assert refused(again, "same-reviewer", "proposed-it")
    second = await confirmed(api, application, 50_000, INSIDER)
    assert refused(second, "separation-of-duties", "registered-the-citizen")
    back = await by_officer(api, application, "review/turning-back", INSIDER)
    assert back.status == 403

    assert departments.ledger() == []
    assert await attempts(api, application) == [
        (INSIDER, "registered-the-citizen"),
        ("operator-1", "own-department"),
        ("official-1", "own-department"),
        (ACCOMPLICE, "amount-above-ceiling"),
        (ACCOMPLICE, "proposed-it"),
    ]


async def test_who_names_a_version_decides_on_nothing_else(api: Api) -> None:
    application = await appealed(api)
    seen = (await state(api, application)).version
    said = {"outcome": "refused", "reasons": ["grounds-not-shown"], "note": "looked"}
    asked = {"subject": ACCOMPLICE, "department": "housing-fund"}
    assert (await command(api, application, "task", "official", **asked)).status == 200

    async def decided(version: int) -> Answer:
        headers = {"If-Match": f'"{version}"'}
        return await command(api, application, "review", "official", said, headers=headers, **asked)

    stale = await decided(seen)
    assert stale.is_problem(412, "stale-version")
    assert stale.json["current_version"] == seen + 1
    assert (await decided(seen + 1)).json["status"] == "refused"


async def test_a_token_that_is_citizen_and_official_does_not_decide_its_own_case(api: Api) -> None:
    application = await appealed(api)
    citizen = (await until(api, application)).citizen_id
    assert api.runtime.development is not None
    token = api.runtime.development.token(citizen, ["citizen", "official"], "housing-fund")
    own = await api.call(
        "POST",
        f"/v1/applications/{application}/review",
        headers={"Authorization": f"Bearer {token}"},
        json={"outcome": "approved", "amount_fen": 99_999_999, "note": "x"},
    )
    assert refused(own, "separation-of-duties", "own-case")
    assert await attempts(api, application) == [(citizen, "own-case")]


@pytest.mark.parametrize("amount", [True, "50000", 50_000.0])
async def test_what_is_no_whole_number_is_no_amount(api: Api, amount: Any) -> None:
    application = await appealed(api)
    answer = await review(api, application, outcome="approved", amount_fen=amount)
    assert answer.is_problem(422, "invalid-input")
    assert [error["member"] for error in answer.json["errors"]] == ["amount_fen"]


async def serve(api: Api, clerk: str, path: str, **body: Any) -> Answer:
    answer = await api.call("POST", path, "clerk", subject=clerk, json=body)
    assert answer.status in (200, 201), answer.body
    return answer


async def test_who_filled_in_the_draft_or_added_a_document_does_not_decide(api: Api) -> None:
    citizen = await identified(api, id_number(6))
    identity, card = f"/v1/citizens/{citizen}/identity/confirmation", {"document": "identity-card"}
    await serve(api, "clerk-8", identity, purpose=REPAYMENT, **card)
    form = {"service": REPAYMENT, "channel": "counter", "citizen_id": citizen, "simulated": True}
    draft = (await serve(api, "clerk-8", "/v1/drafts", **form)).json["draft_id"]
    await serve(api, "clerk-9", identity, purpose="record-change", **card)
    passport = {"document": "passport", "number": "E7654321", "country": "CHN"}
    await serve(api, "clerk-9", f"/v1/citizens/{citizen}/documents", **passport)
    await identify(api, citizen)
    own: dict[str, Any] = {"subject": citizen}
    await api.call(
        "POST", f"/v1/drafts/{draft}/continuation", "citizen", json={"channel": "app"}, **own
    )
    sent = await api.call("POST", f"/v1/drafts/{draft}/submission", "citizen", json={}, **own)
    application = sent.json["application_id"]
    await until(api, application, "refused")
    await command(api, application, "appeal", "citizen", {"grounds": "look again"}, **own)
    for insider, rule in (("clerk-8", "submitted-it"), ("clerk-9", "registered-the-citizen")):
        alone = await review(api, application, insider, outcome="approved", amount_fen=50_000)
        assert refused(alone, "separation-of-duties", rule)


async def test_who_registered_a_guardian_does_not_decide(api: Api) -> None:
    service: dict[str, Any] = {"service": "water-transfer", "form": {"contract_number": "0"}}
    number = identity_number(date(2016, 5, 1), next_number("citizen"))
    child = await identified(api, number, service["service"])
    adult = id_number()
    person = {"name": "李四", "id_number": adult, "birth_date": "1995-05-01", "simulated": True}
    guardian = (await serve(api, "clerk-9", "/v1/citizens", **person)).json["citizen_id"]
    await identify(api, guardian, service["service"])
    application = await applied(
        api, child, channel="counter", role="clerk", guardian=guardian, **service
    )
    await until(api, application, "referred")
    alone = await review(api, application, "clerk-9", outcome="approved")
    assert refused(alone, "separation-of-duties", "registered-the-citizen")


async def test_for_the_dead_nothing_is_appealed(api: Api) -> None:
    citizen = await identified(api, id_number(6))
    application = await applied(api, citizen)
    await until(api, application, "refused")
    death = {"what": "death", "grounds": "seen", "died_on": "2026-01-01"}
    proposed = await serve(api, "clerk-1", f"/v1/citizens/{citizen}/corrections", **death)
    settled = {"correction_id": proposed.json["correction_id"], "outcome": "confirmed"}
    await serve(api, "clerk-2", f"/v1/citizens/{citizen}/corrections/settlement", **settled)
    body = {"grounds": "look again"}
    late = await command(api, application, "appeal", "citizen", body, subject=citizen)
    assert late.is_problem(409, "person-deceased")


async def test_trying_again_and_again_leaves_one_event_and_does_not_stop_others(api: Api) -> None:
    application = await appealed(api)
    for _ in range(5):
        await review(api, application, INSIDER, outcome="approved", amount_fen=1)
    assert len(await attempts(api, application)) == 1
    proposed = await review(api, application, outcome="approved", amount_fen=50_000)
    assert proposed.status == 200


async def test_what_waits_for_a_second_officer_is_in_the_queue_and_a_step(
    both: tuple[Api, Departments],
) -> None:
    api, departments = both
    application = await appealed(api)
    proposed = await review(api, application, outcome="approved", amount_fen=50_000)
    position = proposed.headers["X-Position"]
    found = await api.call(
        "GET",
        f"/v1/applications/queue?min_position={position}",
        "official",
        department="housing-fund",
    )
    (row,) = found.json["applications"]
    assert (row["application_id"], row["status"]) == (application, "awaiting-second-reviewer")
    shown = await api.call("GET", f"/v1/applications/{application}", "auditor")
    details = shown.json["steps"][-1]["details"]
    assert (details["amount_fen"], details["because"][0]) == (50_000, "against-the-rules")

    turned = await by_officer(api, application, "review/turning-back", "official-fund-2")
    assert turned.json["status"] == "referred"
    await review(api, application, "official-fund-3", outcome="approved", amount_fen=40_000)
    differs = await confirmed(api, application, 50_000)
    assert differs.is_problem(409, "proposal-differs")
    assert (await confirmed(api, application, 40_000)).json["status"] == "approved"
    paid = await until(api, application, "paid")
    assert paid.amount_fen == 40_000
    assert [payment["amount_fen"] for payment in departments.ledger()] == [40_000]


async def test_grounds_and_notes_are_read_by_both_sides_and_auditors_and_by_nobody_else(
    api: Api,
) -> None:
    application = await appealed(api)
    citizen = (await until(api, application)).citizen_id
    await review(api, application, outcome="approved", amount_fen=50_000, note="two homes")
    await by_officer(api, application, "review/turning-back", "official-fund-2", note="one home")
    path = f"/v1/applications/{application}/statements"

    own = await api.call("GET", path, "citizen", subject=citizen)
    said = [(each["what"], each["by"], each["text"]) for each in own.json["statements"]]
    assert said == [
        ("grounds", "applicant", "look again"),
        ("proposal", "officer", "two homes"),
        ("turned-back", "officer", "one home"),
    ]
    assert "official-fund" not in own.body.decode()
    officer: dict[str, Any] = {"subject": "official-fund-3", "department": "housing-fund"}
    silent = await api.call("GET", path, "official", **officer)
    assert silent.is_problem(422, "purpose-needed")
    read = await api.call("GET", f"{path}?purpose=review", "official", **officer)
    assert read.json == own.json
    audited = await api.call("GET", f"{path}?purpose=audit", "auditor")
    assert audited.json == own.json

    elsewhere = await api.call("GET", f"{path}?purpose=review", "official", department="police")
    assert elsewhere.is_problem(403, "not-your-application")
    stranger = await api.call("GET", path, "citizen", subject="citizen-" + "9" * 32)
    assert stranger.is_problem(403, "not-your-application")
    clerk = await api.call("GET", f"{path}?purpose=review", "clerk")
    assert clerk.is_problem(403, "role-missing")

    position = await api.runtime.store.head()
    accesses = f"/v1/citizens/{citizen}/accesses?min_position={position}"
    seen = await api.call("GET", accesses, "citizen", subject=citizen)
    looks = [(a["who"], a["purpose"]) for a in seen.json["accesses"] if a["what"] == "statements"]
    assert looks == [("auditor-1", "audit"), ("official-fund-3", "review")]


async def shown(api: Api, application: str, role: str, **who: Any) -> list[dict[str, Any]]:
    """The steps, as somebody sees them."""
    path = f"/v1/applications/{application}?min_position={await api.runtime.store.head()}"
    answer = await api.call("GET", path, role, **who)
    assert answer.status == 200, answer.body
    return list(answer.json["steps"])


async def test_the_applicant_sees_no_officer_no_attempt_and_no_amount_before_a_second(
    api: Api,
) -> None:
    application = await appealed(api)
    citizen = (await until(api, application)).citizen_id
    await review(api, application, INSIDER, outcome="approved", amount_fen=50_000)
    for what, body in (("task", {}), ("messages", {"text": "wait"})):
        officer = {"subject": "official-fund-1", "department": "housing-fund"}
        assert (await command(api, application, what, "official", body, **officer)).status == 200
    await review(api, application, outcome="approved", amount_fen=50_000)

    own = await shown(api, application, "citizen", subject=citizen)
    topics = [step["topic"].partition(".")[2] for step in own]
    assert topics[-3:] == ["task_claimed", "message_sent", "review_proposed"]
    assert "official-" not in str(own)
    assert "50000" not in str(own)
    assert {step["actor"] for step in own if step["role"] == "citizen"} == {citizen}
    said = await api.call(
        "GET", f"/v1/applications/{application}/statements", "citizen", subject=citizen
    )
    assert said.json["statements"][-1]["amount_fen"] is None
    department = await shown(api, application, "official", department="housing-fund")
    assert department[-1]["details"]["amount_fen"] == 50_000
    assert department[-1]["details"]["reviewer"] == department[-1]["actor"] == "official-fund-1"
    assert len(department) == len(own)
    audited = await shown(api, application, "auditor")
    assert [step for step in audited if step not in department] == [
        step for step in audited if step["topic"] == "application.review_refused"
    ]
    assert len(audited) == len(own) + 1

    await review_of_second(api, application)
    live = await api.call("GET", f"/v1/applications/{application}/live", "citizen", subject=citizen)
    followed = live.body.decode()
    for part, seen in (("proposed", True), ("event: end", True), ("official-", False)):
        assert (part in followed) is seen
    assert "review_refused" not in followed


async def review_of_second(api: Api, application: str) -> None:
    """The second turns it back, a third refuses it."""
    back = await by_officer(api, application, "review/turning-back", "official-fund-2")
    assert back.status == 200, back.body
    third = await review(
        api, application, "official-fund-3", outcome="refused", reasons=["grounds-not-shown"]
    )
    assert third.json["status"] == "refused"


async def test_who_may_not_decide_does_not_learn_of_a_death_by_trying(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = await appealed(api)
    await review(api, application, outcome="approved", amount_fen=50_000)

    async def dead(*_: Any) -> None:
        raise PersonDeceased("they have died")

    monkeypatch.setattr(commands, "check_applicant_alive", dead)
    own = await confirmed(api, application, 50_000)
    assert own.is_problem(409, "person-deceased")
    for what in ("review/confirmation", "review/turning-back"):
        body = {"note": "x"} | ({"amount_fen": 50_000} if "confirm" in what else {})
        tried = await command(
            api, application, what, "official", body, subject="official-police", department="police"
        )
        assert refused(tried, "not-your-department", "own-department")
    assert await attempts(api, application) == [("official-police", "own-department")]


async def test_a_made_up_reason_is_refused_with_those_that_are_known(api: Api) -> None:
    application = await appealed(api)
    made_up = await review(api, application, outcome="refused", reasons=["because"])
    assert made_up.is_problem(422, "reason-unknown")
    item = (await api.call("GET", "/v1/services/housing-fund-repayment")).json
    rules = [rule["code"] for rule in item["item"]["rules"]]
    listed = [reason["code"] for reason in item["officer_reasons"]]
    assert made_up.json["known"] == rules + listed
    taken = await review(api, application, outcome="refused", reasons=["grounds-not-shown"])
    assert taken.json["status"] == "refused"
    explained = await api.call("GET", f"/v1/applications/{application}/explanation", "auditor")
    (said,) = explained.json["outcome"]["said"]
    assert said["reason_en"] == "The grounds of the appeal do not hold, the decision stands"


async def test_an_auditors_look_does_not_restart_the_days_to_appeal(api: Api) -> None:
    citizen = await identified(api, id_number(6))
    application = await applied(api, citizen)
    refused_at = (await until(api, application, "refused")).appealable_since
    assert refused_at is not None
    looked = await command(api, application, "opening", "auditor", {"purpose": "audit"})
    assert looked.status == 200
    api.runtime.services.clock = lambda: refused_at + timedelta(days=60, seconds=1)
    late = await command(api, application, "appeal", "citizen", {"grounds": "x"}, subject=citizen)
    assert late.is_problem(409, "nothing-to-appeal")


async def test_a_payout_that_failed_is_appealed(both: tuple[Api, Departments]) -> None:
    api, departments = both
    await departments.fault("bank-payments", "refuse")
    citizen = await identified(api)
    application = await applied(api, citizen)
    await until(api, application, "payout-failed")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (await state(api, application)).compensated:
            await asyncio.sleep(0.02)
    await departments.fault("bank-payments", "ok")
    body = {"grounds": "the account is open"}
    appealed = await command(api, application, "appeal", "citizen", body, subject=citizen)
    assert appealed.json["status"] == "referred"
    agreed = await review(api, application, outcome="approved", amount_fen=700)
    assert agreed.json["status"] == "approved"
    await until(api, application, "paid")


async def test_a_paid_amount_that_was_too_low_is_corrected_by_two_and_the_rest_is_paid(
    both: tuple[Api, Departments],
) -> None:
    api, departments = both
    citizen = await identified(api, service=ALLOWANCE)
    application = await applied(api, citizen, ALLOWANCE)
    paid_fen = (await until(api, application, "paid")).paid_fen
    body = {"grounds": "a month is missing"}
    appealed = await command(api, application, "appeal", "citizen", body, subject=citizen)
    assert appealed.json["status"] == "referred", appealed.body
    late = await command(api, application, "withdrawal", "citizen", subject=citizen)
    assert late.is_problem(409, "too-late-to-withdraw")
    lower = await review(api, application, outcome="approved", amount_fen=paid_fen - 1)
    assert lower.is_problem(422, "below-what-was-paid")
    silent = await review(api, application, outcome="approved", amount_fen=paid_fen)
    assert silent.is_problem(422, "review-incomplete")
    await approved_by_two(api, application, paid_fen + MONTH_FEN)
    corrected = await until(api, application, "paid")
    assert (corrected.paid_fen, corrected.amount_fen) == (
        paid_fen + MONTH_FEN,
        paid_fen + MONTH_FEN,
    )
    ledger = departments.ledger()
    assert [payment["amount_fen"] for payment in ledger] == [paid_fen, MONTH_FEN]
    assert len({payment["payment_id"] for payment in ledger}) == 2
    for claim in corrected.claims:
        await eventually(partial(settled, api, claim, paid_fen + MONTH_FEN))

    position = await api.runtime.store.head()
    row = await api.call(
        "GET", f"/v1/applications/{application}?min_position={position}", "citizen", subject=citizen
    )
    assert row.json["application"]["amount_fen"] == paid_fen + MONTH_FEN
    figures = await api.call(
        "GET", f"/v1/statistics/applications?min_position={position}", "auditor"
    )
    assert figures.json["totals"]["amount_fen"] == paid_fen + MONTH_FEN
    assert figures.json["totals"]["paid"] == 1


async def test_where_a_paid_amount_stands_nothing_more_is_paid(
    both: tuple[Api, Departments],
) -> None:
    api, departments = both
    citizen = await identified(api, service=ALLOWANCE)
    application = await applied(api, citizen, ALLOWANCE)
    paid_fen = (await until(api, application, "paid")).paid_fen
    await command(api, application, "appeal", "citizen", {"grounds": "more"}, subject=citizen)
    reasons = ["grounds-not-shown"]
    stands = await review(
        api, application, outcome="approved", amount_fen=paid_fen, reasons=reasons
    )
    assert (stands.json["status"], stands.json["reasons"]) == ("paid", reasons)
    assert len(departments.ledger()) == 1


async def settled(api: Api, claim: str, total_fen: int) -> bool:
    """Whether what was paid from a thing adds up."""
    entitlement = await api.runtime.store.load(Entitlement, claim)
    paid = sum(payment["amount_fen"] for payment in entitlement.payments)
    return entitlement.holder is None and paid == total_fen
