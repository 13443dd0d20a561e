"""How long somebody waited (rule 6), and how long a green lasted meanwhile (rule 5)."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from citybrain.audit.signals.timeline import GREEN, Logged, Phase
from citybrain.definitions.signals.junction_file import JunctionFile, PedestrianGroup

Finding = tuple[int, int, tuple[str, ...], str, Logged, Logged]
DECISIONS = frozenset(
    f"signal.{name}"
    for name in (
        "day_opened",
        "stage_applied",
        "command_kept",
        "preemption_granted",
        "taken_in_hand",
        "flash_begun",
        "powered_up",
        "reset",
    )
)
REACTION_MS = 2000
"""A change that must come is made within this, once nothing else has to be awaited."""


def waits(
    file: JunctionFile, events: Sequence[Logged], shown: dict[str, list[Phase]], until: int
) -> Iterator[Finding]:
    """Those who waited too long, and greens that lasted too long for them."""
    others = _others_decide(events, until)
    gone_through = [(begin, _greens_coming(shown, end)) for begin, end in others]
    longest_minimum = max(_minimum_ms(file, code) for code in file.groups)
    conflicting = {frozenset(pair) for pair in file.conflicts}
    for call in (each for each in events if each.topic == "signal.called"):
        group, since = call.data["group"], call.data["since"]
        greens = [each for each in shown[group] if each.colour == GREEN]
        served = next((each for each in greens if each.begin >= since), None)
        end = until if served is None else served.begin
        limit = since + round(file.groups[group].longest_wait * 1000)
        allowed = _allowed(file, limit, gone_through)
        if end > allowed:
            text = f"waited {end - since} ms since {since}"
            yield 6, end, (group,), text, call, served.by if served else call
        for other, phases in shown.items():
            if frozenset((group, other)) not in conflicting:
                continue
            most = round(file.groups[other].maximum * 1000)
            for green in (each for each in phases if each.colour == GREEN):
                stopped = until if green.end is None else green.end
                over = max(green.begin + most, since)
                under_way = _under_way(file, shown, over, call)
                limit = max(over + longest_minimum, under_way) + REACTION_MS
                if min(stopped, end) > _allowed(file, limit, others, rounds=False):
                    text = f"green of {stopped - green.begin} ms while {group} waits"
                    yield 5, limit, (other, group), text, green.by, call


def _under_way(file: JunctionFile, shown: dict[str, list[Phase]], at: int, call: Logged) -> int:
    """When what was decided before `at` or the call, and is green only later, had its minimum.

    A change that has begun is gone through with; a clearance on foot may make it a long one.
    """
    ends = [
        each.begin + _minimum_ms(file, code)
        for code, phases in shown.items()
        for each in phases
        if each.colour == GREEN and each.begin > at
        if _at(each.by) < at or each.by.position < call.position
    ]
    return max(ends, default=at)


def _greens_coming(shown: dict[str, list[Phase]], at: int) -> int:
    """When all that was decided by `at` is green; `at` where it is. It is gone through with."""
    greens = (each for phases in shown.values() for each in phases if each.colour == GREEN)
    return max((each.begin for each in greens if _at(each.by) <= at < each.begin), default=at)


def _minimum_ms(file: JunctionFile, code: str) -> int:
    group = file.groups[code]
    return round((group.walk if isinstance(group, PedestrianGroup) else group.minimum) * 1000)


def _allowed(
    file: JunctionFile, limit: int, others: Sequence[tuple[int, int]], *, rounds: bool = True
) -> int:
    """The limit, or as long as somebody else decided, and one round from then on."""
    more = _round_ms(file) if rounds else REACTION_MS
    for begin, end in others:
        if begin <= limit:
            limit = max(limit, end + more)
    return limit


def _round_ms(file: JunctionFile) -> int:
    """The longest time that one after the other of all stages takes."""
    total = 0.0
    for stage, groups in file.stages.items():
        changes = [
            file.intergreens.get(one, {}).get(each, 0.0)
            for other, starting in file.stages.items()
            if other != stage
            for one in groups
            for each in starting
        ]
        for said in file.permissive:  # a turn that yields ends, and they are green again later
            yellows = [_yellow(file, code) for code in (said.turn, said.against)]
            changes.append(max(yellows) + file.limits.red_revert)
        total += max(_minimum_ms(file, each) for each in groups) / 1000 + max(changes, default=0.0)
    return round(total * 1000)


def _yellow(file: JunctionFile, code: str) -> float:
    group = file.groups[code]
    return 0.0 if isinstance(group, PedestrianGroup) else group.yellow


def _others_decide(events: Sequence[Logged], until: int) -> list[tuple[int, int]]:
    """When a person's hand, a pre-emption, flashing or a start held the junction, or nobody did.

    Nobody decided (`unattended`) for no longer than the log has no decision on its lamps.
    """
    found: list[tuple[int, int]] = []
    since: dict[str, int] = {}
    granted, decided = None, 0
    for event in events:
        data = event.data
        match event.topic:
            case "signal.taken_in_hand":
                since.setdefault("hand", _at(event))
            case "signal.hand_released":
                found.append((since.pop("hand", 0), data["at"]))
            case "signal.preemption_granted":
                since.setdefault("preemption", data["at"])
                granted = data["preemption"]
            case "signal.preemption_ended" if data["preemption"] == granted:
                found.append((since.pop("preemption", data["at"]), data["at"]))
            case "signal.flash_begun":
                since.setdefault("flash", data["at"])
            case "signal.reset":
                found.append((since.pop("flash", data["at"]), data["all_red_until"]))
            case "signal.powered_up":
                found.append((data["at"], data["all_red_until"]))
            case "signal.fault_raised" if data["fault"] == "unattended":
                found.append((max(decided, _ms(data["detail"])), _at(event)))
            case "signal.day_opened" if data["carried"]:
                _go_on(data["carried"], since)
        if event.topic in DECISIONS:
            decided = _at(event)
    found += [(begin, until) for begin in since.values()]
    return sorted(found)


def _go_on(carried: dict[str, object], since: dict[str, int]) -> None:
    """What held the junction when a day that is read first began."""
    for name, member in (("hand", "hand"), ("preemption", "granted"), ("flash", "flash")):
        if carried.get(member) is not None:
            since.setdefault(name, 0)


def _ms(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def _at(event: Logged) -> int:
    return int(event.data["timestamp_ms"])
