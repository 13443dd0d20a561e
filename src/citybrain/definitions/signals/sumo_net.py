"""Reads what a SUMO network file says of lanes, connections, right of way and signal programs.

The format is https://sumo.dlr.de/docs/Networks/SUMO_Road_Networks.html. Only elements and
attributes are read; a file that declares entities or a document type is refused. Nothing is
concluded here: what it means for a junction is in `sumo_import`.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from citybrain.definitions.yaml_file import DefinitionError

Point = tuple[float, float]
Attributes = Mapping[str, str]

NEVER_A_JUNCTION = "internal"
NEMA = "NEMA"
"""The type of places inside a junction where a turn waits: their `intLanes` are no requests."""
MOST_WAITING_PLACES = 6


@dataclass(frozen=True, slots=True)
class NetLane:
    """A lane; lengths in metres, speed in metres a second, `index` 0 is at the kerb."""

    id: str
    edge: str
    index: int
    length: float
    speed: float
    shape: tuple[Point, ...]
    allow: frozenset[str]
    function: str


@dataclass(frozen=True, slots=True)
class NetConnection:
    """From a lane to a lane by `via`, a lane inside the junction; `tl` and `link` where signalled.

    `turn`: s, l, r, t, L, R as the network says.
    """

    begin: str
    end: str
    via: str | None
    tl: str | None
    link: int
    turn: str


@dataclass(frozen=True, slots=True)
class NetProgram:
    """A signal program: phases of seconds and one letter for each link; `line` in the file.

    `rings`: it has phases of two rings at a time (NEMA), which stand here one after the other.
    """

    tl: str
    offset: float
    phases: tuple[tuple[float, str], ...]
    line: int
    rings: bool = False


@dataclass(slots=True)
class Net:
    """A network, as read."""

    path: Path
    lanes: dict[str, NetLane] = field(default_factory=dict)
    connections: list[NetConnection] = field(default_factory=list)
    programs: dict[str, NetProgram] = field(default_factory=dict)
    out_of: dict[str, list[NetConnection]] = field(default_factory=lambda: defaultdict(list))
    into: dict[str, list[NetConnection]] = field(default_factory=lambda: defaultdict(list))
    _inside: dict[str, str] = field(default_factory=dict)
    _index: dict[str, tuple[str, int]] = field(default_factory=dict)
    _requests: dict[tuple[str, int], tuple[str, str]] = field(default_factory=dict)

    def inside(self, connection: NetConnection) -> list[str]:
        """The lanes inside the junction that a connection uses, in order."""
        lanes: list[str] = []
        lane = connection.via
        while lane is not None and len(lanes) < MOST_WAITING_PLACES:
            lanes.append(lane)
            lane = self._inside.get(lane)
        return lanes

    def request(self, connection: NetConnection) -> tuple[str, int] | None:
        """Junction and index of a connection's right of way; None where the network has none.

        That of a turn which waits inside the junction is that of its lane after the waiting place.
        """
        if connection.end in self._index and self.lanes[connection.end].function == "crossing":
            return self._index[connection.end]
        return next(
            (self._index[lane] for lane in self.inside(connection) if lane in self._index), None
        )

    def foes(self, one: tuple[str, int], other: tuple[str, int]) -> bool:
        """Whether the ways of two requests cross or meet."""
        return one[0] == other[0] and self._bit(one, 1, other[1])

    def yields(self, one: tuple[str, int], other: tuple[str, int]) -> bool:
        """Whether one lets the other go first."""
        return one[0] == other[0] and self._bit(one, 0, other[1])

    def _bit(self, request: tuple[str, int], which: int, index: int) -> bool:
        bits = self._requests.get(request, ("", ""))[which]
        return index < len(bits) and bits[-1 - index] == "1"


def read_net(path: Path) -> Net:
    """The network of a file; raises `DefinitionError` with file and line."""
    reader = _Reader(path)
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = reader.refuse
    reader.parser = parser
    try:
        parser.Parse(path.read_bytes(), True)
    except expat.ExpatError as error:
        raise DefinitionError(f"{path}:{error.lineno}: {expat.ErrorString(error.code)}") from error
    except OSError as error:
        raise DefinitionError(f"{path}:1: {error.strerror}") from error
    except (KeyError, ValueError) as error:
        line = parser.CurrentLineNumber
        raise DefinitionError(f"{path}:{line}: this is no SUMO network: {error}") from error
    if not reader.is_net:
        raise DefinitionError(f"{path}:1: this is no SUMO network: there is no element net")
    return reader.net


class _Reader:
    """One file on its way into a network."""

    def __init__(self, path: Path) -> None:
        self.net = Net(path)
        self.is_net = False
        self.parser: expat.XMLParserType | None = None
        self._edge: Attributes = {}
        self._junction: str | None = None
        self._program: tuple[Attributes, int] | None = None
        self._phases: list[tuple[float, str]] = []

    def refuse(self, *_: object) -> None:
        """A document type brings entities, and a network needs none."""
        raise ValueError("a document type is not read")

    def start(self, name: str, said: Attributes) -> None:
        match name:
            case "net":
                self.is_net = True
            case "edge":
                self._edge = said
            case "lane":
                self._lane(said)
            case "junction":
                self._begin_junction(said)
            case "request" if self._junction is not None:
                key = (self._junction, int(said["index"]))
                self.net._requests[key] = (said["response"], said["foes"])
            case "connection":
                self._connection(said)
            case "tlLogic":
                self._program, self._phases = (said, self._line()), []
            case "phase" if self._program is not None:
                self._phases += _phases(said, rings=self._program[0].get("type") == NEMA)

    def end(self, name: str) -> None:
        if name == "junction":
            self._junction = None
        elif name == "tlLogic" and self._program is not None:
            said, line = self._program
            self._end_program(said, line)
            self._program = None

    def _line(self) -> int:
        assert self.parser is not None
        return self.parser.CurrentLineNumber

    def _lane(self, said: Attributes) -> None:
        points = (each.split(",") for each in said.get("shape", "").split())
        lane = NetLane(
            id=said["id"],
            edge=self._edge["id"],
            index=int(said["index"]),
            length=float(said["length"]),
            speed=float(said["speed"]),
            shape=tuple((float(each[0]), float(each[1])) for each in points),
            allow=frozenset(said.get("allow", "").split()),
            function=self._edge.get("function", "normal"),
        )
        self.net.lanes[lane.id] = lane

    def _begin_junction(self, said: Attributes) -> None:
        if said.get("type") == NEVER_A_JUNCTION:
            return
        self._junction = said["id"]
        for index, lane in enumerate(said.get("intLanes", "").split()):
            self.net._index[lane] = (said["id"], index)

    def _connection(self, said: Attributes) -> None:
        begin = f"{said['from']}_{said['fromLane']}"
        end = f"{said['to']}_{said['toLane']}"
        via, tl = said.get("via"), said.get("tl")
        if begin.startswith(":") and tl is None:
            if via is not None:
                self.net._inside[begin] = via
            return
        link = int(said.get("linkIndex", -1))
        connection = NetConnection(begin, end, via, tl, link, said.get("dir", "s"))
        self.net.connections.append(connection)
        self.net.out_of[begin].append(connection)
        self.net.into[end].append(connection)

    def _end_program(self, said: Attributes, line: int) -> None:
        """Of several programs of a signal the last one counts, as it does in SUMO."""
        tl = said["id"]
        if not self._phases:
            raise ValueError(f"signal {tl} has no phase")
        if len({len(state) for _, state in self._phases}) > 1:
            raise ValueError(f"the phases of signal {tl} differ in length")
        offset = float(said.get("offset", 0))
        rings = said.get("type") == NEMA
        self.net.programs[tl] = NetProgram(tl, offset, tuple(self._phases), line, rings)


def _phases(said: Attributes, *, rings: bool) -> Iterator[tuple[float, str]]:
    """A phase; one of a program with rings has its own yellow and red, and lasts `maxDur` at most.

    SUMO shows such phases two at a time, one of each ring.
    """
    seconds, state = float(said["duration"]), said["state"]
    if not rings:
        yield seconds, state
        return
    yellow = float(said.get("yellow", 3))
    yield min(seconds, float(said.get("maxDur", seconds))), state
    yield yellow, state.replace("G", "y").replace("g", "y")
    if red := float(said.get("red", 0)):
        yield red, state.replace("G", "r").replace("g", "r")
