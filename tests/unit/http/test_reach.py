"""Nothing is served of which it is not said to whose data it reaches; the document has it all."""

from dataclasses import replace

import pytest

from citybrain.domain.actor import Role
from citybrain.http.reach import (
    NOBODYS,
    OWN,
    PUBLIC,
    Reach,
    RouteWithoutReach,
    check,
    of,
    reaches,
    table,
)
from citybrain.http.routing import Route
from citybrain.systems import SYSTEMS
from citybrain.systems.system import System
from tests.given.documents import CHECKOUT

ROUTES = [route for system in SYSTEMS for route in system.routes]
ROWS = {name: row for system in SYSTEMS for name, row in system.reach.items()}
SECURITY = CHECKOUT / "docs" / "security.md"
CODES = "get_v1_citizens_citizen_id"


def test_every_operation_says_to_whose_data_it_reaches() -> None:
    check(ROUTES, ROWS)


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_a_systems_rows_are_those_of_its_own_operations(system: System) -> None:
    check(system.routes, system.reach)
    check(system.development_routes, system.development_reach)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation_id)
def test_an_operation_without_a_row_is_not_served(route: Route) -> None:
    without = {name: row for name, row in ROWS.items() if name != route.operation_id}
    with pytest.raises(RouteWithoutReach, match=route.operation_id):
        check(ROUTES, without)


@pytest.mark.parametrize(
    "row", [PUBLIC, of("the citizen", Role.OPERATOR), of("the citizen", never=[Role.AUDITOR])]
)
def test_a_row_that_does_not_fit_its_operation_is_refused(row: Reach) -> None:
    with pytest.raises(RouteWithoutReach):
        check(ROUTES, ROWS | {CODES: row})


def test_a_public_operation_says_so() -> None:
    with pytest.raises(RouteWithoutReach):
        check(ROUTES, ROWS | {"get_healthz": NOBODYS})


def test_a_row_of_nothing_is_refused() -> None:
    with pytest.raises(RouteWithoutReach):
        check(ROUTES, ROWS | {"get_v1_nothing": NOBODYS})
    beyond = replace(NOBODYS, beyond=frozenset({Role.CLERK}))
    with pytest.raises(RouteWithoutReach):
        check(ROUTES, ROWS | {CODES: beyond})


def test_the_system_is_no_role_of_a_token_and_roles_reach_their_own_only() -> None:
    (route,) = (each for each in ROUTES if each.operation_id == CODES)
    far = {role: reaches(route, ROWS[CODES], role) for role in Role}
    assert {role for role in far if far[role]} == {Role.CITIZEN, Role.CLERK}
    assert set(far.values()) == {OWN, ""}


def test_the_table_of_the_document_is_what_the_code_says() -> None:
    """`citybrain systems reach` prints it anew."""
    assert "\n".join(table(ROUTES, ROWS)) in SECURITY.read_text()
