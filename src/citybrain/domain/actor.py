"""Who acts: the subject of an access token, the role used, and what the role reaches to.

Roles are functions, each with the least that it needs: docs/security.md has the table.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from citybrain.errors import Forbidden


class Role(StrEnum):
    """The roles of an access token; `system` is reserved for process managers and imports."""

    CITIZEN = "citizen"
    CLERK = "clerk"  # serves citizens at a named counter
    OFFICIAL = "official"  # decides applications and solves cases of one department
    OPERATOR = "operator"  # of the street centre: cases only
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    KIOSK = "kiosk"
    CAMERA = "camera"
    GATEWAY = "gateway"
    VEHICLE = "vehicle"
    SYSTEM = "system"


WATCHERS: Final = (Role.CAMERA, Role.GATEWAY, Role.VEHICLE)
"""Devices that report what they see in the street: each in its own name, and in those it serves."""

MORE = "*"
INTAKE: Final = "intake"
"""In whose name messages of device topics are taken in."""
RESERVED: Final = ("system:", "cli:", "open311-")
"""How subjects begin that are given here, and by no issuer of tokens."""


@dataclass(frozen=True, slots=True)
class Actor:
    """`subject` is a pseudonymous id, never a name.

    `department` is an official's, `counter` a clerk's: without it the role has no power.
    `acts_for` are ids that a device speaks for beside its own; one that ends with `*` is all that
    begin so.
    """

    subject: str
    roles: frozenset[Role]
    department: str | None = None
    counter: str | None = None
    acts_for: frozenset[str] = field(default=frozenset())
    _placed: frozenset[Role] = field(init=False, repr=False, compare=False)
    """The roles that count where the actor is: asked for many times, so made out once."""
    role_names: str = field(init=False, repr=False, compare=False)
    """All roles as they are written beside each event."""
    whose: str = field(init=False, repr=False, compare=False)
    """How the actor's idempotency keys begin: with another actor's key it makes another text."""

    def __post_init__(self) -> None:
        placed = frozenset(role for role in self.roles if self._is_placed(role))
        object.__setattr__(self, "_placed", placed)
        object.__setattr__(self, "role_names", ",".join(sorted(self.roles)))
        whose = self.subject
        if not is_reserved(whose):  # of which no token is
            whose = whose.replace("%", "%25").replace(":", "%3A")
        object.__setattr__(self, "whose", whose)

    def has(self, *roles: Role) -> bool:
        """Whether the actor holds at least one of `roles`, in a place where it counts."""
        return not self._placed.isdisjoint(roles)

    def speaks_for(self, device_id: str) -> bool:
        """Whether a device reports in this name: its own, or one that its token names."""
        return device_id == self.subject or any(
            device_id.startswith(named[:-1]) if named.endswith(MORE) else device_id == named
            for named in self.acts_for
        )

    def _is_placed(self, role: Role) -> bool:
        if role is Role.OFFICIAL:
            return bool(self.department)
        return role is not Role.CLERK or bool(self.counter)


def system_actor(name: str) -> Actor:
    """The actor of a process manager or import, named `system:<name>`."""
    return Actor(f"system:{name}", frozenset({Role.SYSTEM}))


def is_reserved(subject: str) -> bool:
    """Whether no token may have this subject: the system, a tool or a client of ours has it."""
    return subject.lower().startswith(RESERVED) or subject == INTAKE


class RoleNotAllowed(Forbidden):
    """The actor's roles do not include one that may take this step."""

    code = "role-not-allowed"


class NotYourDevice(Forbidden):
    """A device reports in its own name, or in one that its token names."""

    code = "not-your-device"


def check_speaks_for(actor: Actor, device_id: str) -> None:
    """Raise `NotYourDevice` where a device reports in the name of another."""
    if actor.has(*WATCHERS) and not actor.speaks_for(device_id):
        raise NotYourDevice("a device reports for itself, and for those that its token names")
