"""What is kept about a person: changed by them, corrected by two; given, when, then."""

from collections.abc import Callable
from typing import Any

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.citizens import records
from citybrain.domain.citizens.citizen import Citizen, Identification
from citybrain.domain.citizens.record_events import CONFIRMED, DEATH, IDENTITY, NO_DEATH, REJECTED
from citybrain.domain.citizens.refusals import (
    CorrectionPending,
    IdentificationNeeded,
    NoSuchCorrection,
    NothingToCorrect,
    NotYourOwn,
    PersonDeceased,
    SettledByProposer,
)
from tests.given.citizens import (
    CLERK,
    KIOSK,
    NOW,
    SUPERVISOR,
    V1,
    consent,
    enrol,
    own,
    registered,
    verify,
)
from tests.given.streams import events_of, replayed, topics

OTHER_CLERK = Actor("clerk-2", frozenset({Role.CLERK}), counter="counter-2")
WITHOUT_COUNTER = Actor("clerk-3", frozenset({Role.CLERK}))
STRANGER = Actor("citizen-" + "0" * 32, frozenset({Role.CITIZEN}))
SURE = Identification("counter", NOW, 1, "high")
FAIRLY = Identification("face", NOW, 1, "substantial")
HARDLY = Identification("phone-and-document", NOW, 1, "low")
FIELDS: dict[str, records.Fields] = {
    IDENTITY: {
        "document": "passport",
        "id_number_sealed": "number",
        "key_sealed": "key",
        "birth_date_sealed": "born",
        "mistaken": True,
    },
    DEATH: {"died_on_sealed": "died"},
    NO_DEATH: {},
}


def ask(
    citizen: Citizen,
    what: str = IDENTITY,
    actor: Actor = CLERK,
    known: Identification | None = SURE,
    correction_id: str = "k1",
) -> None:
    records.propose(
        citizen,
        actor,
        NOW,
        correction_id=correction_id,
        what=what,
        fields=FIELDS[what],
        grounds_sealed="grounds",
        known=known,
    )


def settle(
    citizen: Citizen, actor: Actor = OTHER_CLERK, outcome: str = CONFIRMED, which: str = "k1"
) -> None:
    records.settle(citizen, actor, NOW, correction_id=which, outcome=outcome)


def corrected(what: str) -> Citizen:
    citizen = registered()
    for step in (consent, enrol()):
        step(citizen)
    ask(citizen, what)
    settle(citizen)
    return citizen


def happened(citizen: Citizen, last: int) -> list[str]:
    return [topic.removeprefix("citizen.") for topic in topics(citizen)[-last:]]


def test_a_phone_is_changed_by_who_was_identified_and_the_one_before_is_kept_to_be_told() -> None:
    citizen = registered()
    for phone in ("first", "second", None):
        records.change_phone(citizen, own(citizen), NOW, phone_sealed=phone, known=FAIRLY)
    records.change_phone(citizen, own(citizen), NOW, phone_sealed=None, known=FAIRLY)
    changes = [(event.previous_sealed, event.phone_sealed) for event in events_of(citizen)[1:]]
    assert changes == [(None, "first"), ("first", "second"), ("second", None)]
    assert citizen.phone_sealed is None


def test_a_name_takes_more_than_a_phone() -> None:
    citizen = registered()
    with pytest.raises(IdentificationNeeded):
        records.change_name(citizen, own(citizen), NOW, name_sealed="x", known=FAIRLY)
    records.change_name(citizen, own(citizen), NOW, name_sealed="x", known=SURE)
    assert happened(citizen, 1) == ["name_changed"]
    assert citizen.name_sealed == "x"


@pytest.mark.parametrize("known", [None, HARDLY], ids=["nobody", "too weak"])
@pytest.mark.parametrize("clerk", [True, False])
def test_nothing_changes_without_an_identification(
    known: Identification | None, clerk: bool
) -> None:
    citizen = registered()
    actor = CLERK if clerk else own(citizen)
    with pytest.raises(IdentificationNeeded):
        records.change_phone(citizen, actor, NOW, phone_sealed="x", known=known)
    with pytest.raises(IdentificationNeeded):
        records.change_name(citizen, actor, NOW, name_sealed="x", known=known)
    with pytest.raises(IdentificationNeeded):
        ask(citizen, known=FAIRLY)


@pytest.mark.parametrize("actor", [STRANGER, KIOSK, SUPERVISOR, WITHOUT_COUNTER])
def test_others_change_nothing(actor: Actor) -> None:
    citizen = registered()
    attempts: tuple[Callable[[], None], ...] = (
        lambda: records.change_phone(citizen, actor, NOW, phone_sealed="x", known=SURE),
        lambda: records.change_name(citizen, actor, NOW, name_sealed="x", known=SURE),
        lambda: ask(citizen, actor=actor),
        lambda: ask(citizen, DEATH, actor=actor),
    )
    for attempt in attempts:
        with pytest.raises(NotYourOwn):
            attempt()


@pytest.mark.parametrize("settler", [OTHER_CLERK, SUPERVISOR])
def test_a_correction_counts_when_somebody_else_confirms_it(settler: Actor) -> None:
    citizen = registered()
    ask(citizen)
    assert citizen.id_number_sealed != "number"
    settle(citizen, settler)
    assert happened(citizen, 3) == [
        "correction_proposed",
        "correction_settled",
        "identity_corrected",
    ]
    now = (citizen.document, citizen.id_number_sealed, citizen.birth_date_sealed)
    assert now == ("passport", "number", "born")
    assert citizen.corrections == {}
    with pytest.raises(NoSuchCorrection):
        settle(citizen, settler)


def test_a_rejected_correction_changes_nothing_and_can_be_asked_for_again() -> None:
    citizen = registered()
    ask(citizen)
    settle(citizen, outcome=REJECTED)
    assert happened(citizen, 1) == ["correction_settled"]
    assert citizen.id_number_sealed != "number"
    ask(citizen)


@pytest.mark.parametrize("what", [IDENTITY, DEATH])
@pytest.mark.parametrize("outcome", [CONFIRMED, REJECTED])
def test_power_over_a_person_takes_two(what: str, outcome: str) -> None:
    citizen = registered()
    ask(citizen, what)
    both = Actor("clerk-1", frozenset({Role.CLERK, Role.SUPERVISOR}), counter="counter-9")
    for same in (CLERK, both):
        with pytest.raises(SettledByProposer):
            settle(citizen, same, outcome)
    for nobody in (STRANGER, KIOSK, own(citizen), WITHOUT_COUNTER):
        with pytest.raises(NotYourOwn):
            settle(citizen, nobody, outcome)
    itself = Actor(citizen.id, frozenset({Role.SUPERVISOR}))
    with pytest.raises(NotYourOwn):
        settle(citizen, itself, outcome)


def test_one_correction_of_a_kind_waits_at_a_time() -> None:
    citizen = registered()
    ask(citizen)
    with pytest.raises(CorrectionPending):
        ask(citizen, correction_id="k2")
    ask(citizen, DEATH, known=None, correction_id="k3")
    assert set(citizen.corrections) == {"k1", "k3"}


def prove(citizen: Citizen) -> None:
    citizen.confirm_identity(
        CLERK, NOW, method="counter", purpose="fund", document="passport", code_id=None
    )


AFTER_DEATH: list[Callable[[Citizen], Any]] = [
    prove,
    consent,
    enrol("t2"),
    verify(matched=True),
    lambda citizen: records.change_phone(citizen, own(citizen), NOW, phone_sealed="x", known=SURE),
    lambda citizen: records.change_name(citizen, CLERK, NOW, name_sealed="x", known=SURE),
    ask,
    lambda citizen: ask(citizen, DEATH),
]


@pytest.mark.parametrize("attempt", AFTER_DEATH)
def test_nobody_acts_for_the_dead(attempt: Callable[[Citizen], Any]) -> None:
    citizen = corrected(DEATH)
    assert happened(citizen, 3) == ["correction_settled", "face_revoked", "death_noted"]
    assert citizen.templates == {}
    assert V1 not in citizen.templates
    with pytest.raises(PersonDeceased):
        attempt(citizen)


def test_a_death_that_was_noted_wrongly_is_taken_back_by_two() -> None:
    citizen = corrected(DEATH)
    ask(citizen, NO_DEATH, known=None, correction_id="k2")
    with pytest.raises(SettledByProposer):
        settle(citizen, CLERK, which="k2")
    settle(citizen, which="k2")
    prove(citizen)
    assert citizen.identification("fund", NOW) is not None
    with pytest.raises(NothingToCorrect):
        ask(citizen, NO_DEATH, correction_id="k3")


def test_a_clerk_sees_the_record_of_who_is_before_them_and_who_settles_what_they_settle() -> None:
    citizen = registered()

    def look(actor: Actor, known: Identification | None) -> None:
        records.check_may_open(citizen, actor, known)

    look(own(citizen), None)
    with pytest.raises(IdentificationNeeded):
        look(CLERK, None)
    for nobody in (SUPERVISOR, KIOSK, STRANGER):
        with pytest.raises(NotYourOwn):
            look(nobody, SURE)
    look(CLERK, HARDLY)
    ask(citizen)
    with pytest.raises(IdentificationNeeded):
        look(CLERK, None)  # they proposed it
    for settler in (SUPERVISOR, OTHER_CLERK):
        look(settler, None)


def test_what_was_corrected_is_so_after_a_replay() -> None:
    citizen = registered()
    ask(citizen)
    settle(citizen)
    ask(citizen, DEATH)
    settle(citizen)
    again = replayed(events_of(citizen))
    assert vars(again).keys() == vars(citizen).keys()
    for name in ("document", "id_number_sealed", "birth_date_sealed", "key_sealed", "corrections"):
        assert getattr(again, name) == getattr(citizen, name)
    assert again.died_on_sealed == "died"


@pytest.mark.parametrize("what", [IDENTITY, DEATH])
def test_nobody_asks_for_a_correction_of_their_own_record(what: str) -> None:
    citizen = registered()
    for roles in ({Role.CLERK}, {Role.CLERK, Role.CITIZEN}):
        itself = Actor(citizen.id, frozenset(roles), counter="counter-1")
        with pytest.raises(NotYourOwn):
            ask(citizen, what, actor=itself)
    assert citizen.corrections == {}


def test_it_is_kept_when_somebody_was_corrected() -> None:
    citizen = registered()
    assert citizen.identity_corrected_at is None
    ask(citizen)
    records.settle(citizen, OTHER_CLERK, NOW, correction_id="k1", outcome=CONFIRMED)
    assert citizen.identity_corrected_at == NOW


@pytest.mark.parametrize(("numbers", "corrected_at"), [([], None), (["before"], NOW)])
def test_a_snapshot_of_before_was_corrected_before_it(
    numbers: list[str], corrected_at: Any
) -> None:
    state: dict[str, Any] = {"former_numbers_sealed": numbers, "_modified_on": NOW, "confirmed": {}}
    Citizen.upcast_v6_v7(state)
    assert state["identity_corrected_at"] == corrected_at
