"""From a binding that was asked for to one that pays, and to its end, with nobody typing anything.

Each step looks where the binding and its plate stand and does what comes next: the vehicle registry
is asked, the plate is taken, and let go when the binding has ended. Where two have proved one plate
the registry is asked about who holds it; until it has said so nobody is debited. Every step can be
done again.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from citybrain.definitions.parking.bindings import PlateBindingFile
from citybrain.domain.citizens import Citizen, canonical
from citybrain.domain.parking import binding as reasons
from citybrain.domain.parking.binding import AGREEMENT, PlateBinding
from citybrain.domain.parking.binding_events import BindingStatus
from citybrain.domain.parking.holding import ParkingPlate, RegistryContradicts
from citybrain.domain.parking.plates import Plate
from citybrain.domain.parking.registration import (
    Registration,
    RegistryAnswerUnusable,
    registration_in,
)
from citybrain.domain.parking.sealed_plates import SealedPlate
from citybrain.domain.times import as_text, moment
from citybrain.errors import CitybrainError
from citybrain.eventstore import RecordedEvent, StreamNotFound
from citybrain.exchange import Evidence, EvidenceRequest, SourceFailed
from citybrain.vault import InStream
from citybrain.vault.vault import NoSuchKey, PersonErased
from commands.citizens import end_consent
from commands.handling import Command, CommandContext
from commands.parking.binding import change_binding, change_plate, question_of, terms_at
from commands.parking.bindings import REGISTRATION
from commands.parking.plates import PlateKeeper
from commands.processes.alarms import StreamAlarms
from commands.services import Services

ANSWER_WITHIN = timedelta(seconds=30)
OVER = (BindingStatus.ENDED, BindingStatus.REFUSED)
WITHDRAWN, DEATH = "citizen.consent_withdrawn", "citizen.death_noted"


class PlateBindings:
    """The process manager of bindings."""

    name: ClassVar[str] = "plate-bindings"
    topics: ClassVar[tuple[str, ...]] = (
        "parking.plate_proof_requested",
        "parking.plate_registry_answered",
        "parking.plate_binding_proved",
        "parking.plate_binding_refused",
        "parking.plate_binding_ended",
        "parking.plate_transfer_confirmed",
        WITHDRAWN,
        DEATH,
    )

    async def react(
        self, event: RecordedEvent, services: Services, context_for: Callable[[str], CommandContext]
    ) -> None:
        """Take a binding as far as it goes."""
        settling = _Settling(context_for("settle"), services)
        if event.topic == WITHDRAWN:
            if event.data["agreement"] == AGREEMENT:
                await settling.end(event.data["about"], reasons.CONSENT_WITHDRAWN)
        elif event.topic == DEATH:
            citizen = await services.store.load(Citizen, event.stream_id)
            for agreement, about in list(citizen.consents.values()):
                if agreement == AGREEMENT:
                    await settling.end(about, reasons.DECEASED)
        else:
            await settling.settle(event.stream_id)


class PlateBindingAlarms(StreamAlarms[PlateBinding]):
    """Has the registry asked again: where it was silent, and from time to time."""

    name: ClassVar[str] = "plate-binding-alarms"
    stream = PlateBinding
    topics: ClassVar[tuple[str, ...]] = (
        "parking.plate_registry_answered",
        "parking.plate_registry_silent",
        "parking.plate_binding_refused",
        "parking.plate_binding_ended",
        "parking.plate_transfer_confirmed",
        "parking.plate_transfer_refused",
    )

    def alarm_at(self, stream: PlateBinding) -> datetime | None:
        """When the registry is to be asked again."""
        return stream.ask_again_at

    async def ring(self, stream: PlateBinding, context: CommandContext, services: Services) -> None:
        """Have it asked."""
        question = question_of(terms_at(services, services.clock()))
        await change_binding(
            stream.id,
            Command(),
            context,
            services,
            lambda binding, now: binding.request_proof(now, question, reason="again"),
        )


class _Settling:
    """What comes next for a binding."""

    def __init__(self, context: CommandContext, services: Services) -> None:
        self._context, self._services = context, services

    async def settle(self, binding_id: str) -> None:
        """Step after step, until people or the registry have to do something, or it is over."""
        while True:
            binding = await self._load(binding_id)
            if binding.question is not None:
                await self._ask(binding, binding.question)
            elif binding.status == BindingStatus.PROVED:
                if not await self._take(binding):
                    return
            else:
                break
        if binding.status in OVER:
            await self._give_up(binding)
        elif binding.status == BindingStatus.ACTIVE:
            await self._stay(binding)

    async def end(self, binding_id: str, reason: str) -> None:
        """End a binding, where there is one."""
        with suppress(StreamNotFound):  # a crash came between the consent and the binding
            await self._change(binding_id, lambda binding, now: binding.end(now, reason))

    # --- the registry ---------------------------------------------------------------------

    async def _ask(self, binding: PlateBinding, question: dict[str, str]) -> None:
        """Ask the registry, and record what it says, or that it is silent."""
        services = self._services
        citizen = await services.store.load(Citizen, binding.citizen_id)
        (plate,) = await PlateKeeper(services).open_many([SealedPlate.of(binding.plate)])
        if citizen.died_on_sealed is not None or plate is None:
            reason = reasons.ERASED if plate is None else reasons.DECEASED
            await self._over(binding, reason)
            return
        try:
            sealed = citizen.id_number_sealed
            number = await services.vault.open_text(citizen.id, "id_number", sealed)
            said = await self._answer(binding, question, canonical(number), plate)
        except (PersonErased, NoSuchKey):
            await self._over(binding, reasons.ERASED)
            return
        except (SourceFailed, RegistryAnswerUnusable) as failure:
            await self._silent(binding, question, failure)
            return
        await self._answered(binding, question, *said)

    async def _answer(
        self, binding: PlateBinding, question: dict[str, str], number: str, plate: Plate
    ) -> tuple[Evidence, Registration]:
        if self._services.exchange is None:
            raise SourceFailed("no exchange is open")
        evidence: Evidence = await self._services.exchange.fetch(
            EvidenceRequest(
                request_id=UUID(question["request_id"]),
                application_id=binding.id,
                department=question["department"],
                record=question["record"],
                id_number=number,
                form={"plate": plate.text, "country": plate.country},
                user_id=self._context.actor.subject,
            ),
            datetime.now(UTC) + ANSWER_WITHIN,
        )
        return evidence, registration_in(evidence.record, id_number=number, plate=plate.text)

    async def _answered(
        self,
        binding: PlateBinding,
        question: dict[str, str],
        found: Evidence,
        registration: Registration,
    ) -> None:
        services = self._services
        sealed = await services.vault.seal_text(
            binding.citizen_id, InStream(REGISTRATION, binding.id), found.signed
        )
        evidence = {
            "sha256": found.sha256,
            "key_id": found.key_id,
            "issued_at": as_text(found.issued_at),
            "hedged": found.hedged,
            "milliseconds": found.milliseconds,
            "attempts": found.attempts,
            "signed_sealed": sealed,
        }

        def decide(binding: PlateBinding, now: datetime) -> None:
            terms = terms_at(services, now)
            binding.answer(
                now,
                question["request_id"],
                registration,
                again_at=now + timedelta(days=terms.prove_again_days),
                good_until=now + timedelta(days=terms.proof_good_days),
                evidence=evidence,
            )

        await self._change(binding.id, decide)

    async def _silent(
        self, binding: PlateBinding, question: dict[str, str], why: CitybrainError
    ) -> None:
        told = {"milliseconds": 0, "attempts": 0}
        if isinstance(why, SourceFailed):
            told = {"milliseconds": why.milliseconds, "attempts": why.attempts}
        services = self._services

        def decide(binding: PlateBinding, now: datetime) -> None:
            terms: PlateBindingFile = terms_at(services, now)
            again_at = terms.ask_again_at(now)
            said: dict[str, Any] = {"reason": why.code, **told}
            binding.silent(now, question["request_id"], again_at=again_at, **said)

        await self._change(binding.id, decide)

    async def _over(self, binding: PlateBinding, reason: str) -> None:
        """Nobody can be asked about any more, ended before or not."""
        await self._change(binding.id, lambda each, now: each.give_up(now, reason))

    # --- the plate ------------------------------------------------------------------------

    async def _take(self, binding: PlateBinding) -> bool:
        """Take the plate; whether the binding stands elsewhere now, and is to be looked at."""
        assert binding.since is not None
        try:
            plate = await self._hold(binding)
        except RegistryContradicts:
            reason = RegistryContradicts.code
            await self._change(binding.id, lambda each, now: each.refuse(now, reason))
            return True
        if plate.holds == binding.id:
            await self._change(binding.id, lambda each, now: each.activate(now))
            return True
        if plate.contest == binding.id and plate.holds is not None:
            holder = await self._load(plate.holds)
            if holder.status in OVER:
                await self._let_go(holder)
                return True
            if not _asked_since(holder, plate):
                await self._ask_about(holder)
                return False  # what the registry says of the holder wakes this one
        await self._change(binding.id, lambda each, now: each.refuse(now))
        return True

    async def _hold(self, binding: PlateBinding) -> ParkingPlate:
        """The plate, held or contested by the binding."""
        assert binding.since is not None
        since = binding.since
        await change_plate(
            binding.plate_id,
            self._context,
            self._services,
            lambda plate, now: plate.hold(
                now, binding_id=binding.id, holder=binding.citizen_id, since=since
            ),
        )
        return await self._services.store.load(ParkingPlate, ParkingPlate.id_of(binding.plate_id))

    async def _ask_about(self, holder: PlateBinding) -> None:
        question = question_of(terms_at(self._services, self._services.clock()))
        await self._change(
            holder.id, lambda binding, now: binding.request_proof(now, question, reason="contested")
        )

    async def _stay(self, binding: PlateBinding) -> None:
        """It holds the plate by the registry's last word: who contests it does not."""
        plate = await self._plate(binding)
        if plate is not None and plate.contest is not None and _asked_since(binding, plate):
            contender = await self._load(plate.contest)
            await self._change(contender.id, lambda each, now: each.refuse(now))
            await self._give_up(await self._load(contender.id))

    async def _give_up(self, binding: PlateBinding) -> None:
        """What has ended lets the plate go; its consent ends; who contested it is next."""
        plate = await self._let_go(binding)
        with suppress(StreamNotFound):
            await end_consent(
                binding.citizen_id,
                binding.consent_id,
                "purpose-ended",
                self._context,
                self._services,
            )
        if plate is not None and plate.holds is None and plate.contest is not None:
            await self.settle(plate.contest)

    async def _let_go(self, binding: PlateBinding) -> ParkingPlate | None:
        """The plate without this binding; None where nobody has ever proved it."""
        plate = await self._plate(binding)
        if plate is None:
            return None

        def decide(plate: ParkingPlate, now: datetime) -> None:
            plate.drop_contest(now, binding_id=binding.id)
            if binding.held_until is not None:
                until, proved = binding.held_until
                plate.let_go(now, binding_id=binding.id, until=moment(until), proved=bool(proved))

        await change_plate(binding.plate_id, self._context, self._services, decide)
        return await self._plate(binding)

    async def _plate(self, binding: PlateBinding) -> ParkingPlate | None:
        stream_id = ParkingPlate.id_of(binding.plate_id)
        try:
            return await self._services.store.load(ParkingPlate, stream_id)
        except StreamNotFound:
            return None

    async def _load(self, binding_id: str) -> PlateBinding:
        return await self._services.store.load(PlateBinding, binding_id)

    async def _change(
        self, binding_id: str, decide: Callable[[PlateBinding, datetime], None]
    ) -> None:
        await change_binding(binding_id, Command(), self._context, self._services, decide)


def _asked_since(holder: PlateBinding, plate: ParkingPlate) -> bool:
    """Whether the registry has spoken of who holds a plate since it is contested."""
    at = plate.contested_at
    return holder.answered_at is not None and at is not None and holder.answered_at >= at
