"""The simulated vehicle registry: to whose identity number a plate is registered, and when.

A plate that nobody has registered is registered to the first person it is asked for; so several
never have one plate at once. Sales and other owners are registered by who drives the simulation.
"""

from pathlib import Path
from typing import Any

import orjson

from citybrain.key_files import for_owner

SINCE = "2020-03-01"
PRIVATE, RENTAL = "private", "rental"


class Vehicles:
    """Registrations, a line each on disk where there is a path."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._found: dict[str, list[dict[str, Any]]] = {}
        if path is not None and path.is_file():
            for line in path.read_bytes().splitlines():
                said = orjson.loads(line)
                self._found.setdefault(said["plate"], []).append(said)

    def register(
        self, plate: str, owner: str, since: str = SINCE, *, use: str = PRIVATE
    ) -> dict[str, Any]:
        """To somebody from a time on; whoever had it before has it until then."""
        said = {"plate": plate, "owner": owner, "since": since, "use": use}
        self._found.setdefault(plate, []).append(said)
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with open(self._path, "ab", opener=for_owner) as file:
                file.write(orjson.dumps(said) + b"\n")
        return said

    def record(self, plate: str, number: str) -> dict[str, Any]:
        """What it says of a plate and the person it is asked about, and of nobody else."""
        if plate not in self._found:
            self.register(plate, number)
        known = self._found[plate]
        theirs = [at for at, said in enumerate(known) if said["owner"] == number]
        if not theirs:
            return {"plate": plate, "registered": False, "use": PRIVATE}
        last = theirs[-1]
        until = known[last + 1]["since"] if last + 1 < len(known) else None
        return {**known[last], "registered": until is None, "until": until}
