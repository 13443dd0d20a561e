"""A controller as it stands in the street: it follows the centre, and its own plan without one.

It speaks `/v1/signals/controllers`. Whatever it is told, it changes its lamps with its own yellow
and clearances from what it shows now, and a monitor of its own lets it flash where two groups that
conflict were green together. It is simulated: its clock and its lamps are numbers here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp

from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.domain.signals.lamps import Lamp, Shown, applied, work_out
from citybrain.domain.signals.plans import wanted
from citybrain.domain.signals.signal_events import milliseconds, moment

FOLLOWING = ("centre", "preemption", "hand")
NEVER = 1 << 62


@dataclass
class Controller:
    """One junction's controller. All moments are milliseconds since 1970, by its own clock.

    `heard`: the last sign of a centre that decides. `target`: what that wants green; `greens`: not
    before when, where that is later than it could be.
    """

    dated: DatedJunction
    lamps: dict[str, Lamp] = field(default_factory=dict)
    flash_since: int | None = None
    flash_until: int = 0
    all_red_until: int = NEVER
    remote: bool = False
    preempts: bool = False
    target: frozenset[str] = frozenset()
    greens: dict[str, int] = field(default_factory=dict)
    heard: int = 0
    plan: str = ""
    offset_ms: int | None = None
    following: str | None = None
    followed: bool = True
    conflict: str | None = None
    restarted: bool = False
    pressed: list[str] = field(default_factory=list)

    @property
    def code(self) -> str:
        return self.dated.junction.code

    def power_up(self, at: int) -> None:
        """Power came back: flashing, all red, the first stage; whatever was before is history."""
        start_up = self.dated.junction.start_up
        self.restarted, self.remote = True, False
        if self.flash_since is None:
            self._start(at, at + start_up.flash_ms)

    def press(self, group: str) -> None:
        """Somebody presses the button of a group."""
        if group not in self.pressed:
            self.pressed.append(group)

    def shown(self, at: int) -> dict[str, Shown]:
        """What each group shows."""
        if self.flash_since is not None or at < self.flash_until:
            return dict.fromkeys(self.dated.junction.groups, Shown.FLASH)
        return {code: lamp.shown(at) for code, lamp in self.lamps.items()}

    def step(self, at: int) -> None:
        """Let time come: by the centre where it is heard, else by the plan."""
        if self.flash_since is not None or at < self.all_red_until:
            return
        if self.remote and at >= self.heard + self.dated.junction.watchdog_ms:
            self.remote = False
        if self.remote:
            self._go(self.target, at, preempting=self.preempts)
        else:
            plan = self.dated.plans.get(self.plan) or next(iter(self.dated.plans.values()))
            offset = plan.offset_ms if self.offset_ms is None else self.offset_ms
            stage = wanted(self.dated.junction, plan, at, offset).stage
            self._go(self.dated.junction.stages[stage], at)
        self._watch(at)

    def receive(self, answer: Mapping[str, Any], at: int) -> None:
        """Take in an answer of the server."""
        ours = _ms(answer["at"])
        if answer["centre_at"] is not None:
            self.heard = max(self.heard, at - max(0, ours - _ms(answer["centre_at"])))
        for command in answer["commands"]:
            if command["junction"] == self.code:
                self._take(command, ours, at)

    def report(self, at: int) -> dict[str, Any]:
        """What it says of itself; what happened is said once."""
        said = {
            "junction": self.code,
            "clock": moment(at).isoformat(),
            "lamps": {code: each.value for code, each in self.shown(at).items()},
            "command": self.following,
            "followed": self.followed,
            "restarted": self.restarted,
            "conflict": self.conflict,
            "pressed": self.pressed,
        }
        self.restarted, self.conflict, self.pressed = False, None, []
        return said

    def _take(self, command: Mapping[str, Any], ours: int, at: int) -> None:
        self.plan, self.offset_ms = command["plan"], command["offset_ms"]
        decides = command["decides"]
        late = command["acknowledge"] and ours >= _ms(command["expires_at"])
        self.following, self.followed = command["command"], not late
        if late:
            return
        if decides == "flashing" and self.flash_since is None:
            self._flash(at)
        elif decides == "starting" and self.flash_since is not None:
            self._start(self.flash_since, at)
        self.remote, self.preempts = decides in FOLLOWING, command["preempts"]
        if self.remote:
            self.target = frozenset(command["groups"])
            self.greens = {code: at + _ms(each) - ours for code, each in command["greens"].items()}
            self.heard = max(self.heard, at - max(0, ours - _ms(command["sent_at"])))

    def _start(self, dark_since: int, flash_until: int) -> None:
        """All red from `flash_until` on, until whoever had green is out; then the first stage."""
        junction, groups = self.dated.junction, self.dated.junction.stages[self.dated.first_stage]
        clear = dark_since + junction.between(junction.groups, groups)
        self.flash_since, self.flash_until = None, flash_until
        self.all_red_until = max(flash_until + junction.start_up.all_red_ms, clear)
        self.lamps = {
            code: Lamp(self.all_red_until if code in groups else None, None, flash_until)
            for code in junction.groups
        }

    def _flash(self, at: int) -> None:
        self.flash_since = at
        self.lamps = {code: Lamp(None, None, at) for code in self.lamps}

    def _go(self, groups: frozenset[str], at: int, *, preempting: bool = False) -> None:
        """Change to these groups with all clearances; never to some that conflict."""
        junction = self.dated.junction
        if junction.conflicting(groups) or not groups <= junction.groups.keys():
            self.followed = False
            return
        not_before = self.greens if self.remote else {}
        change = work_out(
            junction, self.lamps, groups, at, preempting=preempting, not_before=not_before
        )
        self.lamps = applied(self.lamps, change)

    def _watch(self, at: int) -> None:
        """The monitor: it looks at the lamps alone, and at the pairs that the file names."""
        green = {code for code, each in self.shown(at).items() if each is Shown.GREEN}
        for one, other in self.dated.file.conflicts:
            if one in green and other in green:
                self.conflict = f"{one} and {other} green"
                self._flash(at)
                return


@dataclass
class Link:
    """Controllers and their way to the server. Where that is cut, they go on by themselves."""

    session: aiohttp.ClientSession
    url: str
    token: str
    controllers: Sequence[Controller]
    position: int = 0

    async def ask(self, at: int, *, wait_seconds: float = 0.0) -> None:
        """Hear what is to be shown; `at` is the controllers' clock when the answer is there."""
        query = {"after": str(self.position), "wait": str(wait_seconds)}
        address = f"{self.url}/v1/signals/controllers/commands"
        async with self.session.get(address, params=query, headers=self._headers) as answer:
            answer.raise_for_status()
            said = await answer.json()
        self.position = said["position"]
        for controller in self.controllers:
            controller.receive(said, at)

    async def tell(self, at: int) -> list[dict[str, Any]]:
        """Say what they show; what was not taken in."""
        reports = [controller.report(at) for controller in self.controllers]
        address = f"{self.url}/v1/signals/controllers/acknowledgements"
        async with self.session.post(
            address, json={"reports": reports}, headers=self._headers
        ) as answer:
            answer.raise_for_status()
            return list((await answer.json())["refused"])

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def _ms(said: str) -> int:
    return milliseconds(datetime.fromisoformat(said))
