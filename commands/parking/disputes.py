"""A dispute read again: what was said, with which photos, and what was decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from citybrain.domain.actor import Actor
from citybrain.domain.parking.looking import check_officer
from citybrain.domain.parking.session import ParkingSession
from citybrain.domain.parking.session_events import SessionDisputed, SessionDisputeDecided
from citybrain.vault import InStream
from commands.accesses import AskedPurpose
from commands.handling import Command
from commands.parking.looking import GROUNDS, NOTE
from commands.parking.plates import PlateKeeper
from commands.services import Services


@dataclass(frozen=True, slots=True)
class Dispute:
    """The last one of a session; `decided` is the event that decided it, None before."""

    session_id: str
    by: str
    disputed_at: datetime
    grounds_sealed: str
    photos: tuple[str, ...]
    decided: dict[str, Any] | None = None


class OpenDispute(Command):
    """Look at what is sealed. Whoever wrote it will see who did, and why."""

    purpose: AskedPurpose


async def check_decides(session_id: str, actor: Actor, services: Services) -> None:
    """Raise unless an officer of parking, with no part of their own in it, looks."""
    session = await services.store.load(ParkingSession, session_id)
    check_officer(session, actor, PlateKeeper(services).departments())


async def dispute_of(session_id: str, services: Services) -> Dispute | None:
    """What somebody said of a session that is wrong; None where nobody has."""
    said: Mapping[str, Any] | None = None
    decided: dict[str, Any] | None = None
    for event in await services.store.read(session_id):
        if event.topic == SessionDisputed.TOPIC:
            said, decided = event.data, None
        elif event.topic == SessionDisputeDecided.TOPIC:
            decided = dict(event.data)
    if said is None:
        return None
    return Dispute(
        session_id=session_id,
        by=said["disputed_by"],
        disputed_at=said["timestamp"],
        grounds_sealed=said["grounds_sealed"],
        photos=tuple(said.get("photos", ())),
        decided=decided,
    )


async def grounds_of(dispute: Dispute, services: Services) -> str:
    """As they were written; raises `PersonErased`."""
    where = InStream(GROUNDS, dispute.session_id)
    return await services.vault.open_text(dispute.by, where, dispute.grounds_sealed)


async def note_on(dispute: Dispute, services: Services) -> str | None:
    """What the officer wrote to whoever disputed it; None where nothing."""
    sealed = (dispute.decided or {}).get("note_sealed")
    if sealed is None:
        return None
    where = InStream(NOTE, dispute.session_id)
    return await services.vault.open_text(dispute.by, where, sealed)
