"""The server is killed right before and right after each step of each process manager of parking.

A life of a city is lived twice: undisturbed, and by workers that die at every step, once before it
and once after. Nobody is charged twice, nothing is lost, every message is sent once, and all that
happened is the same.
"""

from collections import Counter
from typing import Any

import pytest

from citybrain.settings import Settings
from citybrain.systems.parking import PARKING
from tests.given.numbers import begin_anew
from tests.given.parking.dying_city import AFTER, BEFORE
from tests.given.parking.lives import LIVES, Life
from tests.given.parking.mortal_city import mortal_city

PROCESSES = {process.manager.name for process in PARKING.processes}
BY_NAME = {life.__name__: life for lives in LIVES.values() for life in lives}

pytestmark = pytest.mark.fault


@pytest.fixture(scope="module")
def template(prepared: str) -> str:
    """Read models that are there from the start."""
    return prepared


def test_each_process_manager_of_parking_has_a_life_to_die_in() -> None:
    assert set(LIVES) == PROCESSES, "let it die in a life of tests/given/parking/lives.py"


@pytest.mark.parametrize("called", sorted(BY_NAME))
async def test_killed_before_and_after_each_step_all_is_as_undisturbed(
    settings: Settings, other_settings: Settings, called: str
) -> None:
    life = BY_NAME[called]
    fatal = sorted(name for name, lives in LIVES.items() if life in lives)
    expected, nowhere = await lived(life, settings)
    found, deaths = await lived(life, other_settings, *fatal)
    assert nowhere == []
    streams, others = found.pop("streams"), expected.pop("streams")
    assert (streams - others, others - streams) == (Counter(), Counter())
    assert found == expected
    for when in (BEFORE, AFTER):
        died = {each.partition(":")[0] for each in deaths if f": {when} " in each}
        assert died == set(fatal)


async def lived(life: Life, settings: Settings, *fatal: str) -> tuple[dict[str, Any], list[str]]:
    """What a life came to, and where workers died; the same people come first each time."""
    begin_anew()
    async with mortal_city(settings, *fatal) as city:
        await life(city)
        await city.is_whole()
        return await city.state(), city.deaths()
