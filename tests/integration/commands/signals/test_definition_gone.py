"""A junction in service is controlled when its file is edited in the middle of a day, or gone."""

from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.signals.junctions import SignalDefinitions, load_signals
from citybrain.eventstore import EventStore
from commands.kept_definitions import keep_definitions
from commands.signals.observed import observed
from commands.signals.streams import JunctionUnknown, definition_of, junctions_known
from tests.given.services import services_over
from tests.given.signals.controlled import RENMIN, Centre, in_service
from tests.given.signals.x1 import X1, ZERO, written


async def starts(centre: Centre, folder: Path, said: dict[str, Any] | None) -> None:
    """Another process leads, with this file of x1, or none."""
    folder.mkdir()
    if said is not None:
        written(folder, said)
    services = centre.services
    found = load_signals(Files(folder), Definitions())
    of_x1 = {code: each for code, each in found.junctions.items() if code not in RENMIN}
    definitions = services.definitions.extended(SignalDefinitions(of_x1))
    services.definitions = await keep_definitions(definitions, services.store.pool)
    await centre.take_over()


def seen(centre: Centre) -> str:
    """The version by which is judged what detectors say."""
    return observed(centre.services).seen("x1", centre.clock.now).junction.version


async def test_the_day_goes_on_under_its_version_and_the_next_under_the_file(
    store: EventStore, tmp_path: Path
) -> None:
    centre = await Centre.of(services_over(store), ZERO)
    await starts(centre, tmp_path / "first", X1)
    await in_service(centre, "x1")
    await centre.run(300)
    first = centre.control.signal("x1").definition_version
    edited = deepcopy(X1)
    edited["groups"]["V1"]["maximum"] = 55
    await starts(centre, tmp_path / "edited", edited)
    await centre.run(300)
    signal = centre.control.signal("x1")
    assert signal.definition_version == first
    assert seen(centre) == first
    await centre.run_until(ZERO + timedelta(hours=15))
    second = centre.control.signal("x1").definition_version
    assert (second != first, centre.control.signal("x1").day) == (True, "2026-09-15")
    assert seen(centre) == second

    await starts(centre, tmp_path / "empty", None)
    assert await junctions_known(centre.services) == ["x1"]
    await centre.run_until(ZERO + timedelta(hours=39))
    signal = centre.control.signal("x1")
    assert (signal.day, signal.definition_version) == ("2026-09-16", second)
    assert definition_of(centre.services, signal).junction.groups["V1"].maximum_ms == 55_000
    assert await centre.violations() == {"x1": []}
    with pytest.raises(JunctionUnknown):
        await in_service(centre, "x1")
