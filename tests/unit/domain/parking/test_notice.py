"""P69: a debt is made public by two officers, with a reason and an end, and only where it must."""

from datetime import timedelta
from typing import Any

import pytest

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.parking import reductions
from citybrain.domain.parking.claim import Claim
from citybrain.domain.parking.notice import (
    NoticeEnd,
    NoticeNotAllowed,
    NoticeOutOfStep,
    NoticeProposed,
    NoticeReason,
    NoticeSays,
    NoticeStatus,
    NoticeTooLong,
    ParkingNotice,
)
from citybrain.domain.parking.refusals import NotApartInParking
from tests.given.parking.claims import CITIZEN, NOW, captured, claim, misfit
from tests.given.parking.claims import asked as asked_for
from tests.given.parking.sessions import OFFICER, PARKING, SECOND, sealed
from tests.given.services import DEFINITIONS

DAY = timedelta(days=1)
LATER = NOW + 20 * DAY
RULES = parking_rules_at(DEFINITIONS, NOW)


def proposed(owed: Claim | None = None, actor: Actor = OFFICER, **said: Any) -> ParkingNotice:
    """An officer proposes it."""
    notice = said.pop("notice", None) or ParkingNotice.open(LATER, "parking_claim-1")
    fields: dict[str, Any] = {
        "claim": owed or claim(payer=None),
        "reason": NoticeReason.DEBTOR_UNKNOWN,
        "says": [NoticeSays.PLATE, NoticeSays.AMOUNT],
        "until": LATER + 30 * DAY,
        "plate": sealed(),
        "rules": RULES,
        "departments": PARKING,
    }
    notice.propose(actor, LATER, **fields | said)
    return notice


def published(notice: ParkingNotice, actor: Actor = SECOND, owed: Claim | None = None) -> None:
    owed = owed or claim(payer=None)
    notice.publish(actor, LATER, claim=owed, rules=RULES, departments=PARKING)


def test_p69_two_officers_make_it_public_until_it_ends() -> None:
    notice = proposed()
    assert not notice.is_public(LATER)
    published(notice)
    assert notice.is_public(LATER + 30 * DAY - timedelta(seconds=1))
    assert not notice.is_public(LATER + 30 * DAY)


def test_p69_nobody_agrees_with_themselves() -> None:
    with pytest.raises(NotApartInParking):
        published(proposed(), OFFICER)


@pytest.mark.parametrize(
    "actor",
    [
        Actor("official-2", frozenset({Role.OFFICIAL}), "sanitation"),
        Actor("auditor-1", frozenset({Role.AUDITOR}), "parking"),
        Actor(CITIZEN, frozenset({Role.CITIZEN})),
    ],
)
def test_p69_only_officers_of_parking_do(actor: Actor) -> None:
    with pytest.raises(RoleNotAllowed):
        proposed(actor=actor)
    notice = proposed()
    with pytest.raises(RoleNotAllowed):
        published(notice, actor)
    with pytest.raises(RoleNotAllowed):
        notice.withdraw(actor, LATER, reason=NoticeEnd.PAID, departments=PARKING)


def test_p69_whoever_can_be_told_is_not_made_public() -> None:
    disputed, unsure, paid = claim(payer=None), claim(payer=None), claim(payer=None)
    reductions.suspend(disputed, NOW, reason="disputed")
    misfit(unsure, asked_for(unsure))
    captured(paid, asked_for(paid))
    recent = claim(payer=None, due_at=LATER - 14 * DAY)
    for owed, why in (
        (claim(), "debtor-known"),
        (disputed, "nothing-to-collect"),
        (unsure, "nothing-to-collect"),
        (paid, "nothing-to-collect"),
        (recent, "not-long-due"),
    ):
        with pytest.raises(NoticeNotAllowed) as refused:
            proposed(owed)
        assert refused.value.details["why"] == why
        with pytest.raises(NoticeNotAllowed):
            published(proposed(), owed=owed)


def test_p69_a_notice_ends_within_what_the_rules_allow() -> None:
    for until in (LATER, LATER + 31 * DAY):
        with pytest.raises(NoticeTooLong):
            proposed(until=until)


def test_p69_a_plate_that_is_not_known_is_not_said_and_none_that_need_not_be() -> None:
    with pytest.raises(NoticeNotAllowed):
        proposed(plate=None)
    notice = proposed(says=[NoticeSays.AMOUNT])
    event = notice.pending_events[-1]
    assert isinstance(event, NoticeProposed)
    assert (event.plate, event.says) == (None, ["amount"])


def test_one_at_a_time_and_again_once_it_is_over() -> None:
    notice = proposed()
    with pytest.raises(NoticeOutOfStep):
        proposed(notice=notice)
    notice.deny(SECOND, LATER, reason=NoticeEnd.NOT_NEEDED, departments=PARKING)
    with pytest.raises(NoticeOutOfStep):
        published(notice)
    proposed(notice=notice)
    published(notice)
    with pytest.raises(NoticeOutOfStep):
        proposed(notice=notice)
    notice.withdraw(OFFICER, LATER, reason=NoticeEnd.DEBTOR_FOUND, departments=PARKING)
    assert notice.status == NoticeStatus.WITHDRAWN
    assert not notice.is_public(LATER)
    with pytest.raises(NoticeOutOfStep):
        notice.withdraw(OFFICER, LATER, reason=NoticeEnd.PAID, departments=PARKING)
