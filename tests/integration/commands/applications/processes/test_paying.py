"""A bank that does not answer: the pause before the next try, and the time it has."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from citybrain.domain.applications.statuses import Status
from citybrain.payments import PaymentUnknown
from commands.applications.processes.paying import Paying
from tests.given.applications import NOW, at
from tests.given.services import OPERATOR, context

DUE = NOW + timedelta(seconds=30)


class SilentBank:
    """Never answers; keeps for how long it was paused at most."""

    def __init__(self) -> None:
        self.pauses: list[tuple[int, float | None]] = []

    async def instruct(self, instruction: Any) -> Any:
        raise PaymentUnknown("silence")

    async def pause(self, tries: int, most_seconds: float | None) -> None:
        self.pauses.append((tries, most_seconds))


@pytest.mark.parametrize(("before_due", "most"), [(20.0, 20.0), (0.25, 0.25), (0.0, None)])
async def test_no_pause_outlives_the_time_that_the_bank_has(
    before_due: float, most: float | None
) -> None:
    bank = SilentBank()
    services: Any = SimpleNamespace(
        payments=bank,
        clock=lambda: DUE - timedelta(seconds=before_due),
        store=SimpleNamespace(load=_citizen),
        vault=SimpleNamespace(open_text=_number),
    )
    application = at(Status.PAYING)
    application.payment_id = str(UUID(int=1))
    paying = Paying(application.id, context(OPERATOR), services)
    await paying.pause(application)
    assert bank.pauses == []
    for tries in (1, 2):
        await paying.tell(application)
        await paying.pause(application)
        assert bank.pauses[-1] == (tries, most)


async def _citizen(*_: Any, **__: Any) -> Any:
    return SimpleNamespace(id_number_sealed="sealed")


async def _number(*_: Any) -> str:
    return "410102199501010000"
