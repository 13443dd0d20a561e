"""What officers decide about a junction: its hand, its strategy; and what they may not.

Officers of the department that looks after a junction decide. Who has it in hand alone shows lamps
by hand, and a supervisor may end another's hand. What breaks a rule is recorded with its number.
"""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Final

from citybrain.domain.actor import Actor, Role, RoleNotAllowed
from citybrain.domain.signals import signal_events as events
from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.people import InAnotherHand, OutOfService, flash
from citybrain.domain.signals.requesting import request
from citybrain.domain.signals.rules import Rule, Source, Wish
from citybrain.domain.signals.signal import PLAN, Signal
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.errors import InvalidInput, Refused


class Reason(StrEnum):
    """Why somebody does something to a junction: a code, so that no event tells about people."""

    ACCIDENT = "accident"
    CONGESTION = "congestion"
    ESCORT = "escort"
    EVENT = "event"
    EXERCISE = "exercise"
    FAULT = "fault"
    MAINTENANCE = "maintenance"
    NEW = "new"
    OTHER = "other"
    REPAIRED = "repaired"
    ROADWORKS = "roadworks"
    RESCUE = "rescue"
    TRIAL = "trial"
    WEATHER = "weather"


OFFICERS: Final = (Role.OFFICIAL, Role.SUPERVISOR)
BY_HAND, POLICE_ARM = "by-hand", "police-arm"


class NotInHand(Refused):
    """Lamps are shown by hand by whoever has the junction in hand."""

    code = "signal-not-in-hand"


class CommandTooLate(Refused):
    """What somebody asked for by hand came after the moment until which it counts."""

    code = "signal-command-too-late"


class StrategyUnknown(InvalidInput):
    """There is no such strategy."""

    code = "signal-strategy-unknown"


class StrategyInThePast(InvalidInput):
    """A strategy is chosen from now on, or from a later moment."""

    code = "signal-strategy-in-the-past"


def check_officer(actor: Actor, department: str) -> None:
    """Raise `RoleNotAllowed` for whoever is no officer of this department."""
    if not actor.has(*OFFICERS) or actor.department != department:
        raise RoleNotAllowed("this is decided by officers of the department of the junction")


def check_in_hand(signal: Signal, now: datetime, by: str, until: datetime) -> None:
    """Raise unless this person has the junction in hand, and what they ask for counts still."""
    now = signal.opened(now)
    if now >= until:
        raise CommandTooLate("it came after the moment until which it counts", rule=Rule.COMMAND)
    if signal.hand is None:
        raise NotInHand("take the junction in hand first", rule=Rule.WRITER)
    if signal.hand["by"] != by:
        raise InAnotherHand(
            "somebody else has the junction in hand", until=signal.hand["until"], rule=Rule.WRITER
        )


def show_by_hand(
    signal: Signal,
    junction: Junction,
    now: datetime,
    groups: Collection[str],
    *,
    by: str,
    until: datetime,
    reason: str,
) -> Rule | None:
    """Groups that are to be green, none for all red; the rule that refuses it is recorded.

    `until`: when it counts no more. Raises `NotInHand`, `InAnotherHand`, `CommandTooLate`,
    `GroupUnknown`.
    """
    check_in_hand(signal, now, by, until)
    wish = Wish(frozenset(groups), Source.HAND)
    return request(signal, junction, now, wish, cause="hand", why={"reason": reason})


def flash_by_hand(
    signal: Signal, now: datetime, *, by: str, until: datetime, kind: str, reason: str
) -> None:
    """Let it flash: `by-hand`, or `police-arm` where somebody directs traffic there."""
    if signal.flash is not None:
        raise OutOfService("it flashes already", rule=Rule.START_AND_FLASH)
    check_in_hand(signal, now, by, until)
    flash(signal, now, kind=kind, detail=reason)


def end_hand(signal: Signal, now: datetime, actor: Actor) -> None:
    """Give the junction back, or take it out of another's hand: supervisors may."""
    now = signal.opened(now)
    if signal.hand is None:
        return
    own = signal.hand["by"] == actor.subject
    if not own and not actor.has(Role.SUPERVISOR):
        raise InAnotherHand(
            "somebody else has the junction in hand", until=signal.hand["until"], rule=Rule.WRITER
        )
    signal.trigger_event(
        events.HandReleased,
        timestamp=now,
        reason="given-back" if own else f"ended by {actor.subject}",
        at=milliseconds(now),
    )


def choose_strategy(
    signal: Signal,
    now: datetime,
    strategy: str,
    *,
    known: Collection[str],
    begins: datetime,
    by: str,
    reason: str,
) -> None:
    """By what it is controlled from a moment on; choices for later ones end with it.

    Raises `StrategyUnknown`, `StrategyInThePast`.
    """
    now = signal.opened(now)
    if strategy not in (PLAN, *known):
        raise StrategyUnknown("there is no such strategy", known=sorted((PLAN, *known)))
    if begins < now:
        raise StrategyInThePast("a strategy is chosen from now on, or from a later moment")
    signal.trigger_event(
        events.StrategyChosen,
        timestamp=now,
        strategy=strategy,
        begins=milliseconds(begins),
        by=by,
        reason=reason,
    )


def record_refusal(signal: Signal, now: datetime, what: str, error: Refused) -> Rule | None:
    """Record that a rule refused a step; the rule, None where it was none."""
    rule = error.details.get("rule")
    if not isinstance(rule, int):
        return None
    signal.trigger_event(
        events.WishRefused,
        timestamp=signal.opened(now),
        what=what,
        groups=[],
        source="hand",
        rule=int(rule),
        broken=[int(rule)],
        detail=error.code,
        command=None,
    )
    return Rule(rule)
