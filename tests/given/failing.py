"""Parts of a city that fail from a moment on: each call of them, until they are mended."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class Switch:
    """Whether it fails now."""

    on: bool = False


class Broken:
    """Something whose methods fail while the switch is on, where they are to."""

    def __init__(
        self,
        part: Any,
        switch: Switch,
        error: Callable[[], Exception],
        concerns: Callable[..., bool] = lambda *_, **__: True,
    ) -> None:
        self._part, self._switch, self._error, self._concerns = part, switch, error, concerns

    def __getattr__(self, name: str) -> Any:
        working = getattr(self._part, name)

        async def call(*arguments: Any, **named: Any) -> Any:
            if self._switch.on and self._concerns(*arguments, **named):
                raise self._error()
            return await working(*arguments, **named)

        return call
