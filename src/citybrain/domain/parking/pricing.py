"""What a stay costs, and why: pure, by cutting intervals, never by walking minutes.

A stay is cut where windows, days and versions change and where exemptions begin and end. What is
left is counted in whole minutes (or seconds) from the stay's beginning, each belonging to where it
begins; the count of a window is turned into units, the ladder gives fen, and caps come last.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo

from citybrain.domain.parking.cutting import (
    MINUTE,
    Clock,
    Piece,
    instant,
    moment_of,
    pieces,
    shortened,
    united,
    zone_named,
)
from citybrain.domain.parking.price import Line, LineKind, Price, Zero
from citybrain.domain.parking.stay import Permit, Span, Stay
from citybrain.domain.parking.tariff import (
    Cap,
    CapPer,
    Charged,
    Exemption,
    FreeMinutesKind,
    Ladder,
    OnChange,
    Reset,
    Step,
    Tariff,
    TariffVersion,
)

IDLE_CAP = "idle-most"
OF_A_DAY = (CapPer.WINDOW, CapPer.DAY)
OF_THE_STAY = (CapPer.STAY, CapPer.PLATE_DAY)

Why = tuple[Zero, str]
"""Why time costs nothing, and by which rule."""
Of = tuple[CapPer, date | None, str | None]
"""What a cap is the most for: a day, and a window of it, or neither."""


def price(stay: Stay, tariff: Tariff) -> Price:
    """The price of a stay.

    How time is counted (seconds, units, free minutes, reset, change of version, caps of a stay and
    of a plate) is said by the version in force at the beginning; windows, ladders, free days,
    exemptions and the other caps by the version of each day, or by the first one alone. What the
    stay began under holds although its file is gone.
    Raises `TariffNotInForce`, `UnknownTariffZone`, `StayInvalid` (its time zone), and
    `CalendarYearMissing` where it is not known whether a day is free.
    """
    zone = zone_named(stay.time_zone or tariff.time_zone)
    day = stay.start.astimezone(zone).date()
    tariff = tariff.begun_under(stay.began_under, day)
    governing = tariff.at(day)
    governing.rates(stay.zone)
    work = _Pricing(stay, tariff, zone, governing, instant(stay.start), instant(stay.end))
    lines = [*_capped(work.parking(), work), *work.idle()]
    lines.sort(key=lambda line: line.begins)
    choices = governing.choices | {"time_zone": zone.key}
    if stay.merge_gap is not None:
        choices["merge_gap_seconds"] = int(stay.merge_gap.total_seconds())
    return Price(zone=stay.zone, lines=tuple(lines), choices=choices, berths=stay.berths)


@dataclass(slots=True)
class _Counted:
    """What is counted for one line; `piece` is its first."""

    piece: Piece
    seconds: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class _Covered:
    """A part of a stay in which an exemption holds."""

    begin: int
    end: int
    exemption: Exemption


@dataclass(slots=True)
class _Pricing:
    """One stay on its way to lines."""

    stay: Stay
    tariff: Tariff
    zone: ZoneInfo
    governing: TariffVersion
    begin: int
    end: int
    coverage: dict[str, list[_Covered]] = field(default_factory=dict)

    def parking(self) -> list[Line]:
        """A line for each ladder, and one for each day's reason why time cost nothing."""
        clock = Clock.of(self.begin, self.end, self.governing.seconds)
        free_until = self._free_until(clock)
        charged: dict[tuple[object, ...], _Counted] = {}
        free: dict[tuple[date, str, Why], _Counted] = {}
        told: set[date] = set()
        for piece, exemption in self._parts(self.begin, self.end, free_until):
            seconds = clock.seconds(piece.begin, piece.end)
            if not seconds:
                continue
            why = _why_free(piece, exemption, free_until)
            if why is None:
                counted = charged.setdefault(self._ladder_of(piece), _Counted(piece))
            else:
                counted = free.setdefault((piece.day, piece.version.id, why), _Counted(piece))
            counted.seconds += seconds
            counted.end = piece.end
            if why is None or why[0] is not Zero.OUTSIDE_HOURS:
                told.add(piece.day)
        lines = [self._charged_line(counted) for counted in charged.values()]
        lines += [
            _line(counted, day, why[1], why[0])
            for (day, _, why), counted in free.items()
            if why[0] is not Zero.OUTSIDE_HOURS or day not in told
        ]
        return sorted(lines, key=lambda line: line.begins) or [self._nothing_counted()]

    def idle(self) -> Iterator[Line]:
        """A line for each time that the car stood at the charger when charging was over."""
        spans = united(self._within(self.stay.charging))
        for (_, over), (again, _) in pairwise([*spans, (self.end, self.end)]):
            if over < again:
                yield from self._idle_lines(over, again)

    def _parts(
        self, begin: int, end: int, free_until: int, *, idle: bool = False
    ) -> Iterator[tuple[Piece, Exemption | None]]:
        """The time from begin to end in pieces, each wholly in or out of an exemption.

        No piece goes beyond the end of the free minutes. `idle`: exemptions from the idle fee.
        """
        for piece in pieces(begin, end, self.zone, self._version_on):
            covered = self._covered(piece.version)
            if not covered and free_until <= piece.begin:
                yield piece, None
                continue
            edges = {piece.begin, piece.end, free_until}
            for each in covered:
                edges |= {each.begin, each.end}
            inside = sorted(at for at in edges if piece.begin <= at <= piece.end)
            for since, until in pairwise(inside):
                exemption = _exemption(covered, since, piece.window, idle)
                yield replace(piece, begin=since, end=until), exemption

    def _version_on(self, day: date) -> TariffVersion:
        if self.governing.on_change is OnChange.START:
            return self.governing
        return self.tariff.at(day)

    def _covered(self, version: TariffVersion) -> list[_Covered]:
        """When in the stay which exemption of a version holds, in the version's order."""
        found = self.coverage.get(version.id)
        if found is None:
            found = self.coverage[version.id] = [
                _Covered(begin, end, exemption)
                for exemption in version.exemptions
                for begin, end in self._holds(exemption)
            ]
        return found

    def _holds(self, exemption: Exemption) -> Iterator[tuple[int, int]]:
        if self.stay.plate_class in exemption.classes:
            spans = [(self.begin, self.end)]
        elif exemption.while_charging:
            spans = united(self._within(self.stay.charging))
        else:
            held = [permit for permit in self.stay.permits if permit.kind in exemption.permits]
            spans = united(self._within(held))
        most = exemption.first_minutes
        return shortened(spans, None if most is None else most * MINUTE)

    def _within(self, spans: Iterable[Span | Permit]) -> Iterator[tuple[int, int]]:
        """Spans as far as they lie within the stay; what has no end lasts as long as it."""
        for span in spans:
            ends = self.end if span.ends is None else min(instant(span.ends), self.end)
            yield max(instant(span.begins), self.begin), ends

    def _free_until(self, clock: Clock) -> int:
        """When the free minutes are over: at once, or with the stay where all of it is free."""
        free = self.governing.free_minutes
        if free is None:
            return self.begin
        if free.kind is FreeMinutesKind.DEDUCTED:
            return self.begin + free.minutes * MINUTE
        return self.end if clock.length <= free.minutes * MINUTE else self.begin

    def _ladder_of(self, piece: Piece) -> tuple[object, ...]:
        """What has a ladder of its own."""
        if self.governing.reset is Reset.NEVER:
            return (piece.window,)
        return piece.version.id, piece.window, piece.window_day

    def _charged_line(self, counted: _Counted) -> Line:
        piece = counted.piece
        assert piece.window is not None
        ladder = piece.version.rates(self.stay.zone)[piece.window]
        steps = ladder.charged(counted.seconds, self.governing.started_unit)
        fen = sum(step.fen * step.units for step in steps)
        zero = None if fen else Zero.FREE_RATE if steps else Zero.NO_WHOLE_UNIT
        rule = f"{self.stay.zone}/{piece.window}"
        return _line(counted, piece.window_day, rule, zero, steps, fen)

    def _nothing_counted(self) -> Line:
        return Line(
            day=self.stay.start.astimezone(self.zone).date(),
            version=self.governing.id,
            rule=Zero.NO_TIME.value,
            begins=moment_of(self.begin),
            ends=moment_of(self.end),
            zero=Zero.NO_TIME,
        )

    def _idle_lines(self, over: int, until: int) -> Iterator[Line]:
        """The fee for standing there from the end of charging: none where the version has none."""
        day = moment_of(over).astimezone(self.zone).date()
        version = self._version_on(day)
        fee = version.idle
        if fee is None:
            return
        begin = min(over + fee.courtesy_minutes * MINUTE, until)
        clock = Clock.of(begin, until, self.governing.seconds)
        seconds, why = 0, (Zero.COURTESY, LineKind.IDLE.value)
        for piece, exemption in self._parts(begin, until, begin, idle=True):
            if exemption is not None:
                why = (Zero.EXEMPT, exemption.code)
            elif fee.windows is None or piece.window in fee.windows:
                seconds += clock.seconds(piece.begin, piece.end)
            elif why[0] is Zero.COURTESY:
                why = (Zero.OUTSIDE_HOURS, LineKind.IDLE.value)
        ladder = Ladder((Step(fee.fen, fee.each_minutes),))
        steps = ladder.charged(seconds, self.governing.started_unit)
        fen = sum(step.fen * step.units for step in steps)
        if seconds:
            why = (Zero.FREE_RATE if steps else Zero.NO_WHOLE_UNIT, LineKind.IDLE.value)
        capped = fee.most_fen is not None and fee.most_fen < fen
        yield Line(
            kind=LineKind.IDLE,
            day=day,
            version=version.id,
            rule=LineKind.IDLE.value if fen else why[1],
            begins=moment_of(begin),
            ends=moment_of(until),
            counted_seconds=seconds,
            steps=steps,
            uncapped_fen=fen,
            fen=fen if fee.most_fen is None else min(fen, fee.most_fen),
            cap=IDLE_CAP if capped else None,
            zero=None if fen else why[0],
        )


def _why_free(piece: Piece, exemption: Exemption | None, free_until: int) -> Why | None:
    """Why a piece costs nothing; None where it is charged. Raises `CalendarYearMissing`."""
    if exemption is not None:
        return Zero.EXEMPT, exemption.code
    if piece.window is None:
        return Zero.OUTSIDE_HOURS, Zero.OUTSIDE_HOURS.value
    if piece.end <= free_until:
        return Zero.FREE_MINUTES, Zero.FREE_MINUTES.value
    days = piece.version.free_days
    free = None if days is None else days.on(piece.day)
    return None if free is None else (Zero.FREE_DAY, free.value)


def _exemption(
    covered: Iterable[_Covered], at: int, window: str | None, idle: bool
) -> Exemption | None:
    """The first exemption that holds at an instant, in a window."""
    for each in covered:
        exemption = each.exemption
        holds = each.begin <= at < each.end and exemption.holds_in(window)
        if holds and (exemption.also_idle or not idle):
            return exemption
    return None


def _line(
    counted: _Counted,
    day: date,
    rule: str,
    zero: Zero | None,
    steps: tuple[Charged, ...] = (),
    fen: int = 0,
) -> Line:
    piece, free_days = counted.piece, counted.piece.version.free_days
    return Line(
        day=day,
        version=piece.version.id,
        rule=rule,
        begins=moment_of(piece.begin),
        ends=moment_of(counted.end),
        counted_seconds=counted.seconds,
        steps=steps,
        uncapped_fen=fen,
        fen=fen,
        zero=zero,
        calendar=None if free_days is None else free_days.notice(piece.day),
    )


def _capped(lines: Iterable[Line], work: _Pricing) -> Iterator[Line]:
    """The lines with caps applied, in order of time: what is above one is taken off the later."""
    spent: dict[Of, int] = {
        (CapPer.PLATE_DAY, day, None): fen for day, fen in work.stay.earlier_fen.items()
    }
    for line in lines:
        caps = _caps(line, work)
        fen, lowered_by = line.fen, None
        for cap, key in caps:
            left = max(cap.fen - spent.get(key, 0), 0)
            if left < fen:
                fen, lowered_by = left, cap.code
        for _, key in caps:
            spent[key] = spent.get(key, 0) + fen
        if lowered_by is None:
            yield line
        else:
            zero = None if fen else Zero.CAP_REACHED
            yield replace(line, fen=fen, cap=lowered_by, zero=zero)


def _caps(line: Line, work: _Pricing) -> list[tuple[Cap, Of]]:
    """The caps of a line, each with what it is the most for."""
    zone, version = work.stay.zone, work.tariff.version(line.version)
    found: list[tuple[Cap, Of]] = []
    for cap in (*version.caps_of(zone, *OF_A_DAY), *work.governing.caps_of(zone, *OF_THE_STAY)):
        day = None if cap.per is CapPer.STAY else line.day
        window = line.rule if cap.per is CapPer.WINDOW else None
        found.append((cap, (cap.per, day, window)))
    return found
