"""Wishes for other lamps: followed, or refused and recorded with the rules that they break."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from citybrain.domain.signals import signal_events as events
from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.lamps import work_out
from citybrain.domain.signals.rules import ORDER, Rule, Source, Wish, broken_by
from citybrain.domain.signals.signal import CENTRE, Signal
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.errors import InvalidInput

SILENT = "centre-silent"
LATEST_GREEN_MS = 30_000


class GroupUnknown(InvalidInput):
    """The junction has no such group or stage."""

    code = "signal-group-unknown"


class GreenTooLate(InvalidInput):
    """Nobody says now what is to be green much later."""

    code = "signal-green-too-late"


@dataclass(frozen=True, slots=True)
class Numbered:
    """A command of the centre: its epoch and number, and until when it counts, by our clock."""

    epoch: int
    sequence: int
    expires_at: datetime

    @property
    def number(self) -> list[int]:
        """As events carry it: epoch, number, end in milliseconds since 1970."""
        return [self.epoch, self.sequence, milliseconds(self.expires_at)]


def stage_of(junction: Junction, groups: Collection[str]) -> str | None:
    """The stage that these groups are; None where they are none."""
    found = (code for code, each in junction.stages.items() if each == set(groups))
    return next(found, None)


def request(
    signal: Signal,
    junction: Junction,
    now: datetime,
    wish: Wish,
    *,
    cause: str,
    command: Numbered | None = None,
    why: dict[str, Any] | None = None,
) -> Rule | None:
    """Follow a wish, or record which rule refuses it; the rule is returned, None where it is done.

    A command that is known is answered as before, and nothing is written. Raises `GroupUnknown`,
    `GreenTooLate`, `DayIsClosed`.
    """
    now = signal.opened(now)
    if unknown := wish.groups - junction.groups.keys():
        raise GroupUnknown("the junction has no such signal group", groups=sorted(unknown))
    at = milliseconds(now)
    if wish.green_at is not None and wish.green_at > at + LATEST_GREEN_MS:
        raise GreenTooLate("a green is asked for half a minute ahead at most")
    if command is not None and command.epoch == signal.epoch:
        known = signal.outcomes.get(str(command.sequence))
        if known is not None:
            return Rule(known) if known else None
    broken, detail = _may_speak(signal, wish.source, command, at)
    if signal.writer(at) is not None:
        broken |= broken_by(junction, signal.lamps, signal.calls, wish, at)
    if broken:
        return _refuse(signal, now, wish, broken, detail, command)
    carry_out(signal, junction, now, wish, cause=cause, command=command, why=why)
    return None


def _may_speak(
    signal: Signal, source: Source, command: Numbered | None, at: int
) -> tuple[set[Rule], str]:
    """What is wrong with who speaks, and when."""
    broken, details = set(), []
    if command is not None:
        wrong = _numbered_wrongly(signal, command, at)
        if wrong:
            broken.add(Rule.COMMAND)
            details.append(wrong)
    writer = signal.writer(at)
    if writer is None:
        broken.add(Rule.START_AND_FLASH)
        details.append("flashing" if signal.flash is not None else "starting")
    elif source is not writer:
        silent = source is Source.CENTRE and signal.mode_reason == SILENT and signal.mode != CENTRE
        broken.add(Rule.CENTRE_SILENT if silent else Rule.WRITER)
        details.append(f"{writer.name.lower()} decides")
    return broken, "; ".join(details)


def _numbered_wrongly(signal: Signal, command: Numbered, at: int) -> str:
    if at >= milliseconds(command.expires_at):
        return "expired"
    if command.epoch != signal.epoch:
        return "of another epoch"
    return "out of order" if command.sequence <= signal.last_sequence else ""


def _refuse(
    signal: Signal,
    now: datetime,
    wish: Wish,
    broken: set[Rule],
    detail: str,
    command: Numbered | None,
) -> Rule:
    ordered = [rule for rule in ORDER if rule in broken]
    signal.trigger_event(
        events.WishRefused,
        timestamp=now,
        what="stage",
        groups=sorted(wish.groups),
        source=wish.source.name.lower(),
        rule=int(ordered[0]),
        broken=[int(rule) for rule in ordered],
        detail=detail,
        command=command.number if command else None,
    )
    return ordered[0]


def carry_out(
    signal: Signal,
    junction: Junction,
    now: datetime,
    wish: Wish,
    *,
    cause: str,
    command: Numbered | None = None,
    why: dict[str, Any] | None = None,
) -> None:
    """Change the lamps as wished, which breaks no rule; nothing where all is so already."""
    at, lamps, groups = milliseconds(now), signal.lamps, wish.groups
    preempting = wish.source is Source.PREEMPTION
    change = work_out(
        junction, lamps, groups, at, preempting=preempting, not_before=wish.not_before
    )
    if change.is_none and set(signal.groups) == groups:
        if command is not None:
            signal.trigger_event(events.CommandKept, timestamp=now, command=command.number)
        return
    signal.trigger_event(
        events.StageApplied,
        timestamp=now,
        stage=stage_of(junction, groups),
        groups=sorted(groups),
        source=wish.source.name.lower(),
        cause=cause,
        at=at,
        ends={code: list(times) for code, times in change.ends.items()},
        starts=dict(change.starts),
        kept=list(change.kept),
        given_up=list(change.given_up),
        command=command.number if command else None,
        why=why or {},
    )
