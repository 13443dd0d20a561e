"""One signal of a SUMO network: its links, how they meet, what its own plan makes of them."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from citybrain.definitions.signals.clearing import Way
from citybrain.definitions.signals.sumo_net import Net, NetConnection, NetProgram
from citybrain.definitions.signals.sumo_stages import Links, Ways, units_of

GREEN, ALWAYS_FREE, STOP_THEN_GO = frozenset("Gg"), frozenset("GgOo"), "s"


@dataclass(frozen=True)
class Signal:
    """The links of a signal by what the network's own plan does with them.

    `held`: red now and then. `free`: no lamp ever holds them. Links that no connection uses, and
    those that are never green, are in neither: they stay red.
    """

    net: Net
    program: NetProgram
    connections: tuple[NetConnection, ...] = field(default=())

    @cached_property
    def by_link(self) -> dict[int, list[NetConnection]]:
        found: dict[int, list[NetConnection]] = defaultdict(list)
        for each in self.connections:
            if each.link < len(self.program.phases[0][1]):
                found[each.link].append(each)
        return dict(sorted(found.items()))

    @cached_property
    def free(self) -> Links:
        return (
            frozenset(link for link in self.by_link if set(self._letters(link)) <= ALWAYS_FREE)
            - self.crossings
        )

    @cached_property
    def held(self) -> Links:
        green = frozenset(link for link in self.by_link if set(self._letters(link)) & GREEN)
        return green - self.free

    @cached_property
    def crossings(self) -> Links:
        """Links of people on foot."""
        return frozenset(
            link
            for link, each in self.by_link.items()
            if self.net.lanes[each[0].end].function == "crossing"
        )

    @cached_property
    def phases(self) -> list[tuple[float, Links | None]]:
        """Seconds of each phase and its green links; None where it leads from one to another."""
        return [(seconds, self._greens(state)) for seconds, state in self.program.phases]

    @cached_property
    def ways(self) -> Ways:
        """How the held links meet."""
        requests = {link: self._requests(link) for link in self.held}
        foes, yields = set(), set()
        for one in self.held:
            for other in self.held - {one}:
                pairs = [(a, b) for a in requests[one] for b in requests[other]]
                if any(self.net.foes(a, b) for a, b in pairs):
                    foes |= {(one, other), (other, one)}
                if any(self.net.yields(a, b) for a, b in pairs):
                    yields.add((one, other))
        lanes: dict[str, set[int]] = defaultdict(set)
        for link in sorted(self.held):
            for each in self.by_link[link]:
                lanes[each.end if link in self.crossings else each.begin].add(link)
        greens = dict.fromkeys(green for _, green in self.phases if green is not None)
        return Ways(units_of(lanes.values()), frozenset(foes), frozenset(yields), tuple(greens))

    def yields(self, one: int, other: int) -> bool:
        """Whether a link lets another go first where both may go; of a free one as well."""
        return any(
            self.net.yields(a, b) for a in self._requests(one) for b in self._requests(other)
        )

    def goes_on_red(self, link: int) -> bool:
        """Whether the network's plan lets it go on red after a stop."""
        return STOP_THEN_GO in self._letters(link)

    def yellow(self, link: int) -> float | None:
        """Seconds of yellow after its green in the network's plan; None where it has none."""
        longest, run = 0.0, 0.0
        for seconds, state in self.program.phases * 2:
            run = run + seconds if state[link] in "yY" else 0.0
            longest = max(longest, run)
        return longest or None

    def all_red(self) -> float:
        """Least seconds in the network's plan between a yellow's end and the next green of a foe.

        0 where a green begins as soon as a yellow is over.
        """
        least: float | None = None
        phases = self.program.phases * 2
        for place, (_, state) in enumerate(phases[:-1]):
            ended = {link for link in self.held if state[link] in "yY"}
            dark = 0.0
            for seconds, following in phases[place + 1 :]:
                if any(following[link] in "yY" for link in ended):
                    break
                if self._starts(state, following, ended):
                    least = dark if least is None else min(least, dark)
                    break
                dark += seconds
                if dark > 10:
                    break
        return least or 0.0

    def way(self, link: int) -> Way:
        """The way of a link from its stop line on; its turn is not straight."""
        connection = self.by_link[link][0]
        if link in self.crossings:
            return Way(self.net.lanes[connection.end].shape, turns=False)
        points: list[tuple[float, float]] = []
        for lane in self.net.inside(connection):
            points += self.net.lanes[lane].shape
        if len(points) < 2:
            points = [
                self.net.lanes[connection.begin].shape[-1],
                self.net.lanes[connection.end].shape[0],
            ]
        return Way(tuple(points), turns=connection.turn != "s")

    def _starts(self, before: str, now: str, ended: Iterable[int]) -> bool:
        """Whether a link is newly green that conflicts with one which ended."""
        return any(
            now[link] in GREEN and before[link] not in GREEN and self.ways.conflict(link, other)
            for link in self.held
            for other in ended
        )

    def _letters(self, link: int) -> str:
        return "".join(state[link] for _, state in self.program.phases)

    def _requests(self, link: int) -> list[tuple[str, int]]:
        found = (self.net.request(each) for each in self.by_link[link])
        return [each for each in found if each is not None]

    def _greens(self, state: str) -> Links | None:
        green = frozenset(link for link in self.held if state[link] in GREEN)
        return None if "y" in state.lower() or not green else green


def signals_of(net: Net) -> list[Signal]:
    """The signals that hold somebody, in the order of the file."""
    by_tl: dict[str, list[NetConnection]] = defaultdict(list)
    for each in net.connections:
        if each.tl is not None:
            by_tl[each.tl].append(each)
    signals = [Signal(net, program, tuple(by_tl[tl])) for tl, program in net.programs.items()]
    return [each for each in signals if each.held]
