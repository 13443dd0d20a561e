"""Deadlines of a case, as plain values that events carry and the state keeps.

Times are RFC 3339 texts in UTC. What an amount of working time comes to is the business of whoever
has the calendar; this module only knows which deadline runs, ends, warns or is missed.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, TypedDict

from citybrain.domain.times import moment

CENTRE_ITSELF = "centre"  # responsible for what no department does


class Stage(StrEnum):
    """The part of a case's way that a deadline belongs to."""

    FILING = "filing"
    DISPATCH = "dispatch"
    HANDLING = "handling"
    VERIFICATION = "verification"
    CLOSING = "closing"


class DeadlineTerms(TypedDict):
    """What a deadline is, whenever it begins.

    `until` is the step or milestone that meets it; `unit` a time kind.
    """

    code: str
    stage: str
    until: str
    unit: str
    amount: float


class Deadline(DeadlineTerms):
    """A deadline that runs."""

    begun_at: str
    warn_at: str
    due_at: str


class RunningDeadline(Deadline):
    """A deadline in the state of a case, with what was told of it."""

    warned: bool
    missed: bool


class Ended(TypedDict):
    """How a deadline ended: met by a step, or dropped because its stage was left."""

    code: str
    stage: str
    due_at: str
    met: bool
    in_time: bool


class MovedDeadline(TypedDict):
    """A deadline's new times."""

    code: str
    warn_at: str
    due_at: str


def begin(running: list[RunningDeadline], begun: Iterable[Deadline]) -> None:
    """Let deadlines run, which may have run before; one of the same code is replaced."""
    for deadline in begun:
        running[:] = [each for each in running if each["code"] != deadline["code"]]
        running.append({"warned": False, "missed": False, **deadline})


def ended_by(
    running: Sequence[RunningDeadline],
    at: datetime,
    *,
    ends: Sequence[Stage] = (),
    reaches: str | None = None,
    drops: Sequence[Stage] = (),
) -> list[Ended]:
    """What a step ends: stages that it completes or leaves, or the milestone that it reaches."""
    ended: list[Ended] = []
    for each in running:
        met = each["stage"] in ends or (reaches is not None and each["until"] == reaches)
        if met or each["stage"] in drops:
            ended.append(
                {
                    "code": each["code"],
                    "stage": each["stage"],
                    "due_at": each["due_at"],
                    "met": met,
                    "in_time": met and at <= moment(each["due_at"]),
                }
            )
    return ended


def end(running: list[RunningDeadline], ended: Iterable[Ended]) -> None:
    """Stop the deadlines that have ended."""
    codes = {over["code"] for over in ended}
    running[:] = [deadline for deadline in running if deadline["code"] not in codes]


def move(running: Iterable[RunningDeadline], moved: Iterable[MovedDeadline]) -> None:
    """Give deadlines new times; what was warned of is warned of again if it is to come."""
    times = {new["code"]: new for new in moved}
    for deadline in running:
        if new := times.get(deadline["code"]):
            deadline["warned"] = deadline["warned"] and new["warn_at"] == deadline["warn_at"]
            deadline["missed"] = deadline["missed"] and new["due_at"] == deadline["due_at"]
            deadline["warn_at"], deadline["due_at"] = new["warn_at"], new["due_at"]


def mark(running: Iterable[RunningDeadline], code: str, *, missed: bool) -> None:
    """Note that the deadline of this code was warned of, or was missed."""
    for each in running:
        if each["code"] == code:
            each["warned"], each["missed"] = True, missed or each["missed"]


def follow(running: list[RunningDeadline], data: Mapping[str, Any]) -> None:
    """What an event ends, lets run and moves, by its plain values."""
    if ended := data.get("ended"):
        end(running, ended)
    if begun := data.get("begun"):
        begin(running, begun)
    if moved := data.get("moved"):
        move(running, moved)


def kept(deadline: RunningDeadline) -> dict[str, Any]:
    """What a read model keeps of a running deadline, beside its code: see `recalled`."""
    return {
        "stage": deadline["stage"],
        "due_at": deadline["due_at"],
        "warn_at": deadline["warn_at"],
        "warned": deadline["warned"],
        "missed": deadline["missed"],
    }


def recalled(
    code: str,
    stage: str,
    due_at: str,
    warn_at: str = "",
    *,
    warned: bool = False,
    missed: bool = False,
) -> RunningDeadline:
    """A running deadline of which a read model has kept this much: what `follow` needs of it."""
    return {
        "code": code,
        "stage": stage,
        "until": "",
        "unit": "",
        "amount": 0.0,
        "begun_at": "",
        "warn_at": warn_at,
        "due_at": due_at,
        "warned": warned,
        "missed": missed,
    }


def responsible(stage: str, lead: str | None) -> str:
    """Whose a deadline of this stage is: the lead's in the handling, else the centre's."""
    return lead or CENTRE_ITSELF if stage == Stage.HANDLING else CENTRE_ITSELF


def expected_end(running: Sequence[RunningDeadline]) -> datetime | None:
    """By when the case is to be over: when its closing is due, else the latest of all."""
    closing = [each for each in running if each["stage"] == Stage.CLOSING]
    return max((moment(each["due_at"]) for each in closing or running), default=None)


def next_alarm(running: Iterable[RunningDeadline]) -> datetime | None:
    """When the next warning or escalation is to be given; none where all have been."""
    alarms = [
        moment(each["due_at"] if each["warned"] else each["warn_at"])
        for each in running
        if not each["missed"]
    ]
    return min(alarms, default=None)
