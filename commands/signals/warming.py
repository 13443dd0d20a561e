"""Makes strategies ready in a thread: what they compile takes seconds, and nobody waits for it.

It begins when a junction is first to follow one. Until it has ended that junction follows its plan;
the loop of the process, with all other junctions and all answers, goes on.
"""

import asyncio
from collections.abc import Callable

import structlog

from citybrain.domain.signals.strategies.planning import compile_plan
from commands.services import Services

log = structlog.get_logger(__name__)


class Warming:
    """Whether strategies may be asked in this process."""

    def __init__(self, prepare: Callable[[], None] = compile_plan) -> None:
        self._prepare = prepare
        self._task: asyncio.Task[None] | None = None

    def ready(self) -> bool:
        """Whether they may; where nobody has begun to make them ready, that begins now."""
        if self._task is None:
            self._task = asyncio.create_task(self._warm())
        return self._task.done()

    async def ended(self) -> None:
        """Wait until they may be asked."""
        self.ready()
        assert self._task is not None
        await asyncio.shield(self._task)

    async def _warm(self) -> None:
        try:
            await asyncio.to_thread(self._prepare)
        except Exception:  # then a strategy fails when it is asked, and its junction keeps its plan
            log.exception("signal_strategies_not_ready")


def warming(services: Services) -> Warming:
    """That of this process."""
    return services.held(Warming, lambda _: Warming())
