"""Two people at one thing: whatever they ask one after the other, it is answered as documented."""

import asyncio
from random import Random
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from citybrain.domain.actor import Role
from citybrain.http.routing import Route
from tests.given.agreements import PARKING_NOTICE
from tests.given.api import Api
from tests.given.applying import registered
from tests.given.storm import STORM, repeated
from tests.given.walks import ANOTHER, Paths, Walk, drawn

STEPS = 12 if STORM == 1 else 40
PLACE = {"latitude": 34.7, "longitude": 113.6}
PAIRS: dict[str, tuple[tuple[Role, Role], str, Paths]] = {
    "a reporter and the street centre": (
        (Role.CITIZEN, Role.OPERATOR),
        "",
        Paths(
            ("/v1/cases", "/v1/assets", "/v1/answers"),
            "POST /v1/cases",
            {
                "POST /v1/cases": {"class_code": "overflowing_bin", "source": "citizen", **PLACE},
                "PUT /v1/assets/{code}": {"owner": "sanitation", **PLACE},
                "POST /v1/cases/{case_id}/reclassify": {"class_code": "road_damage"},
                "POST /v1/cases/{case_id}/relocate": PLACE,
            },
        ),
    ),
    "a driver and an officer": (
        (Role.CITIZEN, Role.OFFICIAL),
        "parking",
        Paths(
            ("/v1/parking/permits", "/v1/parking/plates", "/v1/parking/reservations"),
            "POST /v1/parking/plates",
            {
                "POST /v1/parking/plates": {
                    "plate": ANOTHER,
                    "per_debit_limit_fen": 2000,
                    "per_day_limit_fen": 5000,
                    "notice_sha256": PARKING_NOTICE,
                },
                "POST /v1/parking/permits": {"kind": "disabled-badge", "plate": ANOTHER},
            },
        ),
    ),
}


@pytest.mark.storm
@pytest.mark.parametrize("pair", PAIRS)
async def test_what_two_do_one_after_the_other_is_answered_as_documented(
    api: Api, pair: str
) -> None:
    roles, department, paths = PAIRS[pair]
    citizen = await registered(api)
    subjects = {role: citizen if role is Role.CITIZEN else f"{role}-1" for role in roles}
    tokens = {
        role: api.token(role, subject, None if role is Role.CITIZEN else department or None)
        for role, subject in subjects.items()
    }
    routes = paths.among(api.runtime.routes, roles)
    walks = await asyncio.to_thread(walked, api.url, tokens, routes, paths)
    assert [problem for walk in walks for problem in walk.wrong] == []
    assert {walk.answered[0] for walk in walks} == {(paths.begins, 201)}
    assert len({label for walk in walks for label, status in walk.answered if status < 300}) > 3


def walked(url: str, tokens: dict[Role, str], routes: list[Route], paths: Paths) -> list[Walk]:
    """All walks; what is wrong is collected, since no walk is the same on what another has left."""
    done: list[Walk] = []
    by_label = {f"{route.method} {route.path}": route for route in routes}
    session = requests.Session()

    @settings(
        max_examples=repeated(3), phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(cases=drawn(routes, paths.begins, STEPS), seed=st.integers(0, 1 << 32))
    def walk(cases: list[Any], seed: int) -> None:
        one = Walk(url, tokens, by_label, paths.members, Random(seed), session)
        for number, case in enumerate(cases):
            one.step(case, surely=number == 0)
        done.append(one)

    with session:
        walk()
    return done
