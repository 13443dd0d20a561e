"""The register of places: what is declared becomes events, all of it or nothing.

A declaration says how places are from an instant on. What is known changes nothing, so a file is
imported as often as one likes, and an import that was killed goes on.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from citybrain.definitions import Definitions
from citybrain.definitions.parking.plates import PlateReadingDefinitions
from citybrain.definitions.parking.tariffs import TariffDefinitions
from citybrain.domain.actor import Actor
from citybrain.domain.parking.place import ParkingPlace, PlaceKind, check_looks_after
from citybrain.errors import InvalidInput, Refused
from citybrain.eventstore import EventStore, WrongExpectedVersion
from commands.handling import CommandContext
from commands.parking.place_fields import PlaceDeclared
from commands.parking.places import place_book
from commands.parking.register_checks import inconsistencies
from commands.services import Services

AT_ONCE = 256
SHOWN = 100


@dataclass(frozen=True, slots=True)
class Declared:
    """One declaration and where it stands: a file and a line, or its place in a list."""

    where: str
    place: PlaceDeclared


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a declaration; `member` is empty where it is not one of them."""

    where: str
    member: str
    reason: str

    def __str__(self) -> str:
        return ": ".join(filter(None, (self.where, self.member, self.reason)))


class PlacesInvalid(InvalidInput):
    """What is declared contradicts itself, or what is known of other places."""

    code = "places-invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        shown = [
            {"where": each.where, "member": each.member, "reason": each.reason}
            for each in problems[:SHOWN]
        ]
        count = len(problems)
        super().__init__(
            f"{count} declarations of places cannot be: {problems[0]}",
            problems=shown,
            problem_count=count,
        )
        self.problems = list(problems)


class PlacesChanged(Refused):
    """Somebody else has changed the same places meanwhile."""

    code = "places-changed"


@dataclass(slots=True)
class Plan:
    """What declarations come to."""

    opened: int = 0
    changed: int = 0
    unchanged: int = 0
    changes: list[ParkingPlace] = field(default_factory=list)

    def summary(self) -> dict[str, int]:
        """How many places are new, have a new version, or are known as they are declared."""
        return {name: getattr(self, name) for name in ("opened", "changed", "unchanged")}


async def register_places(
    declared: Sequence[Declared],
    context: CommandContext,
    services: Services,
    *,
    dry_run: bool = False,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Plan:
    """Bring the register to what is declared.

    Raises `PlacesInvalid` (nothing is written), `PlacesChanged`, `NotYourPlaces`, `RoleNotAllowed`.
    """
    now = services.clock()
    departments = services.definitions.of(PlateReadingDefinitions).departments(now)
    check_looks_after(context.actor, departments)
    places = await load_register(services.store)
    plan = _Planning(context.actor, now, services.definitions, places).plan(declared)
    if not dry_run:
        await _carry_out(plan, context, services, progress)
    return plan


async def load_register(store: EventStore) -> dict[str, ParkingPlace]:
    """All places there are, by their ids."""
    found: dict[str, Any] = {}
    async for page in store.read_category(ParkingPlace.category):
        for event in page:
            found[event.stream_id] = store.to_domain_event(event).mutate(found.get(event.stream_id))
        await asyncio.sleep(0)
    return {place.place_id: place for place in found.values()}


class _Planning:
    """From declarations to pending events of places, or to all that is wrong."""

    def __init__(
        self, actor: Actor, now: datetime, definitions: Definitions, places: dict[str, ParkingPlace]
    ) -> None:
        self._actor, self._now, self._places = actor, now, places
        self._tariff_zones = {
            zone
            for tariff in definitions.of(TariffDefinitions).tariffs.values()
            for version in tariff.offered
            for zone in version.zones
        }
        self._problems: list[Problem] = []

    def plan(self, declared: Sequence[Declared]) -> Plan:
        """Raises `PlacesInvalid`."""
        by_id: defaultdict[str, list[Declared]] = defaultdict(list)
        for each in declared:
            by_id[each.place.place_id].append(each)
        plan = Plan()
        for place_id, versions in by_id.items():
            is_new = place_id not in self._places
            self._declare(versions)
            place = self._places.get(place_id)
            if place is not None and place.pending_events:
                plan.changes.append(place)
                plan.opened, plan.changed = plan.opened + is_new, plan.changed + (not is_new)
            elif place is not None:
                plan.unchanged += 1
        if not self._problems:
            self._together(by_id)
        if self._problems:
            order = {each.where: number for number, each in enumerate(declared)}
            raise PlacesInvalid(
                sorted(dict.fromkeys(self._problems), key=lambda each: order[each.where])
            )
        return plan

    def _declare(self, versions: Sequence[Declared]) -> None:
        seen: dict[datetime, Declared] = {}
        for each in sorted(versions, key=lambda declared: declared.place.valid_from):
            first = seen.setdefault(each.place.valid_from, each)
            if first is not each:
                self._wrong(each, "valid_from", f"it is declared in {first.where} for that moment")
            elif not self._contradicts(each):
                self._describe(each)

    def _contradicts(self, declared: Declared) -> bool:
        before = len(self._problems)
        for member, reason in declared.place.contradictions():
            self._wrong(declared, member, reason)
        zone = declared.place.tariff_zone
        if zone is not None and zone not in self._tariff_zones | self._had(declared):
            self._wrong(declared, "tariff_zone", f"no tariff has a zone {zone!r}")
        return len(self._problems) > before

    def _had(self, declared: Declared) -> set[str | None]:
        """The tariff zones that it has had: it goes on in one that no file has any more."""
        place = self._places.get(declared.place.place_id)
        return set() if place is None else {each["tariff_zone"] for each in place.versions}

    def _describe(self, declared: Declared) -> None:
        said = declared.place
        try:
            place = self._places.get(said.place_id)
            if place is None:
                self._places[said.place_id] = place = ParkingPlace.open(
                    self._actor,
                    self._now,
                    place_id=said.place_id,
                    kind=said.kind,
                    simulated=said.simulated,
                )
            place.describe(self._actor, self._now, said.kind, said.version())
        except Refused as error:
            self._wrong(declared, "", error.message)

    def _together(self, by_id: dict[str, list[Declared]]) -> None:
        """What does not fit with other places, at any moment from the first declared one on."""
        declared = list(chain.from_iterable(by_id.values()))
        if not declared:
            return
        since = min(each.place.valid_from for each in declared)
        for ids, member, reason in inconsistencies(self._places, by_id.keys(), since):
            said = next((by_id[place_id] for place_id in ids if place_id in by_id), declared)
            self._wrong(said[-1], member, reason)

    def _wrong(self, declared: Declared, member: str, reason: str) -> None:
        self._problems.append(Problem(declared.where, member, reason))


async def _carry_out(
    plan: Plan, context: CommandContext, services: Services, progress: Callable[[int, int], None]
) -> None:
    """Append what is planned: what others stand on comes first."""
    limit, done, goal = asyncio.Semaphore(AT_ONCE), 0, len(plan.changes)

    async def save(place: ParkingPlace) -> None:
        nonlocal done
        async with limit:
            await services.store.save(place, metadata=context.metadata())
        done += 1
        progress(done, goal)

    try:
        for kind in PlaceKind:
            async with asyncio.TaskGroup() as group:
                for place in plan.changes:
                    if place.kind == kind:
                        group.create_task(save(place))
    except ExceptionGroup as failed:
        first = failed.exceptions[0]
        if isinstance(first, WrongExpectedVersion):
            first = PlacesChanged("the places were changed meanwhile: declare them again")
        raise first from failed
    finally:
        place_book(services).forget(*(place.place_id for place in plan.changes))
