"""When a strategy is asked: as soon as something new was seen, and not more often than it may."""

from hypothesis import given
from hypothesis import strategies as st

from commands.signals.deciding import EVERY_MS, LATE_MS, MOST_MS, Deciding, pace

AT = 1_800_000_000_000


def test_each_second_where_a_process_has_few_and_each_five_where_it_has_many() -> None:
    assert [pace(each) for each in (0, 1, 500, 1250, 2500, 100_000)] == [
        EVERY_MS,
        EVERY_MS,
        EVERY_MS,
        2500,
        MOST_MS,
        MOST_MS,
    ]


def test_it_is_asked_when_something_new_was_seen() -> None:
    state = Deciding(strategy="adaptive", decided_at=AT)
    assert not state.told(AT + 300, EVERY_MS)
    assert state.told(AT + 990, EVERY_MS), "a little early: that is when it was seen"
    assert not Deciding(decided_at=AT).told(AT + 2000, EVERY_MS), "no strategy is in force"


def test_it_is_asked_also_where_nobody_says_anything() -> None:
    silent = Deciding(strategy="adaptive", decided_at=AT)
    assert silent.next_at(AT, EVERY_MS) == AT + EVERY_MS
    assert silent.due(AT + EVERY_MS, EVERY_MS)
    seen = Deciding(strategy="adaptive", decided_at=AT, told_at=AT)
    assert seen.next_at(AT, EVERY_MS) == AT + EVERY_MS + LATE_MS, "what is new is waited for"
    assert seen.next_at(AT + 10_000, EVERY_MS) == AT + EVERY_MS


@given(st.integers(0, 20_000), st.lists(st.integers(0, 400), max_size=40))
def test_it_is_never_asked_less_often_than_said(junctions: int, steps: list[int]) -> None:
    every, state, at = pace(junctions), Deciding(strategy="adaptive", decided_at=AT), AT
    for step in steps:
        at += step
        if state.told(at, every):
            state.decided_at = at
        assert state.next_at(at, every) <= state.decided_at + MOST_MS + LATE_MS
        if at >= state.next_at(at, every):
            assert state.due(at, every)
            state.decided_at = at
