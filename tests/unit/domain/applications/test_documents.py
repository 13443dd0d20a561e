"""Documents and messages of an application: who adds them, when, and how many."""

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from citybrain.domain.actor import Actor
from citybrain.domain.applications.documents import document_of, is_awaited
from citybrain.domain.applications.messages import send_message
from citybrain.domain.applications.refusals import (
    ApplicationEnded,
    NoSuchDocument,
    NotYourDepartment,
    TooManyDocuments,
    TooManyMessages,
)
from citybrain.domain.applications.statuses import BEFORE_MONEY, FINAL, FOR_AN_OFFICER, Status
from tests.given.applications import (
    ANNA,
    BORIS,
    FUND,
    KIOSK,
    NOW,
    POLICE,
    add,
    at,
    resubmit,
    send_back,
)
from tests.given.streams import topics

CLOSED = FINAL | {Status.PAID}


@pytest.mark.parametrize("status", list(Status))
def test_documents_are_added_until_it_is_decided_for_good(status: Status) -> None:
    application = at(status)
    if status in BEFORE_MONEY | FOR_AN_OFFICER:
        add()(application)
        assert topics(application) == ["application.document_added"]
    else:
        with pytest.raises(ApplicationEnded):
            add()(application)


def test_an_approval_without_money_is_decided_for_good() -> None:
    with pytest.raises(ApplicationEnded):
        add()(at(Status.APPROVED, pays=False))


@pytest.mark.parametrize(("actor", "by"), [(ANNA, "applicant"), (FUND, "officer")])
def test_it_says_on_whose_side_a_document_came(actor: Actor, by: str) -> None:
    application = at(Status.REFERRED)
    add(actor=actor)(application)
    (document,) = application.documents
    assert (document["by"], document["kind"]) == (by, "loan-contract")
    assert document_of(application, "6d1c9f3e") == document
    with pytest.raises(NoSuchDocument):
        document_of(application, "another")


@pytest.mark.parametrize("actor", [BORIS, POLICE, KIOSK])
def test_strangers_add_and_write_nothing(actor: Actor) -> None:
    application = at(Status.REFERRED)
    with pytest.raises(NotYourDepartment):
        add(actor=actor)(application)
    with pytest.raises(NotYourDepartment):
        send_message(application, actor, NOW, text_sealed="sealed")


def test_the_same_document_twice_is_one() -> None:
    application = at(Status.REFERRED)
    for _ in range(2):
        add()(application)
    assert len(application.documents) == 1


def test_for_what_was_asked_there_is_room_and_the_same_file_is_an_answer() -> None:
    application = at(Status.REFERRED)
    for digest in ("aa", "bb"):  # as many as fit
        add(sha256=digest * 32)(application)
    with pytest.raises(TooManyDocuments):
        add(sha256="cc" * 32)(application)
    send_back()(application)
    assert is_awaited(application, "loan-contract")
    add(sha256="aa" * 32)(application)
    assert not is_awaited(application, "loan-contract")
    resubmit(application)
    assert application.status == Status.IDENTIFIED


@examples(st.lists(st.sampled_from(["aa", "bb", "cc", "dd"]), max_size=12))
def test_one_application_takes_so_many_documents_and_bytes(digests: list[str]) -> None:
    """The limits are three documents and 2500 bytes, and each has 1000: two."""
    application, refused = at(Status.REFERRED), 0
    for digest in digests:
        try:
            add(sha256=digest * 32)(application)
        except TooManyDocuments:
            refused += 1
    assert len(application.documents) == min(len(set(digests)), 2)
    assert bool(refused) == (len(set(digests)) > 2)


@pytest.mark.parametrize("status", list(Status))
def test_messages_are_written_until_it_has_ended(status: Status) -> None:
    application = at(status)
    for actor in (ANNA, FUND):
        if status in CLOSED:
            with pytest.raises(ApplicationEnded):
                send_message(application, actor, NOW, text_sealed="sealed")
        else:
            send_message(application, actor, NOW, text_sealed="sealed")
    assert application.messages == (0 if status in CLOSED else 2)


def test_messages_are_bounded() -> None:
    application = at(Status.REFERRED)
    for actor, most in ((ANNA, 100), (FUND, 200)):  # the officer can answer the last one
        while application.messages < most:
            send_message(application, actor, NOW, text_sealed="sealed")
        with pytest.raises(TooManyMessages):
            send_message(application, actor, NOW, text_sealed="sealed")
