"""The commands that decide by face: challenge, enrolment, verification, search, revocation.

Pictures are analysed outside the decision; the decision is taken on what was measured, and the
event holds all that it rests on. Pictures and embeddings go to the vault only, sealed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import UUID

import numpy as np
import structlog
from pydantic import Base64Bytes, Field, StringConstraints

from citybrain.domain.actor import Role
from citybrain.domain.citizens.citizen import Citizen
from citybrain.domain.citizens.reading_rights import may_identify
from citybrain.domain.citizens.refusals import NotYourOwn
from citybrain.domain.citizens.serving import ENROL_PURPOSE as ENROL
from citybrain.domain.citizens.serving import FACE_PURPOSE, is_own
from citybrain.errors import CitybrainError, Forbidden, InvalidInput, Refused, Unavailable
from citybrain.eventstore import OutcomeUnknown
from citybrain.faces.challenges import forget_old
from citybrain.faces.engine import Analysis, FaceEngine
from citybrain.faces.gallery import SAMPLE, TEMPLATE, Candidate
from citybrain.faces.liveness import AttackSuspected, LivenessFailed, Turn, judge
from citybrain.faces.quality import ENROLMENT, VERIFICATION, QualityRules, check
from citybrain.faces.services import Faces
from commands.citizens.changing import change_citizen, citizen_answer
from commands.citizens.identity import Purpose
from commands.citizens.serving import check_purpose, check_served
from commands.handling import Command, CommandContext, CommandResult, once_a_key
from commands.services import Services

log = structlog.get_logger(__name__)

CANDIDATES = 5
STRANGER_KEPT = timedelta(hours=12)  # who was not matched may be anybody
DUPLICATES = 10  # looked at in one enrolment, at most

Picture = Annotated[Base64Bytes, Field(min_length=1)]  # its size has an error of its own
Nonce = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class IssueChallenge(Command):
    """Ask for a challenge."""

    purpose: Purpose = Field(description="`enrol`, or what the verification is for")


class AnswerChallenge(Command):
    """A picture for each step of a challenge, in order."""

    challenge_id: UUID
    nonce: Nonce
    frames: list[Picture] = Field(
        min_length=1, max_length=4, description="JPEG, PNG or WebP, in base64"
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


class OtherFaceEnrolled(Refused):
    """The face is not the one that is enrolled."""

    code = "other-face-enrolled"


class PurposeReserved(InvalidInput):
    """A challenge to enrol verifies nobody."""

    code = "purpose-reserved"


class FacesNotServed(Unavailable):
    """This process serves no faces."""

    code = "faces-not-served"


def _faces(services: Services) -> Faces:
    if services.faces is None:
        raise FacesNotServed("faces are not served here")
    return services.faces


@once_a_key
async def revoke_face(
    citizen_id: str, command: RevokeFace, context: CommandContext, services: Services
) -> CommandResult:
    """End all templates; a process destroys them."""
    await check_served(citizen_id, FACE_PURPOSE, context.actor, services)

    def decide(citizen: Citizen, now: datetime) -> None:
        citizen.revoke_face(context.actor, now, reason=command.reason)

    return await change_citizen(citizen_id, command, context, services, decide)


async def check_may_ask(
    citizen_id: str, command: IssueChallenge, context: CommandContext, services: Services
) -> None:
    """Raise where nothing of the person is looked at: to strangers, for a made-up purpose."""
    others = () if command.purpose == ENROL else (Role.KIOSK,)
    if not may_identify(context.actor, citizen_id, *others):
        raise NotYourOwn("citizens act for themselves only")
    if command.purpose == ENROL:
        await check_served(citizen_id, FACE_PURPOSE, context.actor, services)
    else:
        check_purpose(command.purpose, services)
    await services.store.load(Citizen, citizen_id)


async def issue_challenge(
    citizen_id: str, command: IssueChallenge, context: CommandContext, services: Services
) -> dict[str, Any]:
    """A challenge for one purpose; nothing is recorded until it is answered."""
    await check_may_ask(citizen_id, command, context, services)
    citizen = await services.store.load(Citizen, citizen_id, fresh=True)
    faces = _faces(services)
    if command.purpose == ENROL:
        citizen.check_may_enrol(context.actor, services.clock())
    else:
        version = faces.engine.pack.template_version
        citizen.check_may_attempt(context.actor, services.clock(), version)
    challenge = await faces.challenges.issue(citizen_id, command.purpose, context.actor.subject)
    return {
        "challenge_id": str(challenge.challenge_id),
        "nonce": challenge.nonce,
        "steps": [step.value for step in challenge.steps],
        "expires_at": challenge.expires_at,
    }


@once_a_key
async def enrol_face(
    citizen_id: str, command: EnrolFace, context: CommandContext, services: Services
) -> CommandResult:
    """Make a template from a live face; flags one face under two identities for an officer."""
    citizen = await services.store.load(Citizen, citizen_id, fresh=True)
    citizen.check_may_enrol(context.actor, services.clock())
    faces, vault = _faces(services), services.vault
    await faces.challenges.count_attempt(context.actor.subject)
    live = await _live_face(citizen_id, command, ENROL, ENROLMENT, faces)
    await _check_same_person(citizen, live, context, services)
    duplicates = await _duplicates(citizen, live, faces)
    template_id = await vault.keep(citizen_id, TEMPLATE, live.embedding.tobytes())

    def decide(citizen: Citizen, now: datetime) -> None:
        citizen.enrol_face(
            context.actor,
            now,
            template_id=str(template_id),
            duplicates=duplicates,
            **_use(live, command, faces),
        )

    try:
        result = await change_citizen(citizen_id, command, context, services, decide)
    except OutcomeUnknown:
        raise
    except CitybrainError:
        await vault.delete([template_id])
        raise
    await _flag_at_the_same_time(citizen, template_id, live, command, context, services)
    return result


async def _check_same_person(
    citizen: Citizen, live: Analysis, context: CommandContext, services: Services
) -> None:
    """People replace their template by the same face only, whoever they are at a counter."""
    faces = _faces(services)
    current = citizen.templates.get(faces.engine.pack.template_version)
    if current is None or not is_own(citizen, context.actor):
        return
    template = await services.vault.fetch(citizen.id, TEMPLATE, UUID(current))
    score = float(live.embedding @ np.frombuffer(template, np.float32))
    if score < faces.decision.threshold:
        raise OtherFaceEnrolled("another face is enrolled; a counter can replace it")


async def _flag_at_the_same_time(
    citizen: Citizen,
    template_id: UUID,
    live: Analysis,
    command: EnrolFace,
    context: CommandContext,
    services: Services,
) -> None:
    """Two enrolments of one face may have looked before either was there: look once more."""
    found = await _duplicates(citizen, live, _faces(services))
    citizen = await services.store.load(Citizen, citizen.id, fresh=True)
    duplicates = [duplicate for duplicate in found if citizen.is_new_suspicion(duplicate["other"])]

    def decide(citizen: Citizen, now: datetime) -> None:
        for duplicate in duplicates:
            citizen.suspect_duplicate(now, template_id=str(template_id), **duplicate)

    if duplicates:
        again = context._replace(idempotency_key=None, expected_version=None)
        await change_citizen(citizen.id, command, again, services, decide)


async def _duplicates(citizen: Citizen, live: Analysis, faces: Faces) -> list[dict[str, Any]]:
    """Everybody else whose face is so alike that an officer has to look."""
    found = await faces.enrolled.search(live.embedding, most=DUPLICATES + len(citizen.duplicates))
    enrolled = len(faces.enrolled.gallery)
    point = faces.calibration.for_search(enrolled)
    return [
        {
            "other": candidate.citizen_id,
            "score": candidate.score,
            "threshold": point.threshold,
            "false_match_rate": point.false_match_rate,
            "enrolled": enrolled,
        }
        for candidate in found
        if candidate.citizen_id != citizen.id and candidate.score >= point.threshold
    ]


@once_a_key
async def verify_face(
    citizen_id: str, command: VerifyFace, context: CommandContext, services: Services
) -> CommandResult:
    """Compare a live face 1:1; every attempt is an event. The score stays in the event."""
    if command.purpose == ENROL:
        raise PurposeReserved(f"{ENROL} is for enrolments only")
    check_purpose(command.purpose, services)
    citizen = await services.store.load(Citizen, citizen_id, fresh=True)
    citizen.check_may_act(context.actor, Role.KIOSK)
    faces, vault = _faces(services), services.vault
    version = faces.engine.pack.template_version
    template_id = citizen.check_may_attempt(context.actor, services.clock(), version)
    await faces.challenges.count_attempt(context.actor.subject)
    try:
        live = await _live_face(citizen_id, command, command.purpose, VERIFICATION, faces)
    except LivenessFailed as failure:
        await _record_failure(citizen_id, command, context, services, failure)
        raise
    template = np.frombuffer(await vault.fetch(citizen_id, TEMPLATE, UUID(template_id)), np.float32)
    score = float(live.embedding @ template)
    point = faces.decision
    matched = score >= point.threshold
    kept = faces.sample_kept if matched else min(faces.sample_kept, STRANGER_KEPT)
    sample_id = await vault.keep(citizen_id, SAMPLE, command.frames[0], services.clock() + kept)
    decision = {
        "purpose": command.purpose,
        "matched": matched,
        "score": score,
        "threshold": point.threshold,
        "false_match_rate": point.false_match_rate,
        "false_match_rate_upper_95": point.upper_95,
        "impostor_pairs": faces.calibration.impostor_pairs,
        "template_id": template_id,
        "sample_id": str(sample_id),
        **_use(live, command, faces),
    }
    next_template = await _next_template(citizen, command, decision, services, faces)

    def decide(citizen: Citizen, now: datetime) -> None:
        citizen.verify_face(context.actor, now, **decision)
        if next_template is not None:
            citizen.enrol_next_template(now, **next_template)

    def answer(citizen: Citizen) -> dict[str, Any]:
        return citizen_answer(citizen) | {
            "matched": decision["matched"],
            "purpose": command.purpose,
        }

    try:
        return await change_citizen(citizen_id, command, context, services, decide, answer)
    except OutcomeUnknown:
        raise
    except CitybrainError:
        next_id = [UUID(next_template["template_id"])] if next_template else []
        await vault.delete([sample_id, *next_id])
        raise


async def _next_template(
    citizen: Citizen,
    command: VerifyFace,
    decision: dict[str, Any],
    services: Services,
    faces: Faces,
) -> dict[str, Any] | None:
    """While a pack is being replaced: a template of the next one, from an accepted sample."""
    engine = faces.next_engine
    if engine is None or not decision["matched"]:
        return None
    if engine.pack.template_version in citizen.templates:
        return None
    try:
        analysis = await engine.analyse(command.frames[0])
    except CitybrainError as error:  # the verification counts; another one will come
        log.warning("next_pack_failed", code=error.code)
        return None
    template_id = await services.vault.keep(citizen.id, TEMPLATE, analysis.embedding.tobytes())
    return {"template_id": str(template_id)} | _use(analysis, command, faces, engine)


async def _record_failure(
    citizen_id: str,
    command: VerifyFace,
    context: CommandContext,
    services: Services,
    failure: LivenessFailed,
) -> None:
    """An attempt that failed before a comparison counts, too; a poor picture does not."""

    def decide(citizen: Citizen, now: datetime) -> None:
        citizen.fail_attempt(
            context.actor,
            now,
            purpose=command.purpose,
            reason=failure.reason,
            challenge_id=str(command.challenge_id),
        )

    # Not under the idempotency key: the attempt gets its error again, not this event's answer.
    await change_citizen(
        citizen_id, command, context._replace(idempotency_key=None), services, decide
    )


async def identify_face(
    command: IdentifyFace, context: CommandContext, services: Services
) -> dict[str, Any]:
    """Shortlist who this may be, for a kiosk. It authorises nothing: a verification decides."""
    faces = _faces(services)
    if not context.actor.has(Role.KIOSK, Role.CLERK):
        raise Forbidden("a kiosk or a clerk identifies")
    await faces.challenges.count_attempt(context.actor.subject)
    analysis = await faces.engine.analyse(command.frame)
    check(analysis.quality, VERIFICATION)
    found = await faces.enrolled.search(analysis.embedding, CANDIDATES)
    enrolled = len(faces.enrolled.gallery)
    point = faces.calibration.for_search(enrolled)
    found = [candidate for candidate in found if candidate.score >= point.threshold]
    use = _models_and_quality(analysis, faces.engine)
    for candidate in found:  # everybody whose name was given away finds it in their stream

        def decide(citizen: Citizen, now: datetime, candidate: Candidate = candidate) -> None:
            citizen.identify_face(
                now,
                score=candidate.score,
                threshold=point.threshold,
                false_match_rate=point.false_match_rate,
                enrolled=enrolled,
                template_id=candidate.template_id,
                challenge_id=None,
                attack_detector=None,
                sample_sha256=sha256(command.frame).hexdigest(),
                **use,
            )

        await change_citizen(candidate.citizen_id, command, context, services, decide)
    return {"candidates": [candidate.citizen_id for candidate in found], "enrolled": enrolled}


async def _live_face(
    citizen_id: str, command: AnswerChallenge, purpose: str, rules: QualityRules, faces: Faces
) -> Analysis:
    """The neutral face of an answered challenge.

    The challenge is used up whatever the answer is worth, but not where there is no room for it.
    """
    with faces.engine.room(len(command.frames)):
        steps: Sequence[Turn] = await faces.challenges.use(
            command.challenge_id, command.nonce, citizen_id, purpose
        )
    analyses = await faces.engine.analyse_all(command.frames)
    await faces.challenges.use_pictures(citizen_id, command.frames, analyses)
    check(analyses[0].quality, rules)
    live = judge(steps, analyses, faces.same_session.threshold)
    if faces.attack_detector is not None:
        for frame in command.frames:
            if await faces.attack_detector.is_attack(frame):
                raise AttackSuspected("a picture looks like a presentation attack")
    return live


def _use(
    live: Analysis, command: AnswerChallenge, faces: Faces, engine: FaceEngine | None = None
) -> dict[str, Any]:
    detector = faces.attack_detector
    return {
        "challenge_id": str(command.challenge_id),
        "sample_sha256": sha256(command.frames[0]).hexdigest(),
        "attack_detector": detector.name if detector is not None else None,
        **_models_and_quality(live, engine or faces.engine),
    }


def _models_and_quality(analysis: Analysis, engine: FaceEngine) -> dict[str, Any]:
    pack = engine.pack
    return {
        "pack_id": pack.pack_id,
        "models": dict(pack.digests),
        "template_version": pack.template_version,
        "runtime": engine.models.runtime,
        "quality": analysis.quality.as_json(),
    }


async def forget_challenges(services: Services) -> None:
    """Drop challenges that nobody answers any more."""
    await forget_old(services.store.pool)
