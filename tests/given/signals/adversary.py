"""Somebody who knows the rules and tries each of them, on a junction that anybody may work on.

Beside what comes by chance (`attack`) each step here is one that must be refused, whatever the
junction does at the moment: it is looked whether it was, by which rule, and that no lamp moved by
it. What became of all is counted by what was tried.
"""

from collections import Counter
from collections.abc import Callable, Collection
from functools import partial

from citybrain.domain.signals import people
from citybrain.domain.signals.lamps import Shown
from citybrain.domain.signals.requesting import Numbered
from citybrain.domain.signals.rules import Rule, Source, Wish, broken_by
from citybrain.domain.signals.signal_events import WishRefused, milliseconds
from citybrain.errors import CitybrainError
from tests.given.signals.attack import KINDS, Attack, Step
from tests.given.signals.x1 import Street, at

Tally = Counter[tuple[str, str]]
"""How often what was tried came to what: `followed`, a rule, a code, or `nothing`."""

AHEAD_S = 31.0


class Adversary(Attack):
    """An attack that also does what must be refused. `tally`: what became of all so far."""

    def __init__(self, street: Street, tally: Tally) -> None:
        super().__init__(street)
        self.tally = tally
        self._drift = 0.0

    def do(self, step: Step) -> None:
        """One step, and what came of it."""
        kind, pause, one, other, seconds = step
        self._pass(pause)
        self.street.collect()
        before = len(self.street.events)
        trying = self._trying.get(kind)
        try:
            if trying is None:
                self._doing[kind](self, one, other, seconds)
            elif not trying(self, one, other, seconds):
                return  # there is nothing of the kind to be tried now
        except CitybrainError as error:
            self.tally[kind, error.code] += 1
            return
        self.street.collect()
        new = self.street.events[before:]
        refused = [each.rule for each in new if isinstance(each, WishRefused)]
        for rule in refused:
            self.tally[kind, f"rule {rule}"] += 1
        if not refused:
            self.tally[kind, "followed" if new else "nothing"] += 1

    def _pass(self, seconds: float) -> None:
        """Time passes; the centre is heard all the while, unless it fell silent."""
        if self.street.heard is not None:
            self.street.heard = max(self.street.heard, self.now + seconds)
        super()._pass(seconds)

    def _refused(self, by: Collection[Rule], ask: Callable[[], Rule | None]) -> bool:
        """Ask for what must be refused: by one of these rules, recorded once, no lamp moved."""
        street, signal = self.street, self.street.signal
        street.collect()
        lamps, calls = dict(signal.lamps), dict(signal.calls)
        rule = ask()
        (event,) = street.collect()
        assert isinstance(event, WishRefused), event
        assert rule == event.rule == event.broken[0]
        assert set(by) & set(event.broken), (by, event.broken)
        assert (lamps, calls) == (signal.lamps, signal.calls), "a refusal moves nothing"
        return True

    @property
    def _writer(self) -> Source | None:
        return self.street.signal.writer(milliseconds(at(self.now)))

    def _as_writer(self, rules: set[Rule]) -> tuple[Source, set[Rule]]:
        """Who may speak now, and the rules; while it flashes or starts nobody does (9)."""
        writer = self._writer
        return (Source.CENTRE, {Rule.START_AND_FLASH}) if writer is None else (writer, rules)

    def _conflicting(self, one: int, other: int, seconds: float) -> bool:
        pairs = self.street.dated.file.conflicts
        groups = {*pairs[one % len(pairs)], self.group(other)}
        source, rules = self._as_writer({Rule.CONFLICT})
        return self._refused(
            rules, lambda: self.street.wish(self.now, None, groups=frozenset(groups), source=source)
        )

    def _in_the_way(self, stage: str) -> bool:
        """Whether a group of the stage has to wait for one that is green or ends now."""
        street, junction = self.street, self.street.junction
        shown = {code: street.shown(code, self.now) for code in self.groups}
        moving = {code for code in self.groups if shown[code] in (Shown.GREEN, Shown.ENDING)}
        return any(
            shown[code] is Shown.RED and junction.conflict(each, code)
            for code in junction.stages[stage]
            for each in moving
        )

    def _skipped_yellow(self, one: int, other: int, seconds: float) -> bool:
        stage = self.stage(one)
        if not self._in_the_way(stage):
            return False
        source, rules = self._as_writer({Rule.INTERGREEN})
        return self._refused(
            rules, lambda: self.street.wish(self.now, stage, source=source, green_at=self.now)
        )

    def _back_to_green(self, one: int, other: int, seconds: float) -> bool:
        ending = [code for code in self.groups if self.street.shown(code, self.now) is Shown.ENDING]
        if not ending:
            return False
        group = frozenset({ending[one % len(ending)]})
        source, rules = self._as_writer({Rule.COLOUR_ORDER})
        return self._refused(
            rules,
            lambda: self.street.wish(
                self.now, None, groups=group, source=source, green_at=self.now
            ),
        )

    def _cut_short(self, one: int, other: int, seconds: float) -> bool:
        """A green that is as good as new is to end; vehicles on duty may do that to a walk."""
        street, now, source = self.street, milliseconds(at(self.now)), self._writer
        if source in (None, Source.PREEMPTION):
            return False
        new = [
            code
            for code, lamp in street.signal.lamps.items()
            if lamp.is_green(now) and lamp.green_from and now < lamp.green_from + 7_000
        ]
        stages = [each for each in self.stages if set(new) - street.junction.stages[each]]
        if not stages:
            return False
        stage = stages[one % len(stages)]
        return self._refused(
            {Rule.MINIMUM_GREEN, Rule.PEDESTRIANS},
            lambda: street.wish(self.now, stage, source=source or Source.LOCAL),
        )

    def _numbered(self, stage: str, epoch: int, sequence: int, until: float) -> bool:
        number = Numbered(epoch, sequence, at(until))
        return self._refused(
            {Rule.COMMAND}, lambda: self.street.wish(self.now, stage, command=number)
        )

    def _expired(self, one: int, other: int, seconds: float) -> bool:
        signal, until = self.street.signal, self.now - abs(seconds)
        return self._numbered(self.stage(one), signal.epoch, signal.last_sequence + 1, until)

    def _out_of_order(self, one: int, other: int, seconds: float) -> bool:
        signal = self.street.signal
        known = {int(number) for number in signal.outcomes}
        free = [each for each in range(signal.last_sequence + 1) if each not in known]
        return bool(free) and self._numbered(
            self.stage(one), signal.epoch, free[other % len(free)], self.now + 10
        )

    def _ahead(self, one: int, other: int, seconds: float) -> bool:
        """Numbers are skipped, so that some are left that come too late."""
        signal = self.street.signal
        self.street.command(self.now, self.stage(one), signal.last_sequence + 2 + other % 3)
        return True

    def _other_epoch(self, one: int, other: int, seconds: float) -> bool:
        epoch = self.street.signal.epoch + (1 if other % 2 else -1)
        return self._numbered(self.stage(one), epoch, 1 + one, self.now + 10)

    def _repeated(self, one: int, other: int, seconds: float) -> bool:
        """Sent again, also where it has expired since: the same answer, and nothing is written."""
        signal = self.street.signal
        if not signal.outcomes:
            return False
        number = sorted(signal.outcomes)[one % len(signal.outcomes)]
        command = Numbered(signal.epoch, int(number), at(self.now + seconds))
        answer = self.street.wish(self.now, self.stage(other), command=command)
        assert (answer or 0) == signal.outcomes[number]
        assert self.street.collect() == []
        return True

    def _second_writer(self, one: int, other: int, seconds: float) -> bool:
        """All those who may not speak now, at the same moment."""
        others = [each for each in Source if each is not self._writer]
        rules = {Rule.WRITER, Rule.CENTRE_SILENT, Rule.START_AND_FLASH}
        for source in others:
            stage = self.stage(one + source)
            self._refused(rules, partial(self.street.wish, self.now, stage, source=source))
        return True

    def _too_long(self, one: int, other: int, seconds: float) -> bool:
        """The moment at which a green is at its maximum, and somebody who wants it to go on."""
        street, junction, writer = self.street, self.street.junction, self._writer
        green = [code for code in self.groups if street.shown(code, self.now) is Shown.GREEN]
        if writer not in (Source.LOCAL, Source.CENTRE) or not green:
            return False
        code = green[one % len(green)]
        began, stage = street.green_from(code), street.signal.stage
        ends = round(began + junction.groups[code].maximum_ms / 1000, 1)
        waits = [each for each in self.groups if junction.conflict(code, each)]
        if stage is None or ends <= self.now:
            return False
        street.call(self.now, waits[other % len(waits)])
        self._pass(ends - 0.1 - self.now)
        self.now = ends
        still = street.shown(code, ends) is Shown.GREEN and street.green_from(code) == began
        if not still or self._writer is not writer or street.signal.stage != stage:
            return False
        return self._refused({Rule.MAXIMUM_GREEN}, lambda: street.wish(ends, stage, source=writer))

    def _somebody_else_first(self, one: int, other: int, seconds: float) -> bool:
        """All wait; as soon as a stage would make it too late for one, that is asked for."""
        street, writer = self.street, self._writer
        for group in self.groups:
            street.call(self.now, group)
        for _ in range(40):
            if writer is not self._writer or writer not in (Source.LOCAL, Source.CENTRE):
                return False
            signal, now = street.signal, milliseconds(at(self.now))
            for stage in self.stages:
                wish = Wish(street.junction.stages[stage], writer)
                if broken_by(street.junction, signal.lamps, signal.calls, wish, now) == {
                    Rule.MAXIMUM_RED
                }:
                    return self._refused(
                        {Rule.MAXIMUM_RED}, partial(street.wish, self.now, stage, source=writer)
                    )
            self._pass(2.0)
        return False

    def _clock_set_back(self, one: int, other: int, seconds: float) -> bool:
        """Our own clock was set back: what had expired when it was right does not count again."""
        signal = self.street.signal
        last = (signal.modified_on - at(0)).total_seconds()
        back = last - 1 - abs(seconds)
        command = Numbered(signal.epoch, signal.last_sequence + 1, at(last))
        return self._refused(
            {Rule.COMMAND}, lambda: self.street.wish(back, self.stage(one), command=command)
        )

    def _clock_runs_away(self, one: int, other: int, seconds: float) -> bool:
        """A controller's clock goes faster and faster: it is a fault, and the centre lets go."""
        self._drift = min(1e9, 2.1 + self._drift * 2)
        signal, said = self.street.signal, at(self.now + self._drift * (1 if one % 2 else -1))
        people.hear_clock(signal, self.street.junction, at(self.now), said)
        assert signal.mode == "local"
        assert people.CLOCK in signal.faults
        return True

    def _too_far_ahead(self, one: int, other: int, seconds: float) -> bool:
        green_at = self.now + AHEAD_S + abs(seconds)
        source, _ = self._as_writer(set())
        self.street.wish(self.now, self.stage(one), source=source, green_at=green_at)
        raise AssertionError("a green that far ahead is nobody's to ask for")

    def _to_yesterday(self, one: int, other: int, seconds: float) -> bool:
        """Who still writes to the day that midnight has closed."""
        before = self.street.signal
        self._midnight(0, other, seconds)
        self.street.signal, after = before, self.street.signal
        try:
            self.street.wish(self.now, self.stage(one), source=list(Source)[other % 4])
        finally:
            self.street.signal = after
        raise AssertionError("the day is closed")

    _trying: dict[str, Callable[["Adversary", int, int, float], bool]] = {  # noqa: RUF012
        "conflicting greens": _conflicting,
        "skipped yellow": _skipped_yellow,
        "yellow to green": _back_to_green,
        "cut short": _cut_short,
        "expired": _expired,
        "numbers skipped": _ahead,
        "out of order": _out_of_order,
        "another epoch": _other_epoch,
        "sent again": _repeated,
        "second writer": _second_writer,
        "green too long": _too_long,
        "somebody else first": _somebody_else_first,
        "our clock set back": _clock_set_back,
        "clock runs away": _clock_runs_away,
        "too far ahead": _too_far_ahead,
        "to yesterday": _to_yesterday,
    }


EVERY_KIND = (*KINDS, *Adversary._trying)
"""What may be tried: by chance, and on purpose."""
