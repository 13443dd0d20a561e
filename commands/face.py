"""The commands that decide by face: challenge, enrolment, verification, search, revocation.

Pictures are analysed outside the decision; the decision is taken on what was measured, and the
event holds all that it rests on. Pictures and embeddings go to the vault only, sealed.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import UUID

import numpy as np
from pydantic import Base64Bytes, Field, StringConstraints

from citybrain.domain.actor import Role
from citybrain.domain.citizen import Citizen
from citybrain.errors import CitybrainError, Forbidden, InvalidInput, Unavailable
from citybrain.eventstore import OutcomeUnknown
from citybrain.faces.engine import Analysis, FaceEngine
from citybrain.faces.explaining import SAMPLE
from citybrain.faces.gallery import TEMPLATE, Candidate
from citybrain.faces.liveness import AttackSuspected, LivenessFailed, Turn, judge
from citybrain.faces.quality import ENROLMENT, VERIFICATION, QualityRules, check
from citybrain.faces.services import Faces
from commands.citizen import change_citizen, citizen_answer
from commands.handling import Command, CommandContext, CommandResult, Services, answered_before
from commands.identity import Purpose

ENROL = "enrol"
CANDIDATES = 5

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


async def revoke_face(
    citizen_id: str, command: RevokeFace, context: CommandContext, services: Services
) -> CommandResult:
    """End all templates; a process destroys them."""

    def decide(citizen: Citizen, now: datetime) -> None:
        citizen.revoke_face(context.actor, now, reason=command.reason)

    return await change_citizen(citizen_id, command, context, services, decide)


async def issue_challenge(
    citizen_id: str, command: IssueChallenge, context: CommandContext, services: Services
) -> dict[str, Any]:
    """A challenge for one purpose; nothing is recorded until it is answered."""
    faces = _faces(services)
    citizen = await services.store.load(Citizen, citizen_id, fresh=True)
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
    faces, vault = _faces(services), services.vault
    if before := await answered_before(command, citizen_id, context, services):
        return before
    citizen = await services.store.load(Citizen, citizen_id, fresh=True)
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
        result = await change_citizen(citizen_id, command, context, services, decide)
    except OutcomeUnknown:
        raise
    except CitybrainError:
        await vault.delete([template_id])
        raise
    if duplicate is None:
        await _flag_at_the_same_time(citizen_id, template_id, live, command, context, services)
    return result


async def _flag_at_the_same_time(
    citizen_id: str, template_id: UUID, live: Analysis, command: EnrolFace,
    context: CommandContext, services: Services,
) -> None:  # fmt: skip
    """Two enrolments of one face may have looked before either was there: look once more."""
    faces = _faces(services)
    duplicate = _duplicate(citizen_id, await faces.enrolled.search(live.embedding, most=2), faces)
    if duplicate is None:
        return

    def decide(citizen: Citizen, now: datetime) -> None:
        citizen.suspect_duplicate(now, template_id=str(template_id), **duplicate)

    await change_citizen(
        citizen_id, command, replace(context, idempotency_key=None), services, decide
    )


def _duplicate(citizen_id: str, found: Sequence[Candidate], faces: Faces) -> dict[str, Any] | None:
    enrolled = len(faces.enrolled.gallery)
    point = faces.calibration.for_search(enrolled)
    for candidate in found:
        if candidate.citizen_id != citizen_id and candidate.score >= point.threshold:
            return {
                "other": candidate.citizen_id,
                "score": candidate.score,
                "threshold": point.threshold,
                "false_match_rate": point.false_match_rate,
                "enrolled": enrolled,
            }
    return None


async def verify_face(
    citizen_id: str, command: VerifyFace, context: CommandContext, services: Services
) -> CommandResult:
    """Compare a live face 1:1; every attempt is an event. The score stays in the event."""
    if command.purpose == ENROL:
        raise PurposeReserved(f"{ENROL} is for enrolments only")
    faces, vault = _faces(services), services.vault
    if before := await answered_before(command, citizen_id, context, services):
        return before
    citizen = await services.store.load(Citizen, citizen_id, fresh=True)
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
    sample_id = await vault.keep(
        citizen_id, SAMPLE, command.frames[0], services.clock() + faces.sample_kept
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
        await vault.delete([sample_id])
        raise


async def _next_template(
    citizen: Citizen, command: VerifyFace, decision: dict[str, Any], services: Services,
    faces: Faces,
) -> dict[str, Any] | None:  # fmt: skip
    """While a pack is being replaced: a template of the next one, from an accepted sample."""
    engine = faces.next_engine
    if engine is None or not decision["matched"]:
        return None
    if engine.pack.template_version in citizen.templates:
        return None
    analysis = await engine.analyse(command.frames[0])
    template_id = await services.vault.keep(citizen.id, TEMPLATE, analysis.embedding.tobytes())
    return {"template_id": str(template_id)} | _use(analysis, command, faces, engine)


async def _record_failure(
    citizen_id: str, command: VerifyFace, context: CommandContext, services: Services,
    failure: LivenessFailed,
) -> None:  # fmt: skip
    """An attempt that failed before a comparison counts, too; a poor picture does not."""

    def decide(citizen: Citizen, now: datetime) -> None:
        citizen.fail_attempt(
            context.actor, now, purpose=command.purpose, reason=failure.reason,
            challenge_id=str(command.challenge_id),
        )  # fmt: skip

    # Not under the idempotency key: the attempt gets its error again, not this event's answer.
    await change_citizen(
        citizen_id, command, replace(context, idempotency_key=None), services, decide
    )


async def identify_face(
    command: IdentifyFace, context: CommandContext, services: Services
) -> dict[str, Any]:
    """Shortlist who this may be, for a kiosk. It authorises nothing: a verification decides."""
    faces = _faces(services)
    if not context.actor.has(Role.DEVICE, Role.OFFICIAL, Role.OPERATOR):
        raise Forbidden("a kiosk or an official identifies")
    await faces.challenges.count_attempt(context.actor.subject)
    analysis = await faces.engine.analyse(command.frame)
    check(analysis.quality, VERIFICATION)
    found = await faces.enrolled.search(analysis.embedding, CANDIDATES)
    enrolled = len(faces.enrolled.gallery)
    point = faces.calibration.for_search(enrolled)
    found = [candidate for candidate in found if candidate.score >= point.threshold]
    if found:
        best = found[0]

        def decide(citizen: Citizen, now: datetime) -> None:
            citizen.identify_face(
                now, score=best.score, threshold=point.threshold,
                false_match_rate=point.false_match_rate, enrolled=enrolled,
                template_id=best.template_id, challenge_id=None, attack_detector=None,
                sample_sha256=sha256(command.frame).hexdigest(),
                **_models_and_quality(analysis, faces.engine),
            )  # fmt: skip

        await change_citizen(best.citizen_id, command, context, services, decide)
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
