"""An application and a junction that have lived, for read models of them."""

from pathlib import Path

from citybrain.domain.applications.application import Application
from citybrain.domain.applications.statuses import Status
from citybrain.domain.signals import buses, controllers, officers, people
from citybrain.eventstore import EventStore
from tests.given.applications import ANNA, LIVES, submitted
from tests.given.services import context
from tests.given.signals.attack import CITY, Attack
from tests.given.signals.recorded import EVERYTHING
from tests.given.signals.x1 import Street, at, loaded

BUSES = {"buses": {"again_after": 180, "lines": {"m1": {"group": "V1", "headway": 300}}}}


async def application_lived(store: EventStore, status: Status) -> Application:
    """One that has come this far, stored under an id of its own."""
    application = submitted(application_id=Application.new_id())
    for step in LIVES[status]:
        step(application)
    await store.save(application, metadata=context(ANNA).metadata())
    return application


def junction_lived(folder: Path) -> Attack:
    """X1 after all that can happen to it."""
    attack = Attack(Street(loaded(folder, CITY | BUSES)))
    attack.go(EVERYTHING)
    street, now = attack.street, at(attack.now)
    signal = street.signal
    officers.choose_strategy(
        signal, now, "fixed", known=["fixed"], begins=now, by="o-1", reason="trial"
    )
    controllers.connect(signal, now, "controller-x1")
    later = attack.now + 100
    people.change_mode(signal, at(later), "centre", by="centre", reason="again")
    stages = (stage for stage in "ABC" if stage != signal.stage)
    street.command(later, next(stages), 1)  # which is sent to it
    now, awaited = at(later), signal.unacknowledged
    assert awaited is not None
    controllers.hear(
        signal,
        street.junction,
        now,
        command=awaited["number"],
        followed=True,
        said_at=now,
        lamps={code: street.shown(code, later) for code in street.junction.groups},
    )
    for name, late_ms in (("b1", 0), ("b2", 90_000)):
        buses.ask(
            signal,
            street.junction,
            now,
            request=name,
            line="m1",
            arrives=at(later + 9),
            late_ms=late_ms,
        )
    buses.end(signal, now, "b1", reason=buses.PASSED)
    attack.street.collect()
    return attack
