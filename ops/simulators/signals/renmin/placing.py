"""Where each junction of the definitions stands on Renmin Road: its lanes, movements and lamps.

The street is asked in the words of its definition, and a lane or a movement that the network does
not have is an error before anything drives.
"""

from collections.abc import Iterator, Mapping, Sequence

from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.signals.junctions import DatedJunction, load_signals
from citybrain.definitions.signals.sumo_links import Signal, signals_of
from citybrain.definitions.signals.sumo_net import Net, NetConnection
from citybrain.definitions.signals.sumo_streets import exit_chain
from citybrain.domain.signals.layout import Turn
from ops.simulators.signals.placing import Held, Pieces, Placed
from ops.simulators.signals.renmin.network import Arm, arms, lane_behind, lanes_in, lanes_out
from ops.simulators.signals.scenarios import ScenarioUnknown

JUNCTIONS = ("renmin_1", "renmin_2", "renmin_3", "renmin_4")
"""From west to east."""
TURNS = {"s": Turn.THROUGH, "l": Turn.LEFT, "r": Turn.RIGHT, "t": Turn.U_TURN}


def defined() -> list[DatedJunction]:
    """The newest version of each of the junctions that come along."""
    known = load_signals(Files(), Definitions()).junctions
    return [known[code][-1] for code in JUNCTIONS]


def place(net: Net, junctions: Sequence[DatedJunction]) -> list[Placed]:
    """All junctions on the network that was built of them. Raises `ScenarioUnknown`."""
    signals = {each.program.tl: each for each in signals_of(net)}
    return [_place(net, signals[each.file.junction], each) for each in junctions]


def _place(net: Net, signal: Signal, dated: DatedJunction) -> Placed:
    own = arms(dated.file)
    lanes = {lane: _pieces(net, arm, lane) for arm in own for lane in arm.lanes}
    exits = {lane: _id(at) for arm in own for lane, at in lanes_out(arm).items()}
    if missing := {*exits.values()} - net.lanes.keys():
        raise ScenarioUnknown(f"{dated.file.junction}: the network has no lanes {sorted(missing)}")
    links = _movements(signal, dated, {code: of[0][0] for code, of in lanes.items()}, exits)
    crossings = dict(_crossings(signal, dated, own))
    groups = {
        each.link: dated.junction.layout.movements[code].group for code, each in links.items()
    }
    groups |= {link: group for link, (group, _) in crossings.items()}
    return Placed(
        signal.program.tl,
        dated,
        tuple(_held(signal, groups, link) for link in range(len(signal.program.phases[0][1]))),
        lanes,
        {code: tuple(exit_chain(net, lane).items()) for code, lane in exits.items()},
        {code: tuple(net.inside(each)) for code, each in links.items()},
        _leaves(dated, exits),
        {
            group: tuple(edge for of, edge in crossings.values() if of == group)
            for group in dated.file.crossings
        },
    )


def _leaves(dated: DatedJunction, exits: Mapping[str, str]) -> dict[str, str]:
    """By movement the lane that it goes to."""
    return {code: exits[each.exit] for code, each in dated.junction.layout.movements.items()}


def _pieces(net: Net, arm: Arm, lane: str) -> Pieces:
    """The lane up to where pockets open, and what is before that, where it does not begin there."""
    near = _id(lanes_in(arm)[lane])
    parts = [near] if lane in arm.short else [near, _id(lane_behind(arm, lane))]
    if missing := set(parts) - net.lanes.keys():
        raise ScenarioUnknown(f"{arm.junction}: the network has no lanes {sorted(missing)}")
    return tuple((part, net.lanes[near].length * place) for place, part in enumerate(parts))


def _id(at: tuple[str, int]) -> str:
    return f"{at[0]}_{at[1]}"


def _movements(
    signal: Signal, dated: DatedJunction, lanes: Mapping[str, str], exits: Mapping[str, str]
) -> dict[str, NetConnection]:
    by_ends = {(each.begin, each.end): each for each in signal.connections}
    found = {}
    for code, movement in dated.junction.layout.movements.items():
        link = by_ends.get((lanes[movement.lane], exits[movement.exit]))
        if link is None or TURNS.get(link.turn) is not movement.turn:
            raise ScenarioUnknown(f"{dated.file.junction}: the network has no movement {code}")
        found[code] = link
    return found


def _crossings(
    signal: Signal, dated: DatedJunction, own: Sequence[Arm]
) -> Iterator[tuple[int, tuple[str, str]]]:
    """By link the group of a crossing, and its edge. It crosses the arm that it is nearest to."""
    net = signal.net
    ends = {arm.bearing: net.lanes[_id(lanes_in(arm)[arm.lanes[0]])].shape[-1] for arm in own}
    for link in sorted(signal.crossings):
        lane = net.lanes[signal.by_link[link][0].end]
        x, y = (sum(of) / len(lane.shape) for of in zip(*lane.shape, strict=True))
        bearing = min(ends, key=lambda each: (ends[each][0] - x) ** 2 + (ends[each][1] - y) ** 2)
        groups = [code for code, of in dated.file.crossings.items() if bearing in of]
        if len(groups) != 1:
            raise ScenarioUnknown(f"{dated.file.junction}: nobody crosses at {bearing} degrees")
        yield link, (groups[0], lane.edge)


def _held(signal: Signal, groups: Mapping[int, str | None], link: int) -> Held:
    first = (other for other in groups if other != link and signal.yields(link, other))
    return Held(groups.get(link), frozenset(first), link not in signal.by_link, False)
