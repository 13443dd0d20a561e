"""A server that is told what a street decides: its log, and the read models after it."""

from tests.given.api import Api
from tests.given.read_models import project
from tests.given.signals.recorded import record
from tests.given.signals.x1 import Street, at

MODELS = ("signal_junctions", "signal_lamps", "signal_changes")
"""What `Told.tell` brings up to date."""


class Told:
    """A street, and a server that is told what it decided."""

    def __init__(self, api: Api, street: Street) -> None:
        self.api, self.street = api, street

    def clock(self, t: float) -> None:
        self.api.runtime.services.clock = lambda: at(t)

    async def tell(self) -> None:
        """The log has what the street decided, and so have the read models."""
        self.street.collect()
        await record(self.api.runtime.store, self.street.events)
        self.street.events = []
        await project(self.api.runtime.store, *MODELS)
