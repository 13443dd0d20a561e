"""A fixed-time plan as a picture: what each signal group shows in a cycle, as SVG."""

from collections.abc import Iterator
from xml.sax.saxutils import escape

from citybrain.domain.signals.junction import Junction, Plan
from citybrain.domain.signals.lamps import Lamp, Shown, applied, work_out
from citybrain.domain.signals.plans import wanted

SECOND, ROW, LEFT, TOP = 8, 26, 60, 34
COLOURS = {Shown.GREEN: "#2e8b57", Shown.ENDING: "#e0a800", Shown.RED: "#c23b3b"}
STEP_MS = 500
ROUNDS = 3
"""Cycles that are run before the one that is drawn, so that nothing of the start is in it."""


def draw(junction: Junction, plan: Plan, name: str) -> str:
    """An SVG document: a row for each group, time from left to right, stages above."""
    shown = list(_cycle(junction, plan))
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
    for row, code in enumerate(sorted(junction.groups)):
        y = TOP + row * ROW
        parts.append(f'<text x="8" y="{y + 14}">{escape(code)}</text>')
        parts += [
            f'<rect x="{LEFT + begin * SECOND / 1000:g}" y="{y + 3}" '
            f'width="{(end - begin) * SECOND / 1000:g}" height="14" fill="{COLOURS[colour]}">'
            f"<title>{escape(code)} {colour.value} {begin / 1000:g}–{end / 1000:g} s</title></rect>"
            for begin, end, colour in _runs([states[code] for states in shown])
        ]
    for second in range(0, plan.cycle_ms // 1000 + 1, 10):
        parts.append(f'<text x="{LEFT + second * SECOND}" y="{height - 8}">{second}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _cycle(junction: Junction, plan: Plan) -> Iterator[dict[str, Shown]]:
    """What each group shows, step by step, in one cycle of the plan."""
    lamps = {code: Lamp(red_from=0) for code in junction.groups}
    stage = None
    for at in range(0, (ROUNDS + 1) * plan.cycle_ms, STEP_MS):
        turn = wanted(junction, plan, at, 0).stage
        if turn != stage:
            stage = turn
            lamps = applied(lamps, work_out(junction, lamps, junction.stages[turn], at))
        if at >= ROUNDS * plan.cycle_ms:
            yield {code: lamp.shown(at) for code, lamp in lamps.items()}


def _runs(states: list[Shown]) -> Iterator[tuple[int, int, Shown]]:
    """Runs of one colour: begin and end in milliseconds."""
    begin = 0
    for place in range(1, len(states) + 1):
        if place == len(states) or states[place] is not states[begin]:
            yield begin * STEP_MS, place * STEP_MS, states[begin]
            begin = place
