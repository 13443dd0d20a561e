"""Challenges: what answers one, and what each wrong answer is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.faces.liveness import (
    NEUTRAL_DEGREES,
    TURNED_DEGREES,
    AnotherPerson,
    LivenessFailed,
    RepeatedPicture,
    Turn,
    WrongNumber,
    WrongTurn,
    judge,
    new_steps,
)
from tests.given.analyses import analysis

SAME_PERSON = 0.4
STEPS = [Turn.NEUTRAL, Turn.LEFT, Turn.RIGHT]


def test_turns_as_asked_pass_and_the_neutral_picture_decides() -> None:
    answers = [analysis(1, picture=1), analysis(25, picture=2), analysis(-20, picture=3)]
    assert judge(STEPS, answers, SAME_PERSON) is answers[0]


@pytest.mark.parametrize(
    ("yaws", "error"),
    [
        ((0, 25), WrongNumber),
        ((0, 25, -25, 0), WrongNumber),
        ((30, 55, 5), WrongTurn),
        ((0, -25, 25), WrongTurn),
        ((0, 25, 25), WrongTurn),
        ((0, 0, 0), WrongTurn),
        ((0, 5, -5), WrongTurn),
    ],
)
def test_a_wrong_answer_is_refused(yaws: tuple[float, ...], error: type[LivenessFailed]) -> None:
    answers = [analysis(yaw, picture=number) for number, yaw in enumerate(yaws)]
    with pytest.raises(error):
        judge(STEPS, answers, SAME_PERSON)


@pytest.mark.parametrize("place", [1, 2])
def test_another_person_in_one_picture_is_refused(place: int) -> None:
    answers = [
        analysis(yaw, person=2 if number == place else 1, picture=number)
        for number, yaw in enumerate((0, 25, -25))
    ]
    with pytest.raises(AnotherPerson):
        judge(STEPS, answers, SAME_PERSON)


def test_the_same_picture_twice_is_refused() -> None:
    steps = [Turn.NEUTRAL, Turn.LEFT, Turn.LEFT]
    answers = [analysis(0, picture=1), analysis(25, picture=2), analysis(25, picture=2)]
    with pytest.raises(RepeatedPicture):
        judge(steps, answers, SAME_PERSON)


@given(
    st.floats(-90, 90), st.lists(st.sampled_from([Turn.LEFT, Turn.RIGHT]), min_size=1, max_size=4)
)
def test_a_still_never_answers_a_challenge(yaw: float, turns: list[Turn]) -> None:
    steps = [Turn.NEUTRAL, *turns]
    stills = [analysis(yaw, picture=number) for number in range(len(steps))]
    with pytest.raises(LivenessFailed):
        judge(steps, stills, SAME_PERSON)


@given(
    st.floats(-NEUTRAL_DEGREES, NEUTRAL_DEGREES),
    st.lists(st.sampled_from([Turn.LEFT, Turn.RIGHT]), min_size=1, max_size=4),
    st.floats(TURNED_DEGREES + 0.5, 40),
)
def test_only_the_asked_order_of_turns_passes(neutral: float, turns: list[Turn], by: float) -> None:
    steps = [Turn.NEUTRAL, *turns]
    yaws = [neutral, *(neutral + (by if turn is Turn.LEFT else -by) for turn in turns)]
    answers = [analysis(yaw, picture=number) for number, yaw in enumerate(yaws)]
    assert judge(steps, answers, SAME_PERSON) is answers[0]
    opposite = [Turn.LEFT if turn is Turn.RIGHT else Turn.RIGHT for turn in turns]
    with pytest.raises(WrongTurn):
        judge([Turn.NEUTRAL, *opposite], answers, SAME_PERSON)


def test_challenges_begin_neutral_and_differ() -> None:
    drawn = {tuple(new_steps()) for _ in range(200)}
    assert all(steps[0] is Turn.NEUTRAL and Turn.NEUTRAL not in steps[1:] for steps in drawn)
    assert len(drawn) == 4
