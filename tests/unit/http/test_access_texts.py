"""Every operation and command that shows people's data says so, in words that people understand."""

import re
from collections.abc import Iterator
from types import UnionType
from typing import Any, get_args

import pytest
import typer
from pydantic import BaseModel

from citybrain.cli.main import app
from citybrain.domain.actor import Role
from citybrain.http.access_texts import access_texts, merged, said
from citybrain.http.citizens.records import RECORD_STATE
from citybrain.http.routing import Route
from citybrain.systems import SYSTEMS
from commands.accesses import AskedPurpose
from projections.citizens.data_accesses import (
    ALWAYS,
    BY_OTHERS,
    BY_RULES,
    CHANGED,
    COUNTER,
    FACE,
    GUARDIAN,
    OPENED,
    PURPOSES,
)
from tests.given.accesses import is_said
from tests.given.services import DEFINITIONS

ROUTES = [route for system in SYSTEMS for route in system.routes]
NAMES_SOMEBODY = frozenset({"citizen_id", "application_id", "candidates", "actor", "state_base64"})
BY_ITS_EVENT = frozenset(
    {"post_v1_faces_identification", "post_v1_applications_application_id_opening"}
)
"""Beside commands: what leaves an event in the stream of each person that is shown."""

LOOKS = {"application", "decision", "decisions-again", "events", "face-decision", "explanation"}
"""What the command line and the opening of an application call what they show."""

BY_ITSELF = {
    "citizen.duplicate_suspected",
    "application.identity_verified",
    "application.evidence_collected",
    "application.evidence_failed",
    "application.referred",
    "application.resumed",
    "application.claim_lost",
    "application.payout_confirmed",
    "application.payout_delayed",
    "application.payout_failed",
    "application.compensated",
    "application.expired",
    "application.correction_lapsed",
    "parking.charged_back",
    "parking.permit_asked",
    "parking.permit_car_named",
    "parking.plate_binding_activated",
    "parking.plate_binding_asked",
    "parking.plate_binding_ended",
    "parking.plate_binding_proved",
    "parking.plate_binding_refused",
    "parking.plate_debit_given_back",
    "parking.plate_debit_taken",
    "parking.plate_limits_changed",
    "parking.plate_proof_requested",
    "parking.plate_registry_answered",
    "parking.plate_registry_silent",
    "parking.plate_transfer_confirmed",
    "parking.plate_transfer_refused",
    "parking.plate_transfer_shown",
    "parking.claim_reopened",
    "parking.claim_settled",
    "parking.failure_noted",
    "parking.order_lapsed",
    "parking.payment_cancelled",
    "parking.payment_captured",
    "parking.payment_failed",
    "parking.payment_mismatched",
    "parking.refund_failed",
    "parking.refunded",
    "parking.quota_opened",
    "parking.quota_returned",
    "parking.quota_taken",
    "parking.reservation_arrived_late",
    "parking.reservation_awaited",
    "parking.reservation_car_present",
    "parking.reservation_checked_in",
    "parking.reservation_completed",
    "parking.reservation_confirmed",
    "parking.reservation_conflict_ended",
    "parking.reservation_deposit_failed",
    "parking.reservation_deposit_paid",
    "parking.reservation_given_back",
    "parking.reservation_lapsed",
    "parking.reservation_left",
    "parking.reservation_lost",
    "parking.reservation_no_show",
    "parking.reservation_no_show_final",
    "parking.reservation_no_show_reversed",
}
"""What happens to people's streams without anybody else doing it."""

SHOWS_PEOPLE = {
    "applications explain",
    "applications replay",
    "audit export",
    "faces explain",
    "replay",
}
SHOWS_NOBODY = {
    "parking",  # counts of facilities
    "audit verify",  # positions, streams and sums
    "backup list",
    "backup prune",
    "backup take",
    "backup verify",
    "bench",
    "catalogue",
    "dead-letters",
    "faces info",
    "faces pack",
    "import",
    "incarnation",
    "migrate",
    "payments reconcile",
    "processes",
    "projections",
    "publish",
    "restore",
    "run",
    "serve",
    "settings",
    "simulate",
    "signals",
    "systems",
    "tariffs",
    "version",
    "work",
    "vault",
}
"""Counts, definitions, positions and ids; or nothing."""


FOLLOWS_NOBODY = {"get_v1_board_live"}
"""Streams of counts, codes and places."""


def members(model: Any) -> Iterator[str]:
    """The names of all members of a model, and of the models in it."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        for name, member in model.model_fields.items():
            yield name
            yield from members(member.annotation)
    elif isinstance(model, UnionType) or get_args(model):
        for part in get_args(model):
            yield from members(part)


def shows_somebody(route: Route) -> bool:
    """Whether an answer is about one person whom the path or a member names, or whatever comes."""
    models = [answer.model for answer in route.answers.values()]
    named = {name for model in models for name in members(model)}
    follows = route.streaming and route.method == "GET"
    follows = follows and route.operation_id not in FOLLOWS_NOBODY
    named |= set(re.findall(r"{(\w+)}", route.path))
    return route.roles is not None and bool(follows or named & NAMES_SOMEBODY)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation_id)
def test_an_operation_that_shows_somebody_says_what_it_opens(route: Route) -> None:
    """Else give it `opens`, and call `opened` of `citybrain.http.accessing` in its handler."""
    command = route.method == "POST" and route.idempotent
    others = set(route.roles or ()) - {Role.CITIZEN}
    if shows_somebody(route) and others and not command:
        assert route.opens is not None or route.operation_id in BY_ITS_EVENT


def test_an_answer_that_shows_somebody_is_recognised() -> None:
    class Inner(BaseModel):
        citizen_id: str

    class Outer(BaseModel):
        inner: list[Inner] | None

    assert "citizen_id" in set(members(Outer))
    assert {route.operation_id for route in ROUTES if shows_somebody(route)} >= BY_ITS_EVENT


def test_whatever_somebody_does_to_a_persons_stream_has_a_word_of_its_own() -> None:
    """Else it is shown as `changed`: give it a word in `data_accesses`, or say it is automatic."""
    personal = [stream for system in SYSTEMS for stream in system.streams if stream.personal]
    topics = {event.TOPIC for stream in personal for event in stream.EVENTS}
    assert topics == BY_ITSELF | {OPENED, *ALWAYS, *BY_OTHERS, *BY_RULES}


def whats() -> set[str]:
    derived = {
        CHANGED,
        "birth-date",
        RECORD_STATE,
        *ALWAYS.values(),
        *BY_OTHERS.values(),
        *BY_RULES.values(),
    }
    return derived | LOOKS | {route.opens.what for route in ROUTES if route.opens}


def purposes() -> set[str]:
    declared = {route.opens.purpose for route in ROUTES if route.opens and route.opens.purpose}
    derived = {COUNTER, FACE, GUARDIAN, *PURPOSES.values()}
    return declared | derived | set(get_args(AskedPurpose))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_code_of_an_access_has_words(language: str) -> None:
    codes: dict[str, set[str]] = {"roles": set(Role), "whats": whats(), "purposes": purposes()}
    for kind, found in codes.items():
        for code in found:
            assert is_said(language, said(code, language, {}, kind), code), (kind, code)


def test_services_and_records_have_the_catalogues_names_and_the_rest_stays_as_it_was() -> None:
    names = merged(s.words(DEFINITIONS) for s in SYSTEMS if s.words is not None)
    assert said("housing-fund-repayment", "en", names, "purposes").startswith("Housing provident")
    assert said("loan-contract", "zh", names, "records", "whats") == "借款合同"
    assert said("an audit of 2025", "zh", names, "purposes") == "an audit of 2025"
    assert not set(names["purposes"]) & set(access_texts()["purposes"])


def commands(group: Any, path: str = "") -> Iterator[str]:
    """Every command of the command line, by its words."""
    for name in group.list_commands(None):
        found, words = group.get_command(None, name), f"{path} {name}".strip()
        if words in SHOWS_NOBODY or not hasattr(found, "list_commands"):
            yield words
        else:
            yield from commands(found, words)


def test_every_command_is_known_to_show_people_or_nobody() -> None:
    """A new one that shows people notes it (`note` of `citybrain.cli.shared.reading`)."""
    assert set(commands(typer.main.get_group(app))) == SHOWS_PEOPLE | SHOWS_NOBODY
