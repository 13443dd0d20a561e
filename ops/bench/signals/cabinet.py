"""A reference controller in real time, and what its lamps showed, tenth of a second by tenth.

It asks, acts and tells as one in the street does, over a wire that may be cut; a monitor looks at
its lamps all the while, and knows the junction's file only.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp

from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.domain.signals.lamps import Shown
from ops.simulators.signals.controller import Controller, Link
from ops.simulators.signals.monitor import Monitor

STEP_MS = 100
ASKS_FOR_SECONDS, TELLS_EVERY_SECONDS, AGAIN_SECONDS, GIVES_UP_SECONDS = 2.0, 3.0, 0.5, 5.0
IN_STEP_MS = 2000
"""How far from the plan's moment a green may begin and still be in coordination."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a junction showed from `at` on (milliseconds since 1970), and who decided."""

    at: int
    remote: bool
    text: str


@dataclass(frozen=True, slots=True)
class Start:
    """The first stage of the plan is green as a whole: when, how far from the plan's moment."""

    at: int
    remote: bool
    off_ms: int


@dataclass
class Cabinet:
    """One junction's controller. `moments`: each change of what it shows or of who decides."""

    dated: DatedJunction
    token: Callable[[], Awaitable[str]]
    url: str
    moments: list[Moment] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    controller: Controller = field(init=False)
    monitor: Monitor = field(init=False)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _looked_at: int = 0
    _green: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.controller, self.monitor = Controller(self.dated), Monitor(self.dated.file)

    @property
    def code(self) -> str:
        return self.dated.junction.code

    async def run(self) -> None:
        """Work until cancelled."""
        timeout = aiohttp.ClientTimeout(total=GIVES_UP_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
            link = Link(session, self.url, "", [self.controller])
            group.create_task(self._act())
            group.create_task(self._ask(link))
            group.create_task(self._tell(link))

    async def _act(self) -> None:
        self.controller.power_up(now_ms())
        self._looked_at = now_ms() // STEP_MS * STEP_MS
        while True:
            at, following = now_ms(), self.controller.following
            self._look(at)
            self.controller.step(at)
            if self.controller.following != following:
                self._changed.set()
            await asyncio.sleep(STEP_MS / 1000)

    async def _ask(self, link: Link) -> None:
        while True:
            try:
                link.token = await self.token()
                following = self.controller.following
                await link.ask(now_ms(), wait_seconds=ASKS_FOR_SECONDS)
                if self.controller.following != following:
                    self._changed.set()
            except (aiohttp.ClientError, TimeoutError, OSError):
                await asyncio.sleep(AGAIN_SECONDS)

    async def _tell(self, link: Link) -> None:
        while True:
            try:
                async with asyncio.timeout(TELLS_EVERY_SECONDS):
                    await self._changed.wait()
            except TimeoutError:
                pass
            self._changed.clear()
            try:
                link.token = await self.token()
                self.controller.step(now_ms())
                await link.tell(now_ms())
            except (aiohttp.ClientError, TimeoutError, OSError):
                await asyncio.sleep(AGAIN_SECONDS)

    def _look(self, until: int) -> None:
        """Take in what was shown since the last look: lamps change at set times between steps."""
        for at in range(self._looked_at + STEP_MS, until, STEP_MS):
            shown = self.controller.shown(at)
            self.monitor.look(at / 1000, shown)
            green = frozenset(code for code, each in shown.items() if each is Shown.GREEN)
            if green - self._green:
                self._note_start(at, green)
            self._green, self._looked_at = green, at
            text = said(shown)
            remote = self.controller.remote
            last = self.moments[-1] if self.moments else None
            if last is None or (last.remote, last.text) != (remote, text):
                self.moments.append(Moment(at, remote, text))

    def _note_start(self, at: int, green: frozenset[str]) -> None:
        plan = self.dated.followed(self.controller.plan)
        offset = plan.offset_ms if self.controller.offset_ms is None else self.controller.offset_ms
        first = self.dated.junction.stages[plan.splits[0][0]]
        if first <= green and not first <= self._green:
            off = (at - offset) % plan.cycle_ms
            off = off - plan.cycle_ms if off > plan.cycle_ms // 2 else off
            self.starts.append(Start(at, self.controller.remote, off))


def said(shown: dict[str, Shown]) -> str:
    """Groups that are green, and with a tilde those that end; `flash`, or `red` where none is."""
    if Shown.FLASH in shown.values():
        return "flash"
    found = [code for code, each in sorted(shown.items()) if each is Shown.GREEN]
    found += [f"~{code}" for code, each in sorted(shown.items()) if each is Shown.ENDING]
    return " ".join(found) or "red"


def now_ms() -> int:
    """The clock of the street."""
    return time.time_ns() // 1_000_000
