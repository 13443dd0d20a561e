"""A junction as a picture: lanes and movements by their groups, each stage, and a plan, as SVG."""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from xml.sax.saxutils import escape

from citybrain.audit.signals.drawing import draw
from citybrain.audit.signals.sketch import CROSSING, LANE, Sketch, sketch
from citybrain.definitions.signals.junction_file import JunctionFile, MovementPart
from citybrain.definitions.signals.junctions import DatedJunction

INK, STREET, MARK, PAPER = "#22272e", "#d5d9e0", "#ffffff", "#ffffff"
GO, QUIET = "#1f8a54", "#aab1bb"
COLOURS = (
    "#1b6ca8", "#c2571a", "#2e8b57", "#8e44ad", "#b3882b", "#c0392b", "#16808a", "#6b4f3a",
    "#d6568c", "#4b5fd1",
)  # fmt: skip
SMALL = 0.36
MARGIN, GAP, LABEL = 20.0, 16.0, 52.0
STAGES_WIDE = 4


def draw_junction(dated: DatedJunction, plan: str) -> str:
    """An SVG document: the junction and its stages, where its lanes have bearings, and a plan."""
    file = dated.file
    bars = draw(dated.junction, dated.plans[plan], file.name)
    on_paper = sketch(file)
    if on_paper is None:
        return bars
    side, small = 2 * on_paper.reach, 2 * on_paper.reach * SMALL
    wide = min(STAGES_WIDE, len(file.stages))
    rows = -(-len(file.stages) // wide)
    stages_height = rows * (small + LABEL)
    bars_width, bars_height = _size(bars)
    right = MARGIN + side + 2 * GAP
    width = max(right + wide * (small + GAP) + MARGIN, bars_width + 2 * MARGIN)
    top = 2.5 * MARGIN
    upper = max(side + LANE, stages_height)
    height = top + upper + GAP + bars_height + MARGIN
    middle = MARGIN + on_paper.reach, top + on_paper.reach
    return (
        "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" '
                f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" '
                f'font-family="sans-serif" font-size="12" fill="{INK}" role="img">',
                f"<title>{escape(file.name)}</title>",
                f'<rect width="100%" height="100%" fill="{PAPER}"/>',
                _arrows(),
                f'<text x="{MARGIN}" y="28" font-size="16" font-weight="bold">'
                f"{escape(file.junction)} {escape(file.name)}</text>",
                f'<g transform="translate({middle[0]:.1f} {middle[1]:.1f})">',
                *_streets(on_paper),
                *_crossings(file, on_paper),
                *_movements(file, on_paper),
                *_labels(file, on_paper),
                "</g>",
                f'<text x="{MARGIN}" y="{top + side + 4:.1f}" font-size="10" fill="{QUIET}">'
                "dashed: lets others go first</text>",
                *_stages(file, on_paper, (right, top), small, wide),
                f'<svg x="{MARGIN}" y="{top + upper + GAP:.1f}" width="{bars_width}" '
                f'height="{bars_height}">',
                bars.rstrip(),
                "</svg>",
                "</svg>",
            ]
        )
        + "\n"
    )


def _size(picture: str) -> tuple[int, int]:
    """Width and height of an SVG document of ours."""
    head = picture[: picture.index(">")]
    width, height = (head.split(f' {name}="')[1].split('"')[0] for name in ("width", "height"))
    return int(width), int(height)


def _arrows() -> str:
    """Heads of arrows, one for each colour of a line."""
    return "\n".join(
        [
            "<defs>",
            *(
                f'<marker id="head{colour[1:]}" viewBox="0 0 8 8" refX="7" refY="4" '
                f'markerWidth="4.5" markerHeight="4.5" orient="auto">'
                f'<path d="M0 0L8 4L0 8z" fill="{colour}"/></marker>'
                for colour in (*COLOURS, GO, QUIET)
            ),
            "</defs>",
        ]
    )


def _colour(file: JunctionFile, group: str | None) -> str:
    if group is None:
        return QUIET
    return COLOURS[list(file.groups).index(group) % len(COLOURS)]


def _streets(on_paper: Sketch) -> Iterator[str]:
    """Arms with their lanes, and the box between them."""
    corners = [
        arm.at(on_paper.box, aside)
        for arm in on_paper.arms
        for aside in (len(arm.lanes) * LANE, -len(arm.exits) * LANE)
    ]
    box = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    yield f'<polygon points="{box}" fill="{STREET}" stroke="{STREET}" stroke-linejoin="round"/>'
    for arm in on_paper.arms:
        kerb, other = len(arm.lanes) * LANE, -len(arm.exits) * LANE
        near, far = on_paper.box, on_paper.reach
        street = [arm.at(near, other), arm.at(far, other), arm.at(far, kerb), arm.at(near, kerb)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in street)
        yield f'<polygon points="{points}" fill="{STREET}"/>'
        for number in range(-len(arm.exits) + 1, len(arm.lanes)):
            style = "" if number == 0 else ' stroke-dasharray="8 8"'
            yield _line(arm.at(near, number * LANE), arm.at(far, number * LANE), 1.5, style)
        if arm.lanes:
            yield _line(arm.at(near, 1), arm.at(near, kerb - 1), 4, "")


def _line(
    begin: tuple[float, float],
    end: tuple[float, float],
    width: float,
    style: str,
    colour: str = MARK,
) -> str:
    return (
        f'<path d="M{begin[0]:.1f} {begin[1]:.1f}L{end[0]:.1f} {end[1]:.1f}" stroke="{colour}" '
        f'stroke-width="{width}"{style}/>'
    )


def _crossings(
    file: JunctionFile, on_paper: Sketch, green: frozenset[str] | None = None
) -> Iterator[str]:
    """Where people cross: stripes in the colour of their group, or green and grey in a stage."""
    for group, bearings in file.crossings.items():
        colour = _colour(file, group)
        if green is not None:
            colour = GO if group in green else QUIET
        for bearing in bearings:
            arm = on_paper.near(bearing)
            away = on_paper.box - CROSSING
            yield _line(
                arm.at(away, -len(arm.exits) * LANE),
                arm.at(away, len(arm.lanes) * LANE),
                11,
                ' stroke-dasharray="5 4"',
                colour,
            )
            if green is None:
                x, y = arm.at(away, -len(arm.exits) * LANE - 16)
                yield _text(x, y, group, colour)


def _movements(file: JunctionFile, on_paper: Sketch) -> Iterator[str]:
    for code, each in file.movements.items():
        style = ' stroke-dasharray="5 4"' if each.yields_to else ""
        yield _way(file, on_paper, code, each, _colour(file, each.group), 2.5, style)


def _way(
    file: JunctionFile,
    on_paper: Sketch,
    code: str,
    each: MovementPart,
    colour: str,
    width: float,
    style: str,
) -> str:
    said = f"{code}: {each.lane} to {each.exit}, {each.turn}"
    said += f", group {each.group}" if each.group else ", no lamp"
    said += f", yields to {', '.join(each.yields_to)}" if each.yields_to else ""
    return (
        f'<path d="{on_paper.way(each.lane, each.exit)}" fill="none" stroke="{colour}" '
        f'stroke-width="{width}" marker-end="url(#head{colour[1:]})"{style}>'
        f"<title>{escape(said)}</title></path>"
    )


def _labels(file: JunctionFile, on_paper: Sketch) -> Iterator[str]:
    """The groups of each lane behind its stop line, its code further back; exits by their code."""
    for arm in on_paper.arms:
        for code in arm.lanes:
            _, aside = on_paper.lane(code)
            groups = dict.fromkeys(
                each.group for each in file.movements.values() if each.lane == code
            )
            for place, group in enumerate(groups):
                apart = 16 + 20 * abs(arm.out[0])  # texts are wider than high
                x, y = arm.at(on_paper.box + 20 + apart * place, aside)
                yield _text(x, y, group or "–", _colour(file, group))
            yield _text(*arm.at(on_paper.reach - 14, aside), code, "#5b6470", 9)
        for code in arm.exits:
            _, aside = on_paper.exit(code)
            yield _text(*arm.at(on_paper.reach - 14, aside), code, "#5b6470", 9)


def _text(x: float, y: float, text: str, colour: str, size: int = 10) -> str:
    return (
        f'<text x="{x:.1f}" y="{y + 4:.1f}" font-size="{size}" text-anchor="middle" '
        f'font-weight="bold" fill="{colour}" stroke="{PAPER}" stroke-width="2.5" '
        f'paint-order="stroke">{escape(text)}</text>'
    )


def _lines(stage: str, groups: Sequence[str], width: float) -> list[str]:
    """A stage's code, and its groups in lines that fit; two lines of them at most."""
    return [stage, *wrap(" ".join(groups), round(width / 7), max_lines=2, placeholder=" …")]


def _stages(
    file: JunctionFile, on_paper: Sketch, place: tuple[float, float], small: float, wide: int
) -> Iterator[str]:
    """Each stage: who goes, dashed where they yield to others of it."""
    for number, (stage, groups) in enumerate(file.stages.items()):
        green = frozenset(groups)
        x = place[0] + number % wide * (small + GAP)
        y = place[1] + number // wide * (small + LABEL)
        for line, text in enumerate(_lines(stage, groups, small)):
            bold = ' font-weight="bold"' if line == 0 else ""
            yield (
                f'<text x="{x:.1f}" y="{y + 13 * line:.1f}" font-size="11"{bold}>'
                f"{escape(text)}</text>"
            )
        middle = x + small / 2, y + LABEL - 8 + small / 2
        yield f'<g transform="translate({middle[0]:.1f} {middle[1]:.1f}) scale({SMALL})">'
        yield from _streets(on_paper)
        yield from _crossings(file, on_paper, green)
        going = {code for code, each in file.movements.items() if each.group in {*green, None}}
        for code in file.movements:
            if code in going:
                each = file.movements[code]
                style = ' stroke-dasharray="10 7"' if going & set(each.yields_to) else ""
                colour = GO if each.group else QUIET
                yield _way(file, on_paper, code, each, colour, 5, style)
        yield "</g>"
