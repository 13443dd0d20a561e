"""What of a case is public: what looks personal, and who settles it."""

import pytest

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.inspection.publication import (
    erase,
    first_visibility,
    looks_personal,
    moderate,
)
from citybrain.domain.inspection.publication_events import Visibility
from citybrain.domain.inspection.refusals import NothingToPublish
from tests.given.cases import CITIZEN, NOW, OPERATOR, WORKS, reported

SUPERVISOR = Actor("supervisor-1", frozenset({Role.SUPERVISOR}))
PERSONAL = (
    "请致电 13812345678",
    "電話138-1234-5678",
    "138 1234 5678",
    "138 . 1234 . 5678",
    "１３８１２３４５６７８",
    "一三八一二三四五六七八",
    "幺三八 一二三四 五六七八",
    "0371-65551234",
    "(0371) 6555 1234",
    "6555 1234",
    "身份證410105199001011234",
    "41010519900101123X",
    "410105900101123",
    "138\u200b1234\u200b5678",
    "write to li.si@example.org",
    "+86 138 1234 5678",
    "2026-11-30 13812345678",
)
PLAIN = (
    "",
    "垃圾桶滿了",
    "since 2026-11-30, in front of number 12",
    "2026年11月30日起 18 號樓前",
    "about 300 metres from gate 4, 25 bags",
    "一个窨井盖松动，很危险",
)


@pytest.mark.parametrize("text", PERSONAL)
def test_numbers_of_people_wait_for_a_persons_look(text: str) -> None:
    assert looks_personal(text)
    assert first_visibility(text, "", private=False) is Visibility.FLAGGED


@pytest.mark.parametrize("text", PLAIN)
def test_what_names_nobody_is_public_at_once(text: str) -> None:
    assert first_visibility(text, "", private=False) is Visibility.PUBLIC
    assert first_visibility(text, "", private=True) is Visibility.PRIVATE


def test_the_centre_settles_what_is_public_and_a_supervisor_erases() -> None:
    case = reported()
    moderate(
        case,
        OPERATOR,
        NOW,
        visibility=Visibility.PRIVATE,
        reason="a neighbour",
        description_sealed="x",
    )
    assert (case.visibility, case.description_sealed) == ("private", "x")
    version = case.version
    moderate(case, OPERATOR, NOW, visibility=Visibility.PRIVATE, reason="again")
    assert case.version == version
    erase(case, SUPERVISOR, NOW, reason="asked for")
    assert (case.visibility, case.description_sealed) == ("private", None)
    for actor in (CITIZEN, WORKS):
        with pytest.raises(RoleNotAllowed):
            moderate(case, actor, NOW, visibility=Visibility.PUBLIC, reason="mine")
    with pytest.raises(RoleNotAllowed):
        erase(case, OPERATOR, NOW, reason="no")
    with pytest.raises(NothingToPublish):
        moderate(case, OPERATOR, NOW, visibility=Visibility.FLAGGED, reason="no")
