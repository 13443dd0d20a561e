"""Signed answers over HTTP, of departments and of the bank: read within bounds, and measured."""

import aiohttp
from prometheus_client import Counter, Histogram

from citybrain.settings import Settings
from citybrain.vault import most_text_bytes

EVENT_REST_BYTES = 16 * 1024  # what an event says beside the sealed answer, with room to spare
JOSE = "application/jose"
LOST = (aiohttp.ClientError, ConnectionError, OSError)

SECONDS = Histogram(
    "citybrain_exchange_seconds",
    "Time until a member answered or failed",
    ["member", "outcome"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8),
)
RETRIES = Counter("citybrain_exchange_retries_total", "Requests sent again", ["member"])


class AnswerTooLarge(ValueError):
    """More than is taken of anybody."""


def answer_bytes(settings: Settings) -> int:
    """The longest answer that is taken: sealed and in base64 it fits into an event."""
    return most_text_bytes(settings.event_size_limit_bytes - EVENT_REST_BYTES)


async def signed_text(answer: aiohttp.ClientResponse, limit: int) -> str:
    """The body, of the agreed type and of a sane size; raises `ValueError`."""
    body = await body_of(answer, limit)
    if answer.content_type != JOSE:
        raise ValueError("not a signed answer")
    return body.decode("ascii").strip()


async def body_of(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body; raises `AnswerTooLarge` where it is longer than `limit`."""
    body = await answer.content.read(limit + 1)
    while not answer.content.at_eof() and len(body) <= limit:
        body += await answer.content.read(limit + 1 - len(body))
    if len(body) > limit:
        raise AnswerTooLarge("the answer is too large")
    return body
