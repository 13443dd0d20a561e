"""The commands of a citizen: registration, consent, and everything by face.

Pictures are analysed outside the decision; the decision is taken on what was measured, and the
event holds all that it rests on. Pictures and embeddings go to the vault only, sealed.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import UUID

import numpy as np
from pydantic import Base64Bytes, Field, StringConstraints

from citybrain.domain.actor import Role
from citybrain.domain.citizen import Citizen
from citybrain.errors import CitybrainError, Forbidden, Refused, Unavailable
from citybrain.eventstore import OutcomeUnknown
from citybrain.faces.engine import Analysis
from citybrain.faces.explaining import SAMPLE
from citybrain.faces.gallery import TEMPLATE, Candidate
from citybrain.faces.images import MAX_BYTES
from citybrain.faces.liveness import (
    AttackSuspected,
    LivenessFailed,
    Turn,
    judge,
)
from citybrain.faces.quality import ENROLMENT, VERIFICATION, PoorSample, QualityRules, check
from citybrain.faces.services import Faces
from citybrain.vault import Vault
from commands.handling import (
    Command,
    CommandContext,
    CommandResult,
    Services,
    answered_before,
    change,
    create,
)

SAMPLE_KEPT = timedelta(days=30)
ID_NUMBER = "id-number"
ENROL = "enrol"
CANDIDATES = 5

Purpose = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
Picture = Annotated[Base64Bytes, Field(min_length=1, max_length=MAX_BYTES)]
Nonce = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class RegisterCitizen(Command):
    """Register a person. All members but `simulated` are sealed before they are stored."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    id_number: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{4,32}$")]
    birth_date: date
    simulated: bool = Field(False, description="true for made-up people; shown wherever it shows")


class GiveFaceConsent(Command):
    """Agree to face recognition, separately from anything else."""

    notice_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="digest of the notice that was shown"
    )
    guardian: Annotated[str, StringConstraints(pattern=r"^citizen-[0-9a-f]{32}$")] | None = Field(
        None, description="the guardian who agrees for a child under 14"
    )


class WithdrawFaceConsent(Command):
    """End the consent; templates are destroyed with it."""


class IssueChallenge(Command):
    """Ask for a challenge."""

    purpose: Purpose = Field(description="`enrol`, or what the verification is for")


class AnswerChallenge(Command):
    """A picture for each step of a challenge, in order."""

    challenge_id: UUID
    nonce: Nonce
    frames: list[Picture] = Field(
        min_length=1, max_length=6, description="JPEG, PNG or WebP, in base64"
    )


class EnrolFace(AnswerChallenge):
    """Enrol a face from a live challenge issued for `enrol`."""


class VerifyFace(AnswerChallenge):
    """Compare a live face with the template, for the purpose the challenge was issued for."""

    purpose: Purpose


class IdentifyFace(Command):
    """Search all enrolled faces for the one in a picture."""

    frame: Picture


class RevokeFace(Command):
    """Destroy all templates of a citizen."""

    reason: Literal["withdrawn", "replaced", "compromised", "error"]


class AlreadyRegistered(Refused):
    """Somebody is registered with this identity number."""

    code = "already-registered"


class FacesNotServed(Unavailable):
    """This process serves no faces."""

    code = "faces-not-served"


def _faces(services: Services) -> tuple[Faces, Vault]:
    if services.faces is None or services.vault is None:
        raise FacesNotServed("faces are not served here")
    return services.faces, services.vault


def _answer(citizen: Citizen) -> dict[str, Any]:
    return {
        "citizen_id": citizen.id,
        "version": citizen.version,
        "face_consent": citizen.consent_id is not None,
        "face_enrolled": bool(citizen.templates),
    }


async def register_citizen(
    command: RegisterCitizen, context: CommandContext, services: Services
) -> CommandResult:
    """Register a person; raises `AlreadyRegistered`. A refused registration leaves no trace."""
    _, vault = _faces(services)
    if before := await answered_before(command, "", context, services):
        return before
    citizen_id = Citizen.new_id()
    await vault.create_key(citizen_id)
    try:
        sealed = {
            f"{name}_sealed": await vault.seal_text(citizen_id, name, value)
            for name, value in (
                ("name", command.name),
                ("id_number", command.id_number),
                ("birth_date", command.birth_date.isoformat()),
            )
        }
        if await vault.index(citizen_id, ID_NUMBER, command.id_number.upper()) != citizen_id:
            raise AlreadyRegistered("somebody is registered with this identity number")

        def decide() -> Citizen:
            return Citizen.register(
                context.actor, services.clock(),
                citizen_id=citizen_id, simulated=command.simulated, **sealed,
            )  # fmt: skip

        return await create(command, context, services, decide, _answer)
    except OutcomeUnknown:
        raise  # it may be stored: the key must stay
    except BaseException:
        await vault.erase(citizen_id)
        raise


async def find_citizen(id_number: str, services: Services) -> str | None:
    """The citizen with this identity number; the search sees a keyed digest only."""
    _, vault = _faces(services)
    return await vault.find(ID_NUMBER, id_number.upper())


async def give_face_consent(
    citizen_id: str, command: GiveFaceConsent, context: CommandContext, services: Services
) -> CommandResult:
    """Record the consent to face recognition."""
    _, vault = _faces(services)
    citizen = await services.store.load(Citizen, citizen_id)
    born = date.fromisoformat(
        await vault.open_text(citizen_id, "birth_date", citizen.birth_date_sealed)
    )

    def decide(citizen: Citizen, now: datetime) -> None:
        citizen.give_face_consent(
            context.actor, now, consent_id=str(context.command_id),
            notice_sha256=command.notice_sha256, age_years=_age(born, now.date()),
            guardian=command.guardian,
        )  # fmt: skip

    return await _change(citizen_id, command, context, services, decide)


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


async def withdraw_face_consent(
    citizen_id: str, command: WithdrawFaceConsent, context: CommandContext, services: Services
) -> CommandResult:
    """End the consent and destroy the templates."""

    def decide(citizen: Citizen, now: datetime) -> None:
        citizen.withdraw_face_consent(context.actor, now)

    return await _ending_templates(citizen_id, command, context, services, decide)


async def revoke_face(
    citizen_id: str, command: RevokeFace, context: CommandContext, services: Services
) -> CommandResult:
    """Destroy the templates."""

    def decide(citizen: Citizen, now: datetime) -> None:
        citizen.revoke_face(context.actor, now, reason=command.reason)

    return await _ending_templates(citizen_id, command, context, services, decide)


async def _ending_templates(
    citizen_id: str, command: Command, context: CommandContext, services: Services,
    decide: Callable[[Citizen, datetime], None],
) -> CommandResult:  # fmt: skip
    """Record the decision, then delete what it ends."""
    result = await _change(citizen_id, command, context, services, decide)
    await _delete_old_templates(citizen_id, services)
    return result


async def _delete_old_templates(citizen_id: str, services: Services) -> None:
    """Keep the templates that the stream names; what a crash left behind goes as well."""
    _, vault = _faces(services)
    citizen = await services.store.load(Citizen, citizen_id)
    await vault.keep_only(citizen_id, TEMPLATE, [UUID(t) for t in citizen.templates.values()])


async def issue_challenge(
    citizen_id: str, command: IssueChallenge, context: CommandContext, services: Services
) -> dict[str, Any]:
    """A challenge for one purpose; nothing is recorded until it is answered."""
    faces, _ = _faces(services)
    citizen = await services.store.load(Citizen, citizen_id)
    if command.purpose == ENROL:
        citizen.check_may_enrol(context.actor)
    else:
        version = faces.engine.pack.template_version
        citizen.check_may_attempt(context.actor, services.clock(), version)
    challenge = await faces.challenges.issue(citizen_id, command.purpose)
    return {
        "challenge_id": str(challenge.challenge_id),
        "nonce": challenge.nonce,
        "steps": [step.value for step in challenge.steps],
        "expires_at": challenge.expires_at,
    }


async def enrol_face(
    citizen_id: str, command: EnrolFace, context: CommandContext, services: Services
) -> CommandResult:
    """Make a template from a live face; flags one face under two identities for an officer."""
    faces, vault = _faces(services)
    if before := await answered_before(command, citizen_id, context, services):
        return before
    citizen = await services.store.load(Citizen, citizen_id)
    citizen.check_may_enrol(context.actor)
    await faces.challenges.count_attempt(context.actor.subject)
    live = await _live_face(citizen_id, command, ENROL, ENROLMENT, faces)
    found = await faces.enrolled.search(live.embedding, most=2)
    duplicate = _duplicate(citizen_id, found, faces)
    template_id = await vault.keep(citizen_id, TEMPLATE, live.embedding.tobytes())

    def decide(citizen: Citizen, now: datetime) -> None:
        citizen.enrol_face(
            context.actor, now, template_id=str(template_id), duplicate=duplicate,
            **_use(live, command, faces),
        )  # fmt: skip

    try:
        result = await _change(citizen_id, command, context, services, decide)
    except OutcomeUnknown:
        raise
    except CitybrainError:
        await vault.delete([template_id])
        raise
    await _delete_old_templates(citizen_id, services)
    return result


def _duplicate(citizen_id: str, found: Sequence[Candidate], faces: Faces) -> dict[str, Any] | None:
    point = faces.decision
    for candidate in found:
        if candidate.citizen_id != citizen_id and candidate.score >= point.threshold:
            return {
                "other": candidate.citizen_id,
                "score": candidate.score,
                "threshold": point.threshold,
                "false_match_rate": point.false_match_rate,
            }
    return None


async def verify_face(
    citizen_id: str, command: VerifyFace, context: CommandContext, services: Services
) -> CommandResult:
    """Compare a live face 1:1; every attempt is an event. The score stays in the event."""
    faces, vault = _faces(services)
    if before := await answered_before(command, citizen_id, context, services):
        return before
    citizen = await services.store.load(Citizen, citizen_id, fresh=True)
    version = faces.engine.pack.template_version
    template_id = citizen.check_may_attempt(context.actor, services.clock(), version)
    await faces.challenges.count_attempt(context.actor.subject)
    try:
        live = await _live_face(citizen_id, command, command.purpose, VERIFICATION, faces)
    except (LivenessFailed, PoorSample) as failure:
        await _record_failure(citizen_id, command, context, services, failure)
        raise
    template = np.frombuffer(await vault.fetch(citizen_id, TEMPLATE, UUID(template_id)), np.float32)
    score = float(live.embedding @ template)
    point = faces.decision
    sample_id = await vault.keep(
        citizen_id, SAMPLE, command.frames[0], services.clock() + SAMPLE_KEPT
    )
    decision = {
        "purpose": command.purpose,
        "matched": score >= point.threshold,
        "score": score,
        "threshold": point.threshold,
        "false_match_rate": point.false_match_rate,
        "false_match_rate_upper_95": point.upper_95,
        "impostor_pairs": faces.calibration.impostor_pairs,
        "template_id": template_id,
        "sample_id": str(sample_id),
        **_use(live, command, faces),
    }

    def decide(citizen: Citizen, now: datetime) -> None:
        citizen.verify_face(context.actor, now, **decision)

    def answer(citizen: Citizen) -> dict[str, Any]:
        return _answer(citizen) | {"matched": decision["matched"], "purpose": command.purpose}

    try:
        return await _change(citizen_id, command, context, services, decide, answer)
    except OutcomeUnknown:
        raise
    except CitybrainError:
        await vault.delete([sample_id])
        raise


async def _record_failure(
    citizen_id: str, command: VerifyFace, context: CommandContext, services: Services,
    failure: LivenessFailed | PoorSample,
) -> None:  # fmt: skip
    """An attempt that failed before a comparison counts, too."""

    def decide(citizen: Citizen, now: datetime) -> None:
        reason = failure.reason if isinstance(failure, LivenessFailed) else failure.code
        citizen.fail_attempt(
            context.actor, now, purpose=command.purpose, reason=reason,
            challenge_id=str(command.challenge_id),
        )  # fmt: skip

    # Not under the idempotency key: the attempt gets its error again, not this event's answer.
    await _change(citizen_id, command, replace(context, idempotency_key=None), services, decide)


async def identify_face(
    command: IdentifyFace, context: CommandContext, services: Services
) -> dict[str, Any]:
    """Shortlist who this may be, for a kiosk. It authorises nothing: a verification decides."""
    faces, _ = _faces(services)
    if not context.actor.has(Role.DEVICE, Role.OFFICIAL, Role.OPERATOR):
        raise Forbidden("a kiosk or an official identifies")
    await faces.challenges.count_attempt(context.actor.subject)
    analysis = await faces.engine.analyse(command.frame)
    check(analysis.quality, VERIFICATION)
    point = faces.decision
    found = [
        candidate
        for candidate in await faces.enrolled.search(analysis.embedding, CANDIDATES)
        if candidate.score >= point.threshold
    ]
    if found:
        best = found[0]

        def decide(citizen: Citizen, now: datetime) -> None:
            citizen.identify_face(
                now, score=best.score, threshold=point.threshold,
                false_match_rate=point.false_match_rate, enrolled=len(faces.enrolled.gallery),
                template_id=best.template_id, challenge_id=None,
                sample_sha256=sha256(command.frame).hexdigest(), **_models_and_quality(
                    analysis, faces),
            )  # fmt: skip

        await _change(best.citizen_id, command, context, services, decide)
    return {
        "candidates": [candidate.citizen_id for candidate in found],
        "enrolled": len(faces.enrolled.gallery),
    }


async def _live_face(
    citizen_id: str, command: AnswerChallenge, purpose: str, rules: QualityRules, faces: Faces
) -> Analysis:
    """The neutral face of an answered challenge; the challenge is used up whatever happens."""
    steps: Sequence[Turn] = await faces.challenges.use(
        command.challenge_id, command.nonce, citizen_id, purpose
    )
    analyses = await faces.engine.analyse_all(command.frames)
    await faces.challenges.use_pictures(citizen_id, command.frames, analyses)
    live = judge(steps, analyses, faces.same_session.threshold)
    check(live.quality, rules)
    if faces.attack_detector is not None:
        for frame in command.frames:
            if await faces.attack_detector.is_attack(frame):
                raise AttackSuspected("a picture looks like a presentation attack")
    return live


def _use(live: Analysis, command: AnswerChallenge, faces: Faces) -> dict[str, Any]:
    return {
        "challenge_id": str(command.challenge_id),
        "sample_sha256": sha256(command.frames[0]).hexdigest(),
        **_models_and_quality(live, faces),
    }


def _models_and_quality(analysis: Analysis, faces: Faces) -> dict[str, Any]:
    pack = faces.engine.pack
    return {
        "pack_id": pack.pack_id,
        "models": dict(pack.digests),
        "template_version": pack.template_version,
        "runtime": faces.engine.models.runtime,
        "quality": analysis.quality.as_json(),
    }


async def _change(
    citizen_id: str, command: Command, context: CommandContext, services: Services,
    decide: Callable[[Citizen, datetime], None],
    answer: Callable[[Citizen], dict[str, Any]] = _answer,
) -> CommandResult:  # fmt: skip
    return await change(
        Citizen, citizen_id, command, context, services,
        lambda citizen: decide(citizen, services.clock()), answer,
    )  # fmt: skip
