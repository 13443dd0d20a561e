"""Networks of SUMO that tests import: one of our own making, and those of RESCO where they are."""

from importlib.util import find_spec
from pathlib import Path

CROSSING = Path(__file__).with_name("crossing.net.xml")


def installed() -> list[Path]:
    """The networks that come with `sumo-rl`; none where it has no wheel for the platform."""
    spec = find_spec("sumo_rl")
    if spec is None or spec.origin is None:
        return []
    return sorted((Path(spec.origin).parent / "nets").rglob("*.net.xml"))
