"""A fixed-time plan as a picture: what each signal group shows in a cycle, as SVG."""

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

from citybrain.domain.signals.junction import Junction, Plan
from citybrain.domain.signals.lamps import Shown
from citybrain.domain.signals.plans import Served, greens

SECOND, ROW, LEFT, TOP = 8, 26, 60, 34
COLOURS = {Shown.GREEN: "#2e8b57", Shown.ENDING: "#e0a800", Shown.RED: "#c23b3b"}


def draw(junction: Junction, plan: Plan, name: str) -> str:
    """An SVG document: a row for each group, time from left to right, stages above."""
    width = LEFT + plan.cycle_ms * SECOND // 1000 + 20
    height = TOP + ROW * len(junction.groups) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="12" role="img">',
        f"<title>{escape(name)}: {escape(plan.code)}, {plan.cycle_ms / 1000:g} s</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    at = 0
    for stage, split in plan.splits:
        x = LEFT + at * SECOND // 1000
        parts.append(f'<text x="{x + 3}" y="20">{escape(stage)} {split / 1000:g} s</text>')
        parts.append(f'<path d="M{x} 6V{height - 24}" stroke="#8a8a8a" stroke-dasharray="3 3"/>')
        at += split
    shown = greens(junction, plan)
    for row, code in enumerate(sorted(junction.groups)):
        y = TOP + row * ROW
        parts.append(f'<text x="8" y="{y + 14}">{escape(code)}</text>')
        parts += [
            f'<rect x="{LEFT + begin * SECOND / 1000:g}" y="{y + 3}" '
            f'width="{(end - begin) * SECOND / 1000:g}" height="14" fill="{COLOURS[colour]}">'
            f"<title>{escape(code)} {colour.value} {begin / 1000:g}–{end / 1000:g} s</title></rect>"
            for begin, end, colour in _runs(shown[code], plan.cycle_ms)
        ]
    for second in range(0, plan.cycle_ms // 1000 + 1, 10):
        parts.append(f'<text x="{LEFT + second * SECOND}" y="{height - 8}">{second}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _runs(greens_: Iterable[Served], cycle: int) -> Iterator[tuple[int, int, Shown]]:
    """Runs of one colour within the cycle: begin and end in milliseconds; red lies under all."""
    yield 0, cycle, Shown.RED
    for served in greens_:
        for begin, end, colour in (
            (served.begin, served.end, Shown.GREEN),
            (served.end, served.red, Shown.ENDING),
        ):
            for turn in (-cycle, 0, cycle):
                first, last = max(0, begin + turn), min(cycle, end + turn)
                if first < last:
                    yield first, last, colour
