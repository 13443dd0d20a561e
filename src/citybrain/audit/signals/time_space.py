"""The time–space diagram of a road: greens of its junctions, and the bands through them, as SVG.

Time runs to the right for two cycles, the way out upwards. At each junction the upper bar is the
green for the way out, the lower one that for the way back.
"""

from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape

from citybrain.definitions.signals.corridors import CorridorFile, Wave, green_arcs
from citybrain.definitions.signals.junctions import DatedJunction

LEFT, RIGHT, TOP, BOTTOM = 150, 24, 78, 46
WIDTH, LEAST_HEIGHT, METRE = 900, 260, 0.32
BAR, GAP = 7, 2
CYCLES = 2
INK, RED, LINE = "#22272e", "#d9a3a0", "#c9ced6"
OUT, BACK = "#1f7a4d", "#2b5fa8"


class _Scale:
    """Where a moment and a distance are on the paper."""

    def __init__(self, cycle_ms: int, metres: float) -> None:
        self.end_ms = CYCLES * cycle_ms
        self.height = max(LEAST_HEIGHT, metres * METRE)
        self._metres = metres

    def x(self, at_ms: float) -> float:
        return LEFT + at_ms / self.end_ms * WIDTH

    def y(self, metres: float) -> float:
        return TOP + self.height * (1 - metres / self._metres)


def draw_corridor(
    road: CorridorFile, junctions: Mapping[str, DatedJunction], plan: str, bands: Wave
) -> str:
    """An SVG document."""
    distances = _distances(road)
    scale = _Scale(bands.cycle, distances[-1])
    width, height = LEFT + WIDTH + RIGHT, TOP + scale.height + BOTTOM
    return (
        "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
                f'viewBox="0 0 {width:g} {height:g}" font-family="sans-serif" font-size="12" '
                f'fill="{INK}" role="img">',
                f"<title>{escape(road.name)}: {escape(plan)}, {bands.cycle / 1000:g} s</title>",
                f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>',
                f'<clipPath id="plot"><rect x="{LEFT}" y="{TOP - 14}" width="{WIDTH}" '
                f'height="{scale.height + 28:g}"/></clipPath>',
                *_heading(road, plan, bands),
                *_axis(scale, bands.cycle),
                '<g clip-path="url(#plot)">',
                *_bands(road, scale, distances, bands),
                "</g>",
                *_rows(road, junctions, plan, scale, distances),
                "</svg>",
            ]
        )
        + "\n"
    )


def _distances(road: CorridorFile) -> list[float]:
    at, found = 0.0, []
    for stop in road.junctions:
        at += stop.distance or 0.0
        found.append(at)
    return found


def _heading(road: CorridorFile, plan: str, bands: Wave) -> Iterator[str]:
    yield (
        f'<text x="20" y="26" font-size="16" font-weight="bold">{escape(road.name)}</text>'
        f'<text x="20" y="46">plan {escape(plan)}, cycle {bands.cycle / 1000:g} s</text>'
    )
    for x, colour, what, band, shortest in (
        (LEFT, OUT, "out", bands.outbound, bands.shortest_green[0]),
        (LEFT + 400, BACK, "back", bands.inbound, bands.shortest_green[1]),
    ):
        share = f", {100 * band.width / shortest:.0f} % of the shortest green" if shortest else ""
        yield (
            f'<rect x="{x}" y="34" width="14" height="14" fill="{colour}" fill-opacity="0.35"/>'
            f'<text x="{x + 20}" y="46">way {what}: band of {band.width / 1000:g} s{share}</text>'
        )


def _axis(scale: _Scale, cycle_ms: int) -> Iterator[str]:
    bottom = TOP + scale.height + 14
    for at in range(0, scale.end_ms + 1, 10_000):
        x, whole = scale.x(at), at % cycle_ms == 0
        yield (
            f'<path d="M{x:.1f} {TOP - 14}V{bottom:.1f}" stroke="{INK if whole else LINE}" '
            f'stroke-width="{1 if whole else 0.5}"/>'
        )
        if at % 30_000 == 0:
            place = f'x="{x:.1f}" y="{bottom + 16:.1f}"'
            yield f'<text {place} text-anchor="middle">{at // 1000}</text>'
    yield f'<text x="{LEFT + WIDTH}" y="{bottom + 30:.1f}" text-anchor="end">seconds</text>'


def _rows(
    road: CorridorFile,
    junctions: Mapping[str, DatedJunction],
    plan: str,
    scale: _Scale,
    distances: list[float],
) -> Iterator[str]:
    for stop, metres in zip(road.junctions, distances, strict=True):
        dated, y = junctions[stop.junction], scale.y(metres)
        yield (
            f'<text x="{LEFT - 12}" y="{y - 1:.1f}" text-anchor="end" font-weight="bold">'
            f"{escape(stop.junction)}</text>"
            f'<text x="{LEFT - 12}" y="{y + 13:.1f}" text-anchor="end" fill="#5b6470">'
            f"{metres:g} m, offset {dated.plans[plan].offset_ms / 1000:g}</text>"
        )
        for group, colour, top in (
            (stop.outbound, OUT, y - BAR - GAP / 2),
            (stop.inbound, BACK, y + GAP / 2),
        ):
            yield (f'<rect x="{LEFT}" y="{top:.1f}" width="{WIDTH}" height="{BAR}" fill="{RED}"/>')
            for begin, end in _repeated(green_arcs(dated, group, plan), dated, plan):
                first, last = scale.x(max(0, begin)), scale.x(min(scale.end_ms, end))
                if first < last:
                    yield (
                        f'<rect x="{first:.1f}" y="{top:.1f}" width="{last - first:.1f}" '
                        f'height="{BAR}" fill="{colour}"><title>{escape(stop.junction)} '
                        f"{escape(group)} {begin / 1000:g}–{end / 1000:g} s</title></rect>"
                    )


def _repeated(
    arcs: tuple[tuple[int, int], ...], dated: DatedJunction, plan: str
) -> Iterator[tuple[int, int]]:
    cycle = dated.plans[plan].cycle_ms
    for turn in range(-1, CYCLES):
        for begin, end in arcs:
            yield begin + turn * cycle, end + turn * cycle


def _bands(road: CorridorFile, scale: _Scale, distances: list[float], bands: Wave) -> Iterator[str]:
    """Each band once a cycle, from stop line to stop line."""
    travel = road.travel_ms
    back = [travel[-1] - each for each in travel]
    for band, reached, colour in ((bands.outbound, travel, OUT), (bands.inbound, back, BACK)):
        if not band.width:
            continue
        rounds = travel[-1] // bands.cycle + 2
        for turn in range(-rounds, CYCLES):
            begin = band.begin + turn * bands.cycle
            ahead = [(begin + at, metres) for at, metres in zip(reached, distances, strict=True)]
            behind = [(at + band.width, metres) for at, metres in reversed(ahead)]
            points = " ".join(
                f"{scale.x(at):.1f},{scale.y(metres):.1f}" for at, metres in [*ahead, *behind]
            )
            yield f'<polygon points="{points}" fill="{colour}" fill-opacity="0.22"/>'
