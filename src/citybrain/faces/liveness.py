"""A challenge: turn your head as asked, now.

The server draws a random sequence of head turns; the answer is one picture a step. Checked are
the pose of each picture, that all show the same person, and that no picture was seen before.

What this stops: a printed photograph, a still on a screen, pictures that were used in an earlier
session, and swapping in another person's picture. What it does not stop: pictures or a film of
the person turning to each side, prepared beforehand and shown or sent in the order asked for; a
mask; a real-time face swap; injected camera data (presentation and injection attacks of higher
levels in the terms of ISO/IEC 30107-3). `PresentationAttackDetector` is the
port for a certified module against those.
"""

import secrets
from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar, Protocol

from citybrain.errors import InvalidInput
from citybrain.faces.engine import Analysis
from citybrain.faces.images import hash_distance


class Turn(StrEnum):
    """A step of a challenge, as the person sees it: their own left and right."""

    NEUTRAL = "neutral"
    LEFT = "left"
    RIGHT = "right"


TURNS = 2  # after the neutral step; each left or right
CHALLENGE_SECONDS = 60
NEUTRAL_DEGREES = 14.0  # a face that looks at the camera, with its estimate's error
TURNED_DEGREES = 9.0  # beyond the neutral picture of the same person
SAME_FRAME_BITS = 2  # pictures this near are one picture


class LivenessFailed(InvalidInput):
    """The pictures do not answer the challenge; `reason` names what failed."""

    code = "liveness-failed"
    reason: ClassVar[str] = "wrong-number-of-pictures"

    def __init__(self, message: str) -> None:
        super().__init__(message, reason=self.reason)


class WrongNumber(LivenessFailed):
    """Not one picture a step."""


class WrongTurn(LivenessFailed):
    """A head is not turned as its step asks."""

    reason = "wrong-turn"


class AnotherPerson(LivenessFailed):
    """The pictures do not all show one person."""

    reason = "another-person"


class RepeatedPicture(LivenessFailed):
    """A picture was seen before, here or in an earlier attempt."""

    reason = "repeated-picture"


class AttackSuspected(LivenessFailed):
    """The presentation-attack detector refused a picture."""

    reason = "presentation-attack"


class PresentationAttackDetector(Protocol):
    """The port for a certified detector (ISO/IEC 30107-3): whether a picture is an attack."""

    name: str

    async def is_attack(self, content: bytes) -> bool:
        """Whether the encoded picture shows a presentation or injection attack."""


def new_steps() -> list[Turn]:
    """A neutral step, then random turns."""
    return [Turn.NEUTRAL, *(secrets.choice((Turn.LEFT, Turn.RIGHT)) for _ in range(TURNS))]


def judge(steps: Sequence[Turn], answers: Sequence[Analysis], same_person: float) -> Analysis:
    """The neutral picture, on which identity is decided; raises a `LivenessFailed`.

    `same_person` is the cosine similarity that pictures of one session must reach.
    A camera looks at the person: their left is the image's right, where a positive yaw points.
    """
    if len(answers) != len(steps):
        raise WrongNumber(f"the challenge asks for {len(steps)} pictures")
    neutral = answers[0]
    if abs(neutral.quality.yaw_degrees) > NEUTRAL_DEGREES:
        raise WrongTurn("the first picture looks straight at the camera")
    for step, answer in zip(steps[1:], answers[1:], strict=True):
        turned = answer.quality.yaw_degrees - neutral.quality.yaw_degrees
        if (turned if step is Turn.LEFT else -turned) < TURNED_DEGREES:
            raise WrongTurn("a head is not turned as asked")
        if float(answer.embedding @ neutral.embedding) < same_person:
            raise AnotherPerson("the pictures do not show one person")
    for number, one in enumerate(answers):
        for other in answers[:number]:
            if hash_distance(one.difference_hash, other.difference_hash) <= SAME_FRAME_BITS:
                raise RepeatedPicture("a picture was sent twice")
    return neutral
