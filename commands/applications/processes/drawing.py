"""What an application draws on, by the records of its last round: for deciding, and to free it.

Which things an application has claimed is kept with the things alone. So they are found again as
they were found first, from what was decided on.
"""

import asyncio

import structlog

from citybrain.definitions.applications.catalogue import ServiceItem
from citybrain.definitions.applications.deciding import Decision, decide
from citybrain.definitions.applications.draws import Draws
from citybrain.domain.applications.application import Application
from citybrain.domain.applications.statuses import HAS_CLAIMS
from citybrain.domain.citizens import Citizen, canonical
from commands.applications.application import item_of
from commands.applications.processes.claiming import Claims, id_of_before, thing_id
from commands.applications.unsealed import Dossier, open_dossier
from commands.processes.batches import AWAY
from commands.services import Services

log = structlog.get_logger(__name__)


class Drawing:
    """What one application draws on."""

    def __init__(self, application_id: str, claims: Claims, services: Services) -> None:
        self._id, self._claims, self._services = application_id, claims, services
        self._draws: tuple[int, Draws, str | None] | None = None

    async def decided(
        self, application: Application, item: ServiceItem
    ) -> tuple[Dossier, Decision]:
        """What was opened, and what the rules say to it now."""
        dossier, decision = await self._decision(application, item)
        if item.payout is not None:
            await self._keep(application.rounds, item, dossier, decision)
        return dossier, decision

    async def of(self, application: Application) -> tuple[Draws, str | None]:
        """What is drawn on, and the entitlement by the key of before."""
        if self._draws is None or self._draws[0] != application.rounds:
            item = item_of(application, self._services)
            dossier, decision = await self._decision(application, item)
            return await self._keep(application.rounds, item, dossier, decision)
        return self._draws[1:]

    async def release(self, application: Application, up_to_version: int | None = None) -> None:
        """Whatever this application still claims is free again.

        By the records that there were at `up_to_version`, where more has happened since.
        """
        if not application.pays or application.decided_at is None:
            return
        if up_to_version is None:
            draws, _ = await self.of(application)
        else:
            item = item_of(application, self._services)
            draws = (await self._decision(application, item, up_to_version))[1].draws
        things = [thing for draw in draws.draws for thing in (draw.thing, *draw.formerly)]
        ids = [await thing_id(thing, self._services) for thing in things]
        before = [] if application.claim_id is None else [application.claim_id]
        await self._claims.release([*{*ids, *before, *application.claims}])

    async def free(self, up_to_version: int) -> None:
        """Release what it claims still, though it was left to somebody at this version."""
        application = await self._services.store.load(Application, self._id)
        if application.status in HAS_CLAIMS:
            return  # it went on meanwhile, and needs them
        try:
            await self.release(application, up_to_version)
        except AWAY:
            raise
        except Exception as error:
            log.error("claim_not_released", application_id=self._id, error=type(error).__name__)

    async def _keep(
        self, rounds: int, item: ServiceItem, dossier: Dossier, decision: Decision
    ) -> tuple[Draws, str | None]:
        before = await id_of_before(item, dossier, self._services)
        self._draws = rounds, decision.draws, before
        return self._draws[1:]

    async def _decision(
        self, application: Application, item: ServiceItem, up_to_version: int | None = None
    ) -> tuple[Dossier, Decision]:
        opening = open_dossier(self._id, self._services, up_to_version)
        if item.payout is None:
            dossier = await opening
            return dossier, decide(item, dossier.form, dossier.evidence, dossier.today)
        dossier, numbers = await asyncio.gather(opening, self._numbers(application.citizen_id))
        return dossier, decide(item, dossier.form, dossier.evidence, dossier.today, *numbers)

    async def _numbers(self, citizen_id: str) -> list[str]:
        """The applicant's identity number, as things drawn on are named by it; and those before."""
        citizen = await self._services.store.load(Citizen, citizen_id, fresh=False)
        sealed = [citizen.id_number_sealed, *citizen.former_numbers_sealed]
        numbers = [("id_number", number) for number in sealed]
        return [
            canonical(each) for each in await self._services.vault.open_texts(citizen_id, numbers)
        ]
