"""Permits as people ask for them and officers give them."""

from datetime import datetime
from typing import Any

from citybrain.domain.actor import Actor, Role
from citybrain.domain.parking.permit_events import Decision
from commands.parking import permit as commands
from tests.given.driving import context
from tests.given.parking.binding_world import Drivers, by
from tests.given.parking.bindings import day

FIRST = Actor("officer-1", frozenset({Role.OFFICIAL}), "parking")
SECOND = Actor("officer-2", frozenset({Role.SUPERVISOR}), "parking")
TEXT = "豫A52K17"
BEGINS, ENDS = day("09-01"), datetime.fromisoformat("2027-08-31T00:00:00+08:00")


async def ask(town: Drivers, citizen: str, kind: str = "disabled-badge", **fields: Any) -> str:
    command = commands.AskPermit(kind=kind, plate=fields.pop("plate", TEXT), **fields)
    return (await commands.ask_permit(command, by(citizen), town.services)).stream_id


async def propose(
    town: Drivers,
    permit: str,
    decision: Decision = Decision.GRANT,
    begins: datetime | None = BEGINS,
    ends: datetime | None = ENDS,
) -> None:
    times = {"begins": begins, "ends": ends} if decision is Decision.GRANT else {}
    await commands.propose_permit_decision(
        permit,
        commands.ProposePermitDecision(decision=decision, reason="paper-seen", note="n", **times),
        context(FIRST),
        town.services,
    )


async def confirm(
    town: Drivers,
    permit: str,
    decision: Decision = Decision.GRANT,
    begins: datetime | None = BEGINS,
    ends: datetime | None = ENDS,
    actor: Actor = SECOND,
) -> None:
    times = {"begins": begins, "ends": ends} if decision is Decision.GRANT else {}
    await commands.confirm_permit_decision(
        permit,
        commands.ConfirmPermitDecision(decision=decision, **times),
        context(actor),
        town.services,
    )


async def granted(town: Drivers, citizen: str, *args: Any, **fields: Any) -> str:
    permit = await ask(town, citizen, *args, **fields)
    await propose(town, permit)
    await confirm(town, permit)
    return permit
