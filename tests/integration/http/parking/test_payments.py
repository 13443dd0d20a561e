"""The gateway calls back over HTTP, and officers give back: one, or two of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from citybrain.definitions.parking.rules import ParkingRulesDefinitions
from citybrain.domain.parking.claim import Claim, ClaimStatus
from citybrain.domain.parking.claim_events import Channel
from citybrain.exchange.answers import JOSE
from citybrain.exchange.directory import load_directory
from citybrain.exchange.signing import Signer
from citybrain.payments.callbacks import CALLBACK
from citybrain.settings import Settings
from commands.parking.claim import raise_claim
from commands.parking.payment import Asked, request_payment
from ops.simulators.applications.departments import Departments
from ops.simulators.parking.callbacks import LATER, Callbacks
from tests.given.accesses import accesses
from tests.given.api import Answer, Api
from tests.given.applying import applying, id_number, registered
from tests.given.at_work import FOR_PARKING
from tests.given.parking.claims import DECISION
from tests.given.parking.collecting import context
from tests.given.services import DEFINITIONS
from tests.given.waiting import eventually

CALLBACKS = "/v1/parking/payments/callbacks"
DEPARTMENT = "parking"
RULES = DEFINITIONS.of(ParkingRulesDefinitions).versions[-1]
LIMITED = ParkingRulesDefinitions(
    (replace(RULES, rules=replace(RULES.rules, one_person_refund_fen=20_000)),)
)
"""One person gives back a little alone, and writes off nothing."""


@dataclass
class Town:
    """A server, and a gateway that calls it back."""

    api: Api
    departments: Departments
    orders_url: str

    async def owes(self, amount_fen: int = 600, payer: str | None = None) -> str:
        services = self.api.runtime.services
        return await raise_claim(
            context(),
            services,
            subject="reservation-0123",  # no session: nobody else looks after it
            number=uuid4().int,
            citizen_id=payer,
            amount_fen=amount_fen,
            due_at=services.clock(),
            decision_sha256=DECISION,
        )

    async def ask(self, claim_id: str, channel: Channel = Channel.KIOSK) -> Asked:
        services = self.api.runtime.services
        return await request_payment(
            claim_id, context(), services, request_id=uuid4(), channel=channel
        )

    async def pay(self, asked: Asked) -> None:
        body = {"order": asked.order, "means": "card-1"}
        async with self.api.session.post(self.orders_url, json=body) as answer:
            assert answer.status == 200, await answer.text()

    async def until(self, claim_id: str, status: ClaimStatus) -> Claim:
        async def reached() -> Claim | None:
            found = await self.api.runtime.store.load(Claim, claim_id)
            done = found.undelivered_fen == 0 and not list(found.under_way())
            back = all(each["state"] == "refunded" for each in found.refunds.values())
            return found if found.status is status and done and back else None

        return await eventually(reached)

    async def send(self, body: str | bytes, media: str = JOSE) -> Answer:
        headers = {"Content-Type": media}
        return await self.api.call("POST", CALLBACKS, data=body, headers=headers)

    async def desk(self, claim_id: str, step: str, role: str, **body: Any) -> Answer:
        department = body.pop("department", DEPARTMENT)
        subject = body.pop("subject", "")
        return await self.api.call(
            "POST",
            f"/v1/parking/claims/{claim_id}/{step}",
            role,
            subject=subject,
            department=department,
            json=body,
        )


@pytest.fixture
async def town(settings: Settings) -> AsyncIterator[Town]:
    async with applying(settings, at_work=FOR_PARKING) as (api, departments):
        departments.gateway.callbacks.url = api.url + CALLBACKS
        services = api.runtime.services
        services.definitions = services.definitions.extended(LIMITED)
        bank = load_directory(settings).bank
        assert bank is not None
        yield Town(api, departments, f"{bank.url}/orders")


async def paid(town: Town, amount_fen: int = 600) -> str:
    claim_id = await town.owes(amount_fen)
    await town.pay(await town.ask(claim_id))
    await town.until(claim_id, ClaimStatus.SETTLED)
    return claim_id


async def test_a_kiosk_is_paid_and_the_gateway_tells_it(town: Town) -> None:
    claim_id = await paid(town)
    await town.departments.gateway.callbacks.taken()
    assert town.departments.gateway.callbacks.refused == []
    assert town.departments.gateway.callbacks.waiting == {}
    assert (await town.api.runtime.store.load(Claim, claim_id)).paid_fen == 600


async def test_p38_kiosk_and_debit_at_once_over_http(town: Town) -> None:
    payer = await registered(town.api, id_number())
    claim_id, callbacks = await town.owes(payer=payer), town.departments.gateway.callbacks
    callbacks.holding = True
    await town.pay(await town.ask(claim_id))
    await town.ask(claim_id, Channel.DEBIT)
    claim = await town.until(claim_id, ClaimStatus.SETTLED)
    callbacks.release()
    await callbacks.taken()
    assert (claim.paid_fen, len(claim.refunds)) == (600, 1)
    assert town.departments.book.balance_fen("parking") == 600
    used = {row["what"] for row in await accesses(town.api, payer)}
    assert used == {
        "registered",
        "debit-account",
        "parking-claim-raised",
        "parking-payment-requested",
    }


async def test_messages_in_another_order_and_twice_end_the_same(town: Town) -> None:
    gateway, claim_id = town.departments.gateway, await town.owes()
    asked = await town.ask(claim_id)
    gateway.callbacks.holding = True
    await town.pay(asked)
    for amount, status in ((600, "failed"), (6, "captured")):
        gateway.say(asked.payment_id, status, amount=amount)
    gateway.charge_back(asked.payment_id)
    gateway.callbacks.release([3, 2, 0, 1], times=2)
    await gateway.callbacks.taken()
    claim = await town.api.runtime.store.load(Claim, claim_id)
    assert (claim.status, claim.open_fen) == (ClaimStatus.CHARGED_BACK, 600)
    topics = [each.topic for each in await town.api.runtime.store.read(claim_id)]
    for once in ("payment_captured", "payment_mismatched", "charged_back"):
        assert topics.count(f"parking.{once}") == 1


async def test_only_what_the_gateway_signed_is_let_in(town: Town) -> None:
    gateway, claim_id = town.departments.gateway, await town.owes()
    asked = await town.ask(claim_id)
    gateway.callbacks.holding = True
    gateway.say(asked.payment_id, "captured", amount=600, currency="CNY", reference=claim_id)
    (message,) = gateway.callbacks.waiting.values()
    head, body, signature = message["signed"].split(".")
    for forged in (
        f"{head}.{body}.{signature[:-6]}AAAAAA",
        f"{head}.{body}.",
        "",
        "x",
        asked.order,
    ):
        assert (await town.send(forged or "")).is_problem(401, "unauthenticated")
    assert (await town.send(b"\xff\x00")).is_problem(401, "unauthenticated")
    assert (await town.send("{}", "application/json")).status == 415
    assert (await town.send("x" * 8193)).status == 413
    assert len(await town.api.runtime.store.read(claim_id)) == 2
    for _ in range(2):
        assert (await town.send(message["signed"])).status == 204
    assert (await town.api.runtime.store.load(Claim, claim_id)).status is ClaimStatus.SETTLED


@pytest.mark.parametrize(
    "said",
    [
        {"status": "paid"},
        {"payment_id": "no-uuid"},
        {"payment_id": 7},
        {"occurred_at": "2026-09-14"},
        {"occurred_at": 1 << 60},
        {"status": "charged-back"},
        {"chargeback_id": str(UUID(int=1))},
        {"jti": "x" * 65},
        {"jti": ""},
        {"iss": "somebody"},
    ],
)
async def test_a_signed_message_that_is_none_is_refused(
    town: Town, said: dict[str, object]
) -> None:
    claim_id = await town.owes()
    asked = await town.ask(claim_id)
    claims = {
        "iss": "bank",
        "jti": "message-1",
        "payment_id": asked.payment_id,
        "status": "captured",
        "amount": 600,
        "currency": "CNY",
        "reference": claim_id,
        "occurred_at": 1_789_347_600,
    }
    signer = town.departments.gateway._signer
    signed = signer.sign(claims | said, CALLBACK)
    assert (await town.send(signed)).is_problem(422, "callback-invalid")
    assert len(await town.api.runtime.store.read(claim_id)) == 2
    assert (await town.send(signer.sign(claims, CALLBACK))).status == 204


async def test_a_message_on_a_payment_that_is_not_ours_is_refused(town: Town) -> None:
    gateway = town.departments.gateway
    claim_id = await town.owes()
    asked = await town.ask(claim_id)
    for unknown in (str(uuid4()), str(UUID(int=UUID(asked.payment_id).int + 1))):
        gateway.say(unknown, "captured", amount=600, currency="CNY", reference=claim_id)
    await gateway.callbacks.taken()
    assert [each["status"] for each in gateway.callbacks.refused] == [404, 404]


async def test_what_was_not_taken_is_told_again_after_a_restart(
    town: Town, settings: Settings
) -> None:
    claim_id = await town.owes()
    callbacks = town.departments.gateway.callbacks
    callbacks.holding = True
    await town.pay(await town.ask(claim_id))
    await callbacks.close()
    again = Callbacks(settings.data_dir / "departments" / "callbacks.jsonl", LATER)
    await again.open()
    await again.taken()
    assert len(again.waiting) == 1  # nobody knows yet where the server listens
    assert callbacks.url is not None
    again.call_at(callbacks.url)
    await town.until(claim_id, ClaimStatus.SETTLED)
    await again.taken()
    assert again.waiting == {}
    await again.close()
    await callbacks.open()


async def test_one_officer_gives_back_within_the_limit(town: Town) -> None:
    claim_id = await paid(town)
    answer = await town.desk(
        claim_id, "reductions", "official", kind="refund", by_fen=600, reason="double-charge"
    )
    assert (answer.status, answer.json["proposals"]) == (200, [])
    await town.until(claim_id, ClaimStatus.ENDED)
    assert town.departments.book.balance_fen("parking") == 0


async def test_two_people_give_back_above_it(town: Town) -> None:
    claim_id = await paid(town, 30_000)
    asked = {"kind": "refund", "by_fen": 25_000, "reason": "double-charge"}
    answer = await town.desk(claim_id, "reductions", "supervisor", subject="s-1", **asked)
    assert (answer.json["paid_fen"], answer.json["open_fen"]) == (30_000, 0)
    (proposal_id,) = answer.json["proposals"]
    own = await town.desk(
        claim_id, "reductions/approve", "supervisor", subject="s-1", proposal_id=proposal_id
    )
    assert own.is_problem(403, "separation-of-duties")
    official = await town.desk(claim_id, "reductions/approve", "official", proposal_id=proposal_id)
    assert official.is_problem(403, "role-missing")
    done = await town.desk(
        claim_id, "reductions/approve", "supervisor", subject="s-2", proposal_id=proposal_id
    )
    assert (done.status, done.json["paid_fen"], done.json["amount_fen"]) == (200, 5_000, 5_000)
    await town.until(claim_id, ClaimStatus.SETTLED)
    assert town.departments.book.balance_fen("parking") == 5_000


async def test_what_is_denied_stays_where_it_is(town: Town) -> None:
    claim_id = await town.owes(30_000)
    asked = {"kind": "write-off", "by_fen": 30_000, "reason": "unknown-owner"}
    assert (await town.desk(claim_id, "reductions", "official", **asked)).status == 403
    answer = await town.desk(claim_id, "reductions", "supervisor", subject="s-1", **asked)
    denied = await town.desk(
        claim_id,
        "reductions/deny",
        "supervisor",
        subject="s-2",
        proposal_id=answer.json["proposals"][0],
        reason="owner-found",
    )
    assert (denied.json["open_fen"], denied.json["proposals"]) == (30_000, [])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "correction", "by_fen": 1, "reason": "x"}, 422),
        ({"kind": "refund", "by_fen": 0, "reason": "x"}, 422),
        ({"kind": "refund", "by_fen": 1.0, "reason": "x"}, 422),
        ({"kind": "refund", "by_fen": "1", "reason": "x"}, 422),
        ({"kind": "refund", "by_fen": True, "reason": "x"}, 422),
        ({"kind": "refund", "by_fen": None, "reason": "x"}, 422),
        ({"kind": "refund", "by_fen": 10**13, "reason": "x"}, 422),
        ({"kind": "refund", "by_fen": 1, "reason": "王五 did not pay"}, 422),
        ({"kind": "refund", "by_fen": 1, "reason": "x"}, 409),
        ({"kind": "refund", "by_fen": 1, "reason": "x", "to": "me"}, 422),
    ],
)
async def test_what_is_no_reduction_changes_nothing(
    town: Town, body: dict[str, Any], status: int
) -> None:
    claim_id = await town.owes()
    assert (await town.desk(claim_id, "reductions", "official", **body)).status == status
    assert len(await town.api.runtime.store.read(claim_id)) == 1


async def test_officers_of_other_departments_do_not_decide(town: Town) -> None:
    claim_id = await paid(town)
    asked = {"kind": "refund", "by_fen": 1, "reason": "x", "department": "tax"}
    for role in ("official", "supervisor"):
        answer = await town.desk(claim_id, "reductions", role, **asked)
        assert answer.is_problem(403, "role-not-allowed")


async def test_a_mismatch_is_cleared_up_by_an_officer(town: Town) -> None:
    gateway, claim_id = town.departments.gateway, await town.owes()
    asked = await town.ask(claim_id)
    gateway.say(asked.payment_id, "captured", amount=6, currency="CNY", reference=claim_id)
    await gateway.callbacks.taken()
    assert (await town.api.runtime.store.load(Claim, claim_id)).held
    answer = await town.desk(
        claim_id, "mismatches/dismiss", "official", payment_id=asked.payment_id, reason="typo"
    )
    assert answer.status == 200
    assert not (await town.api.runtime.store.load(Claim, claim_id)).held
    retry = await town.desk(claim_id, "refunds/retry", "official", refund_id=asked.payment_id)
    assert retry.is_problem(404, "parking-payment-not-found")


SLIPS: list[dict[str, Any]] = [
    {"amount": 6},
    {"amount": 600.0},
    {"amount": "600"},
    {"amount": 60_000},
    {"amount": -600},
    {"amount": 0},
    {"amount": None},
    {"amount": True},
    {"amount": 10**40},
    {"amount": float("nan")},
    {"amount": {"fen": [600]}},
    {"amount": "x" * 3000},
    {"currency": "USD"},
    {"currency": None},
    {"currency": "cny"},
    {"reference": "parking_claim-" + "0" * 32},
    {"reference": None},
    {"reference": "\ud800"},
    {"reference": [[[[[[]]]]]]},
]


async def test_p35_what_does_not_fit_settles_nothing_until_the_right_message_comes(
    town: Town,
) -> None:
    gateway, store = town.departments.gateway, town.api.runtime.store
    for slip in SLIPS:
        claim_id = await town.owes()
        asked = await town.ask(claim_id)
        right = {"amount": 600, "currency": "CNY", "reference": claim_id}
        signed = signed_by(gateway._signer, asked.payment_id, **right | slip)
        for _ in range(2):
            assert (await town.send(signed)).status == 204, slip
        claim = await store.load(Claim, claim_id)
        assert (claim.paid_fen, claim.held) == (0, True), slip
        topics = [each.topic for each in await store.read(claim_id)]
        assert topics.count("parking.payment_mismatched") == 1, slip
        captured = signed_by(gateway._signer, asked.payment_id, **right)
        assert (await town.send(captured)).status == 204
        claim = await store.load(Claim, claim_id)
        assert (claim.status, claim.paid_fen) == (ClaimStatus.SETTLED, 600), slip


@pytest.mark.parametrize("order", [("failed", "captured"), ("captured", "failed")])
async def test_p34_captured_is_final_in_whichever_order(town: Town, order: tuple[str, str]) -> None:
    store, claim_id = town.api.runtime.store, await town.owes()
    asked = await town.ask(claim_id)
    said = {"amount": 600, "currency": "CNY", "reference": claim_id}
    messages = [
        signed_by(town.departments.gateway._signer, asked.payment_id, status=status, **said)
        for status in order
    ]
    for signed in (*messages, *reversed(messages), *messages):
        assert (await town.send(signed)).status == 204
    claim = await store.load(Claim, claim_id)
    assert (claim.status, claim.paid_fen, claim.open_fen) == (ClaimStatus.SETTLED, 600, 0)
    topics = [each.topic for each in await store.read(claim_id)]
    assert topics.count("parking.payment_captured") == 1
    assert topics.count("parking.failure_noted") == 1, "what is told late changes nothing"


async def test_what_others_have_signed_is_not_let_in(town: Town) -> None:
    """A department, a stranger with the bank's name of a key, and what the bank signed as else."""
    departments, claim_id = town.departments, await town.owes()
    asked = await town.ask(claim_id)
    bank, stranger = departments._signer("bank"), departments._signer("stranger")
    said = {"amount": 600, "currency": "CNY", "reference": claim_id}
    before = await town.api.runtime.store.head()
    others = (stranger, stranger.named(bank.public_key["kid"]), bank.named("another"))
    forged = [signed_by(signer, asked.payment_id, **said) for signer in others]
    forged += [
        signed_by(bank, asked.payment_id, kind=kind, **said) for kind in ("receipt+jwt", "JWT", "")
    ]
    for signed in (*forged, "a.b.c", "." * 8000, "eyJhbGciOiJub25lIn0.e30."):
        assert (await town.send(signed)).is_problem(401, "unauthenticated")
    assert await town.api.runtime.store.head() == before


def signed_by(signer: Signer, payment_id: str, **said: Any) -> str:
    """A message that a payment was captured, but for what is said."""
    kind = said.pop("kind", CALLBACK)
    claims = {"iss": "bank", "jti": str(uuid4()), "occurred_at": 1_789_347_600}
    captured = {"payment_id": payment_id, "status": "captured"}
    return signer.sign(claims | captured | said, kind)
