"""Which photos of cases an official sees: those of their department's cases."""

from aiohttp import web

from citybrain.domain.actor import Actor
from citybrain.domain.inspection.reading_rights import may_read_comments
from citybrain.http.photo_rights import say_who_sees
from citybrain.http.runtime import Runtime
from projections.inspection import case_evidence


async def sees_photo(runtime: Runtime, actor: Actor, digest: str) -> bool | None:
    """Whether it is of a case that they have; None where it is of no case."""
    departments = await case_evidence.departments_of(runtime.store.models, digest)
    return None if departments is None else may_read_comments(actor, departments)


def mount(app: web.Application) -> None:
    """Say so where photos are shown."""
    say_who_sees(app, sees_photo)
