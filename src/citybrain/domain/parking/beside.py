"""Where else a plate is: one car that two devices see, one that was moved on a little, or two cars.

What it comes to follows from where the plate stood when, and not from the order in which that was
told; so it is worked out anew whenever a presence of the plate changes, and sessions say what is
new of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from citybrain.domain.parking.rules import ParkingRules
from citybrain.domain.parking.session import CLONE, ParkingSession
from citybrain.domain.parking.session_events import (
    SessionCloneSuspected,
    SessionCloneWithdrawn,
    SessionContinued,
)
from citybrain.domain.times import as_text
from citybrain.geo.distance import metres_between

WITHDRAWN_BY, WITHDRAWN = "system:parking-sessions", "not-in-two-places"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A presence of a plate. `position` is WGS-84, latitude and longitude; `left_at` None: there.

    `final`: its session is settled, or the order window after its end is over.
    """

    presence_id: str
    place_id: str
    zone_id: str | None
    position: tuple[float, float] | None
    arrived_at: datetime
    left_at: datetime | None
    final: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What the presences of one plate come to, each by its id.

    `same`: those of a car that another one has already; `continues`: those that go on with another;
    `conflicts`: two that cannot be one car, with the metres between them and the seconds.
    """

    same: dict[str, str] = field(default_factory=dict)
    continues: dict[str, str] = field(default_factory=dict)
    conflicts: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)


def compare(standings: Sequence[Standing], rules: ParkingRules) -> Found:
    """What they come to. A final one is nobody else's: it stays what it is."""
    found = Found()
    mains: list[Standing] = []
    for each in sorted(standings, key=lambda s: (not s.final, s.arrived_at, s.place_id)):
        main = next((one for one in mains if not each.final and _same(one, each, rules)), None)
        if main is None:
            mains.append(each)
        else:
            found.same[each.presence_id] = main.presence_id
    mains.sort(key=lambda s: (s.arrived_at, s.place_id))
    for number, second in enumerate(mains):
        before = [each for each in mains[:number] if _goes_on(each, second, rules)]
        if before:
            last = max(before, key=lambda each: (each.left_at or each.arrived_at, each.arrived_at))
            found.continues[second.presence_id] = last.presence_id
        for first in mains[:number]:
            apart = _too_far(first, second, rules)
            if apart is not None:
                found.conflicts[first.presence_id, second.presence_id] = apart
    return found


def metres_apart(one: Standing, other: Standing) -> int | None:
    """How far apart they are; None where one has no position."""
    if one.position is None or other.position is None:
        return None
    return round(metres_between(*one.position, *other.position))


def _near(one: Standing, other: Standing, rules: ParkingRules) -> bool:
    """Whether two devices may see one car there at once."""
    metres = metres_apart(one, other)
    return metres is not None and metres <= rules.clone_near_m and one.place_id != other.place_id


def _same(one: Standing, other: Standing, rules: ParkingRules) -> bool:
    """Whether it is one car: on two berths next to one another at one time."""
    if one.zone_id is None or other.zone_id is None or not _near(one, other, rules):
        return False
    first, second = sorted((one, other), key=lambda each: (each.arrived_at, each.place_id))
    if first.left_at is not None and second.arrived_at >= first.left_at:
        return False
    soon = second.arrived_at - first.arrived_at <= rules.clone_near_within
    return soon or not _moved(first, second, rules)


def _moved(first: Standing, second: Standing, rules: ParkingRules) -> bool:
    """Whether it went to the second berth while the first one was still said to be taken: devices
    see a car on its way, and their clocks differ."""
    if first.left_at is None or first.left_at - second.arrived_at > rules.clone_near_within:
        return False
    return second.left_at is None or second.left_at > first.left_at


def _goes_on(first: Standing, second: Standing, rules: ParkingRules) -> bool:
    """Whether the second is the stay of the first, moved on a little within its zone."""
    if first.zone_id is None or first.zone_id != second.zone_id or first.left_at is None:
        return False
    gap = second.arrived_at - first.left_at
    if gap < timedelta():
        return (
            bool(rules.merge_gap) and _near(first, second, rules) and _moved(first, second, rules)
        )
    return gap <= rules.merge_gap and bool(rules.merge_gap)


def _too_far(first: Standing, second: Standing, rules: ParkingRules) -> tuple[int, int] | None:
    """The metres and seconds between two presences of which no car can have had both."""
    metres = metres_apart(first, second)
    if metres is None or metres <= rules.clone_near_m:
        return None
    since = first.left_at
    if since is None:
        since = second.arrived_at if rules.clone_while_occupied else first.arrived_at
    seconds = max(0, round((second.arrived_at - since).total_seconds()))
    fastest = rules.clone_fastest_kmh / 3.6 * seconds
    return None if metres <= fastest else (metres, seconds)


# --- what sessions say of it ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Beside:
    """What a session has to say: with whose stay it goes on, and which sessions cannot be of the
    same car, with metres and seconds. `fixed`: it is over, and nothing is taken back any more."""

    before: dict[str, str] | None = None
    others: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    fixed: bool = False

    def is_new_to(self, session: ParkingSession) -> bool:
        """Whether the session has not said all of it."""
        if not session.clones.keys() >= self.others.keys():
            return True
        if self.fixed:
            return False
        return session.continued != self.before or bool(_withdrawn(session, self.others))


def stay_of(session: ParkingSession) -> dict[str, str]:
    """A stay that has ended, as the one that goes on with it names it."""
    assert session.left_at is not None
    times = {"began_at": as_text(session.arrived_at), "ended_at": as_text(session.left_at)}
    return {"session_id": session.id, **times}


def say(session: ParkingSession, now: datetime, what: Beside) -> None:
    """Say what is new: nothing is debited of what is in two places until an officer has looked, and
    what signs that came later put right is withdrawn."""
    for other, (metres, seconds) in what.others.items():
        if other not in session.clones:
            session.trigger_event(
                SessionCloneSuspected,
                timestamp=now,
                other_session_id=other,
                metres=metres,
                seconds=seconds,
            )
    if what.fixed:
        return
    if session.continued != what.before:
        session.trigger_event(SessionContinued, timestamp=now, before=what.before)
    for other in _withdrawn(session, what.others):
        session.trigger_event(SessionCloneWithdrawn, timestamp=now, other_session_id=other)
    if session.held == CLONE and None not in session.clones.values():
        session.release(now, by=WITHDRAWN_BY, reason=WITHDRAWN)


def _withdrawn(session: ParkingSession, others: Mapping[str, tuple[int, int]]) -> list[str]:
    return [
        other
        for other, genuine in session.clones.items()
        if genuine is None and other not in others
    ]
