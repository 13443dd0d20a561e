"""What people do to a junction: hand, plan, strategy, mode, reset, commands of a centre outside.

Each is a command on the stream of the junction's newest day. What a rule refuses is recorded there
with its number, and answered with it.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.domain.signals import people
from citybrain.domain.signals.officers import (
    BY_HAND,
    POLICE_ARM,
    CommandTooLate,
    NotInHand,
    Reason,
    check_officer,
    choose_strategy,
    end_hand,
    flash_by_hand,
    record_refusal,
    show_by_hand,
)
from citybrain.domain.signals.people import InAnotherHand, OutOfService
from citybrain.domain.signals.requesting import GroupUnknown, Numbered, request
from citybrain.domain.signals.rules import Rule, Source, Wish
from citybrain.domain.signals.signal import DayIsClosed, Signal
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.domain.signals.strategies import STRATEGIES
from citybrain.errors import Refused
from commands.fields import Moment
from commands.handling import Command, CommandContext, CommandResult, StaleVersion, change
from commands.services import Services
from commands.signals.junction import answer_of
from commands.signals.streams import JunctionUnknown, definition_of, newest_stream, plan_of

BETWEEN_DAYS = 20  # tries, while one day is closed and the next one is not open yet
BETWEEN_DAYS_SECONDS = 0.1

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,31}$")]
Decide = Callable[[Signal, DatedJunction, datetime], Rule | None]


class RuleBroken(Refused):
    """What was asked for breaks a rule of the junction; it is recorded, and nothing changed."""

    code = "signal-rule-broken"


REFUSALS: Mapping[str, type[Refused]] = {
    each.code: each for each in (OutOfService, InAnotherHand, NotInHand, CommandTooLate)
}


class Considered(Command):
    """What somebody decides with a junction before their eyes: it counts for what they see."""

    LATER: ClassVar[frozenset[str]] = frozenset({"expires_at", "standing"})

    expires_at: Moment | None = Field(
        None, description="when it counts no more, should it come late; by our clock"
    )
    standing: Annotated[str, StringConstraints(pattern=r"^[a-z]{1,16}$")] | None = Field(
        None, description="how the junction was seen to stand; standing otherwise, nothing is done"
    )


class TakeJunctionInHand(Considered):
    """A person decides from now on."""

    reason: Reason
    until: Moment = Field(description="within four hours; then it is given back by itself")


class GiveJunctionBack(Command):
    """The person gives it back; a supervisor may end another's hand."""


class ShowByHand(Command):
    """What whoever has the junction in hand wants it to show."""

    show: Literal["stage", "all-red", "flash", "police-arm"]
    stage: Name | None = None
    reason: Reason
    until: Moment = Field(description="when it counts no more, should it come late")

    @model_validator(mode="after")
    def _fits(self) -> "ShowByHand":
        if (self.stage is None) is (self.show == "stage"):
            raise PydanticCustomError("stage_of_show", "a stage is named where one is to be shown")
        return self


class ActivatePlan(Considered):
    """Follow another plan: its offset is reached by bounded steps."""

    plan: Name
    reason: Reason


class ChooseStrategy(Considered):
    """By what it is controlled: `plan`, or the name of a strategy."""

    strategy: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    begins: Moment | None = Field(None, description="now where left out")
    reason: Reason


class ChangeMode(Considered):
    """The centre takes over with a new epoch, or the junction decides by itself."""

    mode: Literal["local", "centre"]
    reason: Reason


class ResetJunction(Considered):
    """A person on site ends the flashing: all red, then the first stage."""

    reason: Reason


class CommandJunction(Command):
    """A command of a centre outside: which stage, or which groups are to be green.

    Its number rises within the epoch in force. Sent again it is answered as before.
    """

    epoch: int = Field(strict=True, ge=0, le=1 << 53)
    sequence: int = Field(strict=True, ge=1, le=1 << 53)
    expires_at: Moment = Field(description="by our clock")
    stage: Name | None = None
    groups: list[Name] | None = Field(None, max_length=64)
    green_at: Moment | None = Field(None, description="as soon as it is safe where left out")

    @model_validator(mode="after")
    def _fits(self) -> "CommandJunction":
        if (self.stage is None) is (self.groups is None):
            raise PydanticCustomError("stage_or_groups", "a command names a stage or groups")
        return self


async def take_in_hand(
    junction: str, command: TakeJunctionInHand, context: CommandContext, services: Services
) -> CommandResult:
    """Raises `HandTooLong`; `InAnotherHand` and `OutOfService` are recorded."""
    by = context.actor.subject
    return await on_junction(
        junction,
        command,
        context,
        services,
        "hand",
        lambda signal, dated, now: people.take_in_hand(
            signal, now, by=by, reason=command.reason.value, until=command.until
        ),
    )


async def give_back(
    junction: str, command: GiveJunctionBack, context: CommandContext, services: Services
) -> CommandResult:
    """Given back before, nothing changes."""
    return await on_junction(
        junction,
        command,
        context,
        services,
        "hand",
        lambda signal, dated, now: end_hand(signal, now, context.actor),
    )


async def show_it(
    junction: str, command: ShowByHand, context: CommandContext, services: Services
) -> CommandResult:
    """A stage, all red, or flashing, which a reset ends."""
    said: dict[str, Any] = {
        "by": context.actor.subject,
        "until": command.until,
        "reason": command.reason.value,
    }

    def decide(signal: Signal, dated: DatedJunction, now: datetime) -> Rule | None:
        if command.show in ("flash", "police-arm"):
            kind = BY_HAND if command.show == "flash" else POLICE_ARM
            flash_by_hand(signal, now, kind=kind, **said)
            return None
        groups = () if command.stage is None else _groups_of(dated, command.stage)
        return show_by_hand(signal, dated.junction, now, groups, **said)

    return await on_junction(junction, command, context, services, "stage", decide)


async def activate_plan(
    junction: str, command: ActivatePlan, context: CommandContext, services: Services
) -> CommandResult:
    """Raises `JunctionUnknown` where it has no such plan."""
    by = context.actor.subject

    def decide(signal: Signal, dated: DatedJunction, now: datetime) -> Rule | None:
        if command.plan not in dated.plans:
            raise JunctionUnknown("the junction has no such plan")
        return people.activate_plan(
            signal,
            dated.junction,
            now,
            dated.plans[command.plan],
            plan_of(dated, signal),
            by=by,
            reason=command.reason.value,
        )

    return await on_junction(junction, command, context, services, "plan", decide)


async def choose_a_strategy(
    junction: str, command: ChooseStrategy, context: CommandContext, services: Services
) -> CommandResult:
    """Raises `StrategyUnknown`, `StrategyInThePast`."""
    return await on_junction(
        junction,
        command,
        context,
        services,
        "strategy",
        lambda signal, dated, now: choose_strategy(
            signal,
            now,
            command.strategy,
            known=STRATEGIES,
            begins=command.begins or now,
            by=context.actor.subject,
            reason=command.reason.value,
        ),
    )


async def change_mode(
    junction: str, command: ChangeMode, context: CommandContext, services: Services
) -> CommandResult:
    """`OutOfService` is recorded."""
    return await on_junction(
        junction,
        command,
        context,
        services,
        "mode",
        lambda signal, dated, now: people.change_mode(
            signal, now, command.mode, by=context.actor.subject, reason=command.reason.value
        ),
    )


async def reset(
    junction: str, command: ResetJunction, context: CommandContext, services: Services
) -> CommandResult:
    """Raises `NotFlashing`."""
    return await on_junction(
        junction,
        command,
        context,
        services,
        "reset",
        lambda signal, dated, now: people.reset(
            signal,
            dated.junction,
            now,
            dated.first_stage,
            by=context.actor.subject,
            reason=command.reason.value,
        ),
    )


async def command_junction(
    junction: str, command: CommandJunction, context: CommandContext, services: Services
) -> CommandResult:
    """Raises `GroupUnknown`, `GreenTooLate`; what rules refuse is recorded."""
    number = Numbered(command.epoch, command.sequence, command.expires_at)
    green_at = None if command.green_at is None else round(command.green_at.timestamp() * 1000)

    def decide(signal: Signal, dated: DatedJunction, now: datetime) -> Rule | None:
        groups = frozenset(command.groups or ())
        if command.stage is not None:
            groups = _groups_of(dated, command.stage)
        wish = Wish(groups, Source.CENTRE, green_at)
        why = {"by": context.actor.subject}
        return request(signal, dated.junction, now, wish, cause="command", command=number, why=why)

    return await on_junction(junction, command, context, services, "command", decide)


async def on_junction(
    junction: str,
    command: Command,
    context: CommandContext,
    services: Services,
    what: str,
    decide: Decide,
) -> CommandResult:
    """Run an officer's decision on the newest day; the answer names the rule that refused it."""

    found: dict[str, Any] = {}

    def decided(signal: Signal, dated: DatedJunction, now: datetime) -> None:
        check_officer(context.actor, dated.department)
        found.update(rule=None, refusal=None)
        try:
            if isinstance(command, Considered):
                _check_considered(command, signal, now)
            rule = decide(signal, dated, now)
            if rule is not None:
                found.update(rule=int(rule), refusal=RuleBroken.code)
        except Refused as error:
            rule = record_refusal(signal, now, what, error)
            if rule is None:
                raise
            found.update(rule=int(rule), refusal=error.code)

    result = await change_junction(junction, command, context, services, decided, found)
    rule, refusal = result.answer["rule"], result.answer["refusal"]
    if rule is not None:
        kind = REFUSALS.get(refusal, RuleBroken)
        raise kind(f"refused by rule {rule}", rule=rule, rule_name=_name(Rule(rule)))
    return result


async def change_junction(
    junction: str,
    command: Command,
    context: CommandContext,
    services: Services,
    decide: Callable[[Signal, DatedJunction, datetime], None],
    found: Mapping[str, Any],
) -> CommandResult:
    """Run a decision on the junction's newest day; between two days it waits for the next one.

    `found`: what the decision adds to the answer. Raises `JunctionNotInService`, `DayIsClosed`.
    """

    def decided(signal: Signal) -> None:
        decide(signal, definition_of(services, signal), services.clock())

    for attempt in range(BETWEEN_DAYS):
        stream_id = await newest_stream(services.store, junction)
        try:
            return await change(
                Signal,
                stream_id,
                command,
                context,
                services,
                decided,
                lambda signal: {**answer_of(signal), **found},
                about=f"{Signal.category}-{junction}",
            )
        except DayIsClosed:
            if attempt == BETWEEN_DAYS - 1:
                raise
            await asyncio.sleep(BETWEEN_DAYS_SECONDS)
    raise AssertionError("the last try returns or raises")


def _check_considered(command: Considered, signal: Signal, now: datetime) -> None:
    """Raise `CommandTooLate` where it counts no more, `StaleVersion` where it is not as seen."""
    if command.expires_at is not None and now >= command.expires_at:
        raise CommandTooLate("it came after the moment until which it counts", rule=Rule.COMMAND)
    standing = signal.standing_at(milliseconds(signal.opened(now)))
    if command.standing not in (None, standing):
        raise StaleVersion(
            "the junction stands otherwise by now",
            standing=standing,
            current_version=signal.version,
        )


def _name(rule: Rule) -> str:
    return rule.name.lower().replace("_", "-")


def _groups_of(dated: DatedJunction, stage: str) -> frozenset[str]:
    if stage not in dated.junction.stages:
        raise GroupUnknown("the junction has no such stage", groups=[stage])
    return dated.junction.stages[stage]
