"""How old a registered person is on the city's day, and who may stand for a child."""

from datetime import date

from citybrain.city_day import city_day
from citybrain.domain.actor import Actor
from citybrain.domain.ages import ADULT_YEARS, years_between
from citybrain.domain.citizens.citizen import COUNTER, Citizen
from citybrain.domain.citizens.refusals import GuardianRequired, PersonDeceased
from citybrain.errors import InvalidInput, NotFound, Refused
from commands.citizens.changing import birth_date_of
from commands.services import Services


class NotAGuardian(Refused):
    """Whoever is named as guardian cannot be one."""

    code = "not-a-guardian"


class BirthDateNotPast(InvalidInput):
    """Nobody is registered before the day after their birth."""

    code = "birth-date-not-past"


def check_born(born: date, services: Services) -> None:
    """Raise `BirthDateNotPast` unless the day lies before the city's today."""
    if born >= city_day(services.clock()):
        raise BirthDateNotPast("the day of birth does not lie in the past")


async def age_years(citizen_id: str, services: Services) -> int:
    """The age today, in the city; errors as of `birth_date_of`."""
    born = await birth_date_of(citizen_id, services)
    return years_between(born, city_day(services.clock()))


async def check_guardian(guardian: str, citizen_id: str, services: Services) -> None:
    """Raise `NotAGuardian` unless this is somebody else, registered, adult and alive."""
    try:
        years = await age_years(guardian, services)
        (await services.store.load(Citizen, guardian)).check_alive()
    except NotFound:
        raise NotAGuardian("the guardian is not registered") from None
    except PersonDeceased:
        raise NotAGuardian("the guardian's death has been noted") from None
    if guardian == citizen_id or years < ADULT_YEARS:
        raise NotAGuardian(f"a guardian is somebody else, of at least {ADULT_YEARS}")


async def check_not_alone(
    citizen_id: str, guardian: str | None, under_years: int, actor: Actor, services: Services
) -> None:
    """Raise where somebody under an age would act without a guardian, or not at a counter.

    Nobody else has a guardian, and a clerk is none for whom they serve.
    """
    if guardian is not None and not actor.has(*COUNTER):  # of whom nothing is told elsewhere
        raise GuardianRequired("a guardian is named at a counter")
    years = await age_years(citizen_id, services)
    if guardian is not None:
        await check_guardian(guardian, citizen_id, services)
        if years >= ADULT_YEARS or guardian == actor.subject:
            raise NotAGuardian("an adult has no guardian, and whoever serves a child is none of it")
    if guardian is None and years >= under_years:
        return
    if guardian is None or not actor.has(*COUNTER):
        raise GuardianRequired(f"under {under_years}, a guardian applies, at a counter")
