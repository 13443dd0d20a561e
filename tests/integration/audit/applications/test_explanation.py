"""The explanation of an application: complete, personal only where opened, and recomputed."""

from datetime import timedelta
from uuid import uuid4

import orjson
import pytest

from citybrain.audit.applications.explanation import explain
from citybrain.definitions.applications.catalogue import Catalogue, ServiceItem
from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.claiming import lose_claim
from citybrain.eventstore import EventStore, StreamNotFound
from commands.applications.unsealed import RECEIPT
from commands.services import Services
from tests.given.applications import OTHER_FUND, appeal, confirm_review, review
from tests.given.catalogue import changed
from tests.given.decided_applications import (
    FUND,
    NOW,
    REPAYMENT,
    Applying,
    applied,
    registered,
    signed,
)
from tests.given.services import services_over

PERSONAL = ("P001", "P002", "h1", "5000000", "frozen", "2025-02-28")


async def test_a_refusal_is_explained_with_rules_inputs_and_what_would_have_helped(
    store: EventStore,
) -> None:
    services = services_over(store)
    citizen = await registered(services)
    applying = await applied(services, citizen, {"account.status": "frozen"})
    application_id = await applying.save()

    found = await explain(application_id, services, opened=True)

    assert (found["outcome"]["outcome"], found["outcome"]["by"]) == ("refused", "rules")
    assert found["outcome"]["reasons"] == ["account-normal"]
    assert (found["decided_on"], found["item_version"]) == ("2026-03-01", applying.item.version)
    assert found["definition"] == "same"
    assert found["parameters"] == {"reserve_fen": 100, "months_between": 12}
    rule = found["rules"][0]
    assert (rule["code"], rule["finding"]) == ("account-normal", "failed")
    assert rule["reason_en"] == "The provident fund account is not in order"
    assert rule["expression"] == 'account.status == "normal"'
    assert {value["name"]: value["value"] for value in found["values"]} == {
        "repaid_fen": 2_900_000,
        "amount_fen": 2_900_000,
    }
    events = {event.version: event for event in await store.read(application_id)}
    assert len(found["inputs"]) == 7
    for given in found["inputs"]:
        event = events[given["version"]].data
        assert given["sha256"] == event["sha256"] == applying.digests[given["material"]]
        assert (given["request_id"], given["key_id"]) == (event["request_id"], "key-1")
        assert given["issued_at"] == NOW
        assert given["delivered"]
    assert found["recomputed"] == {
        "same": True,
        "outcome": "refused",
        "reasons": ["account-normal"],
        "amount_fen": None,
        "computed_fen": 2_900_000,
    }
    (change,) = found["changes"]["rules"]
    assert (change["path"], change["from"], change["to"]) == ("account.status", "frozen", "normal")
    assert change["approves"]
    assert found["records"]["evidence"]["account"]["status"] == "frozen"


async def test_unless_opened_nothing_personal_is_said(store: EventStore) -> None:
    services = services_over(store)
    citizen = await registered(services)
    refused = await (await applied(services, citizen, {"account.status": "frozen"})).save()
    referred = await (await applied(services, citizen, failing=["loan"])).save()
    for application_id in (refused, referred):
        found = await explain(application_id, services, opened=False)
        assert not {"changes", "records"} & set(found)
        assert all(set(value) == {"name", "expression"} for value in found["values"])
        digests = {each.pop("sha256", None) for each in found["inputs"]}
        assert len(digests) > 5
        said = orjson.dumps(found).decode()
        assert citizen not in said
        assert not [word for word in PERSONAL if f'"{word}"' in said or f":{word}" in said]
        opened = await explain(application_id, services, opened=True)
        assert set(found) == set(opened) - {"changes", "records"}


async def test_a_referral_says_what_failed_and_what_would_help(store: EventStore) -> None:
    services = services_over(store)
    applying = await applied(services, await registered(services), failing=["loan"])
    found = await explain(await applying.save(), services, opened=False)
    assert found["outcome"]["outcome"] == "referred"
    (failed,) = (each for each in found["inputs"] if not each["delivered"])
    assert (failed["material"], failed["reason"]) == ("loan", "source-timeout")
    (delivery,) = found["deliveries"]
    assert (delivery["material"], delivery["decides"]) == (
        "loan",
        ("own-loan", "own-home", "something-to-withdraw"),
    )
    assert {each["rule"] for each in found["what_ifs"]} == set(delivery["decides"])
    assert {(each["met"], each["failed"]) for each in found["what_ifs"]} == {
        ("referred", "refused")
    }
    assert found["recomputed"]["computed_fen"] is None


async def test_an_officer_after_the_rules_and_a_second_round_are_told_apart(
    store: EventStore,
) -> None:
    services = services_over(store)
    applying = await applied(services, await registered(services), failing=["loan"])
    _, evidence = changed(REPAYMENT, {"account.status": "frozen"})
    await applying.collect(evidence, actor=FUND)
    await applying.decide()
    actor = Actor(applying.citizen_id, frozenset({Role.CITIZEN}))
    appeal(applying.application, actor)
    review(applying.application, FUND, amount_fen=500)
    confirm_review(applying.application, OTHER_FUND, 500)
    found = await explain(await applying.save(), services, opened=True)
    said = [(decision["by"], decision["outcome"]) for decision in found["decisions"]]
    assert said == [("rules", "referred"), ("rules", "refused"), ("officer", "approved")]
    assert found["outcome"]["amount_fen"] == 500
    assert found["outcome"]["reviewer"] == FUND.subject
    assert found["outcome"]["second_reviewer"] == OTHER_FUND.subject
    assert found["recomputed"]["same"]
    assert all(answer["delivered"] for answer in found["inputs"])
    assert len({answer["version"] for answer in found["inputs"]}) == 7


async def test_payments_and_a_lost_claim_are_told(store: EventStore) -> None:
    services = services_over(store)
    citizen = await registered(services)
    applying = await applied(services, citizen)
    payment, claim = str(uuid4()), "entitlement-" + "e" * 32
    applying.application.instruct_payout(
        NOW,
        payment_id=payment,
        claims=[claim],
        from_account="housing-fund",
        payee_sealed="sealed",
        due_at=NOW + timedelta(seconds=30),
        decision_sha256=applying.application.decision_sha256,
    )
    applying.application.confirm_payout(
        NOW,
        payment_id=payment,
        amount_fen=2_900_000,
        settled_at=NOW,
        receipt_sha256="ab" * 32,
        receipt_sealed=await applying.seal(RECEIPT, signed({}, bank_reference="B1")),
    )
    found = await explain(await applying.save(), services, opened=True)
    (paid,) = found["payments"]
    assert (paid["state"], paid["amount_fen"]) == ("confirmed", 2_900_000)
    assert (paid["bank_said"]["bank_reference"], paid["from_account"]) == ("B1", "housing-fund")
    (closed,) = (await explain(applying.application.id, services, opened=False))["payments"]
    assert closed == {name: each for name, each in paid.items() if name != "bank_said"}
    binding = {each["path"] for each in found["changes"]["amount"] if each["binding"]}
    assert "repayments.repaid_fen" in binding

    losing = await applied(services, citizen)
    lose_claim(losing.application, NOW, reason="already-claimed", claim_id=claim)
    found = await explain(await losing.save(), services, opened=False)
    assert (found["outcome"]["by"], found["outcome"]["outcome"]) == ("claim", "referred")
    assert found["outcome"]["reasons"] == ["already-claimed"]
    assert found["decisions"][0]["outcome"] == "approved"


async def test_a_decision_that_its_records_do_not_lead_to_is_seen(store: EventStore) -> None:
    services = services_over(store)
    applying = await applied(services, await registered(services), amount_fen=9_900_000)
    found = await explain(await applying.save(), services, opened=False)
    assert found["recomputed"]["same"] is False
    assert found["recomputed"]["amount_fen"] == 2_900_000


def with_items(services: Services, items: list[ServiceItem]) -> Services:
    services.definitions = services.definitions.extended(Catalogue(items))
    return services


async def test_rules_that_were_changed_or_are_gone_are_named_so(store: EventStore) -> None:
    services = services_over(store)
    applying = await applied(services, await registered(services))
    application_id = await applying.save()
    changed_item = applying.item.model_copy(update={"rules": applying.item.rules[1:]})
    found = await explain(application_id, with_items(services, [changed_item]), opened=False)
    assert (found["definition"], found["recomputed"]["same"]) == ("changed", False)
    assert {"code": "account-normal", "finding": "met"} in found["rules"]
    found = await explain(application_id, with_items(services, []), opened=True)
    assert (found["definition"], found["recomputed"]) == ("gone", None)
    assert found["outcome"]["outcome"] == "approved"


async def test_after_an_erasure_what_is_in_clear_is_still_explained(store: EventStore) -> None:
    services = services_over(store)
    citizen = await registered(services)
    application_id = await (await applied(services, citizen)).save()
    await services.vault.erase(citizen)
    found = await explain(application_id, services, opened=True)
    assert found["outcome"]["amount_fen"] == 2_900_000
    assert found["recomputed"] is None
    assert "records" not in found


async def test_before_a_decision_there_is_none_and_nothing_is_not_found(store: EventStore) -> None:
    services = services_over(store)
    applying = Applying(services, await registered(services))
    await applying.submit({})
    found = await explain(await applying.save(), services, opened=True)
    assert (found["outcome"], found["recomputed"], found["inputs"]) == (None, None, [])
    assert [rule["finding"] for rule in found["rules"]] == [None] * 5
    for missing in ("application-" + "0" * 32, applying.citizen_id):
        with pytest.raises(StreamNotFound):
            await explain(missing, services, opened=False)


async def test_what_the_rules_refused_in_an_appeal_is_recomputed_as_that(store: EventStore) -> None:
    services = services_over(store)
    citizen = await registered(services)
    applying = await applied(services, citizen, {"account.status": "frozen"})
    appeal(applying.application, Actor(citizen, frozenset({Role.CITIZEN})))
    _, frozen = changed(REPAYMENT, {"account.status": "frozen"})
    await applying.collect(frozen, actor=FUND)
    await applying.decide()
    found = await explain(await applying.save(), services, opened=False)
    assert (found["outcome"]["outcome"], found["outcome"]["by"]) == ("referred", "rules")
    assert found["outcome"]["reasons"] == ["account-normal"]
    assert found["recomputed"]["outcome"] == "refused"
    assert found["recomputed"]["same"]
