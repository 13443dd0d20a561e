"""Tariffs and stays by chance, for what holds of all of them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from citybrain.domain.parking.free_days import FreeDays
from citybrain.domain.parking.plate_grammar import PlateClass
from citybrain.domain.parking.stay import Permit, Span, Stay
from citybrain.domain.parking.tariff import (
    Cap,
    CapPer,
    Exemption,
    FreeMinutes,
    FreeMinutesKind,
    Ladder,
    OnChange,
    Reset,
    Seconds,
    StartedUnit,
    Step,
    TariffVersion,
    Window,
)

FIRST = datetime(2026, 9, 14, tzinfo=UTC)
CHANGE = date(2026, 9, 16)
CLASSES = (PlateClass.POLICE, PlateClass.NEW_ENERGY_SMALL)
EXEMPTIONS = (
    Exemption("police", classes=frozenset({PlateClass.POLICE})),
    Exemption("green", classes=frozenset({PlateClass.NEW_ENERGY_SMALL}), first_minutes=90),
    Exemption("monthly", permits=frozenset({"monthly"})),
    Exemption("charging", while_charging=True, windows=frozenset({"a"})),
)
fen = st.integers(0, 900)


@st.composite
def ladders(draw: st.DrawFn) -> Ladder:
    """Up to three steps, the last one for ever."""
    each = st.sampled_from((15, 30, 60, 90))
    first = [
        Step(draw(fen), draw(each), draw(st.integers(1, 3))) for _ in range(draw(st.integers(0, 2)))
    ]
    return Ladder((*first, Step(draw(fen), draw(each))))


@st.composite
def windows(draw: st.DrawFn) -> tuple[Window, ...]:
    """One or two that do not meet; the last may go over midnight."""
    edges = draw(st.lists(st.integers(0, 1439), min_size=2, max_size=4, unique=True))
    ordered = sorted(edges)[: len(edges) // 2 * 2]
    if draw(st.booleans()):
        ordered = [*ordered[1:], ordered[0]]
    pairs = zip(ordered[::2], ordered[1::2], strict=True)
    return tuple(Window(code, *pair) for code, pair in zip("ab", pairs, strict=False))


@st.composite
def versions(draw: st.DrawFn, *, daily: bool = False) -> TariffVersion:
    """A version with one zone. `daily`: such that days add up."""
    found = draw(windows())
    if daily:
        found = tuple(w for w in found if w.begins < w.ends) or (Window("a", 0, 1440),)
    free = st.builds(FreeMinutes, st.integers(1, 120), st.sampled_from(FreeMinutesKind))
    reset = Reset.DAILY if daily else draw(st.sampled_from(Reset))
    days = st.frozensets(st.sampled_from([FIRST.date() + timedelta(days=n) for n in range(4)]))
    return TariffVersion(
        id="v1",
        valid_from=date(2020, 1, 1),
        published=date(2019, 1, 1),
        time_zone=draw(st.sampled_from(("Asia/Shanghai", "Europe/Berlin", "UTC"))),
        windows=found,
        zones={"1": {window.code: draw(ladders()) for window in found}},
        seconds=draw(st.sampled_from(Seconds)),
        started_unit=StartedUnit.COUNTS if daily else draw(st.sampled_from(StartedUnit)),
        reset=reset,
        on_change=draw(st.sampled_from(OnChange)),
        free_minutes=None if daily else draw(st.none() | free),
        caps=draw(caps(reset, daily=daily)),
        exemptions=draw(st.sampled_from(((), EXEMPTIONS[:1], EXEMPTIONS))) if not daily else (),
        free_days=draw(st.none() | days.map(lambda each: FreeDays(days=each))),
    )


@st.composite
def caps(draw: st.DrawFn, reset: Reset, *, daily: bool) -> tuple[Cap, ...]:
    """Some, in the order in which they are applied."""
    kinds = [CapPer.STAY] if reset is Reset.NEVER else [CapPer.WINDOW, CapPer.DAY]
    if not daily and reset is Reset.DAILY:
        kinds += [CapPer.STAY, CapPer.PLATE_DAY]
    chosen = draw(st.lists(st.sampled_from(kinds), unique=True))
    return tuple(Cap(per, per, draw(st.integers(1, 4000))) for per in CapPer if per in chosen)


@st.composite
def changing(draw: st.DrawFn) -> tuple[TariffVersion, ...]:
    """One version, or two; the second with other windows and ladders."""
    first = draw(versions())
    if draw(st.booleans()):
        return (first,)
    other = draw(windows())
    rates = {"1": {window.code: draw(ladders()) for window in other}}
    return first, replace(first, id="v2", valid_from=CHANGE, windows=other, zones=rates)


@st.composite
def stays(draw: st.DrawFn, most_hours: int = 60, *, whole: bool = False) -> Stay:
    """A stay about `CHANGE`, by the second; `whole`: by the minute."""
    seconds = st.integers(0, 3 * 86_400)
    begin, length = draw(seconds), draw(st.integers(0, most_hours * 3600))
    if whole:
        begin, length = begin // 60 * 60, length // 60 * 60
    start = FIRST + timedelta(seconds=begin)
    end = start + timedelta(seconds=length)
    held = st.integers(-3600, most_hours * 3600).map(lambda s: start + timedelta(seconds=s))
    since, until = sorted((draw(held), draw(held)))
    return Stay(
        start=start,
        end=end,
        zone="1",
        plate_class=draw(st.none() | st.sampled_from(CLASSES)),
        permits=draw(st.sampled_from(((), (Permit("monthly", since, until),)))),
        charging=draw(st.sampled_from(((), (Span(since, until),), (Span(until),)))),
        earlier_fen=draw(st.sampled_from(({}, {CHANGE: 700}, {FIRST.date(): 5000}))),
    )
