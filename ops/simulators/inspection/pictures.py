"""Made pictures of street problems, kept by the server as photos of people are: drawn, never taken.

A few are drawn and uploaded once, and named again and again; each says that it is simulated.
"""

import asyncio
import random

import cv2
import numpy as np

from ops.simulators.client import Client, Person

PICTURES = 12
WIDTH, HEIGHT = 640, 420
JPEG = "image/jpeg"
TARMAC, KERB, LINE, WRONG, INK = (92, 96, 98), (168, 172, 170), (214, 216, 212), (40, 44, 48), 255


def picture(number: int) -> bytes:
    """A made-up piece of a street, as JPEG; which one follows from its number."""
    chance = random.Random(number)
    drawn = np.full((HEIGHT, WIDTH, 3), TARMAC, np.uint8)
    noise = np.random.default_rng(number).integers(-9, 10, drawn.shape[:2])
    drawn = np.clip(drawn + noise[..., None], 0, 255).astype(np.uint8)
    kerb = chance.randrange(HEIGHT // 5, HEIGHT // 3)
    cv2.rectangle(drawn, (0, 0), (WIDTH, kerb), KERB, -1)
    for begin in range(chance.randrange(80), WIDTH, 130):
        cv2.rectangle(drawn, (begin, HEIGHT - 70), (begin + 70, HEIGHT - 58), LINE, -1)
    middle = (chance.randrange(170, WIDTH - 170), chance.randrange(kerb + 60, HEIGHT - 120))
    size = (chance.randrange(40, 90), chance.randrange(22, 48))
    cv2.ellipse(drawn, middle, size, chance.randrange(-20, 20), 0, 360, WRONG, -1, cv2.LINE_AA)
    cv2.ellipse(drawn, middle, size, 0, 0, 360, LINE, 3, cv2.LINE_AA)
    words = f"SIMULATED {number + 1}"
    cv2.putText(drawn, words, (14, 34), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (INK,) * 3, 2, cv2.LINE_AA)
    _, content = cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, 80])
    return content.tobytes()


class Pictures:
    """The pictures that a server keeps, by their digests there."""

    def __init__(self, client: Client, chance: random.Random, by: Person) -> None:
        self._client = client
        self._chance = chance
        self._by = by
        self._kept: list[str] = []
        self._one_at_a_time = asyncio.Lock()

    async def some(self) -> list[str]:
        """The digest of one of them; none where the server takes no picture now."""
        async with self._one_at_a_time:
            if len(self._kept) < PICTURES:
                content = picture(len(self._kept))
                answer = await self._client.upload(self._by, "/v1/photos", content, JPEG)
                if answer is not None:
                    self._kept.append(answer["sha256"])
        return [self._chance.choice(self._kept)] if self._kept else []
