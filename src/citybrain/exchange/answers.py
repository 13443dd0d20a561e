"""Signed answers over HTTP, of departments and of the bank: read within bounds, and measured."""

import aiohttp
from prometheus_client import Counter, Histogram

ANSWER_BYTES = 256 * 1024
JOSE = "application/jose"
LOST = (aiohttp.ClientError, ConnectionError, OSError)

SECONDS = Histogram(
    "citybrain_exchange_seconds",
    "Time until a member answered or failed",
    ["member", "outcome"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8),
)
RETRIES = Counter("citybrain_exchange_retries_total", "Requests sent again", ["member"])


async def signed_text(answer: aiohttp.ClientResponse) -> str:
    """The body, of the agreed type and of a sane size; raises `ValueError`."""
    body = await body_of(answer)
    if answer.content_type != JOSE:
        raise ValueError("not a signed answer")
    return body.decode("ascii").strip()


async def body_of(answer: aiohttp.ClientResponse) -> bytes:
    """The body; raises `ValueError` where it is too large."""
    body = await answer.content.read(ANSWER_BYTES + 1)
    while not answer.content.at_eof() and len(body) <= ANSWER_BYTES:
        body += await answer.content.read(ANSWER_BYTES + 1 - len(body))
    if len(body) > ANSWER_BYTES:
        raise ValueError("the answer is too large")
    return body
