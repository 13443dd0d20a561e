"""Who acts: the subject of an access token, the role used, and the official's department."""

from dataclasses import dataclass
from enum import StrEnum

from citybrain.errors import Forbidden


class Role(StrEnum):
    """The roles of an access token; `system` is reserved for process managers and imports."""

    CITIZEN = "citizen"
    OFFICIAL = "official"
    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    DEVICE = "device"
    AUDITOR = "auditor"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """`subject` is a pseudonymous id, never a name; `department` only for officials."""

    subject: str
    roles: frozenset[Role]
    department: str | None = None

    def has(self, *roles: Role) -> bool:
        """Whether the actor holds at least one of `roles`."""
        return not self.roles.isdisjoint(roles)


def system_actor(name: str) -> Actor:
    """The actor of a process manager or import, named `system:<name>`."""
    return Actor(f"system:{name}", frozenset({Role.SYSTEM}))


class RoleNotAllowed(Forbidden):
    """The actor's roles do not include one that may take this step."""

    code = "role-not-allowed"
