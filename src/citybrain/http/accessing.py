"""Telling about whom an answer is: reading others' data leaves an access, or shows nothing."""

from collections.abc import Iterable

from citybrain.domain.actor import Role
from citybrain.http.commanding import context
from citybrain.http.routing import Call, Opens
from commands.accesses import Look, PurposeNeeded, record_access

AUDIT = "audit"


async def opened(
    call: Call, people: Iterable[tuple[str, str | None]], what: str | None = None
) -> None:
    """Record that the answer shows these streams, all at once, before it is sent.

    `people` are pairs: the stream of one person, and whose it is. What is one's own leaves nothing.
    `what` is shown where it is something else than what the route declares. Raises `PurposeNeeded`
    and `AccessNotRecorded`.
    """
    call.accounted = True
    actor = call.authenticated
    about = [stream for stream, owner in people if owner != actor.subject]
    if about:
        look = Look(
            what=what or _opens(call).what,
            purpose=purpose_of(call),
            role=_role_of(call),
            through=call.route.operation_id,
        )
        services = call.runtime.services
        await record_access(look, about, context(call), services.store, services.clock())


def purpose_of(call: Call) -> str:
    """For what is read: what whoever asks says, else what the route declares; `PurposeNeeded`.

    Where a route declares one, auditors audit.
    """
    declared = _opens(call).purpose
    if declared is not None and _role_of(call) == Role.AUDITOR:
        declared = AUDIT
    for said in (_said(call.query), _said(call.body), declared):
        if said is not None:
            return said
    raise PurposeNeeded("this is about people: say for what you read it, as `purpose`")


def _opens(call: Call) -> Opens:
    assert call.route.opens is not None
    return call.route.opens


def _said(given: object) -> str | None:
    said = getattr(given, "purpose", None)
    return None if said is None else str(said)


def _role_of(call: Call) -> str:
    """The role in which others' data is read: never that of the citizen."""
    held = [role for role in call.route.roles or () if call.authenticated.has(role)]
    return next((role for role in held if role is not Role.CITIZEN), Role.CITIZEN).value
