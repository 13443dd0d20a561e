"""Citizens for tests: registered, enrolled, verified."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from citybrain.domain.actor import Actor, Role
from citybrain.domain.citizens.citizen import Citizen, SealedPerson
from citybrain.domain.citizens.serving import FACE_PURPOSE
from citybrain.eventstore import EventStore, Metadata

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
SUPERVISOR = Actor("supervisor-1", frozenset({Role.SUPERVISOR}))
CLERK = Actor("clerk-1", frozenset({Role.CLERK}), counter="counter-1")
KIOSK = Actor("kiosk-1", frozenset({Role.KIOSK}))
V1, V2 = "pack-1", "pack-2"
Step = Callable[[Citizen], None]


def registered() -> Citizen:
    return Citizen.register(
        CLERK,
        NOW,
        citizen_id=Citizen.new_id(),
        sealed=SealedPerson(
            name_sealed="c2VhbGVk",
            id_number_sealed="c2VhbGVk",
            birth_date_sealed="c2VhbGVk",
            phone_sealed=None,
        ),
        simulated=True,
    )


def own(citizen: Citizen) -> Actor:
    return Actor(citizen.id, frozenset({Role.CITIZEN}))


def consent(citizen: Citizen) -> None:
    citizen.give_face_consent(
        own(citizen), NOW, consent_id="c1", notice_sha256="ab" * 32, age_years=30, guardian=None
    )


def before(clerk: Actor = CLERK, purpose: str = FACE_PURPOSE, at: datetime = NOW) -> Step:
    """A clerk identifies them for a purpose."""

    def step(citizen: Citizen) -> None:
        citizen.confirm_identity(
            clerk, at, method="counter", purpose=purpose, document="passport", code_id=None
        )

    return step


def use(version: str = V1) -> dict[str, Any]:
    return {
        "pack_id": "p",
        "models": {"detection": "d", "recognition": "r"},
        "template_version": version,
        "runtime": {"provider": "cpu"},
        "quality": {"yaw": 0.0},
        "challenge_id": "ch",
        "sample_sha256": "cd" * 32,
        "attack_detector": None,
    }


def enrol(template: str = "t1", version: str = V1, duplicate: str | None = None) -> Step:
    found = duplicate and {
        "other": duplicate,
        "score": 0.9,
        "threshold": 0.6,
        "false_match_rate": 1e-4,
        "enrolled": 10,
    }

    def step(citizen: Citizen) -> None:
        citizen.enrol_face(
            own(citizen),
            NOW,
            template_id=template,
            duplicates=[found] if found else [],
            **use(version),
        )

    return step


def verify(*, matched: bool, at: datetime = NOW, version: str = V1) -> Step:
    def step(citizen: Citizen) -> None:
        citizen.verify_face(
            KIOSK,
            at,
            purpose="fund",
            matched=matched,
            score=0.7,
            threshold=0.6,
            false_match_rate=1e-4,
            false_match_rate_upper_95=2e-4,
            impostor_pairs=1000,
            template_id="t1",
            sample_id="s1",
            **use(version),
        )

    return step


async def saved(store: EventStore, citizen: Citizen) -> None:
    metadata = Metadata("clerk-1", "clerk", "test", uuid4(), uuid4(), None)
    await store.save(citizen, metadata=metadata)
