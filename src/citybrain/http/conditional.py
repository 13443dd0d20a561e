"""What a client has already is not sent again: If-None-Match (RFC 9110, 13.1.2)."""

from typing import Final

from aiohttp import web

KEPT: Final = ("ETag", "Vary", "Cache-Control", "X-Position")  # of 15.4.5, and what is ours


def has(request: web.Request, tag: str) -> bool:
    """Whether the client says that it has what an entity tag names; weak ones count as strong."""
    given = request.headers.get("If-None-Match")
    if given is None:
        return False
    tags = {each.strip().removeprefix("W/") for each in given.split(",")}
    return tag in tags or given.strip() == "*"


def unless_had(request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
    """The answer, or 304 where the client has it."""
    tag = answer.headers.get("ETag")
    if tag is None or answer.status != 200 or not has(request, tag):
        return answer
    headers = {name: answer.headers[name] for name in KEPT if name in answer.headers}
    return web.Response(status=304, headers=headers)
