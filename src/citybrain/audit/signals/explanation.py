"""Why a light changed: the decision in force at a moment, what it rested on, what came before it.

From the read models, which are made of events alone; in Chinese and in English.
"""

from dataclasses import dataclass
from typing import Any, Final

from citybrain.city_day import CITY_ZONE
from citybrain.domain.signals.rules import Rule
from citybrain.domain.signals.signal_events import SETS_LAMPS, moment
from projections.reading import Pool, Row
from projections.signals import changes, lamps

WORDS: Final[dict[str, tuple[str, str]]] = {
    "local": ("路口自身", "the junction itself"),
    "centre": ("中心", "the centre"),
    "preemption": ("紧急车辆优先", "a pre-emption for an emergency vehicle"),
    "hand": ("人工控制", "a person's hand"),
    "plan": ("配时方案轮到该阶段", "it was its turn in the plan"),
    "maximum-red": (
        "有人已等待很久，不能再推迟",
        "somebody had waited so long that it could be put off no longer",
    ),
    "maximum-green": (
        "绿灯已达最长时间而有人在等待",
        "a green had reached its maximum while somebody waited",
    ),
    "command": ("中心的指令", "of a command of the centre"),
    "signal.flash_begun": ("全部灯具黄闪", "all lamps began to flash"),
    "signal.powered_up": ("恢复供电后启动", "it started after power came back"),
    "signal.reset": ("人员复位后启动", "it started after a person had reset it"),
}
RULES: Final[dict[Rule, tuple[str, str]]] = {
    Rule.CONFLICT: ("冲突", "conflict"),
    Rule.INTERGREEN: ("绿灯间隔", "intergreen"),
    Rule.YELLOW: ("黄灯时间", "yellow"),
    Rule.MINIMUM_GREEN: ("最短绿灯", "minimum green"),
    Rule.MAXIMUM_GREEN: ("最长绿灯", "maximum green"),
    Rule.MAXIMUM_RED: ("最长红灯", "maximum red"),
    Rule.COLOUR_ORDER: ("灯色顺序", "order of colours"),
    Rule.PEDESTRIANS: ("行人", "people on foot"),
    Rule.START_AND_FLASH: ("启动与黄闪", "start and flash"),
    Rule.CENTRE_SILENT: ("中心失联", "silent centre"),
    Rule.COORDINATION: ("协调", "coordination"),
    Rule.COMMAND: ("指令", "commands"),
    Rule.WRITER: ("唯一控制者", "one writer"),
}
MOST_REFUSED = 100
BUS_FIRST = "bus-priority"


@dataclass(frozen=True, slots=True)
class Waited:
    """Who was served by a change, and how long they had waited, in milliseconds."""

    group: str
    waited_ms: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """The change of lamps that was in force at a moment.

    `change` and `before` are rows of `signal_changes`; `before`: the change of lamps that it ended,
    None where there is none. `refused`: wishes that were refused between the two, the last of them
    at most. `text`: Chinese and English, a line a fact.
    """

    change: Row
    before: Row | None
    served: tuple[Waited, ...]
    refused: tuple[Row, ...]

    @property
    def text(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return _lines(self, 0), _lines(self, 1)


async def explain(pool: Pool, junction: str, at: int) -> Explanation | None:
    """Why the lamps were as they were at `at` (ms since 1970); None before the first change."""
    found = await changes.last_before(pool, junction, at, SETS_LAMPS, limit=2)
    if not found:
        return None
    change, before = found[0], found[1] if len(found) > 1 else None
    since = change["at"] if before is None else before["at"]
    refused = await changes.refusals(pool, since, change["at"] + 1, junction=junction)
    return Explanation(
        change,
        before,
        tuple(await _served(pool, junction, change)),
        tuple(row for row in refused if row["position"] < change["position"])[-MOST_REFUSED:],
    )


async def _served(pool: Pool, junction: str, change: Row) -> list[Waited]:
    starts = change["details"].get("starts", {})
    called = await lamps.calls(pool, junction, change["at"] - 3_600_000, change["at"] + 1)
    first: dict[str, int] = {}
    for call in called:
        if starts.get(call["group"]) == call["served_at"]:
            first.setdefault(call["group"], call["since"])
    return [Waited(group, starts[group] - since) for group, since in sorted(first.items())]


def _lines(found: Explanation, language: int) -> tuple[str, ...]:
    """`language`: 0 Chinese, 1 English."""
    change, details = found.change, found.change["details"]
    lines = [_headline(found, language)]
    for group, (end, red_from) in sorted(details.get("ends", {}).items()):
        told = (
            f"{group}：绿灯至 {_clock(end)}，红灯自 {_clock(red_from)}",
            f"{group}: green until {_clock(end)}, red from {_clock(red_from)}",
        )
        lines.append(told[language])
    for group, start in sorted(details.get("starts", {}).items()):
        told = f"{group}：绿灯自 {_clock(start)}", f"{group}: green from {_clock(start)}"
        lines.append(told[language])
    for each in found.served:
        seconds = f"{each.waited_ms / 1000:g}"
        told = f"{each.group}：有人等待了 {seconds} 秒", f"{each.group}: waited {seconds} s"
        lines.append(told[language])
    lines += _why(change, language)
    for row in found.refused:
        rules = ("、", ", ")[language].join(RULES[Rule(each)][language] for each in row["broken"])
        groups, who = " ".join(row["groups"]), _word(row["source"], language)
        told = (
            f"此前 {_clock(row['at'])} {who}请求 {groups}，被拒绝：{rules}",
            f"before, at {_clock(row['at'])}, {who} wished for {groups}: refused, {rules}",
        )
        lines.append(told[language])
    return tuple(lines)


def _headline(found: Explanation, language: int) -> str:
    change = found.change
    when = _clock(change["at"])
    if change["topic"] != "signal.stage_applied":
        return f"{when} {_word(change['topic'], language)}"
    before = found.before["stage"] if found.before else None
    stage = change["stage"] or " ".join(change["details"]["groups"])
    who, cause = _word(change["source"], language), _word(change["cause"], language)
    told = (
        f"{when} 从 {before or '—'} 变为 {stage}：由{who}决定，原因：{cause}",
        f"{when} from {before or '—'} to {stage}: {who} decided, because {cause}",
    )
    return told[language]


def _why(change: Row, language: int) -> list[str]:
    why: dict[str, Any] = change["details"].get("why") or {}
    reasons = why.get("reasons") or {}
    bus = [_of_bus(reasons, language)] if reasons.get("because") == BUS_FIRST else []
    rests = ("依据", "it rested on")[language]
    lines = [*bus, *(f"{rests} {name}: {_said(value)}" for name, value in why.items())]
    command = change["details"].get("command")
    if command:
        told = (
            f"指令：纪元 {command[0]}，编号 {command[1]}",
            f"command: epoch {command[0]}, number {command[1]}",
        )
        lines.append(told[language])
    return lines


def _of_bus(reasons: dict[str, Any], language: int) -> str:
    """For which bus a strategy did otherwise than it would have."""
    early = reasons.get("how") == "green-begins-earlier"
    told = (
        f"公交优先：线路 {reasons.get('line')}{'，绿灯提前' if early else '，绿灯延长'}",
        f"priority for a bus of line {reasons.get('line')}: its green "
        + ("begins earlier" if early else "goes on"),
    )
    late, gap = reasons.get("late"), reasons.get("gap")
    parts = [told[language]]
    if late is not None:
        parts.append((f"晚点 {late} 秒", f"{late} s late")[language])
    if gap is not None:
        parts.append((f"与前车间隔 {gap} 秒", f"{gap} s behind the bus before")[language])
    return ("，", ", ")[language].join(parts)


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(each)}" for name, each in value.items())
    if isinstance(value, list):
        return " ".join(map(_said, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _word(code: str, language: int) -> str:
    return WORDS[code][language] if code in WORDS else code


def _clock(ms: int) -> str:
    """The city's time of day, in tenths of a second."""
    return f"{moment(ms // 100 * 100).astimezone(CITY_ZONE):%H:%M:%S.%f}"[:-5]
