"""Where a case is: in the city, and in which of its areas."""

from datetime import datetime
from typing import Protocol

from citybrain.definitions.platform import areas_at
from citybrain.domain.actor import Role
from citybrain.domain.inspection.case import InspectionCase
from citybrain.domain.inspection.case_events import CasePlace
from commands.handling import CommandContext
from commands.services import Services


class Placed(Protocol):
    """A command that says where something is, in degrees."""

    @property
    def latitude(self) -> float | None: ...

    @property
    def longitude(self) -> float | None: ...


def require_in_the_city(
    command: Placed, context: CommandContext, services: Services, now: datetime
) -> None:
    """Raises `OutsideTheCity`; an import has the box of its source."""
    if command.latitude is None or command.longitude is None or context.actor.has(Role.SYSTEM):
        return
    areas = areas_at(services.definitions, now)
    areas.require_inside(command.latitude, command.longitude)


def place_of_command(command: Placed, services: Services, now: datetime) -> CasePlace | None:
    """The areas of the place that a command says; nothing where it says none."""
    if command.latitude is None or command.longitude is None:
        return None
    return place_of(services, now, command.latitude, command.longitude)


def place_of(
    services: Services, now: datetime, latitude: float, longitude: float
) -> CasePlace | None:
    """The areas in force that a point lies in; nothing where it lies in none."""
    areas = areas_at(services.definitions, now)
    place = areas.locate(latitude, longitude)
    if place.district is None:
        return None
    return {
        "district": place.district,
        "street": place.street,
        "community": place.community,
        "cell": place.cell_id,
        "version": areas.version,
    }


def areas_of(case: InspectionCase) -> list[str]:
    """The codes of the areas that a case lies in."""
    place = case.place
    if place is None:
        return []
    return [code for code in (place["district"], place["street"], place["community"]) if code]
