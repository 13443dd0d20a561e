"""What is made up is for trying things out: where the city is served, nobody sends it."""

from pydantic import BaseModel

from citybrain.errors import InvalidInput
from citybrain.settings import Settings


class SimulatedHere(InvalidInput):
    """Made-up data in production, where all pages would say that what they show is made up."""

    code = "simulated-in-production"


def check_real(said: BaseModel, settings: Settings) -> None:
    """Raises `SimulatedHere` where it says that it is made up, in production."""
    if getattr(said, "simulated", False) and settings.mode == "production":
        raise SimulatedHere("made-up data are taken in development only")
