"""How far each operation reaches: to what is one's own, or to what is others', too.

Each room has its rows in `reach.py`; an operation without one is not served. A test calls every
operation as every role on own and on others' data and compares. docs/security.md has the table.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from citybrain.domain.actor import Role
from citybrain.errors import CitybrainError
from citybrain.http.routing import Route

TOKEN_ROLES: Final = tuple(role for role in Role if role is not Role.SYSTEM)
OWN, ANY, NONE = "own", "any", ""


class RouteWithoutReach(CitybrainError):
    """An operation does not say to whose data it reaches: it is not served."""

    code = "route-without-reach"


@dataclass(frozen=True, slots=True)
class Reach:
    """To whose data the roles of an operation reach.

    `owner` is what belongs to somebody, empty where nothing does. All roles reach their own;
    those in `beyond` what is others', too; those in `never` come to the door, and are refused
    behind it, on the record.
    """

    owner: str = ""
    beyond: frozenset[Role] = frozenset()
    never: frozenset[Role] = frozenset()
    public: bool = False


PUBLIC: Final = Reach(public=True)
NOBODYS: Final = Reach()

Rows = Mapping[str, Reach]
"""By operation id."""


def of(owner: str, *beyond: Role, never: Iterable[Role] = ()) -> Reach:
    """What is somebody's, and who reaches beyond their own."""
    return Reach(owner, frozenset(beyond), frozenset(never))


def reaches(route: Route, row: Reach, role: Role) -> str:
    """How far a role reaches: `own`, `any` (also where it is nobody's), or nothing."""
    if row.public:
        return ANY
    if role not in (route.roles or ()) or role in row.never:
        return NONE
    return OWN if row.owner and role not in row.beyond else ANY


def check(routes: Iterable[Route], rows: Rows) -> None:
    """Raise `RouteWithoutReach` unless every operation has a row that fits, and every row one."""
    known = {route.operation_id: route for route in routes}
    for operation_id in sorted({*known, *rows}):
        if operation_id not in rows or operation_id not in known:
            raise RouteWithoutReach(f"{operation_id} is no route with a row in `reach`")
        route, row = known[operation_id], rows[operation_id]
        if row.public != (route.roles is None):
            raise RouteWithoutReach(f"{operation_id} is public, or not, but for its row")
        if not {*row.beyond, *row.never} <= {*(route.roles or ())}:
            raise RouteWithoutReach(f"the row of {operation_id} names roles that it is not for")
        if row.beyond and not row.owner:
            raise RouteWithoutReach(f"the row of {operation_id} reaches beyond what is nobody's")


def table(routes: Iterable[Route], rows: Rows) -> Iterator[str]:
    """The lines of the table, in Markdown."""
    roles = [role.value for role in TOKEN_ROLES]
    yield f"| Operation | Own is | {' | '.join(roles)} |"
    yield f"|---|---|{'---|' * len(roles)}"
    for route in sorted(routes, key=lambda route: (route.path, route.method)):
        row = rows[route.operation_id]
        cells = [reaches(route, row, role) for role in TOKEN_ROLES]
        owner = "public" if row.public else row.owner
        yield f"| `{route.method} {route.path}` | {owner} | {' | '.join(cells)} |"
