"""Which stream of a junction goes on: that of its newest day.

Days sort as text, so the newest is found in the index of the log, whatever day that was.
"""

from collections.abc import Sequence

from citybrain.definitions.signals.junctions import DatedJunction, SignalDefinitions
from citybrain.domain.signals.days import day_ends_at
from citybrain.domain.signals.junction import Plan
from citybrain.domain.signals.signal import Signal
from citybrain.domain.signals.signal_events import milliseconds
from citybrain.errors import NotFound
from citybrain.eventstore import EventStore
from commands.services import Services

NEWEST = """
SELECT code, stream_id FROM unnest($1::text[]) AS code, LATERAL (
    SELECT max(originator_id COLLATE "C") AS stream_id FROM stored_events
    WHERE originator_id > 'signal-' || code || '-' AND originator_id < 'signal-' || code || '.'
) AS newest
WHERE stream_id IS NOT NULL
"""


class JunctionNotInService(NotFound):
    """There is no such junction, or it has never been in service."""

    code = "signal-junction-not-in-service"


class JunctionUnknown(NotFound):
    """There is no definition of this junction, or it has no such plan."""

    code = "signal-junction-unknown"


class DefinitionGone(NotFound):
    """The file under which the junction's day was opened is not there any more."""

    code = "signal-definition-gone"


async def newest_streams(store: EventStore, junctions: Sequence[str]) -> dict[str, str]:
    """The newest stream of each of the junctions; one that was never in service has none."""
    rows = await store.pool.fetch(NEWEST, junctions)
    return {row["code"]: row["stream_id"] for row in rows}


async def junctions_known(services: Services) -> list[str]:
    """The junctions that files have, and those in service that none has any more; by code."""
    definitions = services.definitions.of(SignalDefinitions)
    gone = [code for code in definitions.gone if code not in definitions.junctions]
    in_service = await newest_streams(services.store, gone) if gone else {}
    return sorted({*definitions.junctions, *in_service})


async def newest_stream(store: EventStore, junction: str) -> str:
    """The newest stream of a junction; raises `JunctionNotInService`."""
    found = await newest_streams(store, [junction])
    if junction not in found:
        raise JunctionNotInService(f"junction {junction} is not in service")
    return found[junction]


def definition_of(services: Services, signal: Signal) -> DatedJunction:
    """The definition under which a day was opened; raises `DefinitionGone`.

    Where that day is over, what is in force now does: the next day is opened under it.
    """
    definitions, now = services.definitions.of(SignalDefinitions), services.clock()
    found = definitions.of_version(signal.junction, signal.definition_version)
    if found is not None:
        return found
    found = definitions.at(signal.junction, now)
    if found is None or milliseconds(now) < day_ends_at(signal):
        raise DefinitionGone(f"there is no version {signal.definition_version} any more")
    return found


def plan_of(dated: DatedJunction, signal: Signal) -> Plan:
    """The plan that a junction follows by itself: the one that was activated, else its first."""
    return dated.plans.get(signal.plan) or next(iter(dated.plans.values()))
